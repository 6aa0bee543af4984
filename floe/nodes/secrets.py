"""The secrets of a host, by the places that they come from."""

from collections.abc import Mapping
from typing import Final

from floe.model.errors import Yours
from floe.model.secret import Secret
from floe.model.secret_name import SecretName, secret_name

PREFIX: Final = "FLOE_SECRET_"


class EnvironmentSecrets:
    """Secrets in the environment of the host: `FLOE_SECRET_NPM_TOKEN` is NPM_TOKEN."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._values = {
            name: Secret(value)
            for variable, value in environ.items()
            if variable.startswith(PREFIX) and (name := secret_name(variable.removeprefix(PREFIX)))
        }

    def names(self) -> frozenset[SecretName]:
        """The names of all that are set."""
        return frozenset(self._values)

    def value(self, name: SecretName) -> Secret:
        """The value of a secret. Raises Yours."""
        if name not in self._values:
            hint = f"start the host with {PREFIX}{name} in its environment"
            raise Yours(f"this host has no secret {name}", hint)
        return self._values[name]


NO_SECRETS: Final = EnvironmentSecrets({})
