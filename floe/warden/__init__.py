"""The small process that owns users' commands and outlives the hub.

It uses the standard library only, and nothing of floe: it is started from a copy of this folder.
"""
