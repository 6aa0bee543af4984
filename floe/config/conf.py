"""Finds the host config, and reads local documents."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from floe.config.flags import Flags, merged
from floe.dialects.notes import Notes, Position
from floe.dialects.tree import DOCUMENT_BYTES_MAX, decoded
from floe.files import read_named, reason_of
from floe.model.errors import ConfigInvalid
from floe.model.nouns import dataclass

PACKAGED: Final = Path(__file__).parents[1] / "configs" / "default.yml"


@dataclass(frozen=True, slots=True)
class Conf:
    """The document to read, and the reason for that choice."""

    name: str
    why: str


def which_conf(flags: Flags, environ: Mapping[str, str], cwd: Path) -> Conf:
    """Choose the host config: `-conf`, else ./default.yml, else ./config.yml, else the packaged."""
    given = merged(flags, environ).conf
    if given:
        return Conf(given, "given by -conf")
    for name in ("default.yml", "config.yml"):
        if (cwd / name).is_file():
            return Conf(str(cwd / name), f"found ./{name}")
    return Conf(str(PACKAGED), "the packaged default: no ./default.yml or ./config.yml")


def read_local(path: str) -> str:
    """The text of a local conf, at most 1 MiB. Raises ConfigInvalid if it cannot be read."""
    notes = Notes(path)
    try:
        text = decoded(read_named(Path(path), DOCUMENT_BYTES_MAX), notes)
    except (OSError, ValueError) as e:
        reason = reason_of(e) if isinstance(e, OSError) else str(e)
        notes.error(Position(), f"cannot be read: {reason}", "check the path")
        text = None
    if text is None:
        raise ConfigInvalid(notes.findings)
    return text
