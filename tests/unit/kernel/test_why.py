"""What a waiting run says; active and ended ones are told in the scenarios."""

import pytest

from floe.kernel.place import Refusals
from floe.kernel.why import why
from floe.model.event import RunPacked
from floe.model.flow import Node
from floe.model.ids import HostId, NodeId
from floe.model.run import Run
from floe.model.signal import Cancel, Reset
from floe.model.tags import Tag
from floe.model.work import Exec
from tests.make import (
    NOW,
    a_flow,
    a_form,
    a_merge,
    a_node,
    a_pending_run,
    a_run,
    after,
    attached,
    exited,
    grown,
    stopped,
    the_key,
)


def test_pending_run_names_each_host_and_its_reasons() -> None:
    by_host = {
        HostId("h1"): ("lacks the tag go", "has no free slot (64 of 64 runs)"),
        HostId("h2"): ("cannot use resource nic (h1-3 holds it)",),
    }

    answer = why(a_pending_run(), Refusals(by_host=by_host))

    assert answer.hosts == by_host
    assert answer.text == (
        "waits for a host: h1 lacks the tag go and has no free slot (64 of 64 runs);"
        " h2 cannot use resource nic (h1-3 holds it)"
    )


def test_pending_run_without_any_host_reports_it() -> None:
    assert why(a_pending_run(), Refusals(by_host={})).text == "waits for a host: none is known"


def test_pending_run_that_a_host_would_take_names_the_resources_it_waits_for() -> None:
    held = Refusals(by_host={}, resources=("resource db, held by h1-2", "2. in the queue"))

    answer = why(a_pending_run(), held)

    assert answer.text == "waits for resource db, held by h1-2; 2. in the queue"


def test_run_of_a_backup_is_held_for_the_operator() -> None:
    answer = why(a_pending_run(), is_held_back=True)

    assert answer.text.startswith("held for the operator: ")
    assert a_pending_run().ref.store in answer.text


def test_run_that_ended_before_its_flow_was_read_names_no_nodes() -> None:
    run = after(a_pending_run(), Cancel(by="alice"))

    answer = why(attached(run, None))

    assert (answer.text, answer.never) == ("cancelled by alice", {})


def test_archived_run_still_explains_why_it_ended() -> None:
    run = after(a_pending_run(), Cancel(by="alice"))

    answer = why(grown(run, [RunPacked(at=NOW, digests={})]))

    assert answer.text == "cancelled by alice; never ran: task.build"


def test_run_whose_nodes_all_ran_names_none() -> None:
    run = a_run()

    answer = why(after(run, exited(run, "build")))

    assert (answer.text, answer.never) == ("ended good: nothing is left to run", {})


def test_attempt_that_waits_for_its_host_reports_it() -> None:
    run = a_run(a_flow(a_node("a"), a_node("b")))

    answer = why(run, queued=[the_key(run, "b")])

    assert answer.waiting["task.a"][0].startswith("to be started since")
    assert answer.waiting["task.b"][0].startswith("a place among the commands of h1 since")


def test_attempt_that_waits_for_the_machine_names_what_for() -> None:
    run = a_run(a_flow(a_node("a"), a_node("b")))

    answer = why(run, queued=[the_key(run, "b")], limit="there are 2, the limit allows no more")

    assert answer.waiting["task.b"][0].endswith("Z: there are 2, the limit allows no more")


def test_attempt_whose_files_cannot_be_written_shows_what_is_wrong_with_them() -> None:
    run = a_run()

    answer = why(run, stuck={the_key(run, "build"): "has no room left in /srv"})

    assert answer.waiting["task.build"] == ("its files: h1 has no room left in /srv",)


def test_node_that_listens_to_nothing_waits_for_nothing() -> None:
    idle = Node(id=NodeId("idle"), cls="task", type="exec", name="idle", work=Exec(argv=("true",)))

    answer = why(a_run(a_flow(a_node(), idle)))

    assert answer.waiting["task.idle"] == ("can never enter: it listens to nothing",)


def reset_merge(kind: str, *settled: str) -> Run:
    """A run whose merge of `a` and `b` entered and was reset; its tags still stand."""
    merge = a_merge("both", ["task.a.good", "task.b.good"], kind)
    run = a_run(a_flow(a_form("hold"), a_node("a"), a_node("b"), merge))
    for node in settled:
        run = after(run, exited(run, node))
    return after(run, Reset(nodes=(NodeId("both"),), by=Tag("trigger.good")))


def test_reset_merge_whose_tags_stand_waits_for_one_of_them_again() -> None:
    answer = why(reset_merge("any", "a"))

    assert answer.waiting["merge.both"] == ("task.a.good or task.b.good",)


def test_reset_merge_whose_tags_cannot_come_again_names_them() -> None:
    answer = why(reset_merge("all", "a", "b"))

    assert answer.waiting["merge.both"] == (
        "cannot run: a does not run again and b does not run again",
    )


UNREACHED = [
    (a_node("a"), 0, "task.a.bad", "a was not bad"),
    (a_node("a"), 0, "task.a.error", "a had no error"),
    (a_node("a", use_status=True), 0, "task.a.3", "a did not exit with 3"),
    (a_node("a"), 1, "task.a.good", "a was not good"),
]


@pytest.mark.parametrize(("node", "status", "tag", "reason"), UNREACHED)
def test_node_that_no_tag_reaches_names_the_one_before_it(
    node: Node, status: int, tag: str, reason: str
) -> None:
    flow = a_flow(node, a_form("hold"), a_node("z", on=tag), unheard_bad="hold")
    run = after(a_run(flow), exited(a_run(flow), "a", status))

    answer = why(run)

    assert answer.waiting["task.z"] == (f"cannot run: {reason}",)


def test_node_after_a_stopped_one_says_so() -> None:
    run = a_run(a_flow(a_node("a"), a_node("z", on="task.a.good")))
    run = after(run, Cancel(by="alice"))
    run = after(run, stopped(run, "a"))

    answer = why(run)

    assert answer.never["task.z"].why == "a was stopped"


def test_node_whose_event_came_as_the_run_ended_says_so() -> None:
    run = a_run(a_flow(a_node("a", condition="values.nope == 1"), a_node("z")))

    assert why(run).never["task.z"].why == "the run ended first"


TROUBLE = "cannot start commands: no warden is running"


def test_active_run_shows_what_is_wrong_with_its_host() -> None:
    run = a_run()

    answer = why(run, trouble=TROUBLE)

    assert answer.text.endswith(f"; {run.host} {TROUBLE}")


def test_run_that_is_being_stopped_shows_what_is_wrong_with_its_host() -> None:
    run = after(a_run(), Cancel(by="alice"))

    answer = why(run, trouble=TROUBLE)

    assert answer.text.endswith(f"stops task.build; {run.host} {TROUBLE}")


def test_run_that_is_over_reports_nothing_of_its_host() -> None:
    run = a_run()

    answer = why(after(run, exited(run, "build")), trouble=TROUBLE)

    assert TROUBLE not in answer.text
