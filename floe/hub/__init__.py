"""The shell around the host's decisions: one writer per host, a batch of inputs at a time.

`host` decides what happens next; this room stores it, publishes it and carries it out. The hub
knows no HTTP, no YAML and no database: it sees only the `base` of store, nodes, peers and dialects.
"""
