"""The expressions of floe's own flow language: the part of Jinja's that people use, and bounded.

Text is split into tokens, parsed into a tree and compiled to functions once; an evaluation takes
JSON and fuel and gives JSON. No statement, no macro, no method, no object of Python, no clock.

Source: docs/flows.md, "Expressions".
"""
