"""What a host answers to people who change a judged run, and what it has stored by then."""

from dataclasses import replace

from floe.kernel.evolve import evolve
from floe.model.codec import digest_of
from floe.model.ids import NodeId
from floe.model.passes import RunOpened
from floe.model.people import AddNote, Edit, Resolve, StateEdit
from floe.model.run import Run
from tests.make import H1, NOW, REF, STORE, attached
from tests.make_core import a_core, stepped, to
from tests.toy.reader import toy_flow

TOY = toy_flow("toy", ["a"])


def a_task() -> Run:
    """A run that rests before its first pass."""
    opened = RunOpened(
        at=NOW,
        flow=TOY.id,
        ver=TOY.ver,
        digest=digest_of(TOY),
        trigger=NodeId("start"),
        values={},
        by="alice",
        host=H1,
        store=STORE,
        verdict="TODO",
    )
    return attached(evolve(None, opened, ref=REF), TOY)


def test_second_person_learns_who_resolved_a_run() -> None:
    core, run = a_core(), a_task()
    core.load([run])

    first = stepped(core, to(run, Resolve(by="alice", resolution="r1"), ticket=1))
    second = stepped(core, to(run, Resolve(by="bob", resolution="r2"), ticket=2))

    assert (first.promise, first.replies[0].changed, first.replies[0].why) == (True, True, "")
    assert (second.replies[0].changed, second.replies[0].why) == (False, "alice resolved it")


def test_note_is_stored_before_its_reply_and_once_for_a_key() -> None:
    core, run = a_core(), a_task()
    core.load([run])
    note = to(run, AddNote(by="alice", kind="comment", value="hello"), ticket=1, once="k1")

    first, second = stepped(core, note), stepped(core, note)

    assert first.promise
    assert [len(append.records) for append in first.appends] == [1]
    assert (second.replies[0].changed, second.appends) == (True, ())


def test_edited_flow_is_stored_and_counts_for_the_rest_of_the_run() -> None:
    core, run = a_core(), a_task()
    core.load([run])
    flow = toy_flow("toy", ["a", "b on a"])
    states = (StateEdit(node=NodeId("b"), state="DONE"),)
    edit = Edit(by="bob", base=1, digest=digest_of(flow), flow=flow, states=states)

    step = stepped(core, to(run, edit, ticket=1))

    assert [row.key for row in step.ledger if row.kind == "flow"] == [digest_of(flow)]
    assert [append.summary.digest for append in step.appends if append.summary] == [digest_of(flow)]
    assert core.table.runs[REF].flow == flow


def test_two_edits_at_once_change_a_run_once() -> None:
    core, run = a_core(), a_task()
    core.load([run])
    edit = Edit(by="bob", base=1, digest=digest_of(TOY), flow=TOY, values={"region": "eu"})

    step = stepped(
        core, to(run, edit, ticket=1), to(run, replace(edit, by="alice", values={}), ticket=2)
    )

    assert [reply.why for reply in step.replies] == ["", "it changed since it was read"]
    assert core.table.runs[REF].values == {"region": "eu"}
