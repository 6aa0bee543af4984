"""The other hosts: who is there, and how runs are handed over to them."""
