"""How tasks begin: what a caller asks for, what is judged of it, and the run that opens.

What is judged renders texts, so a host has it done in an evaluator process: it sends the body that
is made here, and the process answers by a function that is here too.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from typing import Any, Final, cast

from floe.dialects.utask.compiled import CREATE, DIALECT, TODO
from floe.dialects.utask.configurations import PARENT_TAG
from floe.dialects.utask.document import TaskTemplate, UtaskInput
from floe.dialects.utask.given_inputs import check_given, filled
from floe.dialects.utask.texts import Render
from floe.expr.errors import ExpressionError
from floe.expr.gotext.times import SECOND, read_duration
from floe.model.errors import Yours
from floe.model.flow import Flow
from floe.model.ids import Instant, Json, Shape
from floe.model.nouns import dataclass
from floe.model.opening import Opening

CREATE_KIND: Final = "create"
SAVE_KIND: Final = "save"
RESOLVE_KIND: Final = "resolve"
CALLBACK_KIND: Final = "callback"
"""What an evaluator judges for this module: the second argument of `Evaluator.judge_text`."""

BATCH_MAX: Final = 10_000
"""Tasks of one batch."""

SECRET: Final = "**__SECRET__**"  # noqa: S105  # shown for any
"""Shown in place of a password; sent back, it leaves the password as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequest:
    """What a caller asks a task to be."""

    input: Mapping[str, Json] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    comment: Mapping[str, str] = field(default_factory=dict)
    """`id` and `content` of the first comment; empty for none."""
    requester_username: str = ""
    requester_groups: Sequence[str] = ()
    watcher_usernames: Sequence[str] = ()
    watcher_groups: Sequence[str] = ()
    resolver_usernames: Sequence[str] = ()
    resolver_groups: Sequence[str] = ()
    delay: str = ""
    batch: str = ""
    """The id of the batch that the task is in; empty for none."""
    parent: str = ""
    """The id of the task that creates it; empty for none."""


def creation_body(flow: Flow, asked: TaskRequest, created: str) -> Shape:
    """What an evaluator judges before a task of a template exists. `created` as RFC 3339 has it.

    Raises Yours for a tag that no one may set.
    """
    if PARENT_TAG in asked.tags:
        raise Yours(f'tag name "{PARENT_TAG}" not allowed')
    task: Shape = {
        "template": flow.name,
        "created": created,
        "requester_username": asked.requester_username,
        "requester_groups": [*asked.requester_groups],
        "watcher_usernames": [*asked.watcher_usernames],
        "watcher_groups": [*asked.watcher_groups],
        "resolver_usernames": [*asked.resolver_usernames],
        "resolver_groups": [*asked.resolver_groups],
        "tags": {**asked.tags, **({PARENT_TAG: asked.parent} if asked.parent else {})},
        "comment": dict(asked.comment),
        "batch": asked.batch,
        "delay": asked.delay,
    }
    return {
        "document": flow.document,
        "input": dict(asked.input),
        "task": {name: value for name, value in task.items() if value},
    }


def created(template: TaskTemplate, body: Shape, renderer: Callable[[Shape], Render]) -> Shape:
    """The answer about a task that is to begin: its values and its title, or an `error`.

    `renderer` makes a renderer of texts that see the input and the task of a body. The title and
    the tags see the input as it was given. Once the task is resolved, the title sees the stored
    input with its defaults; where that fails, it stays.
    """
    return _judged(template, body, renderer, "Failed to create new Task", with_tags=True)


def saved(template: TaskTemplate, body: Shape, renderer: Callable[[Shape], Render]) -> Shape:
    """The same about the changed values of a task, whose tags are those that were given."""
    return _judged(template, body, renderer, "Failed to update task", with_tags=False)


def resolved(template: TaskTemplate, body: Shape) -> Shape:
    """The answer about the values of a person who resolves a task: those to keep, and those to
    show."""
    given = cast(Mapping[str, Json], body["resolver_input"])
    taken = check_given(template.resolver_inputs, given, keeps_others=True)
    if taken.faults:
        return {"error": f"Failed to create Resolution: {taken.faults[0]}"}
    return {"resolver_input": dict(taken.values)}


def opening_of(answer: Shape, template: TaskTemplate) -> Opening:
    """The run of a task, from the answer of an evaluator. Raises Yours with its error.

    A task of a template that is auto-runnable begins at once, unless it has a delay.
    """
    values = values_of(answer)
    task = values["task"]
    return Opening(
        trigger=CREATE,
        values=values,
        by=str(task.get("requester_username", "")) or DIALECT,
        title=str(task.get("title", "")),
        verdict="" if template.auto_runnable and not task.get("delay") else TODO,
    )


def values_of(answer: Shape) -> Shape:
    """The values of a run that an evaluator has judged. Raises Yours with its error."""
    if error := answer.get("error"):
        raise Yours(str(error))
    return {"input": answer["input"], "task": answer["task"]}


def with_passwords(
    inputs: Sequence[UtaskInput], given: Mapping[str, Json], known: Mapping[str, Json]
) -> Shape:
    """Values with the known passwords in place of the texts that hide them."""
    secret = {one.name for one in inputs if one.type == "password"}
    return {
        name: known.get(name) if name in secret and value == SECRET else value
        for name, value in given.items()
    }


def _judged(
    template: TaskTemplate,
    body: Shape,
    renderer: Callable[[Shape], Render],
    what: str,
    *,
    with_tags: bool,
) -> Shape:
    given = cast(Mapping[str, Json], body["input"])
    taken = check_given(template.inputs, given)
    if taken.faults:
        return {"error": f"{what}: {taken.faults[0]}"}
    task = dict(cast(Mapping[str, Any], body["task"]))
    stored = {**body, "input": filled(template.inputs, taken.values)}
    render, render_stored = renderer(body), renderer(stored)
    try:
        texts = template.tags.items() if with_tags else ()
        tags = {name: render(one.text) for name, one in texts}
        title = later = render(template.title_format)
        with suppress(ExpressionError):
            later = render_stored(template.title_format)
    except ExpressionError as error:
        return {"error": f"{what}: {error}"}
    if all_tags := {**tags, **task.get("tags", {})}:
        task["tags"] = {name: value for name, value in all_tags.items() if value}
    return {"input": dict(taken.values), "task": {**task, "title": title, "title_later": later}}


def batch_inputs(
    each: Sequence[Mapping[str, Json]], common: Mapping[str, Json]
) -> list[Mapping[str, Json]]:
    """The input of each task of a batch. Raises Yours."""
    if len(each) > BATCH_MAX:
        raise Yours(f"a batch has at most {BATCH_MAX:,} tasks")
    for one in each:
        if both := sorted(common.keys() & one.keys()):
            raise Yours("Conflicting keys in input maps", f"both have {', '.join(both)[:200]}")
    return [{**common, **one} for one in each]


def first_pass(delay: str, now: Instant) -> Instant | None:
    """When the first pass of a task with a delay begins; None without one. Raises Yours."""
    if not delay:
        return None
    ns = read_duration(delay)
    if ns is None:
        raise Yours(f"invalid delay {delay[:80]!r}")
    return Instant(now + max(ns, 0) * 1000 // SECOND)
