"""uTask's actions that need no server and no process, and what becomes of what they come to."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from floe.calls.utask.action import (
    ANSWER_BYTES_MAX,
    ActionCall,
    CameTo,
    NotAssigned,
    UtaskActionType,
)
from floe.calls.utask.calls import ERROR_MAX, calls_of
from floe.calls.utask.settings import UtaskCallSettings
from floe.model.call import Call
from floe.model.ids import Json
from floe.model.signal import Answered
from floe.nodes.call_ground import CallGround
from tests.make_nodes import a_job
from tests.make_utask_calls import OwnHub, OwnRows, a_call, came_to, ground_of

NO_PLACES = UtaskCallSettings()


def with_rows(rows: OwnRows) -> CallGround:
    hub = OwnHub()
    hub.shared = rows
    return CallGround(hub=hub)


async def test_echo_comes_to_what_its_configuration_has() -> None:
    answer = await came_to("echo", {"output": {"a": [1]}, "metadata": {"m": 2}})

    expected = Answered(good=True, outputs={"output": {"a": [1]}}, metadata={"metadata": {"m": 2}})
    assert answer == expected


@pytest.mark.parametrize(
    ("type_", "state"),
    [("client", "CLIENT_ERROR"), ("server", "SERVER_ERROR"), (None, "SERVER_ERROR")],
)
async def test_echo_keeps_its_output_with_an_error(type_: str | None, state: str) -> None:
    answer = await came_to("echo", {"output": "o", "error_message": "no", "error_type": type_})

    assert (answer.kind, answer.why, answer.outputs) == (state, "no", {"output": "o"})


async def test_echo_reads_a_text_as_yaml() -> None:
    answer = await came_to("echo", {"output": "a: 12345678901234567890", "unmarshal": True})

    assert answer.outputs == {"output": {"a": 12345678901234567890}}


@pytest.mark.parametrize("output", ["a: [", {"a": 1}])
async def test_echo_of_what_is_no_yaml_has_no_output(output: Json) -> None:
    answer = await came_to("echo", {"output": output, "unmarshal": True})

    assert (answer.kind, answer.outputs) == ("SERVER_ERROR", {})


async def test_keys_of_a_configuration_are_read_in_any_case() -> None:
    answer = await came_to("echo", {"Output": 1})

    assert answer.outputs == {"output": 1}


async def test_tag_gives_the_task_its_tags() -> None:
    answer = await came_to("tag", {"tags": {"a": "1", "gone": ""}})

    assert answer.metadata == {"tags": {"a": "1", "gone": ""}}


async def test_tag_of_the_parent_cannot_be_set() -> None:
    answer = await came_to("tag", {"tags": {"_utask_parent_task_id": "x"}})

    assert answer.kind == "CLIENT_ERROR"


async def test_value_of_the_cache_is_found_until_it_is_deleted() -> None:
    ground = with_rows(OwnRows())

    outputs = [
        (await came_to("cache", {"action": action, "key": "k", "value": [1]}, ground)).outputs
        for action in ("get", "set", "get", "delete", "get", "delete")
    ]

    miss: Mapping[str, Json] = {"key": "k", "hit": False, "value": None}
    assert [one["output"] for one in outputs] == [
        miss,
        {"key": "k", "cached": True},
        {"key": "k", "hit": True, "value": [1]},
        {"key": "k", "deleted": True},
        miss,
        {"key": "k", "deleted": True},
    ]


async def test_value_of_the_cache_is_a_miss_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ground, now = with_rows(OwnRows()), [1000]
    monkeypatch.setattr("floe.calls.utask.cache._now_s", lambda: now[0])
    await came_to("cache", {"action": "set", "key": "k", "value": 1, "ttl": 60}, ground)
    await came_to("cache", {"action": "set", "key": "ever", "value": 1, "ttl": -1}, ground)

    now[0] = 1060
    found = [
        (await came_to("cache", {"action": "get", "key": key}, ground)).outputs["output"]
        for key in ("k", "ever")
    ]

    assert found == [
        {"key": "k", "hit": False, "value": None},
        {"key": "ever", "hit": True, "value": 1},
    ]
    old = await ground.rows.find("utask.cache", "k")
    assert old is not None
    assert old.value is None


@pytest.mark.parametrize("key", ["a\nb", "x" * 500, "sha256:a"])
async def test_cache_takes_any_key(key: str) -> None:
    ground = with_rows(OwnRows())
    await came_to("cache", {"action": "set", "key": key, "value": 1}, ground)

    answer = await came_to("cache", {"action": "get", "key": key}, ground)

    assert answer.outputs == {"output": {"key": key, "hit": True, "value": 1}}


async def test_value_that_no_row_can_have_blocks_the_step() -> None:
    given = {"action": "set", "key": "k", "value": "x" * 70_000}

    answer = await came_to("cache", given, with_rows(OwnRows()))

    assert answer.kind == "CLIENT_ERROR"


async def test_cache_is_tried_again_while_the_keeper_is_away() -> None:
    rows = OwnRows()
    rows.is_away = True

    answer = await came_to("cache", {"action": "get", "key": "k"}, with_rows(rows))

    assert (answer.kind, answer.why) == ("SERVER_ERROR", "h1 keeps the rows and is away")


async def test_resource_without_places_is_tried_later() -> None:
    ground = ground_of(resource_limits={"db": 0}, resource_timeout_s=None)

    answer = await came_to("echo", {"output": 1}, ground, resources=["db", "free"])

    assert (answer.kind, answer.outputs) == ("TO_RETRY", {})


async def test_resource_has_as_many_users_at_once_as_it_has_places() -> None:
    most = now = 0

    async def busy(call: ActionCall) -> CameTo:
        nonlocal most, now
        now += 1
        most = max(most, now)
        for _ in range(3):
            await asyncio.sleep(0)
        now -= 1
        return CameTo()

    settings = UtaskCallSettings(resource_limits={"db": 2})
    type_ = UtaskActionType(name="busy", run=busy, resources=lambda _: ("db",))
    run = calls_of([type_], settings)["utask.busy"]

    answers = await asyncio.gather(*(run(a_call("busy", {})) for _ in range(7)))

    assert most == 2
    assert all(isinstance(answer, Answered) and answer.good for answer in answers)


async def test_resource_of_a_failed_execution_is_free_again() -> None:
    ground = ground_of(resource_limits={"db": 1})
    calls = [
        await came_to("echo", {"error_message": "no"}, ground, resources=["db"]) for _ in range(2)
    ]

    assert [answer.why for answer in calls] == ["no", "no"]


async def test_waiting_execution_names_what_it_waits_for() -> None:
    def wait(call: ActionCall) -> CameTo:
        raise NotAssigned("wait", CameTo(output={"id": 1}), awaits=("callback:1",))

    run = calls_of([UtaskActionType(name="wait", run=wait)], NO_PLACES)["utask.wait"]

    answer = await run(a_call("wait", {}))

    assert answer == Answered(
        good=False,
        why="wait",
        kind="WAITING",
        outputs={"output": {"id": 1}},
        metadata={"awaits": ["callback:1"]},
    )


@pytest.mark.parametrize(
    "found",
    [
        CameTo(output="x" * ANSWER_BYTES_MAX),
        CameTo(output={1, 2}),  # type: ignore[arg-type]  # as a plugin may
        None,
        CameTo(output=1e999),
    ],
)
async def test_answer_that_no_log_can_hold_is_an_error_of_the_step(found: CameTo) -> None:
    type_ = UtaskActionType(name="odd", run=lambda _: found)
    run = calls_of([type_], NO_PLACES)["utask.odd"]

    answer = await run(a_call("odd", {}))

    assert isinstance(answer, Answered)
    assert (answer.kind, answer.outputs) == ("SERVER_ERROR", {})


async def test_defect_of_an_action_is_an_error_of_the_step() -> None:
    def broken(call: ActionCall) -> CameTo:
        raise KeyError("name" * ERROR_MAX)

    run = calls_of([UtaskActionType(name="broken", run=broken)], NO_PLACES)["utask.broken"]

    answer = await run(a_call("broken", {}))

    assert isinstance(answer, Answered)
    assert answer.why.startswith("KeyError: 'namename")
    assert len(answer.why) <= ERROR_MAX + 1


@pytest.mark.parametrize("config", [None, [], {"configuration": 5}])
async def test_call_without_a_configuration_is_an_error_of_the_step(config: Json) -> None:
    run = calls_of([UtaskActionType(name="x", run=lambda _: CameTo())], NO_PLACES)["utask.x"]

    answer = await run(a_job(Path("/nowhere"), Call(type="utask.x", config=config)))

    assert isinstance(answer, Answered)
    assert answer.kind == "SERVER_ERROR"
