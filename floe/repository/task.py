"""The tasks of the program, and the errors it ends with."""

import json
import re
import sys
from typing import Final, NamedTuple

from floe.model.secret import without_password

HASH: Final = re.compile(r"[0-9a-f]{7,64}")
FULL_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HELPER: Final = re.compile(r"[A-Za-z0-9+.-]*::")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Task(NamedTuple):
    """One attempt of git-checkout or git-merge, or reading one file. Operands are data."""

    operation: str
    """`checkout`, `merge` or `show`."""
    where: str
    """The repository's folder, as an absolute path without links."""
    state: str
    """The prefix of the files, outside of the folder, with floe's state about it."""
    kind: str
    """Which of `hash`, `ref` and `branch` names the commit."""
    value: str
    url: str
    other: str = ""
    """merge: the ref to merge into the commit; show: the path of the file."""
    submodules: str = ""
    """Empty for none, otherwise `true` or `recursive`."""
    lfs: bool = False

    @classmethod
    def parse(cls, text: str) -> "Task":
        """Parse the program's argument."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """The program's argument."""
        return json.dumps(self._asdict())


class TaskFailed(Exception):
    """The attempt ends bad; the text is the reason."""

    status = 1


class NoSuchFile(TaskFailed):
    """The commit exists, but the file does not."""

    status = 3


def is_allowed(url: str) -> bool:
    """Whether the URL of a task is safe for git: no option, and no remote helper (`ext::`)."""
    return bool(url) and not url.startswith("-") and not _HELPER.match(url)


def is_local(url: str) -> bool:
    """Whether the URL of a task names local files, by git's rules: `file://` or a path."""
    scheme = _SCHEME.match(url)
    if scheme:
        return scheme[1].lower() == "file"
    return not re.match(r"[^/]+:", url)


def print_line(text: str) -> None:
    """Print a line to the output of the task's attempt, without passwords."""
    sys.stdout.flush()
    sys.stderr.write(without_password(text) + "\n")
    sys.stderr.flush()


def escaped(name: bytes) -> str:
    """A file's name in the output of a task: bytes that are not text are escaped."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
