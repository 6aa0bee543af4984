"""Builds the work of a call from its `opts`."""

from collections.abc import Mapping

from floe.dialects.floe.call_keys import CALL_URL, OF_REQUEST
from floe.dialects.floe.expressions import check_expression, named_in
from floe.dialects.floe.forms import read_fields
from floe.dialects.floe.requests import read_http
from floe.dialects.floe.vocabulary import ANSWER, GOOD_WHEN
from floe.dialects.notes import Notes
from floe.dialects.section import SectionValues
from floe.dialects.tree import Table
from floe.kernel.callbacks import GIVEN
from floe.kernel.judge import CALLBACK
from floe.model.callback import Callback
from floe.model.flow import Flow
from floe.model.form import Form
from floe.model.http import Http
from floe.model.ids import NodeId
from floe.model.template import Template


def read_call(opts: SectionValues, name: str, notes: Notes) -> Callback:
    """The work of a call."""
    request = None
    if CALL_URL in opts:
        request = read_http(opts, name, notes)
        if not opts.is_wrong(CALL_URL) and not _tells(request):
            what = "the request does not tell the address, which is `{{ callback }}`"
            notes.warning(opts.at_of(CALL_URL), what, "json: {answer_to: '{{ callback }}'}")
    else:
        for key in OF_REQUEST:
            if key in opts:
                what = f"`{key.name}` is for the request of a call, which has no `url`"
                notes.error(opts.at_of(key), what, CALL_URL.example)
    condition = opts[GOOD_WHEN]
    return Callback(
        request=request,
        form=Form(title=name, fields=read_fields(opts[ANSWER], notes)),
        good_when=condition.code if condition else "",
    )


def check_answers(flow: Flow, opts: Mapping[NodeId, Table], notes: Notes) -> None:
    """Report what `good-when` of calls names and no answer can give."""
    for node in flow.nodes:
        if isinstance(node.work, Callback) and node.work.good_when:
            tree = opts[node.id].entries[GOOD_WHEN.name].value
            text = GOOD_WHEN.kind.read(tree, GOOD_WHEN.name, Notes(""))
            check_expression(text, flow, notes, node=node.id, given=(GIVEN,))
            for one in named_in(text) if text else ():
                names = node.work.outputs
                if one.path[0] == GIVEN and len(one.path) > 1 and one.path[1] not in names:
                    what = f"the answer has no `{one.path[1]}`"
                    notes.error(one.at, what, f"it has {', '.join(names)}")


def _tells(request: Http) -> bool:
    parts = [p for t in request.texts if isinstance(t, Template) for p in t.parts]
    return any(part.path[:1] == (CALLBACK,) or CALLBACK in part.code for part in parts)
