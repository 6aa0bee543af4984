"""What a webhook delivers about a repository, and which runs a push trigger starts for it.

No I/O, no clock.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final, NamedTuple

from floe.expr.form_values import check_values_size
from floe.expr.globs import takes
from floe.host.trigger_values import initial_values
from floe.model.errors import TooLarge
from floe.model.flow import Trigger
from floe.model.ids import Json
from floe.model.nouns import dataclass
from floe.model.work import Git

PUSH: Final = "push"
"""The event of a delivery that names none, and the only one that starts runs by default."""

PUSHES_MAX: Final = 50
"""Branches and tags of one push that start runs."""

BRANCHES: Final = "refs/heads/"
TAGS: Final = "refs/tags/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One branch or tag that was pushed."""

    ref: str
    """`refs/heads/main`, `refs/tags/v1`."""
    hash: str = ""
    """The commit; empty if it is not known."""
    is_deleted: bool = False
    url: str = ""
    """Of the repository, to clone it: http or https, so that a body names no local file."""
    subject: str = ""
    """The first line of the commit's message."""
    paths: frozenset[str] = frozenset()
    """The files that its commits add, change or remove, as far as they are known."""
    paths_unknown: str = ""
    """Why `paths` is incomplete; empty if it is complete."""

    @property
    def branch(self) -> str:
        """The branch that was pushed; empty for a tag."""
        return self.ref.removeprefix(BRANCHES) if self.ref.startswith(BRANCHES) else ""

    @property
    def tag(self) -> str:
        """The tag that was pushed; empty for a branch."""
        return self.ref.removeprefix(TAGS) if self.ref.startswith(TAGS) else ""

    @property
    def named(self) -> str:
        """The push in a sentence."""
        return f"branch {self.branch}" if self.branch else f"tag {self.tag}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDelivery:
    """What a forge or a program delivers to a push trigger."""

    id: str
    """The same when it is delivered again."""
    event: str
    """As the forge names it: `push`, `pull_request`; empty where the sender names none."""
    body: Json
    pushes: tuple[Push, ...] = ()
    """The refs that changed; none for other events and for bodies in no known shape."""


class HookStart(NamedTuple):
    """A run that the pushes of a delivery start."""

    number: int
    """The place of its push in the delivery."""
    values: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookVerdict:
    """What a push trigger does about a delivery."""

    begins: tuple[HookStart, ...] = ()
    passed_over: tuple[str, ...] = ()
    """Why the delivery, or a part of it, starts nothing."""
    notes: tuple[str, ...] = ()
    """What the sender should know about the runs that it starts."""


def judged(trigger: Trigger, delivery: HookDelivery) -> HookVerdict:
    """Decide which runs a delivery starts: one for each push that the filters take."""
    if why := _reason_against(trigger, delivery):
        return HookVerdict(passed_over=(why,))
    begins, passed, notes = [], [], []
    for number, push in enumerate(delivery.pushes[:PUSHES_MAX]):
        if why := _push_reason_against(trigger, push):
            passed.append(why)
            continue
        values, missing = _values(trigger.git, delivery, push)
        values = {**initial_values(trigger), **values}
        begins.append(HookStart(number, values))
        notes += [note for note in (missing, _unfiltered(trigger, push)) if note]
    if not delivery.pushes:
        begins.append(HookStart(0, {**initial_values(trigger), **_whole(delivery)}))
    if len(delivery.pushes) > PUSHES_MAX:
        passed.append(f"of one push at most {PUSHES_MAX} branches and tags start runs")
    return HookVerdict(
        begins=tuple(begins),
        passed_over=tuple(dict.fromkeys(passed)),
        notes=tuple(dict.fromkeys(notes)),
    )


def _reason_against(trigger: Trigger, delivery: HookDelivery) -> str:
    """Why a delivery starts nothing, whatever it pushes; empty if it may start something."""
    event = delivery.event or PUSH
    events = trigger.events or (PUSH,)
    if event not in events:
        return f"the event {event} is not in `events`: {_some(events)}"
    if event == PUSH and not delivery.pushes:
        filters = ("branches", trigger.branches), ("tags", trigger.tags), ("paths", trigger.paths)
        asked = [key for key, globs in filters if globs]
        if asked:
            return f"`{asked[0]}` is set, but the body names no branch and no tag"
    return ""


def _push_reason_against(trigger: Trigger, push: Push) -> str:
    """Why a push starts nothing; empty if it starts a run.

    With `branches` alone no tag starts a run, and with `tags` alone no branch does. A push of
    which not all files are known starts a run whatever `paths` has.

    Source: GitHub docs, "Workflow syntax", `on.push`.
    """
    if push.is_deleted:
        return f"the {push.named} was deleted"
    if push.branch:
        key, globs, other, others = "branches", trigger.branches, "tags", trigger.tags
    else:
        key, globs, other, others = "tags", trigger.tags, "branches", trigger.branches
    if not globs and others:
        return f"the {push.named} is left out: the trigger has `{other}` and no `{key}`"
    if globs and not takes(globs, push.branch or push.tag):
        return f"the {push.named} matches nothing in `{key}`: {_some(globs)}"
    has_paths = trigger.paths and push.branch and not push.paths_unknown
    if has_paths and not any(takes(trigger.paths, path) for path in push.paths):
        return f"no changed file of the {push.named} matches `paths`: {_some(trigger.paths)}"
    return ""


def _unfiltered(trigger: Trigger, push: Push) -> str:
    """Why a filter was not applied to a push; empty if all were."""
    if trigger.paths and push.branch and push.paths_unknown:
        return f"`paths` was not applied: {push.paths_unknown}"
    return ""


def _values(trigger: Git, delivery: HookDelivery, push: Push) -> tuple[dict[str, Json], str]:
    """The values of the run that a push starts, over those of its trigger; what is missing.

    A `url` of the trigger stays: it may reach the repository by a different way, such as ssh.
    """
    values: dict[str, Json] = {"event": delivery.event} if delivery.event else {}
    values["ref"] = push.ref
    if push.hash:
        values["hash"] = push.hash
    values |= {"branch": push.branch} if push.branch else {"tag": push.tag}
    if push.tag and trigger.branch:
        values["branch"] = ""
    if push.url and not trigger.url:
        values["url"] = push.url
    if push.subject:
        values["subject"] = push.subject
    whole = {**values, "push": delivery.body}
    try:
        check_values_size(whole)
    except TooLarge:
        return values, "the body is above 1 MiB, so the run has no value `push`"
    return whole, ""


def _whole(delivery: HookDelivery) -> dict[str, Json]:
    event: dict[str, Json] = {"event": delivery.event} if delivery.event else {}
    return {**event, "push": delivery.body}


SHOWN_MAX: Final = 5
"""Names that a sentence lists."""


def _some(names: Iterable[str]) -> str:
    shown = list(islice(names, SHOWN_MAX + 1))
    return ", ".join(shown[:SHOWN_MAX]) + (", …" if len(shown) > SHOWN_MAX else "")
