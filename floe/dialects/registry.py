"""Every dialect that floe reads, by name. The only module that imports them all."""

from collections.abc import Mapping
from typing import Final, Literal, assert_never, get_args

from floe.dialects.base import Dialect, RowReaders
from floe.dialects.floe.dialect import FloeDialect

DialectName = Literal["floe"]

EVALUATORS: Final[Mapping[str, str]] = {}
"""Where the evaluators of dialects are, as `module:attribute`: evaluator processes import them."""


def dialect(name: DialectName = "floe", *, strict_shell: bool = False) -> Dialect:
    """The reader of one dialect in the registry.

    `strict_shell`: the host's default, for flows that do not set it.
    """
    match name:
        case "floe":
            return FloeDialect(strict_shell=strict_shell)
        case _:
            assert_never(name)


def row_readers() -> RowReaders:
    """What each dialect adds to the rows of its runs, by its name; nothing of floe's own."""
    names: tuple[DialectName, ...] = get_args(DialectName)
    return {name: rows for name in names if (rows := dialect(name).rows)}
