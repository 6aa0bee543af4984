"""Errors of expressions, the same for every interpreter of them.

Rule of this file: an error names types, names and places, and never contains a value, which may
be a secret.
"""


class ExpressionError(Exception):
    """An expression that cannot be read or evaluated; `offset` is the place in its text."""

    def __init__(self, what: str, hint: str = "", offset: int | None = None) -> None:
        super().__init__(what)
        self.what, self.hint, self.offset = what, hint, offset

    def place(self, offset: int) -> None:
        """Give the error a place, if it has none yet."""
        if self.offset is None:
            self.offset = offset


class Missing(ExpressionError):
    """Error of an expression: a name has no value, at least not yet."""

    def __init__(self, name: str, what: str = "", offset: int | None = None) -> None:
        super().__init__(
            what or f"`{name}` is missing", "|default('…') gives a value instead", offset
        )
        self.name = name


class TooMuch(ExpressionError):
    """Error of an expression: it would take more steps, or make more, than it may."""
