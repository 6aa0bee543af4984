"""The registry knows every dialect, and nothing else has to."""

from pathlib import Path
from typing import get_args

import pytest

from floe.dialects import registry
from floe.dialects.registry import JUDGED, DialectName, dialect

NAMES: tuple[DialectName, ...] = get_args(DialectName)


def test_every_folder_of_dialects_has_a_name_in_the_registry() -> None:
    room = Path(registry.__file__).parent
    folders = {path.parent.name for path in room.glob("*/__init__.py")}

    assert folders == {*NAMES, *JUDGED}


@pytest.mark.parametrize("name", NAMES)
def test_each_dialect_reports_an_empty_document(name: DialectName) -> None:
    assert dialect(name).flows("", "f.yml").errors


@pytest.mark.parametrize("name", NAMES)
def test_each_dialect_has_a_schema(name: DialectName) -> None:
    assert dialect(name).schema()
