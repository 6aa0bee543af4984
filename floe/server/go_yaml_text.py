"""Writes YAML as Go does, for the APIs of programs that were written in Go."""

import re
from typing import Any, Final

import yaml

from floe.dialects.go_scalars import FLYTE, resolve

YAML: Final = "application/x-yaml"
"""The one media type that means YAML, in this spelling and without a parameter."""


class _GoDumper(yaml.SafeDumper):
    """Writes YAML as Go's yaml.v2 does: quotes where a text would be read as something else."""

    def ignore_aliases(self, data: object) -> bool:
        """Whether a value is written out again: each is."""
        return True


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    try:
        is_text = isinstance(resolve(text, None, FLYTE), str)
    except ValueError:
        is_text = False
    style = "|" if "\n" in text else None if is_text and not _BASE_60.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_BASE_60: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_GoDumper.add_representer(str, _text_node)
_GoDumper.yaml_implicit_resolvers = {}
for _tag, _pattern in (
    ("bool", "true|false"),
    ("null", "null"),
    ("int", "[-+]?[0-9]+"),
    ("float", r"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?"),
):
    _GoDumper.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), None
    )


def yaml_text(shape: Any, *, is_sorted: bool = True) -> str:
    """A JSON value in YAML, as Go writes it; its keys are sorted, or in their order."""
    return yaml.dump(
        shape,
        Dumper=_GoDumper,
        default_flow_style=False,
        allow_unicode=True,
        width=1 << 30,
        sort_keys=is_sorted,
    )
