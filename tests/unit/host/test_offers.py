"""Open offers: by queue and labels, oldest first; and what is taken."""

from floe.host.offers import OpenWork, WorkOffers, WorkTakes
from floe.model.effect import AwaitAnswer, OfferWork
from floe.model.ids import Instant
from tests.make_nodes import a_key

NONE = frozenset[str]()
OPS = frozenset(("team=ops",))


def an_offer(
    serial: int,
    since: int = 0,
    queue: str = "slack",
    labels: frozenset[str] = NONE,
    name: str = "",
) -> OfferWork:
    return OfferWork(a_key(serial), queue, labels, Instant(since), name)


def fitting(offers: WorkOffers, queue: str = "slack", labels: frozenset[str] = NONE) -> list[int]:
    return [offer.key.run.serial for offer in offers.fitting(queue, labels)]


def test_older_work_comes_first_whatever_its_labels() -> None:
    offers = WorkOffers()
    for offer in (an_offer(1, 30), an_offer(2, 10, labels=OPS), an_offer(3, 20), an_offer(4, 20)):
        offers.add(offer)

    assert fitting(offers, labels=OPS) == [2, 3, 4, 1]


def test_taker_needs_all_labels_of_the_work() -> None:
    offers = WorkOffers()
    offers.add(an_offer(1, labels=OPS))
    offers.add(an_offer(2, labels=frozenset(("team=ops", "zone=eu"))))

    assert [fitting(offers, labels=one) for one in (NONE, OPS, OPS | {"zone=eu", "a=b"})] == [
        [],
        [1],
        [1, 2],
    ]


def test_taker_may_want_work_of_one_name_only() -> None:
    offers = WorkOffers()
    offers.add(an_offer(1, name="greet"))
    offers.add(an_offer(2, name="part", labels=OPS))
    offers.add(an_offer(3, name="part"))

    found = [
        [offer.key.run.serial for offer in offers.fitting("slack", OPS, name)]
        for name in ("part", "greet", "x", "")
    ]

    assert found == [[2, 3], [1], [], [1, 2, 3]]


def test_queue_has_its_own_work_alone() -> None:
    offers = WorkOffers()
    offers.add(an_offer(1, queue="mail"))

    assert (fitting(offers), fitting(offers, "mail")) == ([], [1])


def test_changes_are_idempotent() -> None:
    offers = WorkOffers()
    offers.add(an_offer(1))
    offers.add(an_offer(1))
    before = fitting(offers)
    offers.remove(a_key(1))
    offers.remove(a_key(1))

    assert (before, fitting(offers), len(offers)) == ([1], [], 0)


def test_oldest_offer_of_each_queue_is_known() -> None:
    offers = WorkOffers()
    found = [offers.oldest()]
    for offer in (an_offer(1, 30), an_offer(2, 10, labels=OPS), an_offer(3, 20, "mail")):
        offers.add(offer)
    found.append(offers.oldest())
    offers.remove(a_key(2))
    offers.remove(a_key(3))
    found.append(offers.oldest())

    assert found == [{}, {"slack": 10, "mail": 20}, {"slack": 30}]


def a_take(serial: int, since: int, name: str = "post", by: str = "bot") -> AwaitAnswer:
    return AwaitAnswer(a_key(serial), "slack", name, by, Instant(since))


def test_offers_are_counted_by_name_and_labels_with_their_oldest() -> None:
    offers = WorkOffers()
    for offer in (an_offer(1, 30, name="a"), an_offer(2, 10, name="a"), an_offer(3, labels=OPS)):
        offers.add(offer)

    assert [*offers.counts()] == [
        OpenWork("slack", "a", NONE, "", 2, Instant(10)),
        OpenWork("slack", "", OPS, "", 1, Instant(0)),
    ]


def test_takes_are_counted_by_taker_until_they_are_over() -> None:
    takes = WorkTakes()
    for take in (a_take(1, 30), a_take(2, 20), a_take(2, 20), a_take(3, 5, by="other")):
        takes.add(take)
    takes.remove(a_take(3, 5, by="other"))
    takes.remove(a_take(4, 0))

    assert [*takes.counts()] == [OpenWork("slack", "post", NONE, "bot", 2, Instant(20))]


def test_offers_of_one_kind_share_its_texts() -> None:
    offers = WorkOffers()
    for serial in (1, 2):
        offers.add(an_offer(serial, labels=frozenset(["team=" + "ops"])))

    first, second = offers.fitting("slack", OPS)

    assert first.labels is second.labels
