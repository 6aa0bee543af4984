"""What a node keeps of many repetitions, and what they cost."""

import tracemalloc

from floe.kernel.evolve import evolve
from floe.kernel.owed import longest_s, owed
from floe.kernel.repeat import repetition_text
from floe.model.codec import decode, decode_event, digest_of, encode, encode_event
from floe.model.effect import SetTimer
from floe.model.event import RepeatArmed, RetryDue
from floe.model.flow import Flow, Repeat
from floe.model.ids import Instant, NodeId
from floe.model.outcome import Outcome
from floe.model.run import Run
from tests.make import NOW, a_flow, a_node, a_run, after, exited

NODE = NodeId("build")
UNTIL = Repeat(until="status == 0", every_s=600.0, max=10_000)
FLOW = a_flow(a_node(repeat=UNTIL))


def armed(attempt: int) -> RepeatArmed:
    """An attempt after which `until` is false."""
    return RepeatArmed(
        at=NOW,
        node=NODE,
        visit=1,
        attempt=attempt,
        outcome=Outcome(result="bad", status=1),
        outputs={"code": "503"},
        due=Instant(NOW + 1000),
        ended_at=NOW,
    )


def repeated(run: Run, first: int, last: int) -> Run:
    """The run after these attempts."""
    for attempt in range(first, last):
        run = evolve(run, armed(attempt))
        run = evolve(run, RetryDue(at=NOW, node=NODE, visit=1, attempt=attempt + 1))
    return run


def bytes_kept(run: Run, first: int, last: int) -> int:
    """What the versions of a run after each of these attempts take, all of them kept."""
    tracemalloc.start()
    kept = []
    for attempt in range(first, last):
        run = repeated(run, attempt, attempt + 1)
        kept.append(run.nodes[NODE].attempts)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


def test_state_has_all_attempts_and_the_outputs_of_the_last() -> None:
    state = repeated(a_run(FLOW), 1, 1001).nodes[NODE]

    assert [one.attempt for one in state.attempts] == [*range(1, 1001)]
    assert (state.attempt, state.tries) == (1001, 1000)
    assert state.outputs == {"code": "503"}


def test_versions_of_many_attempts_share_their_structure() -> None:
    run = repeated(a_run(FLOW), 1, 2000)

    few = bytes_kept(run, 2000, 2010)

    assert few < 10 * 2000 * 8  # as many copies of a tuple of them


def test_wait_for_a_repetition_is_as_long_as_the_node_has_it() -> None:
    run = after(a_run(FLOW), exited(a_run(FLOW), "build", status=1))
    [timer] = [effect for effect in owed(run) if isinstance(effect, SetTimer)]

    assert longest_s(run, timer) == 600.0
    assert timer.due == NOW + 600_000


def test_node_without_repeat_counts_no_attempts() -> None:
    run = a_run()

    assert repetition_text(a_node(), run.nodes[NODE]) == ""


def test_repeat_is_written_and_read_back() -> None:
    event = armed(7)

    assert decode(Flow, encode(FLOW)) == FLOW
    assert decode_event("RepeatArmed", encode_event(event)) == event


def test_flow_without_repeat_and_loop_has_the_digest_that_it_had() -> None:
    assert "repeat" not in encode(a_node())
    assert "loop" not in encode(a_node())
    assert digest_of(a_flow()) == digest_of(a_flow(a_node(repeat=None, loop=0)))
