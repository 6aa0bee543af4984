"""The small process that owns users' commands and outlives the hub.

Standard library only, and nothing of floe: it is started by file path from a copy.
"""
