"""Runs at rest that are not in memory."""
