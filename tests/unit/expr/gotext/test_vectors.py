"""Go templates give what the real uTask gave."""

from typing import Any

import pytest

from floe.expr.errors import ExpressionError
from tests.go_templates import rendered
from tests.recorded import cases


@pytest.mark.parametrize("case", cases("utask/vectors/templates.json"))
def test_template_renders_as_in_utask(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(ExpressionError):
            rendered(case["template"])
    else:
        assert rendered(case["template"]) == case["expected"]
