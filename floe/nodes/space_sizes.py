"""The sizes of workspaces: measured now and then, in a thread that rests often."""

import os
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from floe.nodes.base import Space, Spaces

NAP_FILES: Final = 100
"""Files and folders looked at before the thread that measures rests, so that it slows nothing
else."""

NAP_S: Final = 0.002
BLOCK_BYTES: Final = 512


class MeasuredSpaces:
    """The sizes of workspaces. Those of ended runs are measured once."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces
        self._known: dict[Space, int] = {}

    def measure(self, unfinished: Collection[str]) -> Mapping[Space, int]:
        """The size of each workspace; `unfinished` are the keys of runs that still change theirs.

        Blocks. Raises OSError.
        """
        known, pause = self._known, _Pause()
        self._known = {
            space: known[space]
            if space in known and space.run and space.run not in unfinished
            else _size(self._spaces.path(space), pause)
            for space in self._spaces.each()
        }
        return {**self._known}


class _Pause:
    """Rests after some files and folders."""

    def __init__(self) -> None:
        self._files = 0

    def tick(self) -> None:
        self._files += 1
        if self._files % NAP_FILES == 0:
            time.sleep(NAP_S)


def _size(folder: Path, pause: _Pause) -> int:
    """The bytes on disk below a folder; links are counted, not followed."""
    size, todo = 0, [str(folder)]
    while todo:
        pause.tick()  # an empty workspace takes time, too
        with suppress(OSError), os.scandir(todo.pop()) as entries:
            for entry in entries:
                pause.tick()
                with suppress(OSError):
                    size += entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
    return size
