"""Translate the original's command line to floe's spelling.

Go's flags have a single dash, `-tags=a,b` or `-tags a,b`, and no subcommand: `floe -tags=linux
-admin=TOKEN -host_name=h1`. That is `floe host` here.

Source: floe README, "Quick Start"; the original's flags.
"""

import re
from collections.abc import Sequence
from typing import Final

_ORIGINALS: Final = ("tags", "admin", "host_name", "conf", "dev")
_TLS: Final = ("pub_bind", "pub_cert", "pub_key", "prv_bind", "prv_cert", "prv_key")
_CLUSTER: Final = ("cluster_token", "hosts", "keeper", "peer_ca")
_FLYTE: Final = (
    *("flyte_bind", "flyte_cert", "flyte_key"),
    *("flyte_policy", "flyte_issuer", "flyte_client_id"),
)
_OURS: Final = ("root", "slots", "commands", "insecure", "log_level")
FLAGS: Final = frozenset((*_ORIGINALS, *_TLS, *_CLUSTER, *_FLYTE, *_OURS))
"""The first words of a command line without a command."""

_FLAG: Final = re.compile(r"--?([a-z][a-z_-]+)(=.*)?", re.DOTALL)


def modern(argv: Sequence[str]) -> list[str]:
    """The argv of today for one of the original; others stay unchanged.

    It begins with a flag of a host, or with `host` followed by Go's flags.
    """
    words = list(argv)
    if words[:1] == ["host"]:
        return ["host", *(_modern(word) if _name(word) in FLAGS else word for word in words[1:])]
    if words and _name(words[0]) in FLAGS:
        return ["host", *map(_modern, words)]
    return words


def _name(word: str) -> str:
    found = _FLAG.fullmatch(word)
    return found[1].replace("-", "_") if found else ""


def _modern(word: str) -> str:
    found = _FLAG.fullmatch(word)
    return f"--{found[1].replace('_', '-')}{found[2] or ''}" if found else word
