"""The secrets of a host, by the places that they come from."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import structlog

from floe.expr.masking import Masks, value_fault
from floe.model.errors import Yours
from floe.model.secret import Secret
from floe.model.secret_name import SecretName, secret_name

log = structlog.get_logger()

PREFIX: Final = "FLOE_SECRET_"

REPLACED_MAX: Final = 1000
"""Values that were replaced since the start, and are masked still: commands may have them."""


class SecretSource(Protocol):
    """A place with secrets."""

    def values(self) -> Mapping[SecretName, Secret]:
        """All that it has now."""
        ...


class EnvironmentSecrets:
    """Secrets in the environment of the host: `FLOE_SECRET_NPM_TOKEN` is NPM_TOKEN."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._values: dict[SecretName, Secret] = {}
        for variable, value in environ.items():
            name = secret_name(variable.removeprefix(PREFIX))
            if not variable.startswith(PREFIX) or name is None:
                continue
            if fault := value_fault(value):
                log.warning("secret.refused", variable=variable, why=fault)
            else:
                self._values[name] = Secret(value)

    def values(self) -> Mapping[SecretName, Secret]:
        """All that were set at the start."""
        return self._values


class HostSecrets:
    """All secrets of a host. Of two with one name that of the first source counts."""

    def __init__(self, sources: Sequence[SecretSource]) -> None:
        self._sources = sources
        self._values: dict[SecretName, Secret] = {}
        self._replaced: list[tuple[SecretName, Secret]] = []
        self._masks = Masks()
        self.look()

    def look(self) -> None:
        """Ask the sources again: a secret was set or removed."""
        old, found = self._values, dict[SecretName, Secret]()
        for source in reversed(self._sources):
            found |= source.values()
        gone = [(name, value) for name, value in old.items() if found.get(name) != value]
        self._replaced = [*self._replaced, *gone][-REPLACED_MAX:]
        self._values = found
        if found != old:
            self._masks = Masks((*found.items(), *self._replaced))

    def names(self) -> frozenset[SecretName]:
        """The names of all that it has."""
        return frozenset(self._values)

    def value(self, name: SecretName) -> Secret:
        """The value of a secret. Raises Yours."""
        if name not in self._values:
            hint = f"start the host with {PREFIX}{name} in its environment"
            raise Yours(f"this host has no secret {name}", hint)
        return self._values[name]

    def masks(self) -> Masks:
        """Finds all values in text, and those that were replaced since this process started."""
        return self._masks
