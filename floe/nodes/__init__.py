"""Hands: executors behind the port of `base`, workspaces, and the warden's client.

Whatever runs something for a user lives here; whether it should run is the kernel's word.
"""
