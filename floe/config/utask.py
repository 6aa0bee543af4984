"""What `utask:` of `common:` says: where templates are, and what their steps may use."""

import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from floe.dialects.floe.vocabulary import (
    COMMON_UTASK,
    UTASK_BASE_URL,
    UTASK_BIND,
    UTASK_CONCEALED,
    UTASK_FUNCTIONS,
    UTASK_INIT,
    UTASK_ITEMS,
    UTASK_LIMITS,
    UTASK_MAP,
    UTASK_PLUGINS,
    UTASK_REGION,
    UTASK_RESOURCE_TIMEOUT,
    UTASK_SCRIPTS,
    UTASK_TEMPLATES,
)
from floe.dialects.kinds import Unfit, Whole
from floe.dialects.notes import Notes
from floe.dialects.section import SectionValues
from floe.dialects.tree import Table
from floe.model.nouns import dataclass
from floe.server.settings import Bind, is_loopback, split_address

LIMIT: Final = Whole(0, 1_000_000)
STDIN: Final = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class UtaskSettings:
    """The settings of uTask on a host. Paths are absolute and need not exist."""

    templates: tuple[Path, ...] = ()
    """Folders of templates."""
    functions: Path | None = None
    """None for no functions."""
    scripts: Path | None = None
    """None for no scripts."""
    plugins: Path | None = None
    """None for no further actions."""
    init: Path | None = None
    """None for nothing to run at the start."""
    items: Path | None = None
    """The folder of configuration items; None for none."""
    concealed: tuple[str, ...] = UTASK_CONCEALED.default
    """Items that no template sees."""
    region: str = UTASK_REGION.default
    resource_limits: Mapping[str, int] = field(default_factory=dict)
    """How many executions at once may have a resource, by its name."""
    resource_timeout_s: float | None = UTASK_RESOURCE_TIMEOUT.default
    """Seconds that an execution waits for a resource; None for no limit."""
    bind: str = ""
    """An address for uTask's API alone; empty for none."""
    base_url: str = ""
    """The URL of uTask's API for others, without a slash at its end; empty where none is given."""


def read_utask(common: SectionValues, notes: Notes) -> UtaskSettings:
    """Read `utask:` of `common:`; a part with an error has its default.

    Folders are relative to the one of the document.
    """
    if not (table := common[COMMON_UTASK]):
        return UtaskSettings()
    part = UTASK_MAP.read(table, notes)
    bind = part[UTASK_BIND]
    try:
        split_address(bind or ":0")
    except ValueError:
        notes.error(part.at_of(UTASK_BIND), f"cannot bind `{bind[:70]}`", "host:port")
        bind = ""

    def folder(name: str) -> Path | None:
        # Path.expanduser would raise for an unknown user; this way such a path is just not found.
        return Path(beside, os.path.expanduser(name)) if name else None  # noqa: PTH111

    beside = Path() if notes.file == STDIN else Path(notes.file).absolute().parent
    return UtaskSettings(
        templates=tuple(path for name in part[UTASK_TEMPLATES] if (path := folder(name))),
        functions=folder(part[UTASK_FUNCTIONS]),
        scripts=folder(part[UTASK_SCRIPTS]),
        plugins=folder(part[UTASK_PLUGINS]),
        init=folder(part[UTASK_INIT]),
        items=folder(part[UTASK_ITEMS]),
        concealed=part[UTASK_CONCEALED],
        region=part[UTASK_REGION],
        resource_limits=_limits(part[UTASK_LIMITS], notes),
        resource_timeout_s=part[UTASK_RESOURCE_TIMEOUT] or None,
        bind=bind,
        base_url=part[UTASK_BASE_URL].rstrip("/"),
    )


def check_utask_bind(bind: Bind, common: SectionValues, notes: Notes) -> None:
    """Refuse an address at which other machines would use uTask's API unencrypted."""
    if not bind.cert and not is_loopback(split_address(bind.address)[0]):
        what = f"{bind.address} is open to other machines, and nothing there would be encrypted"
        hint = "give -pub_cert and -pub_key; --insecure if the network is trusted"
        notes.error(common.at_of(COMMON_UTASK), what, hint)


def _limits(table: Table | None, notes: Notes) -> Mapping[str, int]:
    limits: dict[str, int] = {}
    for name, (_, tree) in (table.entries if table else {}).items():
        try:
            limits[name] = LIMIT.read(tree, name, notes)
        except Unfit as e:
            notes.error(e.at, e.what, e.hint)
    return limits
