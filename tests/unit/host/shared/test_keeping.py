"""The shared rows at the keeper: what it writes, sends and collects."""

import pytest

from floe.host.inputs import CatchUp
from floe.host.shared import table as table_module
from floe.model.peer_message import Envelope
from floe.model.shared_message import SharedPage, SharedSince
from tests.make_hosts import a_host_core, carry, forget, later, of
from tests.make_shared import (
    H1,
    Asking,
    a_write,
    answered,
    replaced,
    row_of,
    settled,
    three,
    values,
)


def test_write_of_the_keeper_reaches_all_hosts() -> None:
    hosts = three()

    answered(hosts[0], a_write(), *hosts[1:])
    settled(*hosts)

    assert values(*hosts) == [1, 1, 1]


def test_cluster_without_rows_exchanges_no_messages_about_them() -> None:
    hosts = three()
    carried = []
    for _ in range(3):
        later(2100, *hosts)
        carried += carry(*hosts)

    assert of(carried, SharedSince) == []


def test_keeper_writes_nothing_before_it_knows_all_copies() -> None:
    h1 = a_host_core("h1", keeper=H1, peers=2)

    reply = answered(h1, a_write())

    assert (reply.changed, reply.is_away) == (False, True)
    assert reply.why.startswith("does not write now: it counts what is held")


def test_keeper_that_lost_its_store_deletes_nothing() -> None:
    h1, h2, h3 = three()
    answered(h1, a_write(), h2, h3)
    settled(h1, h2, h3)

    new = replaced(h1, h2, h3)

    assert values(new, h2, h3) == [1, 1, 1]
    assert answered(new, a_write("b"), h2, h3).number == 2


def test_deletion_that_only_one_copy_has_holds_under_a_new_keeper() -> None:
    h1, h2, h3 = three()
    answered(h1, a_write(), h2, h3)
    settled(h1, h2, h3)
    h1.step(a_write(value=None, expected=1))
    later(100, h1)
    carry(h1, h2)

    new = replaced(h1, h2, h3)

    assert values(new, h2, h3) == [None, None, None]
    assert row_of(h3) is not None


def test_new_keeper_waits_for_the_copy_of_each_host() -> None:
    h1, h2, h3 = three()
    answered(h1, a_write(), h2, h3)
    settled(h1, h2, h3)
    new = a_host_core("h1", store="h1new", keeper=H1, peers=2)
    new.now = h1.now

    def lose(envelope: Envelope) -> bool:
        return isinstance(envelope.message, SharedPage)

    for _ in range(3):
        later(2100, new, h2, h3)
        carry(new, h2, h3, lose=lose)

    why = answered(new, a_write("b")).why
    assert why == (
        "does not write now: it collects the shared rows of all hosts: h2, h3 has not sent its copy"
    )


def test_host_that_was_forgotten_is_not_waited_for() -> None:
    h1, h2, h3 = three()
    answered(h1, a_write(), h2, h3)
    settled(h1, h2, h3)
    forget(h2, h3)
    settled(h1, h2)

    new = replaced(h1, h2, peers=1)

    assert values(new, h2) == [1, 1]
    assert answered(new, a_write("b"), h2).changed


def test_host_that_comes_later_brings_its_rows() -> None:
    h1, h2, h3 = three()
    answered(h1, a_write("a"), h2, h3)
    single = a_host_core("h4", peers=0)
    single.step(a_write("b"))
    single.restart(peers=3, keeper=H1)
    single.now = h1.now
    for host in (h1, h2, h3):
        host.restart(peers=3)

    settled(h1, h2, h3, single, rounds=5)

    assert values(h1, h2, h3, single, key="a") == [1, 1, 1, 1]
    assert values(h1, h2, h3, single, key="b") == [1, 1, 1, 1]


def test_keeper_that_moves_keeps_the_rows() -> None:
    h1, h2, h3 = three()
    answered(h1, a_write(), h2, h3)
    settled(h1, h2, h3)

    for host in (h1, h2, h3):
        host.restart(keeper=h2.id)
    settled(h1, h2, h3, rounds=5)
    answered(h3, a_write("b"), h1, h2)
    for host in (h1, h2, h3):
        host.restart(keeper=h1.id)
    settled(h1, h2, h3, rounds=5)

    assert values(h1, h2, h3, key="b") == [1, 1, 1]
    assert answered(h3, a_write("c"), h1, h2).changed


def test_restarted_keeper_collects_nothing_again() -> None:
    h1, h2, h3 = three()
    answered(h1, a_write(), h2, h3)
    settled(h1, h2, h3)

    h1.restart()
    later(2100, h1, h2, h3)

    assert of(carry(h1, h2, h3), SharedPage) == []
    assert answered(h1, a_write("b"), h2, h3).changed


def test_host_that_missed_forgotten_deletions_gets_a_whole_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table_module, "DELETED_MAX", 0)
    h1, h2, h3 = three()
    answered(h1, a_write(), h2, h3)
    settled(h1, h2, h3)
    h1.step(a_write(value=None, expected=1))

    settled(h1, h2, h3)

    assert [row_of(host) for host in (h1, h2, h3)] == [None, None, None]


def test_rows_come_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "PAGE_ROWS", 2)
    h1, h2, h3 = three()
    for number in range(7):
        h1.step(a_write(f"k{number}"))
    settled(h1, h2, h3)

    new = replaced(h1, h2, h3)

    assert [new.core.shared_rows.count, h3.core.shared_rows.count] == [7, 7]
    assert new.core.shared_rows.page(0) == h3.core.shared_rows.page(0)


def test_hosts_that_name_different_keepers_get_no_row_written() -> None:
    h1, h2, h3 = three()
    h3.restart(keeper=h3.id)
    settled(h1, h2, h3)

    asking = Asking(h2, a_write())
    carry(h1, h2, h3)
    later(5000, h2)

    assert asking.reply is not None
    assert asking.reply.is_away
    assert "the config of h3 has keeper h3, that of h1 h1" in asking.reply.why


def test_keeper_is_caught_up_with_by_itself() -> None:
    h1, *others = three()
    h1.step(a_write())

    assert Asking(h1, CatchUp()).reply is not None
    assert answered(h1, CatchUp(), *others).number == 1
