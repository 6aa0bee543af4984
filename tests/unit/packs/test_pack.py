"""A pack at a server in memory: what it asks, and what it makes of the answers."""

import asyncio
import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from floe.packs import Event, EventType, NotSent, Pack, PackSettings, fatal
from floe.packs.testing import MemoryServer
from tests.ports import free_port


@dataclass
class Person:
    name: str
    age: int = 0


class Place(BaseModel):
    city: str


def a_pack() -> Pack:
    pack = Pack("Greeter", labels={"env": "test"}, events=["Seen"], help="http://help/greeter")

    @pack.command(
        "Greet", EventType("Greeted", "http://help/greeted"), "Refused", help="http://help"
    )
    async def greet(person: Person) -> Any:
        if person.name == "Eve":
            return Event("Refused", {"who": person})
        return f"Hello {person.name}, {person.age}"

    @pack.command("Boom", "Done")
    def boom() -> None:
        raise RuntimeError("boom")

    @pack.command("Fail", "Done")
    def fail() -> Event:
        return fatal({"code": 3})

    @pack.command("Move", "Moved")
    def move(place: Place) -> Place:
        return place

    return pack


def test_pack_registers_as_the_client_in_go_does() -> None:
    with MemoryServer() as server, a_pack().in_background(server.settings(token="tok")):
        server.wait_for(lambda: server.packs, "pack")
        find, register = server.requests[:2]

    assert (find.method, find.path, find.headers["Accept"]) == ("GET", "/v1", "application/json")
    assert register.headers["Authorization"] == "Bearer tok"
    assert register.headers["Content-Type"] == "application/json"
    assert register.body["links"] == [{"href": "http://help/greeter", "rel": "help"}]
    assert register.body["labels"] == {"env": "test"}
    assert register.body["events"][:3] == [
        {"name": "Seen"},
        {"name": "Greeted", "links": [{"href": "http://help/greeted", "rel": "help"}]},
        {"name": "Refused"},
    ]
    assert register.body["commands"][0] == {
        "name": "Greet",
        "events": ["Greeted", "Refused"],
        "links": [{"href": "http://help", "rel": "help"}],
    }


@pytest.mark.parametrize(
    ("command", "input", "result"),
    [
        ("Greet", {"name": "Ada", "age": "36.000000"}, Event("Greeted", "Hello Ada, 36")),
        ("Greet", {"name": "Eve"}, Event("Refused", {"who": {"name": "Eve", "age": 0}})),
        ("Greet", {"age": 1}, Event("FATAL", "input.name is missing")),
        ("Greet", None, Event("FATAL", "input is null, not an object")),
        ("Boom", None, Event("FATAL", "RuntimeError: boom")),
        ("Fail", None, Event("FATAL", {"code": 3})),
        ("Move", {"city": "Rome"}, Event("Moved", {"city": "Rome"})),
        ("Gone", None, Event("FATAL", "this pack has no command Gone")),
    ],
)
def test_handler_gives_the_event_that_ends_its_action(
    command: str, input: Any, result: Event
) -> None:
    with MemoryServer() as server, a_pack().in_background(server.settings()):
        assert server.carry_out(command, input) == result


def test_pack_goes_on_after_a_handler_that_raises() -> None:
    with MemoryServer() as server, a_pack().in_background(server.settings()):
        server.carry_out("Boom")

        assert server.carry_out("Greet", {"name": "Ada"}).name == "Greeted"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (object(), "a payload has a value of type object, which is no JSON"),
        (float("nan"), "not JSON compliant"),
        (Event("Other"), "does not declare the event Other"),
    ],
)
def test_result_that_no_server_can_take_is_fatal(result: Any, text: str) -> None:
    pack = Pack("P")
    pack.command("Do", "Done")(lambda: result)

    with MemoryServer() as server, pack.in_background(server.settings()):
        event = server.carry_out("Do")

    assert event.name == "FATAL"
    assert text in event.payload


@pytest.mark.parametrize("statuses", [(503, 429, 500), (0, 0), (401,), (404, 503)])
def test_result_is_sent_until_the_server_has_it(statuses: tuple[int, ...]) -> None:
    with MemoryServer() as server:
        server.fail("/result", *statuses)
        with a_pack().in_background(server.settings()):
            result = server.carry_out("Greet", {"name": "Ada"})

    assert result.name == "Greeted"


def test_result_whose_first_answer_was_lost_is_sent_again_and_then_over() -> None:
    with MemoryServer() as server:
        server.fail("/result", 0)
        with a_pack().in_background(server.settings()):
            server.carry_out("Greet", {"name": "Ada"})

    sent = [one.status for one in server.requests if one.path.endswith("/result")]
    assert (sent[:2], len(sent)) == ([0, 500], 9)


def test_result_that_is_too_large_is_fatal() -> None:
    with MemoryServer() as server:
        server.fail("/result", 413)
        with a_pack().in_background(server.settings()):
            result = server.carry_out("Greet", {"name": "Ada"})

    assert result == Event("FATAL", "the result Greeted is too large")


def test_pack_of_a_server_that_was_emptied_registers_again() -> None:
    with MemoryServer() as server, a_pack().in_background(server.settings()):
        server.carry_out("Boom")
        server.forget()

        assert server.carry_out("Greet", {"name": "Ada"}).name == "Greeted"


def test_pack_waits_for_a_server_that_is_away() -> None:
    port = free_port()
    settings = PackSettings(
        f"http://127.0.0.1:{port}", poll_s=0.05, pause_max_s=0.05, health_bind=""
    )
    with a_pack().in_background(settings):
        for _ in range(2):
            with MemoryServer(port) as server:
                assert server.carry_out("Greet", {"name": "Ada"}).name == "Greeted"


def test_no_more_commands_are_at_work_than_the_limit() -> None:
    pack, most, now = Pack("P"), 0, 0

    @pack.command("Do", "Done")
    async def do() -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    with MemoryServer() as server, pack.in_background(server.settings(at_once=2)):
        for action in [server.offer("Do") for _ in range(20)]:
            server.result(action)

    assert most <= 2


def test_commands_are_carried_out_at_the_same_time() -> None:
    pack, both = Pack("P"), threading.Barrier(2, timeout=10)
    pack.command("Do", "Done")(lambda: both.wait() is not None)

    with MemoryServer() as server, pack.in_background(server.settings(at_once=2)):
        results = [server.result(action) for action in (server.offer("Do"), server.offer("Do"))]

    assert results == [Event("Done", True)] * 2


def test_open_commands_end_before_the_pack_does() -> None:
    pack, begun, go = Pack("P"), threading.Event(), threading.Event()

    @pack.command("Do", "Done")
    def do() -> None:
        begun.set()
        go.wait(10)

    with MemoryServer() as server:
        with pack.in_background(server.settings()):
            action = server.offer("Do")
            begun.wait(10)
            threading.Timer(0.05, go.set).start()

        assert server.result(action, 0) == Event("Done")


def test_command_that_outlasts_the_time_of_grace_is_fatal() -> None:
    pack, begun = Pack("P"), threading.Event()

    @pack.command("Do", "Done")
    async def do() -> None:
        begun.set()
        await asyncio.Event().wait()

    with MemoryServer() as server:
        with pack.in_background(server.settings(grace_s=0)):
            action = server.offer("Do")
            begun.wait(10)

        assert server.result(action, 0) == Event("FATAL", "the pack stopped before Do ended")


async def test_pack_sends_events_by_itself() -> None:
    pack = a_pack()
    with MemoryServer() as server:
        async with pack.running(server.settings()):
            await pack.send("Seen", Person("Ada"))

    assert server.events == [Event("Seen", {"name": "Ada", "age": 0})]
    [sent] = [one for one in server.requests if one.path.endswith("/events")]
    assert sent.body["createdAt"].endswith("Z")


def test_event_is_sent_from_a_thread() -> None:
    with MemoryServer() as server, a_pack().in_background(server.settings()) as pack:
        pack.send_now("Seen", 1)

    assert server.events == [Event("Seen", 1)]


def test_event_for_a_server_that_was_emptied_is_sent_after_a_registration() -> None:
    pack = Pack("P", events=["Seen"])
    with MemoryServer() as server, pack.in_background(server.settings()):
        server.wait_for(lambda: server.packs, "pack")
        server.forget()
        pack.send_now("Seen")

    assert server.events == [Event("Seen")]


def test_event_that_the_server_refuses_is_an_error() -> None:
    with MemoryServer() as server, a_pack().in_background(server.settings()) as pack:
        server.fail("/events", 503)

        with pytest.raises(NotSent, match="Seen: the server answered 503"):
            pack.send_now("Seen")


def test_event_of_a_pack_that_does_not_run_is_an_error() -> None:
    with pytest.raises(NotSent, match="the pack Greeter does not run"):
        asyncio.run(a_pack().send("Seen"))


def test_event_that_the_pack_does_not_declare_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not declare the event Other"):
        asyncio.run(a_pack().send("Other"))


def test_error_in_the_block_of_a_pack_comes_out_as_it_is() -> None:
    with (
        MemoryServer() as server,
        pytest.raises(KeyError),
        a_pack().in_background(server.settings()),
    ):
        raise KeyError("mine")


async def test_error_in_the_block_of_a_running_pack_comes_out_as_it_is() -> None:
    with MemoryServer() as server, pytest.raises(KeyError):
        async with a_pack().running(server.settings()):
            raise KeyError("mine")


def test_labels_of_the_settings_are_added() -> None:
    with MemoryServer() as server, a_pack().in_background(server.settings(labels={"a": "b"})):
        server.wait_for(lambda: server.packs, "pack")

        assert list(server.packs) == ["Greeter.a.b.env.test"]


def checked(pack: Pack) -> tuple[int, Any]:
    """Status and body of its health server."""
    port = free_port()
    with (
        MemoryServer() as server,
        pack.in_background(server.settings(health_bind=f"127.0.0.1:{port}")),
    ):
        server.wait_for(lambda: server.packs, "pack")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/any", timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


def test_pack_without_checks_is_healthy() -> None:
    found = checked(Pack("P"))

    assert found == (200, {"DefaultCheck": {"healthy": True, "status": "Pack is running."}})


def test_pack_is_ill_if_one_check_fails() -> None:
    pack = Pack("P")
    pack.check("good")(lambda: "all good")
    pack.check("bad")(lambda: 1 / 0)

    assert checked(pack) == (
        500,
        {
            "good": {"healthy": True, "status": "all good"},
            "bad": {"healthy": False, "status": "ZeroDivisionError: division by zero"},
        },
    )


def test_pack_works_without_its_health_server_if_the_address_is_taken() -> None:
    with MemoryServer() as server:
        taken = server.url.removeprefix("http://")
        with a_pack().in_background(server.settings(health_bind=taken)):
            assert server.carry_out("Greet", {"name": "Ada"}).name == "Greeted"


@pytest.mark.parametrize(
    ("events", "handler", "text"),
    [
        ((), lambda: 1, "needs an event"),
        (("Done",), lambda one, two: 1, "takes one argument"),
    ],
)
def test_command_that_cannot_work_is_refused(events: Any, handler: Any, text: str) -> None:
    with pytest.raises((ValueError, TypeError), match=text):
        Pack("P").command("Do", *events)(handler)
