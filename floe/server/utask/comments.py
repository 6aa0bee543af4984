"""The routes of comments on tasks. They are notes of its run."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, cast
from uuid import uuid4

from floe.dialects.utask.ids import is_uuid
from floe.model.errors import Yours
from floe.model.ids import Instant, Json, Shape
from floe.model.judging import RunNoted
from floe.model.people import AddNote
from floe.model.run import Run
from floe.server.utask.calls import UtaskCall, UtaskReply
from floe.server.utask.documents import comment_document
from floe.server.utask.site import UtaskFault, UtaskSite, no_id

COMMENT: Final = "comment"
"""The kind of the notes."""

CHARS_MIN: Final = 3
CHARS_MAX: Final = 100_000


class Comment(NamedTuple):
    """A comment on a task."""

    id: str
    by: str
    created: Instant
    updated: Instant
    content: str

    @property
    def shape(self) -> Shape:
        """As the API shows it."""
        return comment_document(*self)


async def comments_of(site: UtaskSite, run: Run) -> Sequence[Shape]:
    """The comments on a task, the oldest first."""
    return [one.shape for one in (await _all(site, run)).values()]


async def index(call: UtaskCall) -> UtaskReply:
    """The comments on a task."""
    return UtaskReply(200, await comments_of(call.site, await _run(call)))


async def post(call: UtaskCall) -> UtaskReply:
    """Add a comment."""
    run, content = await _run(call), _content(call, "create")
    id = str(uuid4())
    await _write(call, run, id, {"content": content})
    return UtaskReply(201, (await _found(call, await _run(call), id)).shape)


async def show(call: UtaskCall) -> UtaskReply:
    """A comment."""
    return UtaskReply(200, (await _found(call, await _run(call), call.names["comment"])).shape)


async def put(call: UtaskCall) -> UtaskReply:
    """Replace the content of a comment."""
    run, content = await _run(call), _content(call, "update")
    one = await _found(call, run, call.names["comment"])
    await _write(call, run, one.id, {"content": content})
    return UtaskReply(200, (await _found(call, await _run(call), one.id)).shape)


async def delete(call: UtaskCall) -> UtaskReply:
    """Delete a comment."""
    run = await _run(call)
    one = await _found(call, run, call.names["comment"])
    await _write(call, run, one.id, None)
    return UtaskReply()


async def _all(site: UtaskSite, run: Run) -> dict[str, Comment]:
    """The comments on a task, by id."""
    found: dict[str, Comment] = {}
    first = cast(Shape, run.values["task"]).get("comment")
    if first:
        at = run.pended_at
        found[first["id"]] = Comment(first["id"], run.by, at, at, first["content"])
    for note in await site.hub.people.notes(run):
        if note.kind == COMMENT:
            _add(found, note)
    return found


def _add(found: dict[str, Comment], note: RunNoted) -> None:
    if not isinstance(note.value, Mapping):
        found.pop(note.key, None)
        return
    content = str(note.value["content"])
    if (old := found.get(note.key)) is None:
        found[note.key] = Comment(note.key, note.by, note.at, note.at, content)
    else:
        found[note.key] = old._replace(updated=note.at, content=content)


async def _write(call: UtaskCall, run: Run, id: str, value: Json) -> None:
    note = AddNote(by=call.user.name, kind=COMMENT, key=id, value=value)
    await call.site.hub.people.note(run.ref, note)


async def _found(call: UtaskCall, run: Run, id: str) -> Comment:
    if not is_uuid(id):
        raise no_id("comment", id)
    if (found := (await _all(call.site, run)).get(id.lower())) is None:
        raise UtaskFault(404, "Failed to load comment from public id: sql: no rows in result set")
    return found


def _content(call: UtaskCall, act: str) -> str:
    content = call.body.keys.text("content")
    call.body.check()
    if len(content) < CHARS_MIN:
        what = f"task comment can't be shorter than {CHARS_MIN} characters"
        raise Yours(f"Failed to {act} comment: {what}")
    if len(content) > CHARS_MAX:
        what = f"task comment can't be longer than {CHARS_MAX} characters"
        raise Yours(f"Failed to {act} comment: {what}")
    return content


async def _run(call: UtaskCall) -> Run:
    assert call.id is not None, "its route has an id"
    return await call.site.run(call.id, "task")
