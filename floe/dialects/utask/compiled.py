"""A template of uTask as the kernel knows it: its steps are nodes s0, s1, ... of a judged flow.

The flow holds the template with the functions that it uses, so that a run keeps the steps that it
began with. The kernel knows nothing of them but dependencies, states and how often a step may run.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Final, NamedTuple, cast

from floe.dialects.go_yaml import tree_of
from floe.dialects.notes import Notes, Position
from floe.dialects.utask import surroundings
from floe.dialects.utask.dependencies import ANY, DONE, StepGraph, dependency_of
from floe.dialects.utask.document import (
    RETRY_MAX_DEFAULT,
    TaskTemplate,
    UtaskAction,
    UtaskFunction,
    UtaskStep,
)
from floe.dialects.utask.forms import passwords_of, start_form
from floe.dialects.utask.keys import TextAt
from floe.dialects.utask.reading import function_of_tree, template_of_tree
from floe.dialects.utask.stored import stored_function, stored_template
from floe.model.call import Call
from floe.model.codec import to_text
from floe.model.flow import Flow, Foreach, Node, Trigger
from floe.model.ids import ID, FlowId, Json, NodeId, Shape
from floe.model.states import FINAL, State, StateTable
from floe.model.tags import Tag, tag_of

DIALECT: Final = surroundings.DIALECT

CREATE: Final = NodeId("create")
"""The trigger of each flow: a person creates a task."""

RESULT: Final = NodeId("result")
"""The node that has the result of a task. It has no action: the others are the steps."""

TODO: Final = "TODO"
WAITING: Final = "WAITING"
PRUNE: Final = "PRUNE"
CLIENT_ERROR: Final = "CLIENT_ERROR"
SERVER_ERROR: Final = "SERVER_ERROR"
FATAL_ERROR: Final = "FATAL_ERROR"
CRASHED: Final = "CRASHED"
TO_RETRY: Final = "TO_RETRY"
RETRY_NOW: Final = "RETRY_NOW"
AFTERRUN_ERROR: Final = "AFTERRUN_ERROR"
EXPANDED: Final = "EXPANDED"
RUNNING: Final = "RUNNING"
"""States of steps. EXPANDED and RUNNING are no rows of the table: a step has them while its items,
or its action, go on."""

HOOKED: Final = "HOOKED"
"""A row that uTask does not have: the pre-hook of a step is over, its action is not."""

ERROR: Final = "ERROR"
PAUSED: Final = "PAUSED"
BLOCKED_TOCHECK: Final = "BLOCKED_TOCHECK"
BLOCKED_BADREQUEST: Final = "BLOCKED_BADREQUEST"
BLOCKED_FATAL: Final = "BLOCKED_FATAL"
BLOCKED_DEADLOCK: Final = "BLOCKED_DEADLOCK"
BLOCKED_MAXRETRIES: Final = "BLOCKED_MAXRETRIES"
"""States of resolutions: the verdicts of passes."""

ROWS: Final = (
    State(name=DONE, final=True, verdict=DONE, rank=1, settable=True),
    State(name=PRUNE, final=True, verdict=DONE, rank=1, result="skipped", settable=True),
    State(name=RETRY_NOW, again="now", settable=True),
    State(name=HOOKED, again="now"),
    State(name=TODO, again="pass", verdict=BLOCKED_DEADLOCK, rank=2),
    State(name=WAITING, again="pass", verdict=WAITING, rank=3),
    State(name=TO_RETRY, again="pass", verdict=ERROR, rank=4, retries=True, settable=True),
    State(name=SERVER_ERROR, again="pass", verdict=ERROR, rank=4, retries=True, result="error"),
    State(name=AFTERRUN_ERROR, again="pass", verdict=ERROR, rank=4, retries=True, result="error"),
    State(
        name=CLIENT_ERROR,
        again="pass",
        verdict=BLOCKED_BADREQUEST,
        rank=5,
        result="bad",
        settable=True,
    ),
    State(
        name=FATAL_ERROR,
        again="pass",
        verdict=BLOCKED_FATAL,
        rank=6,
        result="error",
        settable=True,
    ),
    State(name=CRASHED, again="pass", verdict=BLOCKED_TOCHECK, rank=7, result="error"),
)

REST_LONGEST_S: Final = 3600.0
REST_LONGEST_HOURS_S: Final = 3 * 3600.0
"""The longest time until a step is retried; for `retry_pattern: hours`."""

VERSIONS_KEPT: Final = 500
"""Templates that a process keeps as they were read."""

TOLD: Final = frozenset({"BLOCKED"})
"""States in which a task of a subtask or batch rests that its parent learns of."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
_NOWHERE: Final = Position(1, 1)


class ReadTemplate(NamedTuple):
    """A template as a flow holds it, and the functions that it uses."""

    template: TaskTemplate
    functions: Mapping[str, UtaskFunction]


def compiled(template: TaskTemplate, functions: Mapping[str, UtaskFunction]) -> Flow:
    """The flow of a template, which has no mistakes."""
    return compiled_document(document_of(template, functions))


def compiled_document(document: Shape) -> Flow:
    """The flow of a document that a flow holds, maybe with other steps."""
    origin = _origin_of(document)
    read = _kept_read(origin, document)
    template = read.template
    graph = StepGraph(template.steps)
    ids = node_ids(template)
    return Flow(
        id=flow_id_of(template.name),
        ver=1,
        name=template.name,
        triggers=(Trigger(id=CREATE, type="data", name="Create", form=start_form(template)),),
        nodes=(
            *(_node(step, read, ids, graph) for step in template.steps.values()),
            *((_result(ids),) if template.result_format else ()),
        ),
        origin=origin,
        unheard_bad="hold",
        states=_states(read),
        dialect=DIALECT,
        document=document,
        passwords=passwords_of(template),
    )


def document_of(template: TaskTemplate, functions: Mapping[str, UtaskFunction]) -> Shape:
    """What the flow of a template holds: the template as uTask stores it, and its functions.

    uTask leaves out what is empty, also where that has a meaning: it is there.
    """
    stored = stored_template(template)
    if template.retry_max is not None:
        stored["retry_max"] = template.retry_max
    variables = cast(list[dict[str, Json]], stored.get("variables", []))
    for shown, one in zip(variables, template.variables, strict=True):
        if one.value is not None:
            shown["value"] = one.value
    used = dict.fromkeys(name for one in _actions(template) for name in _all_used(one, functions))
    return {
        "template": stored,
        "functions": {name: stored_function(functions[name]) for name in used},
    }


def read_of(flow: Flow) -> ReadTemplate:
    """The template of a flow, and its functions."""
    return _kept_read(flow.origin, cast(Shape, flow.document))


def read_document(document: Shape) -> ReadTemplate:
    """The same of a document that a flow holds."""
    return _kept_read(_origin_of(document), document)


def _kept_read(origin: str, document: Shape) -> ReadTemplate:
    if (found := _kept.get(origin)) is None:
        found = _kept[origin] = _read(document)
        if len(_kept) > VERSIONS_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(origin)
    return found


def _origin_of(document: Shape) -> str:
    return sha256(to_text(document).encode(errors="replace")).hexdigest()


_kept: Final[OrderedDict[str, ReadTemplate]] = OrderedDict()


def template_named(flows: Iterable[Flow], name: str) -> Flow | None:
    """The flow of the template with a name, among flows of any dialect; None for none."""
    return next((flow for flow in flows if flow.dialect == DIALECT and flow.name == name), None)


def template_of(flow: Flow) -> TaskTemplate:
    """The template of a flow."""
    return read_of(flow).template


def functions_of(flow: Flow) -> Mapping[str, UtaskFunction]:
    """The functions that the template of a flow uses, by name."""
    return read_of(flow).functions


def flow_id_of(name: str) -> FlowId:
    """The id of the flow of a template: a name of uTask may have any characters."""
    plain = f"{DIALECT}-{name}"
    if ID.fullmatch(plain):
        return FlowId(plain)
    return FlowId(f"{DIALECT}-{sha256(name.encode(errors='replace')).hexdigest()[:24]}")


def node_ids(template: TaskTemplate) -> dict[str, NodeId]:
    """The nodes of the steps of a template, by the names of the steps."""
    width = len(str(max(len(template.steps) - 1, 0)))
    return {name: NodeId(f"s{at:0{width}}") for at, name in enumerate(template.steps)}


def label_of_state(name: str) -> str:
    """The label of a state: a state of a template may have any characters, and a label no dot."""
    if _PLAIN.fullmatch(name) and name not in (FINAL, HOOKED):
        return name
    return f"~{name.encode(errors='replace').hex()}"


def state_of_label(label: str) -> str:
    """The name of a state, from its label."""
    return bytes.fromhex(label[1:]).decode() if label.startswith("~") else label


def chain_of(action: UtaskAction, functions: Mapping[str, UtaskFunction]) -> list[UtaskFunction]:
    """The functions of an action, outermost first."""
    return [functions[name] for name in _used(action, functions)]


def plugin_of(action: UtaskAction, functions: Mapping[str, UtaskFunction]) -> str:
    """The type of what an action does in the end, behind its functions."""
    chain = chain_of(action, functions)
    return chain[-1].action.type if chain else action.type


def own_states(step: UtaskStep, functions: Mapping[str, UtaskFunction]) -> list[str]:
    """The custom states of a step, those of its functions included."""
    of_functions: Iterator[TextAt] = (
        state for one in chain_of(step.action, functions) for state in one.custom_states
    )
    return list(dict.fromkeys(state.text for state in (*step.custom_states, *of_functions)))


def pre_hook_of(step: UtaskStep, functions: Mapping[str, UtaskFunction]) -> UtaskAction | None:
    """The pre-hook of a step, which a function of it may have."""
    hooks = (one.pre_hook for one in chain_of(step.action, functions))
    return step.pre_hook or next((hook for hook in hooks if hook is not None), None)


def run_max_of(template: TaskTemplate) -> int:
    """How many passes a task may have before a person must extend it."""
    return RETRY_MAX_DEFAULT if template.retry_max is None else template.retry_max


def _read(document: Shape) -> ReadTemplate:
    notes = Notes("")
    template = template_of_tree(tree_of(document["template"], _NOWHERE), notes)
    functions = {
        name: function_of_tree(tree_of(one, _NOWHERE), notes)
        for name, one in document["functions"].items()
    }
    return ReadTemplate(template, functions)


def _actions(template: TaskTemplate) -> Iterator[UtaskAction]:
    for step in template.steps.values():
        yield step.action
        if step.pre_hook is not None:
            yield step.pre_hook


def _all_used(action: UtaskAction, functions: Mapping[str, UtaskFunction]) -> Iterator[str]:
    """The names of the functions of an action, and of the pre-hooks of these functions."""
    for function in chain_of(action, functions):
        yield function.name
        if function.pre_hook is not None:
            yield from _used(function.pre_hook, functions)


def _used(action: UtaskAction, functions: Mapping[str, UtaskFunction]) -> dict[str, None]:
    """The names of the functions of an action, outermost first."""
    names: dict[str, None] = {}
    while (one := functions.get(action.type)) is not None and one.name not in names:
        names[one.name] = None
        action = one.action
    return names


def _states(read: ReadTemplate) -> StateTable:
    steps = read.template.steps.values()
    own = dict.fromkeys(state for step in steps for state in own_states(step, read.functions))
    custom = (
        State(name=label_of_state(name), final=True, verdict=DONE, rank=1, settable=True)
        for name in own
    )
    has_hours = any(step.retry_pattern == "hours" for step in steps)
    return StateTable(
        rows=(*ROWS, *custom),
        dialect=DIALECT,
        initial=TODO,
        pruned=PRUNE,
        fatal=FATAL_ERROR,
        condition_failed=SERVER_ERROR,
        verdict_failed=AFTERRUN_ERROR,
        crashed=CRASHED,
        ends={DONE: "good"},
        passes_max=max(run_max_of(read.template), 1),
        passes_verdict=BLOCKED_MAXRETRIES,
        rest_longest_s=REST_LONGEST_HOURS_S if has_hours else REST_LONGEST_S,
        wakes=(ERROR, WAITING),
        told=TOLD,
    )


def _node(step: UtaskStep, read: ReadTemplate, ids: Mapping[str, NodeId], graph: StepGraph) -> Node:
    plugin = plugin_of(step.action, read.functions)
    clauses, prunes = _clauses(step, ids, graph)
    after = (DONE,) if step.foreach_strategy == "sequence" else ()
    return Node(
        id=ids[step.name],
        cls="task",
        type=step.action.type,
        name=step.name,
        work=Call(type=f"{DIALECT}.{plugin}"),
        needs=clauses,
        prunes=prunes,
        foreach=Foreach(expression=step.foreach, after=after) if step.foreach else None,
        recheck=() if plugin == "batch" else (WAITING,),
        idempotent=step.idempotent,
    )


def _result(ids: Mapping[str, NodeId]) -> Node:
    """The node that is judged when all steps are final, and renders the result of the task."""
    return Node(
        id=RESULT,
        cls="task",
        type="result",
        name="result",
        work=Call(type=f"{DIALECT}.{RESULT}"),
        needs=tuple((tag_of("task", id, FINAL),) for id in ids.values()),
        idempotent=True,
    )


def _clauses(
    step: UtaskStep, ids: Mapping[str, NodeId], graph: StepGraph
) -> tuple[tuple[tuple[Tag, ...], ...], tuple[int, ...]]:
    """What a step waits for, and which of these clauses prune it."""
    clauses: list[tuple[Tag, ...]] = []
    prunes: list[int] = []
    for one in map(dependency_of, step.dependencies):
        if ANY in one.states:
            names: Iterable[str] = (one.step, *sorted(graph.ancestors(one.step)))
            finals = [(tag_of("task", ids[name], FINAL),) for name in names]
            clauses += [clause for clause in finals if clause not in clauses]
        else:
            prunes.append(len(clauses))
            labels = map(label_of_state, one.states)
            clauses.append(tuple(tag_of("task", ids[one.step], label) for label in labels))
    return tuple(clauses), tuple(prunes)
