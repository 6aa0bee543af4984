"""What judges a task besides its run: items of the host's config, its region, and the ids of tasks.

A host makes it as JSON for its evaluator processes, which read nothing else.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final, cast

from floe.dialects.base import Around, SharedRowReader
from floe.model.codec import to_text
from floe.model.flow import Flow
from floe.model.ids import Json, Shape

DIALECT: Final = "utask"

KEYS: Final = "utask.key"
"""The kind of the one shared row with the key of the hash in ids."""

REGION: Final = "default"

CURRENT: Final = ("variables", "inputs")
"""What counts of the template that the host has now, also for a task of an earlier version."""


class CurrentConfig:
    """What the judgements of tasks read at one host: its config as it was last read."""

    def __init__(self) -> None:
        self._config: Mapping[str, Json] = {}
        self._region = REGION
        self._templates: Mapping[str, Shape] = {}

    def read(self, config: Mapping[str, Json], region: str, flows: Iterable[Flow]) -> None:
        """Take the items and the region of a config that was read, and the flows of templates."""
        self._config, self._region = config, region
        documents = ((flow.name, cast(Shape, flow.document)) for flow in flows)
        self._templates = {
            name: {key: one["template"].get(key, []) for key in CURRENT} for name, one in documents
        }

    async def flows_of(self, event: Json, rows: SharedRowReader) -> Mapping[str, Flow]:
        """None: no event opens a task."""
        return {}

    def around(self, flow: Flow, digest: str, rows: SharedRowReader) -> Around | None:
        """As in the port."""
        read: Shape = {"config": dict(self._config), "region": self._region}
        if keys := [row.value for row in rows.of_kind(KEYS)]:
            read["ids"] = keys[0]
        read |= self._templates.get(flow.name, {})
        body = to_text(read).encode()
        return Around(sha256(body).hexdigest()[:16], body)
