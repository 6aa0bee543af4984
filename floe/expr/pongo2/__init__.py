"""The templates of flyte's flows: pongo2 of 2019, which is close to Django's and far from Jinja's.

A text is split into tokens and parsed into functions once; a rendering takes names, and gives text
within bounds of steps and size. Values are those of Go's JSON: no object of Python, no clock and no
chance of its own.

Source: pongo2, https://github.com/flosch/pongo2; docs/flyte.md, "Templates".
"""
