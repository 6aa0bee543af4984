"""The route of batches: many tasks of one template."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast
from uuid import uuid4

from floe.dialects.utask.creation import batch_inputs
from floe.model.errors import Yours
from floe.model.ids import Json
from floe.server.utask.calls import UtaskCall, UtaskReply
from floe.server.utask.tasks import judged, opened, requested


async def post(call: UtaskCall) -> UtaskReply:
    """Create tasks, all or none: each is judged before the first begins."""
    body, site, id = call.body, call.site, str(uuid4())
    name, inputs = body.keys.text("template_name"), body.keys.raw("inputs")
    common, asked = body.map("common_input"), replace(requested(call, body), batch=id)
    flow = site.template(name)
    answers = [await judged(site, flow, replace(asked, input=one)) for one in _each(inputs, common)]
    for answer in answers:
        await opened(site, flow, answer)
    return UtaskReply(201, {"id": id})


def _each(inputs: Json, common: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """The input of each task. Raises Yours."""
    if inputs is None:
        return []
    if not isinstance(inputs, list) or not all(isinstance(one, Mapping) for one in inputs):
        raise Yours("binding error: `inputs` is a list of maps")
    return batch_inputs(cast(list[Mapping[str, Json]], inputs), common)
