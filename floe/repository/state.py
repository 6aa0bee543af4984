"""What floe knows of a folder that it checked out, kept beside the workspace, not in it.

The index is a copy: what git knows of the files there since floe wrote them. A step that changes a
file, its index flags or its config changes nothing here, so floe sees which files are no longer
the commit's.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

from floe.repository.paths import is_plain, plain_text, remove
from floe.repository.task import FULL_HASH

TIPS_MAX: Final = 100


class FolderState:
    """The state of one folder."""

    def __init__(self, path: Path, known: dict[str, Any], *, is_ours: bool) -> None:
        self._path = path
        self._known = known
        self.is_ours = is_ours
        """Whether floe created the folder."""

    @classmethod
    def read(cls, prefix: str, where: Path) -> "FolderState":
        """The state of the folder that exists now."""
        name = hashlib.sha256(os.fsencode(where)).hexdigest()[:16]
        path = Path(f"{prefix}.{name}.json")
        known = _sound(plain_text(path))
        is_ours = known.get("folder") == where.stat().st_ino
        return cls(path, known if is_ours else {}, is_ours=is_ours)

    def __getitem__(self, name: str) -> Any:
        return self._known.get(name)

    @property
    def tips(self) -> list[str]:
        """The fetched commits, the newest last."""
        return list(self._known.get("tips", ()))

    def fetched(self, commit: str) -> None:
        """Add a commit to the tips."""
        self._known["tips"] = [*(tip for tip in self.tips if tip != commit), commit][-TIPS_MAX:]

    def claim(self, where: Path) -> None:
        """Record that the folder is floe's."""
        self._known = {"folder": where.stat().st_ino}
        self.is_ours = True
        self.store()

    def restore_index(self, gitdir: Path) -> None:
        """Restore git's index of the last checkout, with its times, if it is complete."""
        if not is_plain(self._index):
            return
        if hashlib.sha256(self._index.read_bytes()).hexdigest() == self["index"]:
            shutil.copy2(self._index, gitdir / "index")

    def checked_out(self, gitdir: Path, **known: Any) -> None:
        """Save the index and the state of the files in the folder."""
        fresh = self._fresh()
        shutil.copy2(gitdir / "index", fresh)
        if not is_plain(self._index):
            remove(self._index)
        fresh.replace(self._index)
        digest = hashlib.sha256(self._index.read_bytes()).hexdigest()
        self._known |= {"index": digest, **known}
        self.store()

    @property
    def _index(self) -> Path:
        return self._path.with_suffix(".index")

    def store(self) -> None:
        """Save the state."""
        fresh = self._fresh()
        fresh.write_text(json.dumps(self._known))
        if not is_plain(self._path):
            remove(self._path)
        fresh.replace(self._path)

    def _fresh(self) -> Path:
        """The path at which a file is written before it gets its name; nothing is there."""
        fresh = self._path.with_suffix(".new")
        remove(fresh)
        return fresh


def _sound(text: str) -> dict[str, Any]:
    """Parse a state file; empty if it is not in floe's format."""
    try:
        known = json.loads(text)
    except (ValueError, RecursionError):  # none yet, or lost in a power failure
        return {}
    if not isinstance(known, dict):
        return {}
    tips = known.get("tips", [])
    if not isinstance(tips, list):
        return {}
    commits = [*tips, *([known["commit"]] if "commit" in known else [])]
    is_sound = all(isinstance(c, str) and FULL_HASH.fullmatch(c) for c in commits)
    return known if is_sound else {}
