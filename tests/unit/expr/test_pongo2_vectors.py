"""Templates that flyte itself rendered: each gives the same text here, or is an error too."""

import pytest

from floe.expr.errors import ExpressionError
from floe.expr.pongo2.template import parse
from tests.make_flyte import FixedSurroundings, template_names, vectors

DOCUMENT = vectors("templates")
NAMES = template_names(DOCUMENT)
SURROUNDINGS = FixedSurroundings(DOCUMENT["datastore"])


RENDERED = [case for case in DOCUMENT["cases"] if case["expected"] is not None]
REFUSED = [case["template"] for case in DOCUMENT["cases"] if case["expected"] is None]


@pytest.mark.parametrize("case", RENDERED, ids=lambda case: case["template"][:60])
def test_a_template_gives_what_flyte_gives(case: dict[str, str]) -> None:
    assert parse(case["template"]).render(NAMES, SURROUNDINGS) == case["expected"]


@pytest.mark.parametrize("template", REFUSED)
def test_a_template_that_flyte_refuses_is_an_error(template: str) -> None:
    with pytest.raises(ExpressionError):
        parse(template).render(NAMES, SURROUNDINGS)


def test_all_of_the_303_vectors_are_run() -> None:
    assert len(RENDERED) + len(REFUSED) == 303
