"""Flows of other projects, of which floe has no copies: scripts/compat reads them from a folder."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from floe.dialects.flyte.reading import flow_of
from floe.dialects.go_scalars import FLYTE
from floe.dialects.go_yaml import json_value, parse_go_yaml
from floe.dialects.notes import Notes
from floe.expr.pongo2.template import parse
from tests import recorded

FLOWS: Final = "flyte/flows/*"


def shape_of(path: Path) -> Any:
    text = path.read_text("utf-8")
    if path.suffix == ".json":
        return json.loads(text)
    tree = parse_go_yaml(text, FLYTE, Notes(path.name))
    return json_value(tree) if tree else None


def texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in texts_in(one)]
    if isinstance(value, list):
        return [text for one in value for text in texts_in(one)]
    return [value] if isinstance(value, str) else []


if [*recorded.FOLDER.glob(FLOWS)]:

    @pytest.mark.parametrize("path", recorded.files(FLOWS))
    def test_flow_of_another_project_is_read_unless_it_is_invalid(path: Path) -> None:
        found = flow_of(shape_of(path))

        assert (found.flow is None) == path.name.startswith("invalid"), found.faults

    @pytest.mark.parametrize("path", recorded.files(FLOWS))
    def test_templates_of_another_project_have_no_mistake(path: Path) -> None:
        for text in texts_in(shape_of(path).get("steps", [])):
            parse(text)
