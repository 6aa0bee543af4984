"""Checks the messages of commits: a subject that fits, and a body that says why.

`scripts/commits` runs it. Nothing but the standard library and git, since a hook runs it as well.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

BASE: Final = "ada710ac840bec1e744110dd1dc09d8e7734ffa2"
"""Commits after this one are checked; the history before it stays as it is."""
SUBJECT_MAX: Final = 72
TRIVIAL_LINES: Final = 5
"""A change of one file and of so many lines, added and removed, needs no reason."""
HINT: Final = """\
The subject has at most 72 columns, the room and an imperative: "kernel: end a run that is at rest".
After an empty line the body says what was wrong or missing, why this way, and how it was shown."""


def faults(message: str, changed: str | None) -> Iterator[str]:
    """What is wrong with a message. `changed` is `git diff --numstat`; None: not known."""
    lines = [line for line in message.splitlines() if not line.startswith("#")]
    subject, rest = (lines[0], lines[1:]) if lines else ("", [])
    if not subject.strip():
        yield "has no subject"
    if len(subject) > SUBJECT_MAX:
        yield f"has a subject of {len(subject)} columns"
    if rest and rest[0].strip():
        yield "has no empty line after its subject"
    if changed is not None and not is_trivial(changed) and not any(line.strip() for line in rest):
        yield "has no body"


def is_trivial(changed: str) -> bool:
    """Whether a change is too small to need a reason."""
    rows = [row.split("\t") for row in changed.splitlines() if row]
    counts = [
        int(count) for added, removed, _ in rows for count in (added, removed) if count != "-"
    ]
    return len(rows) <= 1 and len(counts) == 2 * len(rows) and sum(counts) <= TRIVIAL_LINES


def checked(folder: Path, base: str) -> Iterator[str]:
    """What is wrong with each commit of HEAD after `base`; merges are left out.

    A shallow clone has only the newest commits, and its oldest without what they changed.
    Raises LookupError where the history is complete and has no such base.
    """
    shallow = Path(folder, git(folder, "rev-parse", "--git-path", "shallow").strip())
    cut = shallow.read_text().split() if shallow.exists() else []
    commits = ["HEAD"]
    if is_there(folder, base):
        commits = [f"{base}..HEAD"]
    elif not cut:
        raise LookupError(base)
    for commit in git(folder, "rev-list", "--no-merges", "--reverse", *commits).split():
        message = git(folder, "show", "--no-patch", "--format=%B", commit)
        is_known = commit not in cut
        changed = git(folder, "show", "--numstat", "--format=", commit) if is_known else None
        for fault in faults(message, changed):
            yield f'{commit[:12]} "{message.splitlines()[0] if message else ""}" {fault}'


def is_there(folder: Path, commit: str) -> bool:
    """Whether the clone has a commit, and HEAD descends from it."""
    asked = ["git", "-C", str(folder), "merge-base", "--is-ancestor", commit, "HEAD"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main(arguments: list[str]) -> int:
    """Check the commits of this checkout, or with `--message FILE` one that is about to be made."""
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        sys.stdout.write("floe: there is no git history here, so no message to check\n")
        return 0
    try:
        found = [*announced(root, Path(arguments[1]))] if arguments else [*checked(root, BASE)]
    except LookupError:
        found = [f"the history has no commit {BASE}: fetch it, or name another in {__file__}"]
    if found:
        sys.stderr.write("\n".join((*found, HINT, "")))
    return 1 if found else 0


def announced(folder: Path, file: Path) -> Iterator[str]:
    """What is wrong with the message in a file, of the change that is staged."""
    message = file.read_text(encoding="utf-8")
    if not message.startswith(("fixup!", "squash!", "amend!", "Merge ")):
        for fault in faults(message, git(folder, "diff", "--cached", "--numstat")):
            yield f"this commit {fault}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
