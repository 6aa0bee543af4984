"""Executions of uTask's actions in tests: a configuration in, and the answer of its call."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from floe.calls.utask.calls import actions_of
from floe.calls.utask.settings import UtaskCallSettings
from floe.dialects.go_scalars import UTASK
from floe.dialects.go_yaml import json_value, parse_go_yaml
from floe.dialects.notes import Notes
from floe.dialects.utask.compiled import compiled
from floe.dialects.utask.creation import CREATE_KIND
from floe.dialects.utask.evaluator import EVALUATOR
from floe.dialects.utask.texts import exact, render_leaves, renderer
from floe.hub.flows import FlowBook
from floe.model.call import Call
from floe.model.errors import KeeperAway, NotFound, World, Yours
from floe.model.ids import HostId, Instant, Json, Key
from floe.model.run import Run
from floe.model.shared_row import RowOrigin, SharedRow, row_fault
from floe.model.signal import Answered, Failed
from floe.nodes.base import Job
from floe.nodes.call_ground import CallGround
from tests.go_templates import StillWorld
from tests.make import a_run
from tests.make_nodes import a_job, a_key
from tests.utask_host import load


class OwnRows:
    """The shared rows of a host that keeps them itself."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], SharedRow] = {}
        self.is_away = False

    async def find(self, kind: str, key: str, *, reached: int = 0) -> SharedRow | None:
        if self.is_away:
            raise KeeperAway("h1 keeps the rows and is away", "wait", host=HostId("h1"))
        return self.rows.get((kind, key))

    async def write(
        self, kind: str, key: str, value: Json, *, by: str, expected: int | None
    ) -> int:
        if fault := row_fault(kind, key, value):
            raise Yours(fault)
        number = len(self.rows) + 1
        self.rows[kind, key] = SharedRow(
            kind=kind,
            key=key,
            value=value,
            number=number,
            at=Instant(0),
            by=by,
            origin=RowOrigin(sequence="s.1", number=number),
        )
        return number


class Judges:
    """Judges what a task may be as an evaluator does, in this process."""

    async def judge_text(self, dialect: str, kind: str, body: Json) -> Json:
        assert (dialect, kind) == ("utask", CREATE_KIND)
        return EVALUATOR.judge_text(kind, body)


class Reads:
    """The templates of a host, and its runs by their keys."""

    def __init__(self, *templates: str) -> None:
        loaded = [load(text).template for text in templates]
        self._book = FlowBook(flows=tuple(compiled(one, {}) for one in loaded if one))
        self.runs: dict[str, Run] = {a_key().run.key: a_run()}

    def book(self) -> FlowBook:
        return self._book

    async def run(self, run: str) -> Run:
        if run not in self.runs:
            raise NotFound(f"no run {run}")
        return self.runs[run]


class Addresses:
    """No call of floe's own waits here."""

    async def address_of(self, key: Key) -> str:
        raise World(f"no address of {key.name}")


class OwnHub:
    """What calls see of the hub of a host."""

    def __init__(self, *templates: str) -> None:
        self.shared, self.reads, self.people = OwnRows(), Reads(*templates), Judges()
        self.callbacks = Addresses()


def ground_of(**settings: Any) -> CallGround:
    """What a host with these settings lends."""
    return CallGround(settings={"utask": UtaskCallSettings(**settings)})


def a_call(
    action: str,
    configuration: Mapping[str, Json] | None,
    root: Path = Path("/nowhere"),
    **given: Json,
) -> Job:
    """One execution of an action in step `one`."""
    config: Json = {"configuration": configuration, "step": "one", **given}
    return a_job(root, Call(type=f"utask.{action}", config=config))


async def came_to(
    action: str,
    configuration: Mapping[str, Json] | None,
    ground: CallGround | None = None,
    root: Path = Path("/nowhere"),
    **given: Json,
) -> Answered:
    """The answer of one execution of an action."""
    job = a_call(action, configuration, root, **given)
    answer = await actions_of(ground or ground_of())[f"utask.{action}"](job)
    assert not isinstance(answer, Failed)
    return answer


def rendered(text: str, input_: Json) -> Mapping[str, Json]:
    """The configuration that a text has, with the values of an input."""
    tree = parse_go_yaml(text, UTASK, Notes("configuration"))
    assert tree is not None
    found = render_leaves(json_value(tree), renderer(exact({"input": input_}), StillWorld()))
    assert isinstance(found, Mapping)
    return found
