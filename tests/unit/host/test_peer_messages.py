"""Messages reach the parts of a host only from senders and for stores that are meant."""

from floe.host.inputs import Forget
from floe.model.ids import HostId, StoreId
from floe.model.peer_message import Envelope, Forgotten, NotMe, Ping
from tests.make_hosts import GPU, a_host_core, later, of, two


def test_message_for_a_different_store_is_answered_with_not_me_and_changes_nothing() -> None:
    h1, _ = two()
    ref = h1.start(GPU)
    wiped = a_host_core("h2", "h2st1")
    [offer] = [e for e in h1.sent if e.to_store == StoreId("h2st0")]

    wiped.hear(offer)

    [answer] = [e.message for e in wiped.sent if isinstance(e.message, NotMe)]
    assert answer == NotMe(mine=StoreId("h2st1"))
    assert ref not in wiped.core.table.runs


def test_message_of_a_forgotten_store_is_answered_with_forgotten() -> None:
    h1, h2 = two()
    h1.step(Forget(host=h2.id, store=h2.store, force=True))
    later(2000, h2)
    [ping] = [e for e in h2.sent if isinstance(e.message, Ping)]

    h1.hear(ping)

    answers = [e.message for e in h1.sent if e.to_store == h2.store]
    assert of(answers, Forgotten) == [Forgotten()]


def test_forgotten_that_names_no_store_forgets_nothing() -> None:
    h1, h2 = two()
    envelope = Envelope(
        from_host=h1.id, from_store=h1.store, to_host=h2.id, to_store=None, message=Forgotten()
    )

    h2.hear(envelope)

    assert h2.core.cluster is not None
    assert not h2.core.cluster.members.is_forgotten


def test_message_to_a_different_host_is_ignored() -> None:
    h1, h2 = two()
    envelope = Envelope(
        from_host=h1.id,
        from_store=h1.store,
        to_host=HostId("h3"),
        to_store=None,
        message=Forgotten(),
    )

    h2.hear(envelope)

    assert h2.sent == []
