"""Tests of flows: the kernel runs them in virtual time, and nothing else runs.

Source: docs/flows.md, "Tests".
"""
