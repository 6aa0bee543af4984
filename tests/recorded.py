"""What other programs did, recorded: files of cases, and the files that these programs read.

They are those of tests/data. `scripts/compat DIR` runs the same tests on the files of a folder with
the same names, which may have more of them, and files that are not ours to copy.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest
from _pytest.mark import ParameterSet

OWN: Final = Path(__file__).parent / "data"
FOLDER: Final = Path(os.environ.get("FLOE_RECORDED") or OWN)


def document(name: str) -> Any:
    """A file of cases, `flyte/vectors/yaml.json`, with the values that its cases share.

    Empty where a given folder does not have it.
    """
    path = FOLDER / name
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def own_document(name: str) -> Any:
    """The file of that name in tests/data, whatever folder was given."""
    return json.loads((OWN / name).read_text("utf-8"))


def cases(name: str, of: str = "cases") -> list[ParameterSet]:
    """The cases of a file, as parameters of a test."""
    listed = document(name).get(of, ())
    ids = [str(case.get("id") or case.get("name") or number) for number, case in enumerate(listed)]
    return counted(name, zip(ids, listed, strict=True))


def files(pattern: str) -> list[ParameterSet]:
    """The files of a folder of another project, `flyte/flows/*`, as parameters of a test."""
    return counted(pattern, [(path.name, path) for path in sorted(FOLDER.glob(pattern))])


def counted(name: str, found: Iterable[tuple[str, object]]) -> list[ParameterSet]:
    """Parameters with their ids, which the end of the tests counts under a name."""
    marks = (pytest.mark.recorded(name),)
    params = [pytest.param(one, id=id_, marks=marks) for id_, one in found]
    return params or [pytest.param(None, marks=(*marks, pytest.mark.missing))]
