"""The options of one listed program: which are known, and how many arguments one may take."""

from collections.abc import Sequence
from typing import Final

from floe.expr.programs import Program


class Options:
    """The options of a program by their use."""

    def __init__(self, program: Program) -> None:
        self.code: Final = frozenset(program.code.split())
        self.files: Final = frozenset(program.files.split())
        self.loads: Final = frozenset(program.loads.split())
        self.settings: Final = frozenset(program.settings.split())
        self.takes: Final = frozenset(program.takes.split())
        self.glued: Final = frozenset(program.glued.split())
        self.pairs: Final = frozenset(program.pairs.split())
        self.known: Final = self.code | self.files | self.loads | self.settings | self.takes
        self.reads: Final = " ".join(
            (program.code, program.files, program.loads, program.settings)
        ).split()
        self.signs: Final = ("-",) if program.flags else ("-", "+")
        """What an option begins with; in `faketime +1d COMMAND`, `+1d` is an operand."""
        self._flags: Final = frozenset(program.flags.split())
        self._entry: Final = frozenset(program.entry.split())
        self._hiding: Final = frozenset(program.hides_env.split())
        self._named: Final = frozenset(program.named.split())

    def whole(self, name: str) -> str:
        """The full name of an option: many programs accept a prefix of a long option."""
        if name in self.known or not name.startswith("--"):
            return name
        long = (*self.reads, *sorted(self.known))
        return next((option for option in long if option.startswith(name)), name)

    def is_named(self, text: str) -> bool:
        """Whether an option replaces the first operand."""
        if not self._named or text.startswith("--"):
            return self.whole(text.partition("=")[0]) in self._named
        letters = {f"-{letter}" for letter in text[1:]}
        return text[:2] in self._named or (
            letters <= self._flags and not letters.isdisjoint(self._named)
        )

    def more(self, text: str) -> int:
        """How many further arguments an option may take, because it is not listed."""
        listed = self._flags | self._entry | self.pairs | self._hiding
        if not self._flags or "=" in text or text in listed or self.whole(text) in self.known:
            return 0
        if not text.startswith("--"):
            options = (text[0] + letter for letter in text[1:])
            other = next((option for option in options if option not in self._flags), None)
            if other is None or other in self.known:
                return 0
        return 2 if self.pairs else 1


def first_with_code(program: Program, argv: Sequence[str]) -> int | None:
    """The index of a program's first option with code as its argument; None if it has none."""
    options = {program.flag, *program.code.split()} - {""}
    letters = {option[1] for option in options if len(option) == 2 and option[0] == "-"}
    for index, text in enumerate(argv):
        if not text.startswith(("-", "+")):
            continue
        if text.partition("=")[0] in options:
            return index
        if not text.startswith("--") and letters & set(text[1:]):
            return index
    return None
