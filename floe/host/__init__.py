"""Host decisions: what a host does next, from its runs and from what the other hosts send.

Pure: no clock, no I/O, no event loop. `hub` feeds inputs in and carries the decisions out.
"""
