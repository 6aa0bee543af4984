"""Explains to people why a merge was not possible."""

from typing import Final

from floe.repository.command import GitCommand
from floe.repository.task import escaped, print_line

BINARY: Final = b"-\t-\t"


def conflicts(git: GitCommand, ours: str, theirs: str, into: str, other: str) -> list[str]:
    """The files in conflict, each with its reason unless both sides just changed it."""
    words = {
        "DD": "renamed in both, to different names",
        "AU": f"a new name in {into}",
        "UA": f"a new name in {other}",
        "DU": f"deleted in {into}, changed in {other}",
        "UD": f"changed in {into}, deleted in {other}",
        "AA": "new in both",
    }
    status = git.run(
        *("status", "--porcelain=v2", "-z", "--untracked-files=no", "--ignore-submodules=all")
    )
    found = []
    for line in status.split(b"\0"):
        if line.startswith(b"u "):
            fields = line.split(b" ", 10)
            found.append((fields[1].decode(), fields[2].decode(), fields[10]))
    listing = git.run("diff", "--numstat", "-z", "--no-renames", ours, theirs).split(b"\0")
    binary = {line.removeprefix(BINARY) for line in listing if line.startswith(BINARY)}
    names = []
    for how, submodule, path in found:
        about = [words[how]] if how in words else []
        about += ["binary"] if path in binary else []
        about += ["a submodule"] if submodule.startswith("S") else []
        names.append(escaped(path) + (f" ({', '.join(about)})" if about else ""))
    return names


def print_conflicts(names: list[str], into: str, other: str) -> None:
    """Print the last lines of an attempt with conflicts."""
    print_line(f"floe: {other} does not merge into {into}; files in conflict:")
    for name in names:
        print_line(name)
