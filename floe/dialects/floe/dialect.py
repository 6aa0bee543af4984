"""The floe dialect: host configs, flow-files and documents that are one flow.

`vocabulary` describes the single keys; this module reads documents and flows as a whole.

Source: floe README, "Config" and "Flow Config".
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from floe.dialects.base import NO_FLOWS, Compiled, FlowText, KnownFlows
from floe.dialects.floe.checks import (
    check_conditions,
    check_flow,
    check_git,
    check_rejections,
    check_starts,
    check_texts,
)
from floe.dialects.floe.commands import check_commands
from floe.dialects.floe.filled_keys import WHERE
from floe.dialects.floe.flow_env import check_flow_env, texts_of
from floe.dialects.floe.forms import read_fields
from floe.dialects.floe.max_runs import check_max_runs
from floe.dialects.floe.names import identify
from floe.dialects.floe.nodes import read_nodes
from floe.dialects.floe.notices import NoticeTexts, check_sending
from floe.dialects.floe.notify import notify_mails
from floe.dialects.floe.other_words import is_of_other_system
from floe.dialects.floe.run_outputs import RunOutputTexts
from floe.dialects.floe.schema import json_schema
from floe.dialects.floe.secrets import check_secrets
from floe.dialects.floe.sub_flows import ReadFlow, check_sub_flows, known_flows
from floe.dialects.floe.templates import check_template
from floe.dialects.floe.triggers import read_triggers, with_inputs
from floe.dialects.floe.vocabulary import (
    COMMON,
    COMMON_STRICT_SHELL,
    FLAG,
    FLOW,
    FLOW_ENV,
    FLOW_FILE,
    FLOW_SECRETS,
    FLOW_TIMEOUT,
    FLOWS,
    HOST_CONFIG,
    HOST_TAGS,
    HOSTS,
    ID,
    INPUTS,
    KEEP,
    MAX_RUNS,
    NAME,
    ON_END,
    ON_HOST_LOST,
    OUTPUTS,
    RESOURCE_TAGS,
    REUSE_SPACE,
    RUN_NAME,
    SEAL,
    STRICT_SHELL,
    TASK,
    TASKS,
    TESTS,
    TRIGGERS,
    UNHEARD_BAD,
    VER,
)
from floe.dialects.floe.work_texts import check_work_texts
from floe.dialects.kinds import Schema, Unfit, quoted
from floe.dialects.notes import Notes, Position
from floe.dialects.section import SectionValues
from floe.dialects.tree import Items, Scalar, Table, parse_yaml
from floe.dialects.written import addresses_of, written
from floe.model.case import Case
from floe.model.flow import Flow, Trigger
from floe.model.form import Field
from floe.model.ids import FlowId, NodeId
from floe.model.secret_name import SecretName


class FloeDialect:
    """Reads floe YAML. Every error becomes a finding with its position."""

    rows: Final = None
    """Its runs have neither labels nor facets."""

    def __init__(self, *, strict_shell: bool = False) -> None:
        """`strict_shell`: the host's default, for flows that do not set it."""
        self._strict_shell = strict_shell

    def flow_file(
        self, text: str, origin: str, base: Flow, known: KnownFlows = NO_FLOWS
    ) -> Compiled:
        """Read a flow-file on top of the flow that names it."""
        notes = Notes(origin, WHERE)
        tree = dialect_document(text, notes)
        if tree is None:
            return Compiled(flows=(), findings=notes.findings)
        if _is_host_config(tree):
            what = "this is a host config, not a flow-file"
            notes.error(tree.at, what, "a flow-file is one flow, with its `tasks` at the top level")
            return Compiled(flows=(), findings=notes.findings)
        part = FLOW.read(tree, notes)
        _check_same(part, base, notes)
        for key in (TRIGGERS, KEEP, INPUTS):
            if key in part:
                has, it = ("has", "it") if key is KEEP else ("have", "them")
                what = f"`{key.name}` in a flow-file {has} no effect"
                hint = f"move {it} to the flow that names the flow-file"
                notes.warning(part.at_of(key), what, hint)
        if part[SEAL] and not base.seal:
            what = "`seal` in a flow-file comes too late: values are stored before it is read"
            notes.error(part.at_of(SEAL), what, "move it to the flow that names the file")
        if FLOW_FILE in part:
            what = "a flow-file cannot name a flow-file itself"
            notes.error(part.at_of(FLOW_FILE), what, "write its `tasks` here")
        elif TASKS not in part:
            notes.error(part.at, "a flow-file needs `tasks`", TASKS.example)
        nodes = read_nodes(part[TASKS], base.triggers, notes)
        outputs = RunOutputTexts(part[OUTPUTS], notes)
        told = NoticeTexts(part[ON_END], notes)
        flow = replace(
            base,
            name=part[NAME] or base.name,
            nodes=nodes.nodes,
            flow_file="",
            origin=origin,
            reuse_space=part.get(REUSE_SPACE, base.reuse_space),
            host_tags=part.get(HOST_TAGS, base.host_tags),
            resource_tags=part.get(RESOURCE_TAGS, base.resource_tags),
            secrets=_secret_names(part) or base.secrets,
            env=texts_of(part[FLOW_ENV]) if FLOW_ENV in part else base.env,
            timeout_s=part.get(FLOW_TIMEOUT, base.timeout_s),
            on_host_lost=part.get(ON_HOST_LOST, base.on_host_lost),
            unheard_bad=part.get(UNHEARD_BAD, base.unheard_bad),
            run_name=title.template if (title := part[RUN_NAME]) else base.run_name,
            on_end=told.notices or base.on_end,
            max_runs=limit.compiled if (limit := part[MAX_RUNS]) else base.max_runs,
            outputs=outputs.outputs or base.outputs,
            strict_shell=part.get(STRICT_SHELL, base.strict_shell),
            has_escapes=True,
            inherits=True,
        )
        check_flow(flow, nodes, notes)
        check_secrets(flow, nodes.positions, part.at_of(FLOW_SECRETS), notes)
        check_template(title, flow, notes)
        check_max_runs(limit, flow, notes)
        check_texts(flow, nodes, notes)
        check_work_texts(flow, nodes, notes)
        check_flow_env(part[FLOW_ENV], flow, notes)
        check_conditions(flow, nodes, notes)
        told.check(flow, notes)
        outputs.check(flow, notes)
        env_at = part.at_of(FLOW_ENV)
        check_commands(flow, nodes, env_at, notes, strict=self._strict_shell)
        if not notes.errors:
            check_sub_flows(ReadFlow(flow, nodes, tree), known, notes)
        if notes.errors:
            return Compiled(flows=(), findings=notes.findings)
        check_git(flow, nodes, notes)
        check_rejections(flow, nodes, notes)
        source = written(text.splitlines(), 1, addresses_of(flow))
        texts = {(flow.id, flow.ver): source} if source else {}
        cases = _cases(part[TESTS], (flow,), notes)
        return Compiled(flows=(flow,), findings=notes.findings, written=texts, cases=cases)

    def flows(self, text: str, origin: str, others: Sequence[Flow] = ()) -> Compiled:
        """Read the flows of a host config or of a document that is one flow."""
        notes = Notes(origin, WHERE)
        tree = dialect_document(text, notes)
        if tree is None:
            return Compiled(flows=(), findings=notes.findings)
        broken = is_broken_document(tree)
        strict = self._strict_shell
        if _is_host_config(tree):
            document = HOST_CONFIG.read(tree, notes, _NOT_IN_HOST_CONFIG)
            strict = strict or _has_strict_shell(document[COMMON])
            items: Sequence[Table] = document[FLOWS]
        else:
            items = (tree,)
        told: list[NoticeTexts] = []
        mails: list[Position] = []
        read: dict[tuple[FlowId, int], tuple[ReadFlow, SectionValues]] = {}
        for item in items:
            before = notes.errors - item.errors  # duplicate keys: it is unclear which one was meant
            part = FLOW.read(item, notes, _NOT_IN_FLOW)
            one = _flow(part, item, origin, before, notes, strict=strict)
            if one is None:
                continue
            flow = one.flow
            if (flow.id, flow.ver) in read:
                what = f"the flow `{flow.id}` of version {flow.ver} is defined twice"
                notes.error(part.at, what, f"ver: {flow.ver + 1}")
                continue
            read[flow.id, flow.ver] = one, part
            told.append(NoticeTexts(part[ON_END], Notes(origin)))
            mails += notify_mails(part[TASKS])
        own = [one.flow for one, _ in read.values()]
        known = known_flows(own, others, _unknown(tree, others, are_all=len(own) == len(items)))
        cases: list[Case] = []
        flows: dict[tuple[FlowId, int], Flow] = {}
        files: dict[tuple[FlowId, int], Position] = {}
        texts: dict[tuple[FlowId, int], FlowText] = {}
        lines = text.splitlines()
        for key, (one, part) in read.items():
            before, flow = notes.errors, one.flow
            check_sub_flows(one, known, notes)
            if notes.errors > before:
                continue
            flows[key] = flow
            cases += _cases(part[TESTS], (flow,), notes)
            if source := written(lines, one.table.at.line, addresses_of(flow)):
                texts[key] = source
            files[key] = part.at_of(FLOW_FILE)
        common = tree.entries.get(COMMON.name)
        if common and isinstance(common.value, Table):
            check_sending(told, common.value, notes, mails)
        return Compiled(
            flows=() if broken else tuple(flows.values()),
            findings=notes.findings,
            flow_file_at=files,
            written=texts,
            cases=tuple(cases),
            siblings=known,
        )

    def cases(self, text: str, origin: str, flows: Sequence[Flow]) -> Compiled:
        """Read a document that has only tests of these flows."""
        from floe.dialects.floe.case_keys import TESTS_DOCUMENT

        notes = Notes(origin, WHERE)
        tree = dialect_document(text, notes)
        part = TESTS_DOCUMENT.read(tree, notes) if tree else None
        cases = _cases(part[TESTS], flows, notes) if part else ()
        return Compiled(flows=(), findings=notes.findings, cases=cases)

    def schema(self) -> Schema:
        """The JSON Schema of a host config or of a document that is one flow."""
        return json_schema()


def is_broken_document(table: Table) -> bool:
    """Whether a document of the dialect has YAML errors outside of single flows."""
    flows = table.entries.get(FLOWS.name)
    items = flows.value.items if flows and isinstance(flows.value, Items) else ()
    return table.errors > sum(item.errors for item in items if isinstance(item, Table))


def dialect_document(text: str, notes: Notes) -> Table | None:
    """A document of the dialect as a map; None, with findings, if it is not one."""
    tree = parse_yaml(text, notes)
    if tree is None or isinstance(tree, Table):
        return None if tree and is_of_other_system(tree, notes) else tree
    found = quoted(tree.text) if isinstance(tree, Scalar) else "a list"
    notes.error(tree.at, f"a document is a map of keys and values, not {found}", "name: Build")
    return None


def _cases(tables: Sequence[Table], flows: Sequence[Flow], notes: Notes) -> tuple[Case, ...]:
    if not tables:
        return ()
    from floe.dialects.floe.cases import read_cases  # most documents have no tests

    return read_cases(tables, flows, notes)


def _is_host_config(table: Table) -> bool:
    return COMMON.name in table.entries or FLOWS.name in table.entries


_NOT_IN_HOST_CONFIG: Final = {
    name: f"put `{name}` into a flow, under `flows:`" for name in FLOW.by_name
}
_NOT_IN_FLOW: Final = {
    name: f"`{name}` belongs to a task" for name in TASK.by_name if name not in FLOW.by_name
}


def _has_strict_shell(common: Table | None) -> bool:
    entry = common.entries.get(COMMON_STRICT_SHELL.name) if common else None
    try:
        return entry is not None and FLAG.read(entry.value, "", Notes(""))
    except Unfit:
        return False  # `config` reports it


def _unknown(
    tree: Table, others: Sequence[Flow], *, are_all: bool
) -> Literal["error", "warning", ""]:
    """What a flow that no document has is: a host of a cluster may know further ones."""
    if not are_all or not (_is_host_config(tree) or others):
        return ""
    common = tree.entries.get(COMMON.name)
    settings = common.value.entries if common and isinstance(common.value, Table) else {}
    return "error" if _is_host_config(tree) and HOSTS.name not in settings else "warning"


def _flow(
    part: SectionValues,
    table: Table,
    origin: str,
    errors_before: int,
    notes: Notes,
    *,
    strict: bool,
) -> ReadFlow | None:
    names = identify(part, "a flow", notes)
    _check_has_nodes(part, notes)
    inputs = read_fields(part[INPUTS], notes)
    written = _triggers(part, inputs, notes)
    triggers = tuple(trigger for trigger, _ in written)
    outputs = RunOutputTexts(part[OUTPUTS], notes)
    nodes = read_nodes(part[TASKS], triggers, notes)
    told = NoticeTexts(part[ON_END], notes)
    id_, name = names or ("unknown", "")  # only for the checks; without names no flow is returned
    flow = Flow(
        id=FlowId(id_),
        name=name,
        ver=part[VER],
        triggers=triggers,
        nodes=nodes.nodes,
        reuse_space=part[REUSE_SPACE],
        host_tags=part[HOST_TAGS],
        resource_tags=part[RESOURCE_TAGS],
        secrets=_secret_names(part),
        env=texts_of(part[FLOW_ENV]),
        flow_file=part[FLOW_FILE],
        origin=origin,
        timeout_s=part[FLOW_TIMEOUT],
        on_host_lost=part[ON_HOST_LOST],
        unheard_bad=part[UNHEARD_BAD],
        run_name=title.template if (title := part[RUN_NAME]) else None,
        on_end=told.notices,
        max_runs=limit.compiled if (limit := part[MAX_RUNS]) else None,
        strict_shell=part[STRICT_SHELL],
        keep=part[KEEP],
        seal=part[SEAL],
        inputs=inputs,
        outputs=outputs.outputs,
        has_escapes=True,
        inherits=True,
    )
    check_flow(flow, nodes, notes)
    check_secrets(flow, nodes.positions, part.at_of(FLOW_SECRETS), notes)
    check_template(title, flow, notes)
    check_max_runs(limit, flow, notes)
    check_texts(flow, nodes, notes)
    check_work_texts(flow, nodes, notes)
    check_flow_env(part[FLOW_ENV], flow, notes)
    check_conditions(flow, nodes, notes)
    check_starts(flow, written, notes)
    told.check(flow, notes)
    outputs.check(flow, notes)
    check_commands(flow, nodes, part.at_of(FLOW_ENV), notes, strict=strict)
    if names is None or notes.errors > errors_before:
        return None
    check_git(flow, nodes, notes)
    check_rejections(flow, nodes, notes)
    return ReadFlow(flow, nodes, table)


def _secret_names(part: SectionValues) -> tuple[SecretName, ...]:
    return tuple(map(SecretName, part[FLOW_SECRETS]))


def _check_has_nodes(part: SectionValues, notes: Notes) -> None:
    if TASKS in part and FLOW_FILE in part:
        what = "a flow has `tasks` or a `flow-file`, not both"
        notes.error(part.at_of(FLOW_FILE), what, "remove one")
    elif TASKS not in part and FLOW_FILE not in part:
        notes.error(part.at, "a flow needs `tasks` or a `flow-file`", TASKS.example)
    elif TASKS in part and not part[TASKS] and not part.is_wrong(TASKS):
        notes.error(part.at_of(TASKS), "`tasks` is an empty list", TASKS.example)


def _check_same(part: SectionValues, base: Flow, notes: Notes) -> None:
    """A flow-file may repeat id and version of its flow, but cannot change them."""
    hint = f"the flow that names this file is {base.id}, version {base.ver}"
    if ID in part and not part.is_wrong(ID):
        names = identify(part, "a flow", notes)
        if names and names[0] != base.id:
            notes.error(part.at_of(ID), f"this file is for a different flow, `{names[0]}`", hint)
    if VER in part and part[VER] != base.ver and not part.is_wrong(VER):
        notes.error(part.at_of(VER), f"this file is for a different version, {part[VER]}", hint)


def _triggers(
    part: SectionValues, inputs: tuple[Field, ...], notes: Notes
) -> tuple[tuple[Trigger, SectionValues], ...]:
    triggers: dict[NodeId, tuple[Trigger, SectionValues]] = {}
    for trigger, section in read_triggers(part[TRIGGERS], notes):
        trigger = with_inputs(trigger, inputs, section.at, notes)
        if trigger.id in triggers:
            hint = "give one of them a different `id`"
            notes.error(section.at, f"the id `{trigger.id}` is used twice", hint)
        triggers.setdefault(trigger.id, (trigger, section))
    return tuple(triggers.values())
