"""Events on their way between two hosts."""

import pytest

from floe.host.peers.facts import UNREADABLE, event_of, fact_of
from floe.model.codec import encode_event, to_text
from floe.model.event import RunPacked
from floe.model.ids import HostId, RunRef, StoreId
from floe.model.peer_message import Fact
from floe.store.base import Record
from floe.store.sealing import opened_plain
from tests.make import NOW

RUN = RunRef(HostId("h1"), StoreId("h1st0"), 1)
PACKED = RunPacked(at=NOW, digests={"a": "b"})


def test_event_arrives_as_it_was_stored() -> None:
    body = to_text(encode_event(PACKED))

    fact = fact_of(Record(run=RUN, epoch=1, seq=9, event=PACKED, body=body))

    assert (fact.body, event_of(fact, RUN, opened_plain)) == (body, PACKED)


@pytest.mark.parametrize("body", ["[]", "{}", "nothing"])
def test_fact_that_this_floe_cannot_read_raises_what_is_expected(body: str) -> None:
    fact = Fact(epoch=1, seq=9, event="RunGrown", body=body)

    with pytest.raises(UNREADABLE):
        event_of(fact, RUN, opened_plain)
