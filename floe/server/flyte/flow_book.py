"""The current flows of flyte in this host's copy, read once for each change of the copy."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from floe.dialects.flyte.compiled import compiled, flow_id_of, step_of
from floe.dialects.flyte.current_flows import FLOW, VERSION
from floe.hub.shared.named_rows import NamedRow, NamedRows
from floe.hub.shared.shared_rows import SharedRows
from floe.model.flow import Flow
from floe.model.ids import FlowId, Instant, Shape

DESCRIPTION: Final = "description"


class FlowVersion(NamedTuple):
    """A version of a flow, as it was posted."""

    uuid: str
    name: str
    description: str
    flow: Flow
    at: Instant
    by: str

    @property
    def steps(self) -> Sequence[Shape]:
        """Its steps, as in its document."""
        return [step_of(node) for node in self.flow.nodes]


class FlyteFlows:
    """The flows by id, each with its current version."""

    def __init__(self, shared: SharedRows) -> None:
        self._flows = NamedRows(shared, FLOW)
        self._versions = NamedRows(shared, VERSION)
        self._known: dict[str, FlowVersion] = {}
        """By uuid: a version never changes."""
        self._current: dict[FlowId, FlowVersion] | None = None
        """None while it is to be read."""
        self.number = 0
        """Counts the changes, for what is derived from the flows."""
        shared.changed.append(self._forget)

    def find(self, id: str) -> FlowVersion | None:
        """The current version of a flow; None where there is no such flow. Raises World."""
        return self._read().get(FlowId(id))

    def all(self) -> list[FlowVersion]:
        """The current versions, by name. Raises World."""
        return sorted(self._read().values(), key=lambda version: version.name)

    def stored(self, name: str) -> list[FlowVersion]:
        """The versions of a flow that are still stored, the newest first. Raises World."""
        self._read()
        same = [version for version in self._known.values() if version.name == name]
        return sorted(same, key=lambda version: version.at, reverse=True)

    def _read(self) -> Mapping[FlowId, FlowVersion]:
        if self._current is None:
            self._known = dict(self._all_versions())
            known = (self._known.get(str(row.value)) for row in self._flows.all())
            self._current = {flow_id_of(one.name): one for one in known if one is not None}
        return self._current

    def _all_versions(self) -> Iterator[tuple[str, FlowVersion]]:
        for row in self._versions.all():
            yield row.name, self._known.get(row.name) or _version(row)

    def _forget(self) -> None:
        self._current = None
        self.number += 1


def _version(row: NamedRow) -> FlowVersion:
    assert isinstance(row.value, Mapping), "the document of a flow is an object"
    document = dict(row.value)
    return FlowVersion(
        uuid=row.name,
        name=str(document["name"]),
        description=str(document.get(DESCRIPTION, "")),
        flow=compiled(document, row.name),
        at=Instant(row.row.at),
        by=row.row.by,
    )
