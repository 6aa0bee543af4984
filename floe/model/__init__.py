"""The nouns of floe: frozen, JSON-shaped values that every package shares.

They parse, print and encode themselves, and do nothing else; nothing here does I/O.
"""
