"""A separate program: checks out, merges and reads commits of a repository.

It runs from a copy, without floe's dependencies: of floe it imports only `model.secret` and itself.
"""
