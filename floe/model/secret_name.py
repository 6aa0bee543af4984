"""Secrets by name, as flows write them. Their values are in `nodes.secrets`, and nowhere here."""

import re
from collections.abc import Iterator
from typing import Final, NewType

import msgspec

from floe.model.nouns import dataclass

SecretName = NewType("SecretName", str)
"""`NPM_TOKEN`."""

NAME_PATTERN: Final = r"(?!FLOE_)[A-Z][A-Z0-9_]{0,62}"
NAME_LIKE: Final = (
    "A-Z, 0-9 and _, at most 63, a letter first, not FLOE_ at the beginning: NPM_TOKEN"
)


def secret_name(text: str) -> SecretName | None:
    """The name of a secret; None for a text that is none."""
    return SecretName(text) if re.fullmatch(NAME_PATTERN, text) else None


@dataclass(frozen=True, slots=True)
class SecretRef:
    """In a field of a node's work: the value is that of this secret."""

    secret: SecretName


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretUse:
    """A secret that a command gets."""

    name: SecretName
    file: bool = False
    """The variable of this name holds the path of a file with the value, instead of the value."""


def secrets_in(value: object) -> Iterator[SecretName]:
    """The names of the secrets in a value of the model, however deep."""
    if isinstance(value, SecretRef):
        yield value.secret
    elif isinstance(value, tuple):
        for one in value:
            yield from secrets_in(one)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from secrets_in(getattr(value, name))
