"""The feed: facts of this host and of the other hosts as one stream, and the directory of runs."""
