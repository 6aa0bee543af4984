"""Runs that are opened at a host: once, with all that enters, and from events in order."""

from typing import Any

from floe.host.core import HostCore
from floe.host.inbox import INBOX
from floe.host.inputs import Incoming, TakeOldest
from floe.host.opening_inputs import (
    AnswerHeard,
    EventFinding,
    HearEvent,
    JudgedEvent,
    OpenJudged,
    OpenRun,
)
from floe.host.step_result import StepResult
from floe.model.codec import digest_of
from floe.model.flow import Flow
from floe.model.ids import Key, NodeId
from floe.model.judging import Enter, JudgeRun
from floe.model.nouns import replace
from floe.model.signal import Answered, Reported
from tests.make import NOW, a_flow
from tests.make_core import a_core, events_of, stepped, to
from tests.toy.reader import toy_flow

TOY = toy_flow("toy", ["a"])
POST = toy_flow("toy", ["a | entered post=slack"])
EVENT = HearEvent(dialect="toy", body='{"event":"pushed"}')


def an_opening(flow: Flow = TOY, **others: Any) -> OpenRun:
    made: dict[str, Any] = {
        "flow": flow,
        "digest": digest_of(flow),
        "trigger": NodeId("start"),
        "by": "alice",
    }
    return OpenRun(**(made | others))


def a_post() -> OpenRun:
    """The opening of a run whose outside work enters with it."""
    [node] = POST.nodes
    return an_opening(POST, enters=(Enter(node=node.id, work=node.work),))


def asked(word: Any) -> Incoming:
    return Incoming(input=word, ticket=1)


def names(decided: StepResult) -> list[str]:
    return [type(event).__name__ for event in events_of(decided)]


def test_opened_run_is_a_promise_and_owes_its_judgement() -> None:
    decided = stepped(a_core(), asked(an_opening(values={"a": 1})))

    [reply] = decided.replies
    assert (str(reply.run), reply.changed, decided.promise) == ("h1-1", True, True)
    assert names(decided) == ["RunOpened"]
    assert [type(effect) for effect in decided.effects] == [JudgeRun]


def test_second_opening_with_the_same_key_is_answered_with_the_run_of_the_first() -> None:
    core = a_core()
    first = stepped(core, asked(an_opening(once="k1")))

    second = stepped(core, asked(an_opening(once="k1")))

    assert second.replies[0].run == first.replies[0].run
    assert (second.replies[0].changed, second.appends) == (False, ())


def test_flow_that_is_not_judged_is_not_opened() -> None:
    [reply] = stepped(a_core(), asked(an_opening(a_flow()))).replies

    assert (reply.run, reply.why) == (None, "the flow flow is not judged: its runs are triggered")


def test_sealed_flow_is_not_opened_without_a_key() -> None:
    [reply] = stepped(a_core(), asked(an_opening(sealed=True))).replies

    assert reply.run is None
    assert reply.why.startswith("its run cannot be sealed: ")


def test_event_is_on_the_disk_before_its_answer() -> None:
    decided = stepped(a_core(), asked(EVENT))

    [row] = decided.ledger
    assert (row.kind, decided.promise, decided.replies[0].number) == (INBOX, True, 1)


def heard(core: HostCore, count: int = 1) -> None:
    for _ in range(count):
        stepped(core, asked(EVENT))


def test_event_leaves_the_inbox_in_the_step_that_opens_its_runs() -> None:
    core = a_core()
    heard(core)
    opens = (an_opening(), an_opening())

    decided = stepped(core, asked(OpenJudged(events=(JudgedEvent(number=1, opens=opens),))))

    assert names(decided) == ["RunOpened", "RunOpened"]
    assert [row.value for row in decided.ledger if row.kind == INBOX] == [None]
    assert [*map(str, decided.replies[0].opened[1])] == ["h1-1", "h1-2"]
    assert (decided.promise, len(core.site.inbox)) == (False, 0)


def test_event_that_left_the_inbox_opens_nothing_again() -> None:
    core = a_core()
    heard(core)
    judged = OpenJudged(events=(JudgedEvent(number=1, opens=(an_opening(),)),))
    stepped(core, asked(judged))

    again = stepped(core, asked(judged))

    assert (again.appends, again.replies[0].opened) == ((), {})


def test_event_is_back_after_a_refused_append() -> None:
    core = a_core()
    heard(core, 2)
    decided = stepped(
        core, asked(OpenJudged(events=(JudgedEvent(number=1, opens=(an_opening(),)),)))
    )

    core.undo(decided)

    assert [event.number for event in core.site.inbox.first(9)] == [1, 2]
    assert core.table.runs == {}


def test_what_was_wrong_with_an_event_is_a_finding_of_its_flow() -> None:
    core = a_core()
    heard(core)
    event = JudgedEvent(
        number=1, opens=(an_opening(sealed=True),), findings=(EventFinding("flow", "bad"),)
    )

    stepped(core, asked(OpenJudged(events=(event,))))

    whys = [str(one["why"]) for one in core.site.inbox.findings("flow").newest]
    assert [why.partition(":")[0] for why in whys] == ["its run cannot be sealed", "bad"]


def a_taken(core: HostCore) -> Key:
    stepped(core, asked(a_post()))
    wanted = TakeOldest(queue="slack", labels=frozenset(), take="t1", by="slack")
    [reply] = stepped(core, asked(wanted)).replies
    assert reply.taken is not None
    return Key.parse(reply.taken.key)


def an_answer(key: Key) -> AnswerHeard:
    report = Answered(good=True, outputs={})
    return AnswerHeard(answer=Reported(key=key, report=report, at=NOW), event=EVENT)


def test_answer_and_its_event_are_stored_together() -> None:
    core = a_core()
    key = a_taken(core)

    decided = stepped(core, to(key.run, an_answer(key), ticket=1))

    assert names(decided) == ["ActionEnded"]
    assert [row.kind for row in decided.ledger] == [INBOX]
    assert (decided.promise, decided.replies[0].changed) == (True, True)


def test_second_answer_is_no_event() -> None:
    core = a_core()
    key = a_taken(core)
    stepped(core, to(key.run, an_answer(key), ticket=1))

    decided = stepped(core, to(key.run, an_answer(key), ticket=1))

    assert (decided.ledger, decided.replies[0].changed, decided.replies[0].why) == ((), False, "")


def test_answer_to_an_unknown_run_is_no_event() -> None:
    core = a_core()
    key = a_taken(core)
    gone = replace(key, run=replace(key.run, serial=9))

    decided = stepped(core, to(gone.run, an_answer(gone), ticket=1))

    assert (decided.ledger, decided.replies[0].changed) == ((), False)


def test_answer_changes_nothing_while_the_inbox_is_full() -> None:
    core = a_core()
    key = a_taken(core)
    long = replace(an_answer(key), event=replace(EVENT, body="x" * (3 << 20)))

    decided = stepped(core, to(key.run, long, ticket=1))

    assert (decided.appends, decided.replies[0].changed) == ((), False)
    assert decided.replies[0].why != ""
