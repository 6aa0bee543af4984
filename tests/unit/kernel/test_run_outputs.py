"""The outputs of a run are bounded together."""

from floe.expr.template import template_of, template_parts
from floe.kernel.judge import NodeScope
from floe.kernel.run_outputs import outputs_of
from floe.model.flow import RunOutput
from floe.model.ids import Json
from tests.make import a_flow, a_node, a_run


def outputs(values: dict[str, Json], **texts: str) -> tuple[dict[str, Json], list[str]]:
    made = tuple(
        RunOutput(id=id, value=template_of(template_parts(text))) for id, text in texts.items()
    )
    flow = a_flow(a_node(), outputs=made)
    found, lacking = outputs_of(NodeScope(run=a_run(flow, values), flow=flow))
    return dict(found), lacking


def test_outputs_keep_their_types_alone_and_are_text_in_texts() -> None:
    values: dict[str, Json] = {"n": 3, "list": ["eu"], "none": None}

    found, lacking = outputs(
        values,
        n="{{ values.n + 1 }}",
        list="{{ values.list }}",
        none="{{ values.none }}",
        text="{{ values.n }}{{ values.list }}",
        plain="x",
    )

    assert found == {"n": 4, "list": ["eu"], "none": None, "text": '3["eu"]', "plain": "x"}
    assert lacking == []


def test_outputs_of_a_run_have_a_bound_together() -> None:
    big = "x" * 600_000

    found, lacking = outputs({"big": big}, a="{{ values.big }}", b="{{ values.big }}")

    assert list(found) == ["a"]
    assert lacking == ["output b: the outputs of a run have at most 1 MiB together"]
