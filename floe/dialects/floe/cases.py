"""Reads the tests of flows.

Source: docs/flows.md, "Tests".
"""

from collections.abc import Mapping, Sequence

from floe.dialects.floe.case_keys import (
    AFTER,
    ATTEMPTS,
    CASE,
    CASE_EXPECT,
    CASE_FLOW,
    CASE_GIVEN,
    CASE_HOSTS,
    CASE_NAME,
    CASE_TRIGGER,
    CASE_VALUES,
    ENDS,
    ENTERS,
    EXPECT,
    EXPECT_AFTER,
    GIVEN,
    GIVEN_ITEMS,
    GIVEN_WHY,
    NEVER,
    OUTPUTS,
    RESULT,
    SKIPPED_NODES,
    STARTS,
    STATUS,
    TITLE,
    WHY,
)
from floe.dialects.floe.json_values import json_of
from floe.dialects.kinds import Unfit, quoted
from floe.dialects.nearest import closest
from floe.dialects.notes import Notes, Position
from floe.dialects.section import KeySpec, SectionValues
from floe.dialects.tree import Table, Tree
from floe.model.case import Attempts, Case, Expected, GivenAttempt, GivenNode
from floe.model.flow import Flow
from floe.model.ids import HostId, Json, NodeId


def read_cases(tables: Sequence[Table], flows: Sequence[Flow], notes: Notes) -> tuple[Case, ...]:
    """The tests of some flows; nodes of a flow with a flow-file are not checked."""
    cases: list[Case] = []
    names: set[tuple[str, str]] = set()
    for table in tables:
        errors = notes.errors
        part = CASE.read(table, notes)
        flow = _flow(part, flows, notes)
        if flow is None:
            continue
        if (flow.id, part[CASE_NAME]) in names:
            what = f"two tests have the name {quoted(part[CASE_NAME])}"
            notes.error(part.at_of(CASE_NAME), what, "name one differently")
        names.add((flow.id, part[CASE_NAME]))
        case = _case(part, flow, notes)
        if notes.errors == errors:
            cases.append(case)
    return tuple(cases)


def _flow(part: SectionValues, flows: Sequence[Flow], notes: Notes) -> Flow | None:
    ids = tuple(dict.fromkeys(flow.id for flow in flows))
    if CASE_FLOW not in part and len(ids) == 1:
        return max(flows, key=lambda flow: flow.ver)
    found = [flow for flow in flows if flow.id == part[CASE_FLOW]]
    if found:
        return max(found, key=lambda flow: flow.ver)
    if CASE_FLOW in part:
        hint = closest(part[CASE_FLOW], ids) or f"its flows are {', '.join(ids)}"
        notes.error(part.at_of(CASE_FLOW), f"there is no flow {quoted(part[CASE_FLOW])}", hint)
    elif ids:
        what = "the document has several flows, so a test needs `flow`"
        notes.error(part.at, what, f"flow: {ids[0]}")
    return None


def _case(part: SectionValues, flow: Flow, notes: Notes) -> Case:
    trigger = part[CASE_TRIGGER]
    ids = tuple(trigger.id for trigger in flow.triggers)
    if trigger and trigger not in ids:
        hint = closest(trigger, ids) or f"its triggers are {', '.join(ids)}"
        notes.error(part.at_of(CASE_TRIGGER), f"the flow has no trigger {quoted(trigger)}", hint)
    return Case(
        name=part[CASE_NAME],
        file=notes.file,
        line=part.at.line,
        flow=flow.id,
        ver=flow.ver,
        trigger=NodeId(trigger) if trigger else None,
        values=_map(part, CASE_VALUES, notes),
        hosts=_hosts(part, notes),
        given=_given_of_case(part[CASE_GIVEN], flow, notes),
        expected=_expected(part[CASE_EXPECT], flow, notes),
    )


def _hosts(part: SectionValues, notes: Notes) -> Mapping[HostId, frozenset[str]]:
    """The hosts of a test with their tags."""
    found = {}
    for name, tags in (part[CASE_HOSTS] or {}).items():
        if not isinstance(tags, tuple) or not all(isinstance(tag, str) for tag in tags):
            what = f"`{name}` of `hosts` takes a list of tags"
            notes.error(part.at_of(CASE_HOSTS), what, CASE_HOSTS.example)
            continue
        found[HostId(name)] = frozenset(map(str, tags))
    return found


def _given_of_case(table: Table | None, flow: Flow, notes: Notes) -> Mapping[NodeId, GivenNode]:
    given = {}
    for name, (at, tree) in table.entries.items() if table else ():
        given[_node(name, at, flow, notes)] = _given_node(tree, notes)
    return given


def _given_node(tree: Tree, notes: Notes) -> GivenNode:
    part = GIVEN.read(tree, notes) if isinstance(tree, Table) else None
    if part is None or GIVEN_ITEMS not in part:
        return GivenNode(attempts=_attempts(tree, part, notes))
    _check_alone(part, GIVEN_ITEMS, notes)
    return GivenNode(items=tuple(_item(one, notes) for one in part[GIVEN_ITEMS]))


def _item(tree: Tree, notes: Notes) -> Attempts:
    part = GIVEN.read(tree, notes) if isinstance(tree, Table) else None
    if part is not None and GIVEN_ITEMS in part:
        notes.error(part.at_of(GIVEN_ITEMS), "an item has no items of its own")
    return _attempts(tree, part, notes)


def _attempts(tree: Tree, part: SectionValues | None, notes: Notes) -> Attempts:
    if part is None:
        return (_one(tree, notes),)
    if ATTEMPTS not in part:
        return (_built(part, notes),)
    _check_alone(part, ATTEMPTS, notes)
    return tuple(_one(one, notes) for one in part[ATTEMPTS])


def _check_alone(part: SectionValues, alone: KeySpec[object], notes: Notes) -> None:
    for key in (RESULT, STATUS, OUTPUTS, AFTER, GIVEN_WHY, ATTEMPTS):
        if key in part and key is not alone:
            what = f"`{key.name}` beside `{alone.name}` has no effect"
            notes.error(part.at_of(key), what, f"write it into `{alone.name}`")


def _one(tree: Tree, notes: Notes) -> GivenAttempt:
    if isinstance(tree, Table):
        return _built(GIVEN.read(tree, notes), notes)
    try:
        return GivenAttempt(result=RESULT.kind.read(tree, "given", notes))
    except Unfit as error:
        hint = error.hint or "good, bad, error or a map such as {status: 3, after: 2s}"
        notes.error(error.at, error.what, hint)
        return GivenAttempt()


def _built(part: SectionValues, notes: Notes) -> GivenAttempt:
    if STATUS in part and RESULT in part:
        what = "`status` and `result` cannot be given together"
        notes.error(part.at_of(STATUS), what, "the status decides: remove `result`")
    return GivenAttempt(
        result=part[RESULT],
        status=part[STATUS],
        outputs=_map(part, OUTPUTS, notes),
        after_s=part[AFTER],
        why=part[GIVEN_WHY],
    )


def _expected(table: Table | None, flow: Flow, notes: Notes) -> Expected:
    if table is None:
        return Expected()
    part = EXPECT.read(table, notes)
    if not table.entries:
        notes.error(table.at, "`expect` is empty, so the test can never fail", ENDS.example)
    for key in EXPECT.keys if not part[STARTS] else ():
        if key in part and key not in (STARTS, WHY):
            what = f"`{key.name}` beside `starts: false` has no effect: there is no run"
            notes.error(part.at_of(key), what, "remove one of them")
    enters = _nodes(part, ENTERS, flow, notes)
    return Expected(
        starts=part[STARTS],
        enters=enters if ENTERS in part else None,
        never=_nodes(part, NEVER, flow, notes),
        skipped=_skipped(part[SKIPPED_NODES], flow, notes),
        ends=part[ENDS],
        why=part[WHY],
        title=part[TITLE],
        after_s=part[EXPECT_AFTER],
    )


def _skipped(table: Table | None, flow: Flow, notes: Notes) -> Mapping[NodeId, str]:
    skipped: dict[NodeId, str] = {}
    for name, (at, tree) in table.entries.items() if table else ():
        try:
            skipped[_node(name, at, flow, notes)] = WHY.kind.read(tree, name, notes)
        except Unfit as error:
            notes.error(error.at, error.what, error.hint)
    return skipped


def _nodes(
    part: SectionValues, key: KeySpec[tuple[str, ...]], flow: Flow, notes: Notes
) -> tuple[NodeId, ...]:
    return tuple(_node(name, part.at_of(key), flow, notes) for name in part[key])


def _node(name: str, at: Position, flow: Flow, notes: Notes) -> NodeId:
    """The node that a test names: `build` or `task.build`."""
    cls, dot, id = name.rpartition(".")
    node = flow.by_id.get(NodeId(id))
    if not flow.flow_file and (node is None or (dot and node.cls != cls)):
        names = tuple(n.ref if dot else str(n.id) for n in flow.nodes)
        hint = closest(name, names) or f"its nodes are {', '.join(names)}"
        notes.error(at, f"the flow has no node {quoted(name)}", hint)
    return NodeId(id)


def _map(part: SectionValues, key: KeySpec[Table | None], notes: Notes) -> Mapping[str, Json]:
    found: dict[str, Json] = {}
    table = part[key]
    for name, (_, tree) in table.entries.items() if table else ():
        try:
            found[name] = json_of(tree, name)
        except Unfit as fault:
            notes.error(fault.at, fault.what, fault.hint)
    return found
