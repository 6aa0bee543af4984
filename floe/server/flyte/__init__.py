"""The API of flyte: what its packs, clients and flows need to run against a floe host unchanged.

Source: the behaviour of the flyte server of 2022; docs/flyte.md has what differs on purpose.
"""
