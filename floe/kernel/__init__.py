"""Decides what a run does next: pure, synchronous and total.

No clock, no I/O, no logging, no randomness: time, ids and jitter come in as arguments.
"""
