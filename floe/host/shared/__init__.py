"""Shared rows: the keeper's writes, and the copies of all hosts."""
