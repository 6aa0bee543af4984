"""Every word between hosts survives its way."""

import dataclasses
import types
import typing
from typing import Any, get_args

import msgpack  # type: ignore[import-untyped]  # it ships no types
import pytest

from floe.model.errors import Theirs
from floe.model.flow import Flow
from floe.model.ids import HostId, StoreId
from floe.model.peer_message import Envelope, Message
from floe.peers.base import Protocols
from floe.peers.peer_frames import pack, read_protocols, unpack
from tests.make import H1, a_flow


def a_value(hint: Any) -> Any:
    """Some value of a type that is no default."""
    if isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    args, origin = get_args(hint), typing.get_origin(hint)
    if hint is Flow:
        return a_flow()
    if dataclasses.is_dataclass(hint):
        return a_message(hint)
    if args and args[0] is types.NoneType:  # Json, whose first member is null
        return {"a": [1, 2.5, None, True, "ü"]}
    if origin in (typing.Union, types.UnionType, typing.Literal):
        return a_value(args[0]) if origin is not typing.Literal else args[0]
    if origin is tuple:
        return (a_value(args[0]),)
    if origin is frozenset:
        return frozenset({a_value(args[0])})
    if args:
        return {a_value(args[0]): a_value(args[1])}
    return {str: "h1-12@k3f9", int: 7, bool: True, float: 1.5}[hint]


def a_message(cls: Any) -> Any:
    hints = typing.get_type_hints(cls)
    return cls(**{f.name: a_value(hints[f.name]) for f in dataclasses.fields(cls)})


@pytest.mark.parametrize("cls", get_args(Message), ids=lambda cls: cls.__name__)
def test_a_message_is_read_as_it_was_sent(cls: type) -> None:
    said = Envelope(
        from_host=H1,
        from_store=StoreId("k3f9"),
        to_host=HostId("h2"),
        to_store=StoreId("9f3k"),
        message=a_message(cls),
    )

    assert unpack(pack(said)) == said


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "Ping", "at": 1, "tags": ["linux"], "slots": "many"},
        {"kind": "Ping", "at": 1, "tags": [7], "slots": 1},
        {"kind": "Ping", "at": None, "tags": [], "slots": 1},
        {"kind": "Ping", "at": 1, "tags": [], "slots": True},
        {"kind": "Ping", "at": 1, "tags": [], "slots": 1, "held": {"gpu": 1}},
        {"kind": "Ping", "at": 1, "tags": [], "slots": 1, "about": "nothing"},
        {"kind": "RowsAfter", "after": 2**63},
        {"kind": "Acquire", "claim": {"run": "h1-1@k3f9", "number": "one"}, "tags": []},
    ],
    ids=str,
)
def test_a_message_with_a_value_of_another_type_cannot_be_read(message: dict[str, Any]) -> None:
    shape = {"from_host": "h1", "from_store": "k3f9", "message": message}

    with pytest.raises(Theirs):
        unpack(msgpack.packb(shape))


def test_a_message_that_only_a_newer_floe_knows_is_none() -> None:
    shape = {"from_host": "h1", "from_store": "k3f9", "message": {"kind": "Sung"}}

    assert unpack(msgpack.packb(shape)) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1", Protocols(1, 1)),
        ("2-5", Protocols(2, 5)),
        ("", None),
        ("0", None),
        ("1-", None),
        ("a", None),
        ("1-2-3", None),
    ],
)
def test_protocols_are_read(text: str, read: Protocols | None) -> None:
    assert read_protocols(text) == read


@pytest.mark.parametrize(
    ("ours", "theirs", "common"),
    [
        (Protocols(1, 1), Protocols(1, 1), 1),
        (Protocols(1, 3), Protocols(2, 5), 3),
        (Protocols(1, 1), Protocols(2, 2), None),
        (Protocols(4, 5), Protocols(1, 3), None),
    ],
)
def test_the_highest_common_protocol_is_spoken(
    ours: Protocols, theirs: Protocols, common: int | None
) -> None:
    assert ours.common(theirs) == theirs.common(ours) == common
