"""Evaluator processes: they judge what the runs of a dialect ask, off the hub's loop, with limits.

A process holds nothing that matters. It can be killed at any time: what it judged is asked again.
"""
