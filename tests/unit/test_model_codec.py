"""What is written can be read again."""

from typing import get_args

import pytest

from floe.model.call import Call, OutsideWork
from floe.model.children import SubFlow
from floe.model.codec import decode_event, encode_event, from_text, shown_text, to_text
from floe.model.event import NodeEntered
from floe.model.form import Form
from floe.model.http import Http, HttpHeader
from floe.model.ids import Instant, Json, NodeId
from floe.model.notify import Notify
from floe.model.ssh import Ssh
from floe.model.template import Template, TemplatePart, plain_template
from floe.model.work import Ask, End, Exec, Fetch, Git, GitCheckout, GitMerge, Join, Wait, Work

WORKS = (
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
