"""A program of its own: makes a folder what a commit of a repository says.

It runs from a copy, without floe's dependencies: of floe it imports `model.secret` and itself.
"""
