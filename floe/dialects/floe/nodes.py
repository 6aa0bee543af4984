"""Reads the nodes of a flow and the tags that connect them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from floe.dialects.floe.expressions import ExpressionText
from floe.dialects.floe.names import id_from_name, identify
from floe.dialects.floe.repeats import WrittenRepeat, check_work
from floe.dialects.floe.secrets import uses_of
from floe.dialects.floe.tasks import OPTS_OF, read_work
from floe.dialects.floe.vocabulary import (
    CLASS,
    FOREACH,
    GOOD,
    GRACE,
    IF,
    IGNORE_FAIL,
    LISTEN,
    LOOP,
    MATRIX,
    MERGE,
    MERGE_TYPE,
    ON_ITEM_BAD,
    ON_LOST,
    OPTS,
    OUTPUT_MAX,
    PARALLEL,
    REPEAT,
    RETRY,
    SECRETS,
    TASK,
    TASK_TYPE,
    TASK_TYPES,
    TIMEOUT,
    USE_STATUS,
    WAIT,
)
from floe.dialects.kinds import quoted
from floe.dialects.nearest import closest, nearest
from floe.dialects.notes import Notes, Position
from floe.dialects.section import SectionValues
from floe.dialects.tree import Items, Scalar, Table
from floe.kernel.skipping import with_excuses
from floe.model.call import OutsideWork
from floe.model.callback import Callback
from floe.model.children import SubFlow
from floe.model.flow import Foreach, Node, Repeat, Trigger
from floe.model.http import Http
from floe.model.ids import NodeId
from floe.model.notify import Notify
from floe.model.nouns import dataclass
from floe.model.ssh import Ssh
from floe.model.tags import TRIGGER_GOOD, Tag
from floe.model.work import End, Exec, Fetch, Join, Work

Class = Literal["task", "merge"]


@dataclass(frozen=True)
class UnlinkedNode:
    """A node whose tags are not resolved yet."""

    id: NodeId
    name: str
    cls: Class
    part: SectionValues
    work: Work | None
    """None if it has errors."""
    tags: tuple[tuple[str, Position], ...]
    """The tags it listens to or waits for, as written."""


@dataclass(frozen=True)
class Nodes:
    """The nodes of a flow, with the positions of nodes and tags."""

    nodes: tuple[Node, ...]
    positions: Mapping[tuple[NodeId, Tag | None], Position]
    opts: Mapping[NodeId, Table]
    """The `opts` of each node, as written."""
    lists: Mapping[NodeId, ExpressionText]
    """The expressions that give the items of nodes."""
    repeats: Mapping[NodeId, WrittenRepeat]
    """The `repeat` of the tasks that have one, as written."""
    conditions: Mapping[NodeId, ExpressionText]
    """The `if` of each node that has one."""
    is_whole: bool
    """Whether every node is here: no id, type or tag had errors."""


def read_nodes(tables: Sequence[Table], triggers: Sequence[Trigger], notes: Notes) -> Nodes:
    """Read the tasks and merges of a flow; report ids used twice, also by triggers."""
    read = [_draft(table, notes) for table in tables]
    of_triggers = frozenset(trigger.id for trigger in triggers)
    drafts: dict[NodeId, UnlinkedNode] = {}
    for draft in filter(None, read):
        at, what = draft.part.at, f"the id `{draft.id}` is used twice"
        if draft.id in drafts:
            notes.error(at, f"{what}, first in line {drafts[draft.id].part.at.line}", _OTHER_ID)
        elif draft.id in of_triggers:
            notes.error(at, f"{what}, first by a trigger", _OTHER_ID)
        drafts.setdefault(draft.id, draft)
    lookup = _Lookup({d.id: d.cls for d in drafts.values()}, of_triggers, None not in read, notes)
    nodes = [_node(draft, lookup, notes) for draft in drafts.values()]
    positions = {(draft.id, None): draft.part.at for draft in drafts.values()} | lookup.positions
    return Nodes(
        nodes=with_excuses([node for node in nodes if node is not None]),
        positions=positions,
        lists={
            draft.id: items
            for draft in drafts.values()
            if draft.cls == "task" and isinstance(items := draft.part[FOREACH], ExpressionText)
        },
        opts={d.id: d.part[OPTS] or Table(d.part.at, {}) for d in drafts.values()},
        repeats={d.id: one for d in drafts.values() if (one := _written_repeat(d))},
        conditions={d.id: found for d in drafts.values() if (found := d.part[IF])},
        is_whole=lookup.is_whole and None not in read and None not in nodes,
    )


_OTHER_ID: Final = "give one of them a different `id`"


def _draft(table: Table, notes: Notes) -> UnlinkedNode | None:
    cls = _class_of(table, notes)
    if cls == "merge":
        part = MERGE.read(table, notes, _NOT_IN_MERGE)
    else:
        part = TASK.read(table, notes, _NOT_IN_TASK)
    names = identify(part, f"a {cls}", notes)
    work = _work(cls, part, names[1] if names else "", notes)
    if names is None:
        return None
    return UnlinkedNode(NodeId(names[0]), names[1], cls, part, work, tuple(_tags(table, cls)))


def _class_of(table: Table, notes: Notes) -> Class:
    entry = table.entries.get(CLASS.name)
    if entry is None and WAIT.name in table.entries and LISTEN.name not in table.entries:
        notes.error(table.at, "a node with `wait` is a merge, and needs its class", "class: merge")
        return "merge"
    is_merge = entry and isinstance(entry.value, Scalar) and entry.value.text == "merge"
    return "merge" if is_merge else "task"


def _work(cls: Class, part: SectionValues, name: str, notes: Notes) -> Work | None:
    if cls == "merge":
        return Join()
    if TASK_TYPE not in part or part.is_wrong(TASK_TYPE) or part.is_wrong(OPTS):
        return None
    return read_work(part[TASK_TYPE], name, part, notes)


def _tags(table: Table, cls: Class) -> Iterator[tuple[str, Position]]:
    entry = table.entries.get(WAIT.name if cls == "merge" else LISTEN.name)
    value = entry.value if entry else None
    for tag in value.items if isinstance(value, Items) else (value,):
        if isinstance(tag, Scalar) and tag.kind == "text":
            yield tag.text, tag.at


_NOT_IN_MERGE: Final[Mapping[str, str]] = {
    **{name: f"`{name}` is for tasks" for name in TASK.by_name},
    LISTEN.name: "a merge waits: `wait: [task.a.good, task.b.good]`",
}
_NOT_IN_TASK: Final[Mapping[str, str]] = {
    **{name: f"put `{name}` under `opts:`" for s in OPTS_OF.values() for name in s.by_name},
    WAIT.name: "only a merge waits: add `class: merge`",
}


def _node(draft: UnlinkedNode, lookup: "_Lookup", notes: Notes) -> Node | None:
    tags = lookup.tags(draft)
    if draft.work is None:
        return None
    if isinstance(draft.work, Join):
        return _merge(draft, draft.work, tags, notes)
    return _task(draft, draft.work, tags, notes)


def _merge(draft: UnlinkedNode, join: Join, tags: tuple[Tag, ...], notes: Notes) -> Node:
    part, type_ = draft.part, draft.part[MERGE_TYPE]
    if type_ == "all" and LOOP in part and not part.is_wrong(MERGE_TYPE):
        what = "a merge of type `all` cannot begin a loop: it also waits for the nodes behind it"
        notes.error(part.at_of(LOOP), what, "type: any")
    return Node(
        id=draft.id,
        cls="merge",
        type=type_,
        name=draft.name,
        work=join,
        needs=tuple((tag,) for tag in tags) if type_ == "all" else (tags,),
        loop=part[LOOP] or 0,
    )


def _task(draft: UnlinkedNode, work: Work, tags: tuple[Tag, ...], notes: Notes) -> Node:
    part = draft.part
    if part[IGNORE_FAIL] and part[USE_STATUS]:
        what = "`ignore-fail` always issues `good`, `use-status` never does"
        notes.error(part.at_of(IGNORE_FAIL), what, "remove one of them")
    for key in (GOOD, USE_STATUS) if isinstance(work, NO_STATUS) else ():
        if key in part:
            what = f"`{key.name}` is about exit statuses, which `{part[TASK_TYPE]}` has none of"
            hint = "use `expect` in `opts`" if isinstance(work, Http) else "remove it"
            hint = "use `good-when` in `opts`" if isinstance(work, Callback) else hint
            hint = "put `good` into `opts`" if isinstance(work, OutsideWork) else hint
            notes.error(part.at_of(key), what, hint)
    return Node(
        id=draft.id,
        cls="task",
        foreach=_foreach(part, work, notes),
        type=part[TASK_TYPE],
        name=draft.name,
        work=work,
        heard=frozenset(tags),
        good=part[GOOD],
        ignore_fail=part[IGNORE_FAIL],
        use_status=part[USE_STATUS],
        timeout_s=part[TIMEOUT],
        retry=part[RETRY],
        on_lost=part.get(ON_LOST, TASK_TYPES[part[TASK_TYPE]].on_lost),
        output_max=part[OUTPUT_MAX],
        grace_s=part[GRACE],
        secrets=uses_of(part[SECRETS], work, part.at_of(SECRETS), notes),
        loop=_loop(part, work, tags, notes),
        repeat=_repeat(part, work, notes),
        condition=condition.code if (condition := part[IF]) else "",
    )


def _written_repeat(draft: UnlinkedNode) -> WrittenRepeat | None:
    return draft.part[REPEAT] if draft.cls == "task" else None


def _repeat(part: SectionValues, work: Work, notes: Notes) -> Repeat | None:
    written = part[REPEAT]
    if written is None:
        return None
    check_work(work, part[TASK_TYPE], part.at_of(REPEAT), notes)
    for other in (RETRY, FOREACH, MATRIX):
        if other in part:
            what = f"`{other.name}` cannot be together with `repeat`"
            notes.error(part.at_of(other), what, "remove one of them")
    return written.compiled


def _loop(part: SectionValues, work: Work, tags: tuple[Tag, ...], notes: Notes) -> int:
    """How often a task enters at most; 0 if no loop begins with it."""
    if LOOP not in part:
        if len(tags) > 1:
            what = "without `loop` a task listens to one event, not to a list"
            hint = "a merge waits for several: `class: merge` and `wait: [...]`"
            notes.error(part.at_of(LISTEN), what, hint)
        return 0
    if isinstance(work, End):
        notes.error(part.at_of(LOOP), "an end cannot begin a loop: it ends the run", "remove it")
    elif len(tags) == 1:
        what = "a loop begins with a task that listens to several events, or with a merge of any"
        notes.error(part.at_of(LISTEN), what, f"listen: [{tags[0]}, task.<last>.bad]")
    else:
        return part[LOOP] or 0
    return 0


NO_STATUS: Final = (Http, Notify, Callback, OutsideWork)
"""Work without an exit status."""

ITEMS_FOR: Final = (Exec, Fetch, Http, Notify, Ssh, SubFlow, Callback, OutsideWork)


def _foreach(part: SectionValues, work: Work, notes: Notes) -> Foreach | None:
    """The items of a task; None for a task that runs once."""
    given = FOREACH if FOREACH in part else MATRIX
    items = part[given]
    if FOREACH in part and MATRIX in part:
        notes.error(part.at_of(MATRIX), "`foreach` and `matrix` are both given", "remove one")
    elif given not in part:
        for key in (PARALLEL, ON_ITEM_BAD):
            if key in part:
                what = f"`{key.name}` is for a task with items"
                notes.error(part.at_of(key), what, "add `foreach` or `matrix`")
    elif not isinstance(work, ITEMS_FOR):
        what = f"a task of type `{part[TASK_TYPE]}` cannot have `{given.name}`"
        hint = "items are for `exec`, `fetch`, `http`, `notify`, `ssh`, `flow`, `call` and `pack`"
        notes.error(part.at_of(given), what, hint)
    elif part[USE_STATUS]:
        what = f"`use-status` cannot be together with `{given.name}`"
        notes.error(part.at_of(USE_STATUS), what, "the items have a status each; remove one")
    if items is None:
        return None
    return Foreach(
        values=() if isinstance(items, ExpressionText) else items,
        expression=items.code if isinstance(items, ExpressionText) else "",
        parallel=part[PARALLEL],
        on_item_bad=part[ON_ITEM_BAD],
    )


_TAG: Final = re.compile(r"(task|merge)\.([^.]*)\.([^.]*)")
_LABELS: Final = ("good", "bad", "error", "skipped")


class _Lookup:
    """Resolves tags to nodes.

    `all_known` is false if a node has no id: then an unknown tag may belong to it.
    """

    def __init__(
        self, classes: Mapping[str, Class], triggers: frozenset[str], all_known: bool, notes: Notes
    ) -> None:
        self._classes = classes
        self._triggers = triggers
        self._all_known = all_known
        self._notes = notes
        self.positions: dict[tuple[NodeId, Tag | None], Position] = {}
        self.is_whole = True
        """Whether every node names a tag, and every tag was found."""

    def tags(self, draft: UnlinkedNode) -> tuple[Tag, ...]:
        """The tags that a node names, without duplicates."""
        found: list[Tag] = []
        self.is_whole = self.is_whole and bool(draft.tags)
        for text, at in draft.tags:
            tag = self._tag(text, at)
            if tag in found:
                self._notes.error(at, f"`{tag}` is listed twice", "remove one")
            elif tag:
                found.append(tag)
                self.positions[draft.id, tag] = at
            else:
                self.is_whole = False
        return tuple(found)

    def _tag(self, text: str, at: Position) -> Tag | None:
        if text == TRIGGER_GOOD:
            return TRIGGER_GOOD
        match = _TAG.fullmatch(text)
        if not match or not (match[3] in _LABELS or re.fullmatch("0|[1-9][0-9]{0,2}", match[3])):
            self._notes.error(at, f"{quoted(text)} is not the name of an event", self._like(text))
            return None
        cls, id_, label = match.groups()
        known = self._classes.get(id_)
        if known is None:
            self._note_unknown(cls, id_, label, at)
            return None
        if cls != known:
            meant = f"{known}.{id_}.{label}"
            self._note_other_class(text, meant, known, at)
        return Tag(f"{known}.{id_}.{label}")

    def _like(self, text: str) -> str:
        """A hint about what an invalid tag was probably meant to be."""
        first, _, rest = text.partition(".")
        id_, _, label = rest.partition(".")
        if first == "trigger" or text in self._triggers:
            return "every trigger issues `trigger.good`"
        if first in self._classes:
            return f"did you mean `{self._classes[first]}.{first}.{rest or 'good'}`?"
        if first in ("task", "merge") and id_ in self._classes:
            ref = f"{self._classes[id_]}.{id_}"
            if ref.startswith("merge"):
                return f"a merge issues `{ref}.good`"
            meant = nearest(label, _LABELS)
            alike = f"did you mean `{ref}.{meant}`?" if meant else ""
            return alike or f"`{ref}.good`, `.bad`, `.error`, `.skipped` or an exit status"
        return "trigger.good, task.<id>.good or merge.<id>.good"

    def _note_unknown(self, cls: str, id_: str, label: str, at: Position) -> None:
        if not self._all_known:
            return  # it may be the node whose id has errors, which are reported there
        if self._notes.is_full:
            hint = ""
        elif id_ in self._triggers:
            hint = "every trigger issues `trigger.good`"
        elif known := self._classes.get(id_from_name(id_)):
            hint = f"did you mean `{known}.{id_from_name(id_)}.{label}`?"
        else:
            hint = closest(id_, tuple(self._classes)) or self._known()
        self._notes.error(at, f"this flow has no {cls} {quoted(id_)}", hint)

    def _known(self) -> str:
        shown_ids = list(self._classes)[:10]
        more = ", …" if len(self._classes) > len(shown_ids) else ""
        return f"its nodes are {', '.join(shown_ids)}{more}"

    def _note_other_class(self, text: str, meant: str, known: Class, at: Position) -> None:
        what = f"{quoted(text)} is the event of a {known}"
        if known == "merge":
            self._notes.warning(at, f"{what}; read as `{meant}`", f"write `{meant}`")
        else:
            self._notes.error(at, what, f"write `{meant}`")
