"""The routes of templates and functions: those that this host has read."""

from typing import Final

from floe.server.utask.calls import UtaskCall, UtaskReply
from floe.server.utask.documents import listed_template, template_document
from floe.server.utask.paging import page_of
from floe.server.utask.site import UtaskFault

NO_FUNCTION: Final = "function not found"


async def index(call: UtaskCall) -> UtaskReply:
    """Templates, in the order in which they came, without their steps."""
    flows = {flow.name: flow for flow in call.site.templates()}
    names, headers = page_of(call, [*flows])
    return UtaskReply(200, [listed_template(flows[name]) for name in names], headers=headers)


async def show(call: UtaskCall) -> UtaskReply:
    """A template."""
    return UtaskReply(200, template_document(call.site.template(call.names["template"])))


async def functions(call: UtaskCall) -> UtaskReply:
    """Functions, by name."""
    found = call.site.functions()
    names, headers = page_of(call, sorted(found))
    return UtaskReply(200, [found[name] for name in names], headers=headers)


async def function(call: UtaskCall) -> UtaskReply:
    """A function."""
    if (found := call.site.functions().get(call.names["function"])) is None:
        raise UtaskFault(404, NO_FUNCTION)
    return UtaskReply(200, found)
