"""How a person starts a task in floe's own way: it is created and resolved at once.

The dashboard and `floe trigger` send the values of the form that a template has as a flow.
"""

from collections.abc import Mapping

from floe.dialects.utask.compiled import template_of
from floe.dialects.utask.creation import RESOLVE_KIND, TaskRequest
from floe.dialects.utask.forms import given_values, start_form
from floe.expr.form_values import checked_values
from floe.hub.hub import Done
from floe.model.errors import Conflict, Yours
from floe.model.flow import Flow
from floe.model.ids import Json
from floe.model.people import Resolve
from floe.server.utask.site import UtaskFault, UtaskSite
from floe.server.utask.tasks import judged, run_asked


async def start_task(
    site: UtaskSite, flow: Flow, values: Mapping[str, Json], *, by: str, once: str
) -> Done:
    """Create a task of a template, and begin its first pass; on the disk when this returns.

    Raises ValuesInvalid, TooLarge, Conflict for a blocked template, Yours, Busy, World.
    """
    template = template_of(flow)
    given = given_values(template, checked_values(start_form(template), values))
    if template.blocked:
        raise Conflict(f"the template {template.name} is blocked")
    try:
        answer = await judged(site, flow, TaskRequest(input=given.input, requester_username=by))
        asked = {"document": flow.document, "resolver_input": given.resolver_input}
        taken = await site.judged(RESOLVE_KIND, flow, asked)
        done = await site.hub.open(run_asked(site, flow, answer, once))
        if template.auto_runnable or done.is_known:
            return done
        run = await site.hub.reads.run(done.row.key)
        signal = Resolve(
            by=by,
            resolution=await site.ids.text(run.ref, "resolution"),
            values={"resolver_input": taken["resolver_input"]},
        )
        await site.act(run.ref, signal, "the task is not resolved")
    except UtaskFault as error:
        raise Yours(error.what) from error
    return done
