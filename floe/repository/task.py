"""What the program is asked for, and how it ends when it cannot do that."""

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
    """One attempt of git-checkout or git-merge, or the reading of one file. Operands are data."""

    operation: str
    """`checkout`, `merge` or `show`."""
    where: str
    """The repository's folder, absolute, with no link in it."""
    state: str
    """Where floe keeps what it knows of the folder, outside of it: the beginning of file names."""
    kind: str
    """What says which commit: `hash`, `ref` or `branch`."""
    value: str
    url: str
    other: str = ""
    """merge: what is merged into the commit; show: the path of the file."""
    submodules: str = ""
    """Empty for none, else `true` or `recursive`."""
    lfs: bool = False

    @classmethod
    def parse(cls, text: str) -> "Task":
        """Read the program's argument."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """The program's argument."""
        return json.dumps(self._asdict())


class Failed(Exception):
    """The attempt ends bad; the text says why."""

    status = 1


class NoSuchFile(Failed):
    """The commit is there and the file is not."""

    status = 3


def is_allowed(url: str) -> bool:
    """Whether git may be given a URL: it is no option and names no remote helper (`ext::`)."""
    return bool(url) and not url.startswith("-") and not _HELPER.match(url)


def is_local(url: str) -> bool:
    """Whether a URL is of this machine's files: `file://` or a path, as git tells them apart."""
    scheme = _SCHEME.match(url)
    if scheme:
        return scheme[1].lower() == "file"
    return not re.match(r"[^/]+:", url)


def say(text: str) -> None:
    """A line of the attempt's output, without passwords."""
    sys.stdout.flush()
    sys.stderr.write(without_password(text) + "\n")
    sys.stderr.flush()


def shown(name: bytes) -> str:
    """A file's name in people's characters; what is no text, or would move the cursor, escaped."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
