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


class State:
    """The state of one folder."""

    def __init__(self, path: Path, known: dict[str, Any], *, is_ours: bool) -> None:
        self._path = path
        self._known = known
        self.is_ours = is_ours
        """Whether floe made the folder."""

    @classmethod
    def read(cls, prefix: str, where: Path) -> "State":
        """What is known of the folder that is there now."""
        name = hashlib.sha256(os.fsencode(where)).hexdigest()[:16]
        path = Path(f"{prefix}.{name}.json")
        known = _sound(plain_text(path))
        is_ours = known.get("folder") == where.stat().st_ino
        return cls(path, known if is_ours else {}, is_ours=is_ours)

    def __getitem__(self, name: str) -> Any:
        return self._known.get(name)

    @property
    def tips(self) -> list[str]:
        """Commits that were fetched, the newest last."""
        return list(self._known.get("tips", ()))

    def fetched(self, commit: str) -> None:
        """Add a commit to the tips."""
        self._known["tips"] = [*(tip for tip in self.tips if tip != commit), commit][-TIPS_MAX:]

    def claim(self, where: Path) -> None:
        """Note that the folder is floe's."""
        self._known = {"folder": where.stat().st_ino}
        self.is_ours = True
        self.store()

    def restore_index(self, gitdir: Path) -> None:
        """Give git the index of the last checkout, with its times, if it is whole."""
        if not is_plain(self._index):
            return
        if hashlib.sha256(self._index.read_bytes()).hexdigest() == self["index"]:
            shutil.copy2(self._index, gitdir / "index")

    def checked_out(self, gitdir: Path, **known: Any) -> None:
        """Keep the index and what else is known of what lies in the folder now."""
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
        """Keep what is known."""
        fresh = self._fresh()
        fresh.write_text(json.dumps(self._known))
        if not is_plain(self._path):
            remove(self._path)
        fresh.replace(self._path)

    def _fresh(self) -> Path:
        """Where a file is written before it gets its name; nothing is there."""
        fresh = self._path.with_suffix(".new")
        remove(fresh)
        return fresh


def _sound(text: str) -> dict[str, Any]:
    """What a file of the state says; empty where it is not as floe writes it."""
    try:
        known = json.loads(text)
    except (ValueError, RecursionError):  # none yet, or lost with the power
        return {}
    if not isinstance(known, dict):
        return {}
    tips = known.get("tips", [])
    if not isinstance(tips, list):
        return {}
    commits = [*tips, *([known["commit"]] if "commit" in known else [])]
    is_sound = all(isinstance(c, str) and FULL_HASH.fullmatch(c) for c in commits)
    return known if is_sound else {}
