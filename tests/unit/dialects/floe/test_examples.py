"""Together the examples use every key of the flow language, and every choice of one."""

from pathlib import Path

import pytest

from floe.config import Flags, load
from floe.dialects.floe import vocabulary
from floe.dialects.floe.dialect import FloeDialect
from floe.dialects.kinds import OneOf
from floe.dialects.notes import Position
from floe.dialects.section import KeySpec, SectionValues

CONFIGS = Path(__file__).parents[4] / "configs"
EXAMPLES = (*(CONFIGS / "examples").glob("*.yml"), CONFIGS / "default.yml")
FILES = [path for path in EXAMPLES if not path.stem.endswith(".test")]

NOT_YET = ("postgres",)
KEYS = {name: key for name, key in vars(vocabulary).items() if isinstance(key, KeySpec)}
CHOICES = [
    (name, choice)
    for name, key in KEYS.items()
    if isinstance(key.kind, OneOf)
    for choice in key.kind.values
    if choice not in NOT_YET and (key.required or choice != key.default)
]


@pytest.fixture(scope="module")
def said() -> dict[str, list[object]]:
    """What the examples say, read by floe's own readers: the values of each key."""
    names = {id(key): name for name, key in KEYS.items()}
    said: dict[str, list[object]] = {name: [] for name in KEYS}
    put = SectionValues.put

    def noted(fields: SectionValues, key: KeySpec[object], at: Position, value: object) -> None:
        if id(key) in names:  # a key of a test of a flow is not
            said[names[id(key)]].append(value)
        put(fields, key, at, value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SectionValues, "put", noted)
        for path in FILES:
            FloeDialect().flows(path.read_text(), str(path))
            load(Flags(), {}, path.read_text(), str(path))
    return said


@pytest.mark.parametrize("name", KEYS)
def test_key_is_in_an_example(said: dict[str, list[object]], name: str) -> None:
    assert said[name]


@pytest.mark.parametrize(("name", "choice"), CHOICES)
def test_choice_is_in_an_example(said: dict[str, list[object]], name: str, choice: object) -> None:
    assert choice in said[name]
