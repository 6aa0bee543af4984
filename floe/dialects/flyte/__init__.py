"""The flows of flyte: how their documents are read, and what a step makes of an event.

Everything here is pure. Names, ids and labels are any texts, as in flyte.

Source: docs/flyte.md.
"""
