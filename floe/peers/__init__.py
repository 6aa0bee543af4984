"""Connections to the other hosts, behind the port of `base`. `host` decides the messages."""
