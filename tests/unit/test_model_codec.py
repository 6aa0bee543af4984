"""What is written can be read again."""

from typing import get_args

import pytest

from floe.model.call import Call, OutsideWork
from floe.model.callback import Callback
from floe.model.children import SubFlow
from floe.model.codec import (
    decode_event,
    encode_event,
    event_text,
    from_text,
    shown_text,
    to_text,
)
from floe.model.event import CancelAsked, NodeEntered, RunEnded
from floe.model.form import Field, Form
from floe.model.http import Http, HttpHeader
from floe.model.ids import Instant, Json, NodeId
from floe.model.notify import Notify
from floe.model.ssh import Ssh
from floe.model.template import Template, TemplatePart, plain_template
from floe.model.work import Ask, End, Exec, Fetch, Git, GitCheckout, GitMerge, Join, Wait, Work
from tests.logs import logs

WORKS = (
    Callback(
        request=Http(url="http://h/a", method="POST"),
        form=Form(title="Ask", fields=(Field(id="ok", prompt="Ok?", type="bool"),)),
        good_when="outputs.ok",
    ),
    Exec(argv=("make",)),
    Fetch(url="http://h/a", checksum_algo="md5"),
    Http(
        url=Template(parts=(TemplatePart(text="http://h/"), TemplatePart(path=("values", "a")))),
        method="POST",
        headers=(HttpHeader(name="A", value=plain_template("b")),),
        body="a=b",
        body_type="form",
    ),
    Notify(channel="mail", to=("ops@example.com",), text=plain_template("a"), subject="b"),
    GitCheckout(git=Git(branch="main")),
    GitMerge(git=Git(branch="main", from_branch="b")),
    Ssh(host="web1", argv=("uptime",)),
    Call(type="toy.echo", config={"text": ["a", 1, None]}),
    OutsideWork(type="toy.post", queue="slack", labels=frozenset(("team=ops",))),
    Wait(period_s=1.5),
    SubFlow(flow="deploy", values={"where": "eu"}, wait=False),
    Ask(form=Form(title="Sign Off")),
    End(),
    Join(),
)


def test_works_are_all_of_them() -> None:
    assert {type(work) for work in WORKS} == set(get_args(Work))


@pytest.mark.parametrize("work", WORKS, ids=lambda work: type(work).__name__)
def test_work_that_was_entered_is_read_again(work: Work) -> None:
    event = NodeEntered(at=Instant(1), node=NodeId("a"), visit=1, work=work)

    text = to_text(encode_event(event))

    shape = from_text(text)
    assert isinstance(shape, dict)
    assert decode_event("NodeEntered", shape) == event


@pytest.mark.parametrize("cls", get_args(Work), ids=lambda cls: cls.__name__)
def test_no_field_takes_the_place_of_the_name_of_its_class(cls: type) -> None:
    assert "kind" not in cls.__dataclass_fields__  # type: ignore[attr-defined]  # all are dataclasses


@pytest.mark.parametrize("value", [1e16, 0.1, 2**70, 'é\x1f\u2028"', [None, True, {"a": -1}]])
def test_text_for_readers_has_the_same_value(value: Json) -> None:
    assert from_text(shown_text(value)) == value


@pytest.mark.parametrize("value", ["\ud800", type("Text", (str,), {})("a")])
def test_text_for_readers_can_be_written_of_all_that_other_texts_can(value: str) -> None:
    assert shown_text([value]) == to_text([value])


def test_text_of_an_event_is_that_of_its_shape() -> None:
    events = [event for log in logs() for event in log.events]

    assert [event_text(one) for one in events] == [to_text(encode_event(one)) for one in events]


@pytest.mark.parametrize(
    "outputs",
    [
        {"a": 1e22},
        {"a": 0.1},
        {"a": [{"b": -0.0}]},
        {"a": 2**70},
        {"a": "\x00\x7f\u2028\ud800"},
        {},
    ],
)
def test_text_of_an_event_spells_each_value_as_json_does(outputs: dict[str, Json]) -> None:
    event = RunEnded(at=Instant(1), good=True, why='"\\/\n\x1f\x7fé', outputs=outputs)

    assert event_text(event) == to_text(encode_event(event))


def test_event_with_half_a_character_has_a_text_that_no_store_takes() -> None:
    event = CancelAsked(at=Instant(1), by="\ud800", why="")

    assert event_text(event) == to_text(encode_event(event))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [{"a": float("nan")}]])
def test_event_with_a_number_that_json_lacks_is_refused(value: Json) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        event_text(RunEnded(at=Instant(1), good=True, why="", outputs={"a": value}))
