"""The shared rows of the cluster, as this host reads and writes them."""
