"""Passes a repository's password to git without putting it on the command line.

Every user of the machine can read a command line, but only floe's own user and root can read an
environment. So git gets the URL without its password, and a credential helper that reads the
password from the environment, for that server only.
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
    """A URL that people wrote, split for git."""

    url: str
    """For the command line, and for the repository's config."""
    env: Mapping[str, str]
    """For its environment: user and password."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Split a URL. Raises Yours if git cannot use its password."""
        found = _URL.fullmatch(url)
        if not found:
            bare = url.partition("?")[0]
            if without_password(bare) != bare:
                hint = "git accepts one only in http and https URLs; use key-file for ssh"
                raise Yours(f"the url {url!r} has a password", hint)
            return cls(url, {})
        scheme, user, place, path = found.groups()
        scheme = scheme.lower()
        name, colon, password = user.partition(":")
        if scheme == "git":
            return cls(f"git://{place}{path}", {})  # this protocol has no users
        if scheme == "ssh":
            name = re.split("%3a", name, flags=re.IGNORECASE)[0]
            return cls(f"ssh://{name}@{place}{path}", {})  # ssh never prompts: see git.py
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
                # With a password, git uses no other helper. With a user name alone (it may be a
                # token), the helpers of floe's own user come first.
                "GIT_CONFIG_KEY_0": f"{server}.{first[0]}",
                "GIT_CONFIG_VALUE_0": first[1],
                "GIT_CONFIG_KEY_1": f"{server}.helper",
                "GIT_CONFIG_VALUE_1": _HELPER,
            },
        )
