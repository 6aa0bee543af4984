"""The flows that an event concerns, as the rows of a host have them."""

import base64
import json
from collections.abc import Sequence

import pytest

from floe.dialects.flyte.current_flows import CurrentFlows
from floe.model.codec import digest_of
from floe.model.errors import World
from floe.model.ids import Instant, Json
from floe.model.named_row import row_key
from floe.model.shared_row import RowOrigin, SharedRow
from tests.unit.dialects.flyte.runs import a_step, an_event


class Rows:
    """Shared rows, written one after the other."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], SharedRow] = {}
        self.number = 0

    def of_kind(self, kind: str) -> Sequence[SharedRow]:
        rows = sorted(self.rows.values(), key=lambda row: row.number)
        return [row for row in rows if row.kind == kind]

    def write(self, kind: str, name: str, value: Json) -> None:
        self.number += 1
        origin = RowOrigin(sequence="s.1", number=self.number)
        self.rows[kind, row_key(name)] = SharedRow(
            kind=kind,
            key=row_key(name),
            value={"name": name, "value": value},
            number=self.number,
            at=Instant(0),
            by="flyte",
            origin=origin,
        )

    def post(self, name: str, *steps: Json) -> None:
        uuid = f"{self.number:024x}"
        self.write("flyte.version", uuid, {"name": name, "steps": list(steps)})
        self.write("flyte.flow", name, uuid)

    def store(self, key: str, content: str) -> None:
        content = base64.b64encode(content.encode()).decode()
        self.write("flyte.item", key, {"content": content, "contentType": "text/plain"})


async def named(flows: CurrentFlows, rows: Rows, event: str = "E", pack: str = "P") -> list[str]:
    found = await flows.flows_of(an_event(event, pack=pack), rows)
    assert list(found) == [digest_of(flow) for flow in found.values()]
    return [flow.name for flow in found.values()]


async def test_event_concerns_the_flows_that_begin_with_it() -> None:
    rows, flows = Rows(), CurrentFlows()
    rows.post("a", a_step("x"), a_step("y"))
    rows.post("b", a_step("x", event="F"), a_step("y", ["x"]))
    rows.post("c", a_step("x", pack="R"), a_step("y"))

    assert await named(flows, rows) == ["a", "c"]
    assert await named(flows, rows, "F") == ["b"]
    assert await named(flows, rows, "G") == []


async def test_replaced_flow_is_a_different_version_and_a_deleted_one_is_gone() -> None:
    rows, flows = Rows(), CurrentFlows()
    rows.post("a", a_step("x"))
    first = await flows.flows_of(an_event(), rows)
    rows.post("a", a_step("x"))
    second = await flows.flows_of(an_event(), rows)
    del rows.rows["flyte.flow", row_key("a")]
    rows.number += 1

    assert first.keys() != second.keys()
    assert await named(flows, rows) == []


async def test_version_that_has_not_come_yet_lets_the_event_wait() -> None:
    rows, flows = Rows(), CurrentFlows()
    rows.write("flyte.flow", "a", "0" * 24)

    with pytest.raises(World, match="is not in this copy"):
        await flows.flows_of(an_event(), rows)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("{{ datastore('a') }} {{ datastore( \"b\" ) }}", ["a", "b"]),
        ("{{ datastore(Context.k) }}", ["a", "b", "c"]),
        ("{{ template(Event.Payload.t, Context) }}", ["a", "b", "c"]),
        ("{{ Event.Name }}", None),
    ],
)
async def test_judgements_of_a_flow_read_the_items_that_its_templates_name(
    text: str, items: list[str] | None
) -> None:
    rows, flows = Rows(), CurrentFlows()
    for key in ("a", "b", "c"):
        rows.store(key, key)
    rows.post("f", a_step("x", context={"k": text}))
    [(digest, flow)] = (await flows.flows_of(an_event(), rows)).items()
    around = flows.around(flow, digest, rows)

    assert (list(json.loads(around.body)) if around else None) == items


async def test_changed_item_changes_what_judgements_read() -> None:
    rows, flows = Rows(), CurrentFlows()
    rows.store("a", "1")
    rows.post("f", a_step("x", criteria="{{ datastore('a') }}"))
    [(digest, flow)] = (await flows.flows_of(an_event(), rows)).items()
    before = flows.around(flow, digest, rows)
    rows.store("b", "2")
    same = flows.around(flow, digest, rows)
    rows.store("a", "3")
    after = flows.around(flow, digest, rows)

    assert before == same != after
