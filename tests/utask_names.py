"""Compares answers of uTask's API with recorded ones, in which ids and times have names."""

import re
from collections.abc import Iterator
from typing import Any, Final

from floe.dialects.utask.ids import UUID_TEXT

NAME: Final = re.compile(r"<([A-Za-z][A-Za-z0-9]*)>")

FORMS: Final = {
    "time": r"\d{4}-\d\d-\d\dT[\d:.]+Z",
    "duration": r"[0-9hmsµ.]+",
}
"""Forms of names that are no ids."""


class Names:
    """The ids that names stand for: each is bound where it is first seen."""

    def __init__(self, **known: str) -> None:
        self.known = known

    def unlike(self, wanted: Any, found: Any, at: str = "", *, whole: bool) -> Iterator[str]:
        """What is not as it was recorded; `whole`: nothing more is there either."""
        if isinstance(wanted, dict):
            if not isinstance(found, dict):
                yield f"{at} is {found!r}"
                return
            if whole and (more := sorted(found.keys() - wanted.keys())):
                yield f"{at} has {more} too"
            for key, value in wanted.items():
                yield from self.unlike(value, found.get(key), f"{at}.{key}", whole=whole)
        elif isinstance(wanted, list):
            if not isinstance(found, list) or len(found) < len(wanted):
                yield f"{at} is {found!r}"
                return
            for number, (one, other) in enumerate(zip(wanted, found, strict=False)):
                yield from self.unlike(one, other, f"{at}[{number}]", whole=whole)
        elif not self.is_same(wanted, found):
            yield f"{at} is {found!r}, not {wanted!r}"

    def is_same(self, wanted: Any, found: Any) -> bool:
        """Whether a value is as it was recorded."""
        if not isinstance(wanted, str) or not isinstance(found, str) or "<" not in wanted:
            are_numbers = isinstance(wanted, int | float) and isinstance(found, int | float)
            return float(wanted) == float(found) if are_numbers else bool(wanted == found)
        matched = re.fullmatch(self._pattern(wanted), found, re.IGNORECASE)
        if matched is None:
            return False
        self.known |= matched.groupdict()
        return True

    def _pattern(self, wanted: str) -> str:
        pattern, end, seen = "", 0, set[str]()
        for one in NAME.finditer(wanted):
            name = one[1]
            pattern += re.escape(wanted[end : one.start()])
            if name in self.known:
                pattern += re.escape(self.known[name])
            elif name in FORMS:
                pattern += FORMS[name]
            elif name in seen:
                pattern += f"(?P={name})"
            else:
                seen.add(name)
                pattern += f"(?P<{name}>{UUID_TEXT.pattern})"
            end = one.end()
        return pattern + re.escape(wanted[end:])
