"""A toy dialect of judged flows: steps with states, after the larger dialects that there will be.

    toy passes=3
      a
      b on a                     | tries=2
      c on a:DONE,CLIENT_ERROR   | items=3 sequence
      d on b:final c:final       | recheck await=child then=DONE>a:TO_RETRY skip=SKIPPED

A step runs when each step that it is `on` is in one of the states, DONE if none is named. It is
pruned when one of them is done in a different state; `final` is any. The other options:

    tries=N        at most N attempts in a run
    items=N        N items, `sequence` one after the other, `parallel=N` at a time
    limit=N        outside work has N seconds
    idempotent     an attempt that was lost runs again
    recheck        runs once more before its run rests as WAITING
    await=KEY      is WAITING until there is an update with the key; with `each` an item is until
                   there is one with KEY.N
    opens=FLOW     opens a child run of a flow of the same file, whose updates have the key await=
    skip=STATE     gets the state without an attempt
    then=S>b:T     if it comes to S, the step b gets the state T
    due=N          runs again with a pass after N seconds, not 30
    post=QUEUE     is outside work, offered in this queue
    entered        enters with the event that opens the run, and never by itself

With `wakes=` in the first line, an update wakes a run at rest with one of these verdicts alone.
An event with the name in `event=` of the first line opens a run of the flow.
"""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, cast

from floe.model.call import Call, OutsideWork
from floe.model.flow import Flow, Foreach, Node, Trigger
from floe.model.ids import NodeId
from floe.model.states import FINAL, State, StateTable
from floe.model.tags import Tag, tag_of
from floe.model.work import Work
from tests.make import a_flow, a_node

ROWS: Final = (
    State(name="TODO", verdict="DEADLOCK", rank=1, again="pass", settable=True),
    State(name="DONE", final=True, verdict="DONE", settable=True),
    State(name="SKIPPED", final=True, verdict="DONE", result="skipped"),
    State(name="PRUNED", final=True, verdict="DONE", result="skipped"),
    State(name="FAILED", final=True, verdict="DONE", result="bad", settable=True),
    State(name="WAITING", verdict="WAITING", rank=2, again="pass"),
    State(name="RETRY_NOW", again="now", settable=True),
    State(name="TO_RETRY", verdict="ERROR", rank=3, again="pass", retries=True, settable=True),
    State(name="SERVER_ERROR", verdict="ERROR", rank=3, again="pass", retries=True, result="error"),
    State(
        name="CLIENT_ERROR", verdict="BLOCKED", rank=4, again="pass", result="bad", settable=True
    ),
    State(name="FATAL_ERROR", verdict="FATAL", rank=5, again="pass", result="error"),
    State(name="CHECK_ERROR", verdict="ERROR", rank=3, again="pass", retries=True, result="error"),
    State(name="CRASHED", verdict="TO_CHECK", rank=6, result="error"),
)


def toy_flow(line: str, block: Iterable[str]) -> Flow:
    """The flow of a document: its first line, and one line for each step."""
    given = _options(shlex.split(line)[1:])
    table = StateTable(
        rows=ROWS,
        initial="TODO",
        pruned="PRUNED",
        fatal="FATAL_ERROR",
        crashed="CRASHED",
        condition_failed="SERVER_ERROR",
        verdict_failed="CHECK_ERROR",
        ends={"DONE": "good"},
        told=frozenset({"BLOCKED"}),
        passes_max=int(given.get("passes", "0")),
        passes_verdict="SPENT",
        wakes=tuple(filter(None, given.get("wakes", "").split(","))),
    )
    triggers = (Trigger(id=NodeId("start"), type="data", name=given.get("event", "start")),)
    timeout_s = float(given["timeout"].removesuffix("s")) if "timeout" in given else None
    nodes = map(_step, block)
    return a_flow(*nodes, states=table, timeout_s=timeout_s, triggers=triggers)


def options_of(node: Node) -> Mapping[str, str]:
    """The options of a step, which the toy judges by."""
    assert isinstance(node.work, Call | OutsideWork), "a step is a call or outside work"
    return _options(map(str, cast(list[str], node.work.config)))


def _step(line: str) -> Node:
    head, _, tail = line.partition(" | ")
    id, *words = head.split()
    given = _options(tail.split())
    needs = [_need(word) for word in words[1:]]
    if "entered" in given:
        needs.append(())  # which nothing satisfies
    work: Work = Call(type="toy.step", config=[*tail.split()])
    if "post" in given:
        work = OutsideWork(type="toy.post", config=[*tail.split()], queue=given["post"])
    node = a_node(
        id,
        work,
        heard=frozenset(),
        needs=tuple(needs),
        prunes=tuple(
            at for at, clause in enumerate(needs) if clause and not clause[0].endswith(FINAL)
        ),
        recheck=("WAITING",) if "recheck" in given else (),
        idempotent="idempotent" in given,
        timeout_s=float(given["limit"]) if "limit" in given else None,
        tries_max=int(given.get("tries", "0")),
    )
    if "items" not in given:
        return node
    parallel = int(given["parallel"]) if "parallel" in given else None
    after = ("DONE",) if "sequence" in given else ()
    return replace(node, foreach=Foreach(expression="items", parallel=parallel, after=after))


def _need(word: str) -> tuple[Tag, ...]:
    id, _, states = word.partition(":")
    return tuple(tag_of("task", id, state) for state in (states or "DONE").split(","))  # type: ignore[arg-type]


def _options(words: Iterable[str]) -> dict[str, str]:
    return {name: value for name, _, value in (word.partition("=") for word in words)}
