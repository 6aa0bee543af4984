"""Puts values into URLs: each stays inside the part of the URL in which it stands.

Source: RFC 3986, sections 2 and 3; docs/flows.md, "Expressions in work".
"""

import re
from typing import Final
from urllib.parse import quote

from floe.expr.errors import ExpressionError

_HOST: Final = re.compile(r"[A-Za-z0-9._:-]*")
_LEGAL: Final = "%:/?#[]@!$&'()*+,;=~"
_IN_PATH: Final = "/:@!$&'()*+,;=~"
_IN_QUERY: Final = "/:@,~"


def in_url(before: str, data: str) -> str:
    """A value as it stands in a URL behind this text. Raises ExpressionError.

    At the start it may be a whole URL: only characters that no URL has are escaped. In the host it
    has letters, digits and `.-_:`. In a path it may have slashes, but no `..`; what would end the
    path is escaped, and behind `?` what would end a parameter.
    """
    _, scheme_end, rest = before.partition("://")
    if not scheme_end:
        return quote(data, safe=_LEGAL)
    if not re.search(r"[/?#]", rest):
        if not _HOST.fullmatch(data):
            raise ExpressionError("a value in the host of a URL has letters, digits and .-_: only")
        return data
    if re.search(r"[?#]", rest):
        return quote(data, safe=_IN_QUERY)
    if ".." in data.split("/"):
        raise ExpressionError("a value in the path of a URL cannot have `..`")
    return quote(data, safe=_IN_PATH)
