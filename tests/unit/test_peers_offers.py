"""Offers: written, unsent or forgotten."""

import pytest

from floe.peers import offers as offers_module
from floe.peers.offers import Offers
from tests.make_peers import an_offer


def test_an_offer_that_was_never_written_is_unsent() -> None:
    assert Offers().unsent([an_offer()]) == [an_offer()]


def test_an_offer_that_was_written_is_not_unsent() -> None:
    offers = Offers()
    offers.write(an_offer(epoch=2))

    assert offers.unsent([an_offer(epoch=1), an_offer(epoch=2)]) == []
    assert offers.unsent([an_offer(epoch=3)]) == [an_offer(epoch=3)]


def test_an_offer_that_an_earlier_process_may_have_written_is_not_unsent() -> None:
    assert Offers([("h1-1@k3f9", 1)]).unsent([an_offer(epoch=1)]) == []


def test_an_offer_that_is_unsent_may_never_be_written() -> None:
    offers = Offers()
    offers.unsent([an_offer(epoch=1)])

    assert not offers.may_write(an_offer(epoch=1))
    assert offers.may_write(an_offer(epoch=2))


def test_what_is_forgotten_counts_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers_module, "OFFERS_MAX", 1)
    offers = Offers()
    offers.write(an_offer("h1-5@k3f9"))
    offers.write(an_offer("h1-6@k3f9"))

    assert offers.unsent([an_offer("h1-5@k3f9"), an_offer("h1-4@k3f9", epoch=9)]) == []
    assert offers.unsent([an_offer("h1-7@k3f9")]) == [an_offer("h1-7@k3f9")]
