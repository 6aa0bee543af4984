"""A log that the shell is to read for the core."""

from typing import NamedTuple

from floe.model.ids import RunRef


class WantedLog(NamedTuple):
    """A log that is to be read, after a sequence number."""

    run: RunRef
    after: int
