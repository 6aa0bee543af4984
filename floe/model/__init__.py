"""Nouns of floe: frozen, JSON-shaped values shared by every room.

No behaviour beyond parsing, printing and encoding themselves; nothing here does I/O.
"""
