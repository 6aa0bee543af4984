"""Settings of git on its command line: `git -c KEY=VALUE`, `git config set KEY VALUE`.

Git starts programs that settings name, such as an editor or a pager. Only listed keys take data.
"""

from typing import Final

VERBS: Final = frozenset({"set", "get", "get-all", "unset", "list"})
"""Words that `git config` accepts before the key."""

_HARMLESS: Final = (
    "user.",
    "author.",
    "committer.",
    "commit.",
    "http.extraheader",
    "init.defaultbranch",
    "safe.",
    "branch.",
    "color.",
    "advice.",
    "pull.",
    "push.default",
    "core.autocrlf",
    "core.filemode",
    "core.quotepath",
)


def is_harmless(setting: str) -> bool:
    """Whether the value of a git setting, a key or `key=value`, is data and names no program."""
    return setting.lower().startswith(_HARMLESS)
