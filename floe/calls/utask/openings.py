"""Tasks that actions open: their inputs are judged as those of any task, before they exist."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from uuid import uuid4

from floe.calls.utask.action import ActionCall, ClientError, ServerError
from floe.calls.utask.go_texts import json_in
from floe.dialects.utask.compiled import DIALECT, template_named, template_of
from floe.dialects.utask.creation import (
    CREATE_KIND,
    TaskRequest,
    creation_body,
    first_pass,
    opening_of,
)
from floe.dialects.utask.document import TaskTemplate
from floe.dialects.utask.readings import TO_AUTORUN_DELAYED
from floe.kernel.children import DEPTH_MAX
from floe.model.codec import digest_of, iso
from floe.model.errors import FloeError, World, Yours
from floe.model.flow import Flow
from floe.model.ids import Instant, Json
from floe.model.opening import ChildOpening, Opening
from floe.nodes.call_ground import CallGround, CallHub

NS_MS: Final = 1_000_000


class TemplateOpenings:
    """Opens tasks of one template for one execution of an action."""

    def __init__(self, call: ActionCall, ground: CallGround, name: str, missing: str) -> None:
        """`missing`: how a missing template is called. Raises ClientError, ServerError."""
        self._call, self._hub = call, hub_of(ground)
        self.flow = _flow(self._hub, name, missing)
        self.template: TaskTemplate = template_of(self.flow)
        if self.template.blocked:
            raise ClientError("Template not available (blocked)")

    def request(self, given: Mapping[str, Json], comment: str, *, batch: str = "") -> TaskRequest:
        """What the execution asks a task to be. Raises ClientError."""
        call, task = self._call, self._call.task
        return TaskRequest(
            input=given,
            tags={name: str(value or "") for name, value in call.entries("tags").items()},
            comment={"id": str(uuid4()), "content": comment},
            requester_username=str(task.get("requester_username") or ""),
            requester_groups=_words(task.get("requester_groups")),
            watcher_usernames=_texts(call, "watcher_usernames"),
            watcher_groups=_texts(call, "watcher_groups"),
            resolver_usernames=_texts(call, "resolver_usernames"),
            resolver_groups=_texts(call, "resolver_groups"),
            delay=call.text("delay"),
            batch=batch,
            parent=str(task.get("task_id") or ""),
        )

    async def check_depth(self) -> None:
        """Refuse a task below too many others. Raises ClientError.

        The kernel refuses it too, but as an error that is tried again.
        """
        try:
            run = await self._hub.reads.run(self._call.job.key.run.key)
        except FloeError as error:
            raise ServerError(str(error)) from None
        if run.parent is not None and len(run.parent.above) >= DEPTH_MAX:
            raise ClientError(f"{DEPTH_MAX} tasks are above this one, the most that may be")

    async def opened(self, key: str, asked: TaskRequest) -> ChildOpening:
        """The opening of a task under a key. Raises ClientError, ServerError."""
        try:
            body = creation_body(self.flow, asked, iso(_now()) or "")
            answer = await self._hub.people.judge_text(DIALECT, CREATE_KIND, body)
            if not isinstance(answer, dict):
                raise World("an evaluator gave no answer")
            opening = opening_of(answer, self.template)
        except Yours as error:
            raise ClientError(str(error)) from None
        except FloeError as error:
            raise ServerError(str(error)) from None
        return ChildOpening(
            key=key,
            flow=self.flow,
            digest=self._hub.reads.book().digest_of(self.flow) or digest_of(self.flow),
            opening=self._delayed(opening, asked.delay),
        )

    def _delayed(self, opening: Opening, delay: str) -> Opening:
        """An opening whose first pass begins by itself after a delay, if its template has that."""
        try:
            due = first_pass(delay, _now())
        except Yours as error:
            raise ClientError(str(error)) from None
        if due is None or not self.template.auto_runnable:
            return opening
        return replace(opening, verdict=TO_AUTORUN_DELAYED, due=due)


def hub_of(ground: CallGround) -> CallHub:
    """The hub of a host. Raises ServerError before it has one."""
    if ground.hub is None:
        raise ServerError("this host is not open yet")
    return ground.hub


def _flow(hub: CallHub, name: str, missing: str) -> Flow:
    found = template_named(hub.reads.book().flows, name)
    if found is None:
        raise ClientError(f'{missing} "{name[:80]}" not found')
    return found


def _texts(call: ActionCall, key: str) -> tuple[str, ...]:
    """A list of texts, or the JSON of one, as `subtask` has it."""
    value = call.configuration.get(key)
    if isinstance(value, str):
        value = json_of(value, key) if value else []
    if not isinstance(value, list | tuple | None) or not all(
        isinstance(one, str) for one in value or ()
    ):
        raise ClientError(f"`{key}` is a list of texts")
    return tuple(str(one) for one in value or ())


def _words(value: Json) -> tuple[str, ...]:
    """The groups of a task: a list, or their names with commas."""
    if isinstance(value, str):
        return tuple(word for word in value.split(",") if word)
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def json_of(text: str, key: str) -> Json:
    """The value of a text that is JSON. Raises ClientError."""
    try:
        return json_in(text)
    except (ValueError, RecursionError) as error:
        raise ClientError(f"`{key}` is no JSON: {error}") from None


def _now() -> Instant:
    return Instant(time.time_ns() // NS_MS)
