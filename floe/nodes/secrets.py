"""The secrets of a host, by the places that they come from."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, Protocol

import structlog

from floe.expr.masking import VALUE_BYTES_MAX, Masks, value_fault, without_line_end
from floe.files import read_named, reason_of
from floe.model.errors import Yours
from floe.model.ids import Instant, Json, StoreId
from floe.model.secret import Secret
from floe.model.secret_name import SecretName, secret_name
from floe.nodes.base import KeyUse, SecretRows, ShownSecret
from floe.nodes.vault import Vault

log = structlog.get_logger()

PREFIX: Final = "FLOE_SECRET_"

REPLACED_MAX: Final = 1000
"""Values that were replaced since the start, and are masked still: commands may have them."""


class SecretSource(Protocol):
    """A place with secrets."""

    def values(self) -> Mapping[SecretName, Secret]:
        """All that it has now."""
        ...

    def shown(self) -> Sequence[ShownSecret]:
        """What people see of them, also of those that cannot be used."""
        ...


class _SecretsOfStart:
    """Secrets that are read once, when the host starts."""

    def __init__(self, source: Literal["environment", "folder"]) -> None:
        self._source = source
        self._values: dict[SecretName, Secret] = {}
        self._problems: dict[SecretName, str] = {}

    def values(self) -> Mapping[SecretName, Secret]:
        """All that could be used at the start."""
        return self._values

    def shown(self) -> Sequence[ShownSecret]:
        """All that have the name of a secret, also those that cannot be used."""
        names = self._values.keys() | self._problems.keys()
        return [
            ShownSecret(name=name, source=self._source, problem=self._problems.get(name, ""))
            for name in names
        ]

    def _take(self, name: SecretName, value: str, fault: str, **place: str) -> None:
        """Keep a value, or its fault; `place`: where it is, for the log."""
        if fault:
            log.warning("secret.refused", **place, why=fault)
            self._problems[name] = fault
        else:
            self._values[name] = Secret(value)


class EnvironmentSecrets(_SecretsOfStart):
    """Secrets in the environment of the host: `FLOE_SECRET_NPM_TOKEN` is NPM_TOKEN."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__("environment")
        for variable, value in environ.items():
            name = secret_name(variable.removeprefix(PREFIX))
            if variable.startswith(PREFIX) and name is not None:
                self._take(name, value, value_fault(value), variable=variable)


class FolderSecrets(_SecretsOfStart):
    """Secrets in files of one folder: the file NPM_TOKEN holds the secret NPM_TOKEN.

    As Docker, systemd and Kubernetes mount them.
    """

    def __init__(self, folder: Path) -> None:
        """Raises Yours if the folder cannot be read."""
        super().__init__("folder")
        try:
            files = sorted(folder.iterdir())
        except OSError as error:
            raise Yours(f"the folder of secrets {folder}: {reason_of(error)}") from None
        for file in files:
            if name := secret_name(file.name):
                try:
                    value = without_line_end(read_named(file, VALUE_BYTES_MAX).decode())
                    fault = value_fault(value)
                except (OSError, ValueError) as error:
                    value, fault = "", str(error)
                self._take(name, value, fault, file=str(file))


class HostSecrets:
    """All secrets of a host. Of two with one name that of the first source counts: the vault's."""

    def __init__(self, vault: Vault, others: Sequence[SecretSource] = ()) -> None:
        self._vault = vault
        self._sources: tuple[SecretSource, ...] = (vault, *others)
        self._values: dict[SecretName, Secret] = {}
        self._replaced: list[tuple[SecretName, Secret]] = []
        self._known: list[tuple[SecretName, Secret]] = []
        self._masks = Masks()
        self._look()

    def open(self, rows: Mapping[str, Json], store: StoreId) -> None:
        """Take the rows that the store has at a start."""
        self._vault.open(rows, store)
        self._look()

    def sealed(self, name: SecretName, value: str, at: Instant, by: str) -> SecretRows:
        """The rows to store for a secret. Raises Yours, World."""
        return self._vault.sealed(name, value, at, by)

    def replaced(self, name: SecretName, runs: Sequence[str]) -> SecretRows:
        """The rows to store that keep the present value of a secret for runs, by their keys."""
        return self._vault.replaced(name, runs)

    def outlived(self, runs: Collection[str]) -> SecretRows:
        """The rows to remove of replaced values, if these are all runs that are not packed."""
        return self._vault.outlived(runs)

    def sealed_again(self, *, has_runs: bool = False) -> SecretRows:
        """The rows to store for all values of the vault under a new key. Raises Yours, World."""
        return self._vault.sealed_again(has_runs=has_runs)

    def keep(self, rows: SecretRows) -> None:
        """These rows are stored now."""
        self._vault.keep(rows)
        self._look()

    def drop_keys(self, used: Collection[str] = ()) -> KeyUse:
        """Remove the keys of the vault that no stored row names, and that are not `used`. Raises
        Yours, World."""
        return self._vault.drop_keys(used)

    def names(self) -> frozenset[SecretName]:
        """The names of all that it has."""
        return frozenset(self._values)

    def value(self, name: SecretName) -> Secret:
        """The value of a secret. Raises Yours."""
        if name in self._values:
            return self._values[name]
        if problem := self._vault.problem(name):
            raise Yours(f"this host cannot use the secret {name}: {problem}")
        hint = f"floe secret set {name}; for `floe run`, {PREFIX}{name} in its environment"
        raise Yours(f"this host has no secret {name}", hint)

    def masks(self) -> Masks:
        """Finds all values in text; replaced ones until a restart, and until the runs that may
        have them are packed."""
        return self._masks

    def shown(self) -> Sequence[ShownSecret]:
        """All secrets by name, each from the source that counts."""
        found: dict[SecretName, ShownSecret] = {}
        for source in reversed(self._sources):
            found |= {one.name: one for one in source.shown()}
        return [found[name] for name in sorted(found)]

    def _look(self) -> None:
        """A secret was set or removed: find the values of now."""
        old, found = self._values, dict[SecretName, Secret]()
        for source in reversed(self._sources):
            found |= source.values()
        gone = [(name, value) for name, value in old.items() if found.get(name) != value]
        self._replaced = [*self._replaced, *gone][-REPLACED_MAX:]
        known = [*found.items(), *self._replaced, *self._vault.replaced_values()]
        if known != self._known:
            self._masks, self._known = Masks(known), known
        self._values = found


def secrets_of(key_file: Path, environ: Mapping[str, str], folder: Path | None) -> HostSecrets:
    """The secrets of a host: its vault's, its environment's, and those of a folder if it has one.

    Raises Yours if the folder cannot be read.
    """
    in_folder = [FolderSecrets(folder)] if folder else []
    return HostSecrets(Vault(key_file), (EnvironmentSecrets(environ), *in_folder))
