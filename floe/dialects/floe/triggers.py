"""Reads the triggers of a flow; `git` holds the repository that a trigger passes to its runs."""

from collections.abc import Mapping, Sequence
from typing import Final

from floe.dialects.floe.forms import read_start_form
from floe.dialects.floe.given import OF_TRIGGER
from floe.dialects.floe.names import check_inside, identify
from floe.dialects.floe.pack_events import EVENT_TRIGGER, read_heard
from floe.dialects.floe.vocabulary import (
    BRANCH,
    BRANCHES,
    CRON,
    DATA_TRIGGER,
    EVENTS,
    EXCLUDE_REFS,
    FORM,
    FROM_BRANCH,
    GIT_SUB_DIR,
    HASH,
    KEY_FILE,
    OPTS,
    PATHS,
    PERIOD,
    POLL_TRIGGER,
    PUSH_TRIGGER,
    REF,
    REFS,
    SECRET,
    TAGS,
    TIMER_TRIGGER,
    TIMEZONE,
    TRIGGER,
    TRIGGER_IF,
    TRIGGER_TYPE,
    URL,
)
from floe.dialects.notes import Notes, Position
from floe.dialects.section import Section, SectionValues
from floe.dialects.tree import Table
from floe.expr.env_entries import variable_name
from floe.expr.globs import PATTERNS_MAX, glob_fault
from floe.expr.patterns import fault_of
from floe.model.flow import Trigger, TriggerType
from floe.model.form import Field
from floe.model.ids import NodeId
from floe.model.nouns import replace
from floe.model.work import Git

TRIGGER_TYPES: Final[Mapping[str, tuple[TriggerType, Section]]] = {
    "data": ("data", DATA_TRIGGER),
    "timer": ("timer", TIMER_TRIGGER),
    "poll-git": ("poll-git", POLL_TRIGGER),
    "push": ("push", PUSH_TRIGGER),
    "git-push": ("push", PUSH_TRIGGER),
    "pack-event": ("pack-event", EVENT_TRIGGER),
}


def read_triggers(
    tables: Sequence[Table], notes: Notes
) -> tuple[tuple[Trigger, SectionValues], ...]:
    """The triggers of a flow, each with its keys as read."""
    found = []
    for table in tables:
        part = TRIGGER.read(table, notes, _UNDER_OPTS)
        names = identify(part, "a trigger", notes)
        if TRIGGER_TYPE in part and not part.is_wrong(TRIGGER_TYPE) and not part.is_wrong(OPTS):
            trigger = _trigger(*(names or ("", "")), part, notes)
            if names:
                found.append((trigger, part))
    return tuple(found)


def _trigger(id_: str, name: str, part: SectionValues, notes: Notes) -> Trigger:
    kind, section = TRIGGER_TYPES[part[TRIGGER_TYPE]]
    opts = section.read(part[OPTS] or Table(part.at, {}), notes, elsewhere_in_opts(section, _ALL))
    _check_times(opts, notes)
    _check_refs(opts, notes)
    _check_globs(opts, notes)
    if kind == "push" and SECRET not in opts:
        what = f"the push trigger `{id_}` has no secret: its route refuses every push"
        notes.warning(part.at, what, "opts: {secret: $PUSH_SECRET}")
    return Trigger(
        id=NodeId(id_),
        type=kind,
        name=name,
        form=read_start_form(opts[FORM], name, notes),
        git=read_git(opts, notes),
        period_s=opts[PERIOD],
        cron=opts[CRON],
        timezone=opts[TIMEZONE],
        refs=opts[REFS],
        exclude_refs=opts[EXCLUDE_REFS],
        secret=opts[SECRET],
        events=opts[EVENTS],
        branches=opts[BRANCHES],
        tags=opts[TAGS],
        paths=opts[PATHS],
        condition=condition.code if (condition := part[TRIGGER_IF]) else "",
        heard=read_heard(opts) if kind == "pack-event" else None,
    )


def with_inputs(trigger: Trigger, inputs: tuple[Field, ...], at: Position, notes: Notes) -> Trigger:
    """A trigger whose form begins with the inputs of its flow."""
    if not inputs:
        return trigger
    taken = {variable_name(field.id): field.id for field in inputs}
    for field in trigger.form.fields:
        if same := taken.get(variable_name(field.id)):
            what = f"the field `{field.id}` is also the input `{same}` of the flow"
            notes.error(at, what, "remove one of them")
    own = OF_TRIGGER.get(trigger.type, frozenset())
    own |= {value.name for value in trigger.heard.values} if trigger.heard else set()
    for field in inputs if trigger.type != "data" else ():
        is_given = field.value is not None or field.type == "bool" or field.id in own
        if field.required and not is_given:
            what = f"a run of the trigger `{trigger.id}` has no value for the input `{field.id}`"
            notes.error(at, what, f"{{id: {field.id}, value: …}} or {{required: false}}")
    form = replace(trigger.form, fields=(*inputs, *trigger.form.fields))
    return replace(trigger, form=form)


def read_git(opts: SectionValues, notes: Notes) -> Git:
    """The repository and commit that `opts` of a trigger or task name."""
    return Git(
        url=opts[URL],
        hash=opts[HASH].lower(),
        ref=opts[REF],
        branch=opts[BRANCH],
        from_branch=opts[FROM_BRANCH],
        sub_dir=check_inside(opts, GIT_SUB_DIR, notes),
        key_file=opts[KEY_FILE],
    )


def elsewhere_in_opts(section: Section, all_of: Mapping[str, Section]) -> Mapping[str, str]:
    """For triggers and tasks: hints for keys that belong to the `opts` of a different type."""
    return {
        name: f"`{name}` belongs to type: {type_}"
        for type_, other in reversed([*all_of.items()])
        for name in other.by_name
        if name not in section.by_name
    }


_ALL: Final = {
    type_: section for type_, (_, section) in TRIGGER_TYPES.items() if type_ != "git-push"
}
_UNDER_OPTS: Final = {
    name: f"put `{name}` under `opts:`" for section in _ALL.values() for name in section.by_name
}


def _check_times(opts: SectionValues, notes: Notes) -> None:
    if opts[CRON] and PERIOD in opts:
        notes.error(opts.at_of(CRON), "`cron` and `period` are both given", "remove one")
    if opts[CRON]:
        _check_cron(opts, notes)
    if TIMEZONE in opts:
        _check_timezone(opts, notes)


def _check_cron(opts: SectionValues, notes: Notes) -> None:
    from datetime import datetime  # needed by flows with cron only

    from cronsim import CronSim, CronSimError

    hint = 'minute, hour, day, month, weekday: "30 6 * * mon-fri"'
    if len(opts[CRON].split()) != 5:
        notes.error(opts.at_of(CRON), f"`cron` has five fields, not `{opts[CRON][:60]}`", hint)
        return
    try:
        CronSim(opts[CRON], datetime(2026, 1, 1))  # noqa: DTZ001 - any will do
    except CronSimError as e:
        notes.error(opts.at_of(CRON), f"`cron` cannot be `{opts[CRON][:60]}`: {e}", hint)


def _check_timezone(opts: SectionValues, notes: Notes) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(opts[TIMEZONE])
    except (KeyError, ValueError, OSError):  # unknown, not a name, a folder of the database
        what = f"the time zone `{opts[TIMEZONE][:60]}` is unknown"
        notes.error(opts.at_of(TIMEZONE), what, "a name such as Europe/London")


def _check_refs(opts: SectionValues, notes: Notes) -> None:
    if opts[EXCLUDE_REFS] and (fault := fault_of(opts[EXCLUDE_REFS])):
        what = f"`exclude-refs` is not a valid RE2 regular expression: {fault}"
        notes.error(opts.at_of(EXCLUDE_REFS), what, EXCLUDE_REFS.example)


def _check_globs(opts: SectionValues, notes: Notes) -> None:
    for key in (BRANCHES, TAGS, PATHS):
        globs = opts[key]
        if len(globs) > PATTERNS_MAX:
            what = f"`{key.name}` has {len(globs)} patterns; at most {PATTERNS_MAX} are allowed"
            notes.error(opts.at_of(key), what)
        for glob in globs[:PATTERNS_MAX]:
            if fault := glob_fault(glob):
                notes.error(
                    opts.at_of(key), f"`{key.name}` cannot have `{glob[:60]}`: {fault}", key.example
                )
    if PATHS in opts and EVENTS in opts and "push" not in opts[EVENTS]:
        notes.warning(
            opts.at_of(PATHS), "`paths` applies to pushes, which `events` leaves out", "remove one"
        )
