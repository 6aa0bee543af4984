"""What locks/ names, as scripts/lock writes it."""

import re
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def locked(name: str) -> list[tuple[Requirement, list[str]]]:
    """List the requirements of a lock, each with its hashes."""
    text = (ROOT / f"locks/{name}.txt").read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and line[0] not in "#-"]
    return [
        (Requirement(line.split(" --hash")[0]), re.findall(r" --hash=sha256:[0-9a-f]{64}", line))
        for line in lines
    ]


def versions(name: str) -> dict[str, str]:
    """Give the version that a lock takes of each package."""
    return {
        requirement.name.lower(): str(requirement.specifier).removeprefix("==")
        for requirement, _ in locked(name)
    }
