"""Executors behind the port of `base`, workspaces, and the warden's client.

Everything that runs work for a user is here; the kernel decides what runs.
"""
