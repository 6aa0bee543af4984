"""Compiles documents in several languages into flows for floe's one engine."""
