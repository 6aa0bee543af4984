"""The fields of a body or a query, checked before use."""

from collections import Counter
from collections.abc import Mapping
from typing import Final, TypeVar

from aiohttp import web

from floe.kernel.items import ITEMS_MAX
from floe.model.errors import ValuesInvalid
from floe.model.ids import NO_ITEM, Json
from floe.model.whole import whole

Word = TypeVar("Word", bound=str)

T = TypeVar("T")

UNKNOWN_MAX: Final = 20
"""Unknown keys that are named in an error: the search for a similar key costs time for each."""

WRONG_MAX: Final = 50
"""Errors reported about one request."""

KEY_MAX: Final = 80
"""Characters of a key that an error repeats."""

VISIT_MAX: Final = 2**31


class Fields:
    """An object or a query, read key by key; `done` refuses invalid and unread keys."""

    def __init__(
        self,
        shape: Mapping[str, Json],
        *,
        any_case: bool = False,
        parent: "Fields | None" = None,
        at: str = "",
    ) -> None:
        self._any_case = any_case
        self._at = at
        self._known: list[str] = []
        self._wrong: dict[str, str] = parent._wrong if parent else {}
        self._subs: list[Fields] = []
        self._shape: dict[str, Json] = {}
        for key, value in shape.items():
            name = key.lower() if any_case else key
            if name in self._shape:
                self.wrong(name, "occurs twice")
            self._shape[name] = value

    def __contains__(self, key: str) -> bool:
        return self._shape.get(key) is not None

    def text(self, key: str, default: str | None = "") -> str:
        """A text; with `default` None it is required and not empty."""
        value = self._take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and (value or default is not None):
            return value
        return self._instead(key, "a text is required", "")

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number within bounds, also written as a text."""
        value = self._take(key)
        if isinstance(value, str):
            number = whole(value)
            value = value if number is None else number
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        return self._instead(key, f"a whole number from {low} to {high} is expected", default)

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A number within bounds."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return value
        return self._instead(key, f"a number from {low:g} to {high:g} is expected", default)

    def flag(self, key: str) -> bool | None:
        """True or false, also written as a text; None if absent."""
        value = self._take(key)
        if value is None or isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
        return self._instead(key, "true or false is expected", None)

    def words(self, key: str, known: tuple[Word, ...]) -> frozenset[Word]:
        """The known words among those of a field, which are separated by commas."""
        words = [word for word in self.text(key).split(",") if word]
        if unknown := [word for word in words if word not in known]:
            self.wrong(key, f"{unknown[0][:80]!r} is none of {', '.join(known)}")
        return frozenset(word for word in known if word in words)

    def mapping(self, key: str) -> Mapping[str, Json]:
        """An object with arbitrary keys; empty if absent."""
        value = self._take(key)
        if value is None or isinstance(value, Mapping):
            return value or {}
        return self._instead(key, "an object is expected", {})

    def value(self, key: str) -> Json:
        """Any value; None if absent."""
        return self._take(key)

    def sub(self, key: str) -> "Fields":
        """A nested object; its errors are reported with those of this one."""
        at = f"{self._at}{key}."
        fields = Fields(self.mapping(key), any_case=self._any_case, parent=self, at=at)
        self._subs.append(fields)
        return fields

    def wrong(self, key: str, what: str) -> None:
        """Report an error about a key. Errors beyond WRONG_MAX are dropped."""
        if len(self._wrong) < WRONG_MAX:
            self._wrong[self._at + key[:KEY_MAX]] = what

    def done(self) -> None:
        """Raise ValuesInvalid with all errors, including unknown keys."""
        self._refuse_unknown()
        if self._wrong:
            raise ValuesInvalid(self._wrong)

    def _refuse_unknown(self) -> None:
        unknown = sorted(self._shape.keys() - set(self._known))
        for key in unknown[:UNKNOWN_MAX]:
            from difflib import get_close_matches  # needed for errors only

            near = get_close_matches(key[:KEY_MAX], self._known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self.wrong(key, "no such key" + hint)
        if len(unknown) > UNKNOWN_MAX:
            self.wrong("…", f"{len(unknown) - UNKNOWN_MAX} more unknown keys")
        for sub in self._subs:
            sub._refuse_unknown()

    def _take(self, key: str) -> Json:
        self._known.append(key)
        return self._shape.get(key)

    def _instead(self, key: str, what: str, instead: T) -> T:
        self.wrong(key, what)
        return instead


def query(request: web.Request) -> Fields:
    """The query of a request. `done` refuses a duplicate key along with other errors."""
    shape = dict(request.query)
    fields = Fields(shape)
    if len(shape) < len(request.query):
        for key, count in Counter(key for key, _ in request.query.items()).items():
            if count > 1:
                fields.wrong(key, "occurs twice")
    return fields


def visit_in(fields: Fields) -> int:
    """The visit that a request names; 0 for the latest."""
    return fields.integer("visit", 0, 1, VISIT_MAX)


def item_in(fields: Fields) -> int:
    """The item in the fields of a request; `NO_ITEM` if it names none."""
    return fields.integer("item", NO_ITEM, 0, ITEMS_MAX - 1)
