"""Measures a real host beside floors of the same machine. Imports floe only to fill a store with
history."""
