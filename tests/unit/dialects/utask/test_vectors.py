"""Templates load, or are refused, as the real uTask did it."""

from pathlib import Path
from typing import Any, Final

import pytest

from floe.dialects.utask.loading import load_functions
from floe.dialects.utask.stored import stored_template
from tests import recorded
from tests.utask_host import functions_of, load

LOAD: Final = "utask/vectors/load.json"
UPSTREAM: Final = "utask/vectors/load-upstream.json"
TEMPLATES: Final = "utask/templates/*.yaml"
FUNCTIONS: Final = "utask/functions/*.yaml"

LOADS_HERE: Final = {"D39": "json_schema: null"}
"""What crashes uTask and means nothing here."""


def is_loaded(case: dict[str, Any]) -> bool:
    """Whether a case is to load: crashes of uTask (D39) are refused, or without effect."""
    text = LOADS_HERE.get(case.get("defect", ""))
    return case["error"] is None or (text is not None and text in case["template"])


@pytest.mark.parametrize("case", recorded.cases(LOAD))
def test_template_loads_as_in_utask(case: dict[str, Any]) -> None:
    functions = recorded.document(LOAD)["functions"] if case.get("functions") else {}

    loaded = load(case["template"], functions_of(functions))

    assert (loaded.template is not None) == is_loaded(case), loaded.findings
    if loaded.template is not None and "loaded" in case:
        assert stored_template(loaded.template) == case["loaded"]


@pytest.mark.parametrize("case", recorded.cases(LOAD, of="function_files"))
def test_functions_load_as_in_utask(case: dict[str, Any]) -> None:
    loaded = load_functions((f"{at}.yaml", text) for at, text in enumerate(case["files"]))

    assert (loaded.findings == ()) == (case["error"] is None)


def text_of(path: Path) -> str:
    """A file of uTask's tests, which replace tabs too."""
    return path.read_text("utf-8").replace("\t", "  ")


if recorded.document(UPSTREAM):  # floe has no copies of uTask's files

    @pytest.mark.parametrize("case", recorded.cases(UPSTREAM))
    def test_template_of_utasks_own_tests_loads_as_there(case: dict[str, Any]) -> None:
        functions = {path.name: text_of(path) for path in recorded.FOLDER.glob(FUNCTIONS)}
        text = text_of(recorded.FOLDER / TEMPLATES.replace("*.yaml", case["file"]))

        loaded = load(text, functions_of(functions), templates=())

        assert (loaded.template is not None) == (case["error"] is None), loaded.findings
