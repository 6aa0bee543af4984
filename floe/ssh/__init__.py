"""The program that ssh nodes run: one command on a different machine, over one connection.

It is copied before it starts (`nodes/copies.py`), and needs asyncssh and nothing else of floe.
"""
