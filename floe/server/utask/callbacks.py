"""The route of callbacks: a program outside says what a step waits for."""

import hmac
from collections.abc import Mapping
from typing import Any, Final, cast

from floe.dialects.utask import readings
from floe.dialects.utask.creation import CALLBACK_KIND
from floe.model.codec import iso
from floe.model.errors import Yours
from floe.model.ids import Json, Shape
from floe.model.judging import Update
from floe.model.run import Run
from floe.server.utask.calls import UtaskCall, UtaskReply
from floe.server.utask.site import UtaskFault

OPEN_STATES: Final = ("BLOCKED", "RUNNING", "WAITING")
"""States of tasks that take callbacks."""

RESOLVED: Final = "callback has already been resolved"
UNKNOWN: Final = "failed to load callback from public id: callback not found"


async def post(call: UtaskCall) -> UtaskReply:
    """Keep what a program says; the step that waits for it goes on with the next pass."""
    assert call.id is not None, "its route has an id"
    id, token = call.names["callback"].lower(), call.parameter("t")
    if not token:
        raise UtaskFault(400, "missing parameter: t")
    run = await call.site.run(call.id, "callback")
    made = _made(run, id)
    if made is None or not hmac.compare_digest(str(made.get("token")).encode(), token.encode()):
        raise UtaskFault(404, UNKNOWN)
    body = call.body.whole
    if (state := readings.task_state(run)) not in OPEN_STATES:
        raise UtaskFault(400, f"related task is not in a valid state: {state}")
    if made.get("schema"):
        await _check(call, run, made["schema"], body)
    value: Json = {"date": iso(call.site.hub.clock.now()), "body": body}
    update = Update(source="callback", key=f"callback:{id}", state="DONE", value=value)
    async with call.site.calling_back:
        run = await call.site.run(call.id, "callback")
        assert run.passes is not None, "a run of utask is judged"
        if update.key in run.passes.updates:
            raise UtaskFault(400, RESOLVED)
        await call.site.act(run.ref, update, RESOLVED)
    return UtaskReply(200, {"message": "The callback has been resolved"})


def _made(run: Run, id: str) -> Shape | None:
    """The output of the step that made a callback; None for none."""
    for step in readings.steps_of(run).values():
        output = step.output
        if isinstance(output, Mapping) and output.get("id") == id and "token" in output:
            return dict(output)
        for child in step.children if isinstance(step.children, list) else ():
            found = cast(Mapping[str, Any], child).get("output")
            if isinstance(found, Mapping) and found.get("id") == id and "token" in found:
                return dict(found)
    return None


async def _check(call: UtaskCall, run: Run, schema: Json, body: Json) -> None:
    """Have a body checked by the schema of its callback. Raises UtaskFault, World."""
    try:
        asked = {"schema": schema, "body": body}
        await call.site.judged(CALLBACK_KIND, readings.flow_of(run), asked)
    except Yours as error:
        raise UtaskFault(400, f"unable to validate body: {error.what}") from None
