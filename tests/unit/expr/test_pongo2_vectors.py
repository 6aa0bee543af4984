"""Templates that flyte itself rendered: each gives the same text here, or is an error too."""

from typing import Any

import pytest

from floe.expr.errors import ExpressionError
from floe.expr.pongo2.template import parse
from tests.make_flyte import FixedSurroundings, template_names
from tests.recorded import cases, document

RECORDED = "flyte/vectors/templates.json"


@pytest.mark.parametrize("case", cases(RECORDED))
def test_a_template_gives_what_flyte_gives(case: dict[str, Any]) -> None:
    shared = document(RECORDED)
    try:
        text = parse(case["template"]).render(
            template_names(shared), FixedSurroundings(shared["datastore"])
        )
    except ExpressionError:
        text = None

    assert text == case["expected"]
