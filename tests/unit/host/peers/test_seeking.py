"""Outside work of other hosts: taken through the host that a program asked, and given back."""

from dataclasses import replace
from typing import Any

from floe.host.inputs import GiveBack, TakeOldest
from floe.host.peers.seeking import SEEK_MS
from floe.host.step_result import StepResult
from floe.model.call import OutsideWork
from floe.model.event import WorkReturned
from floe.model.ids import RunRef
from floe.model.peer_message import Envelope
from floe.model.take_message import FoundWork, SeekWork, Take, Taken, Untake, Untaken
from tests.make import a_flow, a_node, the_key
from tests.make_hosts import Host, a_host_core, carry, later, met, of

POST = a_flow(a_node("build", OutsideWork(type="toy.post", queue="slack")))
NONE = frozenset[str]()


class Asked:
    """The replies of a host to takers, as its steps give them."""

    def __init__(self, host: Host) -> None:
        self.replies: list[str] = []
        keep = host.keep

        def kept(decided: StepResult) -> StepResult:
            self.replies += [r.taken.key if r.taken else "" for r in decided.replies if r.ticket]
            return keep(decided)

        host.keep = kept  # type: ignore[method-assign]  # a test listens


def two() -> tuple[Host, Host]:
    h1, h2 = met(*(a_host_core(name, tags=frozenset((name,))) for name in ("h1", "h2")))
    return h1, h2


def offering(host: Host, *others: Host, runs: int = 1) -> list[RunRef]:
    """Runs of a host that offer work, which its peers know of."""
    refs = [host.start(replace(POST, host_tags=(host.id,))) for _ in range(runs)]
    host.settle()
    later(100, host, *others)
    carry(host, *others)
    return refs


def ask(host: Host, take: str = "t1", **others: Any) -> None:
    wanted = {"queue": "slack", "labels": NONE, "take": take, "by": "slack"}
    host.step(TakeOldest(**(wanted | others)), ticket=7)


def keys(host: Host, refs: list[RunRef]) -> list[str]:
    return [str(the_key(host.run(ref), "build")) for ref in refs]


def holder(host: Host, ref: RunRef) -> str:
    takes = host.run(ref).nodes[POST.nodes[0].id].takes
    return takes.take if takes else ""


def test_work_of_a_different_host_is_taken_through_the_host_that_is_asked() -> None:
    h1, h2 = two()
    refs = offering(h2, h1)
    asked = Asked(h1)

    ask(h1)
    carry(h1, h2)

    takes = h2.run(refs[0]).nodes[POST.nodes[0].id].takes
    assert asked.replies == keys(h2, refs)
    assert takes is not None
    assert (takes.by, takes.through) == ("slack", "h1")


def test_work_of_one_name_is_sought_at_other_hosts() -> None:
    h1, h2 = two()
    works = (OutsideWork(type="toy.post", queue="slack", name=name) for name in ("greet", "part"))
    for flow in (a_flow(a_node("build", work), host_tags=(h2.id,)) for work in works):
        h2.start(flow)
    h2.settle()
    later(100, h1, h2)
    carry(h1, h2)
    asked = Asked(h1)

    ask(h1, "t1", name="part")
    carry(h1, h2)
    ask(h1, "t2", name="part")
    carry(h1, h2)

    assert [bool(key) for key in asked.replies] == [True, False]


def test_host_without_work_anywhere_answers_at_once() -> None:
    h1, h2 = two()
    asked = Asked(h1)

    ask(h1)

    assert (asked.replies, of([e.message for e in h1.sent], SeekWork)) == ([""], [])
    assert h2.core.table.runs == {}


def test_older_work_comes_first_whichever_host_has_it() -> None:
    h1, h2 = two()
    old = offering(h2, h1)
    new = offering(h1, h2)
    asked = Asked(h1)

    ask(h1, "t1")
    carry(h1, h2)
    later(100, h1, h2)
    carry(h1, h2)
    ask(h1, "t2")
    carry(h1, h2)

    assert asked.replies == [*keys(h2, old), *keys(h1, new)]


def test_own_work_is_taken_where_the_older_work_of_a_peer_does_not_fit() -> None:
    h1, h2 = two()
    picky = OutsideWork(type="toy.post", queue="slack", labels=frozenset(("team=ops",)))
    h2.start(a_flow(a_node("build", picky), host_tags=("h2",)))
    h2.settle()
    later(100, h1, h2)
    carry(h1, h2)
    new = offering(h1, h2)
    asked = Asked(h1)

    ask(h1)
    carry(h1, h2)

    assert asked.replies == keys(h1, new)


def test_two_takers_of_different_hosts_get_different_work() -> None:
    h1, h2 = two()
    refs = offering(h2, h1, runs=2)
    here, there = Asked(h1), Asked(h2)

    ask(h1, "t1")
    ask(h2, "t2")
    carry(h1, h2)

    assert sorted(here.replies + there.replies) == sorted(keys(h2, refs))


def test_taker_that_comes_too_late_gets_nothing_and_its_take_is_void() -> None:
    h1, h2 = two()
    refs = offering(h2, h1)
    asked = Asked(h1)
    ask(h1, "t1")
    h1_sent, h1.sent = h1.sent, []
    [seek] = [e for e in h1_sent if isinstance(e.message, SeekWork)]
    h2.hear(seek)
    ask(h2, "t2")
    carry(h1, h2)

    voided = [e.take for e in h2.events(refs[0]) if isinstance(e, WorkReturned)]

    assert (asked.replies, holder(h2, refs[0]), voided) == ([""], "t2", ["t1"])


def test_take_is_repeated_until_it_is_answered() -> None:
    h1, h2 = two()
    refs = offering(h2, h1)
    asked = Asked(h1)
    lost = list[Envelope]()

    def lose(envelope: Envelope) -> bool:
        is_first = isinstance(envelope.message, SeekWork | Take | Taken | FoundWork) and not any(
            type(envelope.message) is type(one.message) for one in lost
        )
        if is_first:
            lost.append(envelope)
        return is_first

    ask(h1)
    carry(h1, h2, lose=lose)
    for _ in range(4):
        later(400, h1, h2)
        carry(h1, h2, lose=lose)

    assert (asked.replies, holder(h2, refs[0])) == (keys(h2, refs), "t1")


def test_take_without_an_answer_is_given_back_until_that_is_stored() -> None:
    h1, h2 = two()
    refs = offering(h2, h1)
    asked = Asked(h1)

    def lose(envelope: Envelope) -> bool:
        return isinstance(envelope.message, Taken | Untake)

    ask(h1)
    carry(h1, h2, lose=lose)
    later(SEEK_MS, h1, h2)
    carry(h1, h2, lose=lose)
    held = holder(h2, refs[0])
    later(5000, h1, h2)
    said = carry(h1, h2)

    assert (asked.replies, held, holder(h2, refs[0])) == ([""], "t1", "")
    assert of(said, Untaken) == [Untaken(key=keys(h2, refs)[0], take="t1")]


def test_late_take_that_was_given_back_takes_nothing() -> None:
    h1, h2 = two()
    refs = offering(h2, h1)
    kept = list[Envelope]()

    def lose(envelope: Envelope) -> bool:
        if isinstance(envelope.message, Take):
            kept.append(envelope)
        return isinstance(envelope.message, Take)

    ask(h1)
    carry(h1, h2, lose=lose)
    later(SEEK_MS, h1, h2)
    carry(h1, h2, lose=lose)
    h2.hear(kept[0])

    assert (holder(h2, refs[0]), len(h2.core.table.offers)) == ("", 1)


def test_work_whose_answer_did_not_reach_its_taker_is_given_back_to_its_host() -> None:
    h1, h2 = two()
    refs = offering(h2, h1)
    ask(h1)
    carry(h1, h2)

    h1.step(GiveBack(take="t1"))
    carry(h1, h2)

    assert (holder(h2, refs[0]), len(h2.core.table.offers)) == ("", 1)


def test_taker_that_goes_away_while_it_waits_leaves_the_work_offered() -> None:
    h1, h2 = two()
    refs = offering(h2, h1)
    ask(h1)

    h1.step(GiveBack(take="t1"))
    carry(h1, h2)

    assert (holder(h2, refs[0]), len(h2.core.table.offers)) == ("", 1)


def test_named_take_gets_the_work_of_a_different_host_again() -> None:
    h1, h2 = two()
    refs = offering(h2, h1, runs=2)
    asked = Asked(h1)

    ask(h1, once="take:t1")
    carry(h1, h2)
    ask(h1, once="take:t1", run=refs[0].key, run_at="h2")
    carry(h1, h2)

    assert asked.replies == [keys(h2, refs)[0]] * 2


def test_repeated_take_gets_no_other_work() -> None:
    h1, h2 = two()
    refs = offering(h2, h1, runs=2)
    asked = Asked(h1)

    for _ in range(2):
        ask(h1, once="take:t1")
        carry(h1, h2)

    assert asked.replies == [keys(h2, refs)[0], ""]


def test_keys_that_are_none_take_and_give_back_nothing() -> None:
    h1, h2 = two()
    h1.sent = []
    for message in (Take(key="?", take="t1", by="slack"), Untake(key="?", take="t1")):
        envelope = Envelope(
            from_host=h2.id, from_store=h2.store, to_host=h1.id, to_store=h1.store, message=message
        )
        h1.hear(envelope)

    said = [e.message for e in h1.sent]
    assert of(said, Taken) == [Taken(key="?", take="t1")]
    assert of(said, Untaken) == [Untaken(key="?", take="t1")]


def test_pings_name_the_queues_with_the_oldest_offers() -> None:
    h1, h2 = two()
    offering(h2, h1)

    ping = h1.core.members[h2.id].ping

    assert ping is not None
    assert [*ping.queues] == ["slack"]


def test_work_of_a_different_key_is_refused_and_given_back() -> None:
    h1, h2 = two()
    (ref,) = offering(h2, h1)
    (key,) = keys(h2, [ref])
    listener = Asked(h1)

    def swap(envelope: Envelope) -> bool:
        if isinstance(envelope.message, Taken) and (work := envelope.message.work):
            bad = replace(envelope.message, work=replace(work, key="zz"))
            h1.hear(replace(envelope, message=bad))
            return True
        return False

    ask(h1, once="o1")
    said = carry(h1, h2, lose=swap)

    assert listener.replies == [""]
    assert [one.key for one in of(said, Untake)] == [key]
    assert holder(h2, ref) == ""


def again(host: Host, ref: RunRef, at: Host) -> None:
    """A program asks for what its take got before, after its host has forgotten that."""
    ask(host, once="take:t1", run=ref.key, run_at=at.id)


def a_named_take() -> tuple[Host, Host, RunRef, Asked]:
    """Work of h2 that a program took under a name through h1, both started again since."""
    h1, h2 = two()
    [ref] = offering(h2, h1)
    ask(h1, once="take:t1")
    carry(h1, h2)
    for host in (h1, h2):
        host.restart()
        host.step()
    carry(h1, h2)
    later(100, h1, h2)
    carry(h1, h2)
    return h1, h2, ref, Asked(h1)


def test_named_take_gets_the_work_of_a_different_host_again_after_restarts() -> None:
    h1, h2, ref, asked = a_named_take()

    again(h1, ref, h2)
    carry(h1, h2)

    assert asked.replies == keys(h2, [ref])
    assert holder(h2, ref) == "t1"


def test_named_take_without_its_work_finds_nothing_again() -> None:
    h1, h2, ref, asked = a_named_take()
    [key] = keys(h2, [ref])
    h2.step(GiveBack(take="t1", key=key))

    again(h1, ref, h2)
    carry(h1, h2)

    assert (asked.replies, holder(h2, ref)) == ([""], "")


def test_named_take_of_a_run_that_its_host_does_not_have_finds_nothing() -> None:
    h1, h2, ref, asked = a_named_take()

    again(h1, replace(ref, serial=99), h2)
    carry(h1, h2)

    assert asked.replies == [""]


def test_named_take_of_an_unknown_host_finds_nothing() -> None:
    h1, _, ref, asked = a_named_take()

    ask(h1, once="take:t1", run=ref.key, run_at="h9")

    assert asked.replies == [""]


def test_repeated_take_whose_host_does_not_answer_gives_nothing_back() -> None:
    h1, h2, ref, asked = a_named_take()
    again(h1, ref, h2)
    carry(h1, h2, lose=lambda envelope: isinstance(envelope.message, Taken))

    later(SEEK_MS, h1)
    sent = carry(h1, h2)

    assert (asked.replies, of(sent, Untake)) == ([""], [])
    assert holder(h2, ref) == "t1"


def test_late_answer_to_a_first_take_gives_its_repetition_no_other_work() -> None:
    h1, h2, ref, asked = a_named_take()
    [other] = offering(h2, h1)
    again(h1, ref, h2)
    found = FoundWork(take="t1", keys=(keys(h2, [other])[0],))
    h1.hear(
        Envelope(from_host=h2.id, from_store=h2.store, to_host=h1.id, to_store=None, message=found)
    )
    carry(h1, h2)

    assert (asked.replies, holder(h2, other)) == (keys(h2, [ref]), "")
