"""What the calls of dialects do, in the process of a host."""
