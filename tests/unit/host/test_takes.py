"""Outside work of a single host: taken once, oldest first, and given back."""

from typing import Any

from floe.host.core import HostCore
from floe.host.inputs import GiveBack, Incoming, TakeOldest
from floe.host.step_result import StepResult
from floe.model.call import OutsideWork, TakenWork
from floe.model.ids import Instant
from floe.model.run import Run
from floe.model.signal import Answered, Cancel, Reported
from tests.make import H1, NOW, a_flow, a_node, the_key
from tests.make_core import a_core, begun, stepped, to

POST = a_flow(a_node("build", OutsideWork(type="toy.post", config={"text": "hi"}, queue="slack")))
NONE = frozenset[str]()


def a_take(name: str, **others: Any) -> Incoming:
    wanted = {"queue": "slack", "labels": NONE, "take": name, "by": "slack"}
    return Incoming(input=TakeOldest(**(wanted | others)), ticket=1)


def taken(decided: StepResult) -> list[str]:
    """The keys of the work that each reply has."""
    return [reply.taken.key if reply.taken else "" for reply in decided.replies]


def key_of(core: HostCore, run: Run) -> str:
    return str(the_key(core.table.runs[run.ref], "build"))


def test_taker_gets_the_oldest_work_with_what_it_needs() -> None:
    core = a_core()
    [run] = begun(core, POST)

    [reply] = stepped(core, a_take("t1")).replies

    work = TakenWork(key=key_of(core, run), take="t1", type="toy.post", config={"text": "hi"})
    assert (reply.taken, reply.changed) == (work, True)


def test_takers_of_one_step_get_different_work() -> None:
    core = a_core()
    runs = begun(core, POST, POST)

    decided = stepped(core, a_take("t1"), a_take("t2"), a_take("t3"))

    assert taken(decided) == [*(key_of(core, run) for run in runs), ""]


def test_work_of_a_run_that_ends_in_the_same_step_is_passed_over() -> None:
    core = a_core()
    first, second = begun(core, POST, POST)

    decided = stepped(core, to(first, Cancel(by="bob")), a_take("t1"))

    assert taken(decided) == [key_of(core, second)]


def test_named_take_that_is_repeated_takes_no_other_work() -> None:
    core = a_core()
    first, _ = begun(core, POST, POST)

    stepped(core, a_take("t1", once="take:t1"))
    again = stepped(core, a_take("t1", once="take:t1"))

    [reply] = again.replies
    assert (reply.run, reply.changed, reply.taken) == (first.ref, False, None)


def test_work_that_is_given_back_is_the_first_to_be_taken() -> None:
    core = a_core()
    first, _ = begun(core, POST, POST)
    stepped(core, a_take("t1"))

    back = stepped(core, Incoming(input=GiveBack(take="t1"), ticket=2))
    again = stepped(core, a_take("t2"))

    assert (back.replies[0].changed, taken(again)) == (True, [key_of(core, first)])


def test_work_that_is_taken_and_given_back_in_one_step_is_offered() -> None:
    core = a_core()
    [run] = begun(core, POST)

    stepped(core, a_take("t1"), Incoming(input=GiveBack(take="t1")))

    assert taken(stepped(core, a_take("t2"))) == [key_of(core, run)]


def test_giving_back_what_was_never_taken_changes_nothing() -> None:
    core = a_core()
    [run] = begun(core, POST)
    unknown = key_of(core, run).replace("h1-1", "h1-9")

    backs = [GiveBack(take="t9"), GiveBack(take="t9", key=unknown)]
    decided = stepped(core, *(Incoming(input=back, ticket=2) for back in backs))

    assert [reply.changed for reply in decided.replies] == [False, False]


def test_take_that_was_not_stored_leaves_the_work_offered() -> None:
    core = a_core()
    [run] = begun(core, POST)

    core.undo(stepped(core, a_take("t1")))

    assert taken(stepped(core, a_take("t2"))) == [key_of(core, run)]


def test_offers_and_takes_are_there_again_after_a_restart() -> None:
    core = a_core()
    runs = begun(core, POST, POST)
    stepped(core, a_take("t1"))
    again = a_core()
    again.load([core.table.runs[run.ref] for run in runs])

    assert taken(stepped(again, a_take("t2"), a_take("t3"))) == [key_of(core, runs[1]), ""]


def test_answer_of_a_program_is_promised_and_that_of_an_executor_is_not() -> None:
    core = a_core()
    flow = a_flow(*POST.nodes, a_node("next", on="task.build.good"))
    runs = begun(core, flow, flow)
    stepped(core, a_take("t1"), a_take("t2"))
    reports = [
        Reported(
            key=the_key(core.table.runs[run.ref], "build"),
            report=Answered(good=True, outputs={}),
            at=NOW,
        )
        for run in runs
    ]

    steps = [
        stepped(core, to(run, one, ticket=at))
        for at, (run, one) in enumerate(zip(runs, reports, strict=True))
    ]

    assert [step.promise for step in steps] == [False, True]


def test_through_which_host_it_was_taken_is_known() -> None:
    core = a_core()
    [run] = begun(core, POST)
    stepped(core, a_take("t1"))

    takes = core.table.runs[run.ref].nodes[POST.nodes[0].id].takes

    assert takes is not None
    assert (takes.through, takes.by, takes.take, Instant(NOW)) == (H1, "slack", "t1", NOW)
