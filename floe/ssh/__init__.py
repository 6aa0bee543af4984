"""The program that ssh nodes run: one command on a different machine, over one connection.

It is copied before it starts (`nodes/program_copies.py`). It needs asyncssh, and nothing of floe.
"""
