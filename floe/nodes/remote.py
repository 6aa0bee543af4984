"""The URL of a git repository without its password, and how git finds that all the same.

What a command line says, every user of the machine can read; what an environment holds, only
floe's own and root. So git is given the URL alone, and a credential helper that answers from the
environment, for that server and no other.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple, Self
from urllib.parse import unquote

from floe.model.errors import Yours
from floe.model.secret import without_password

_URL: Final = re.compile(r"(https?|ssh|git)://([^/?#]*)@([^/?#@]*)(.*)", re.DOTALL | re.IGNORECASE)
_HELPER: Final = (
    """!answer() { test "$1" != get || printf 'username=%s\\npassword=%s\\n' """
    """"$FLOE_GIT_USER" "$FLOE_GIT_PASSWORD"; }; answer"""
)


class Remote(NamedTuple):
    """What git is given of a URL that people wrote."""

    url: str
    """For the command line, and for the repository's config."""
    env: Mapping[str, str]
    """For its environment: user and password."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take a URL apart. Raises Yours where git has no place for its password."""
        found = _URL.fullmatch(url)
        if not found:
            bare = url.partition("?")[0]
            if without_password(bare) != bare:
                hint = "git takes one in http and https URLs only; ssh has key-file"
                raise Yours(f"the url {url!r} has a password", hint)
            return cls(url, {})
        scheme, user, place, path = found.groups()
        scheme = scheme.lower()
        name, colon, password = user.partition(":")
        if scheme == "git":
            return cls(f"git://{place}{path}", {})  # a server that knows no users
        if scheme == "ssh":
            name = re.split("%3a", name, flags=re.IGNORECASE)[0]
            return cls(f"ssh://{name}@{place}{path}", {})  # ssh asks nobody: see git.py
        texts = unquote(name), unquote(password)
        if any(sign in text for text in texts for sign in "\n\r\0"):
            raise Yours(f"the url {url!r} has a line break in its user or password")
        server = f"credential.{scheme}://{place}"
        first = ("helper", "") if colon else ("username", texts[0])
        return cls(
            f"{scheme}://{place}{path}",
            {
                "FLOE_GIT_USER": texts[0],
                "FLOE_GIT_PASSWORD": texts[1],
                "GIT_CONFIG_COUNT": "2",
                # With a password nobody else is asked. With a user alone, who may be a token, the
                # helpers of floe's user are asked before.
                "GIT_CONFIG_KEY_0": f"{server}.{first[0]}",
                "GIT_CONFIG_VALUE_0": first[1],
                "GIT_CONFIG_KEY_1": f"{server}.helper",
                "GIT_CONFIG_VALUE_1": _HELPER,
            },
        )
