"""The shell around the kernel: one writer per host, a batch of signals at a time.

`core` decides what a host does next, without I/O; the rest carries it out. The hub knows no HTTP,
no YAML and no database: it sees only the `base` of store, nodes, peers and dialects.
"""
