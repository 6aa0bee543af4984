"""Where a host has its secrets from, and how a command gets them."""

from pathlib import Path

import pytest

from floe.model.errors import Yours
from floe.model.secret import Secret
from floe.model.secret_name import SecretName, SecretUse
from floe.nodes.command_environment import environment
from floe.nodes.secrets import EnvironmentSecrets, HostSecrets
from floe.nodes.vault import Vault
from tests.make_nodes import a_job

NPM = SecretName("NPM_TOKEN")


def of_environment(environ: dict[str, str]) -> HostSecrets:
    return HostSecrets(Vault(Path("/nowhere")), [EnvironmentSecrets(environ)])


def test_variables_with_the_prefix_are_secrets() -> None:
    secrets = of_environment({"FLOE_SECRET_NPM_TOKEN": "npm_0123", "NPM_TOKEN": "other"})

    assert secrets.names() == {NPM}
    assert secrets.value(NPM) == Secret("npm_0123")


@pytest.mark.parametrize("name", ["FLOE_SECRET_", "FLOE_SECRET_npm", "FLOE_SECRET_FLOE_ADMIN"])
def test_variable_without_a_proper_name_is_no_secret(name: str) -> None:
    assert of_environment({name: "npm_0123"}).names() == frozenset()


def test_variable_that_is_too_short_is_no_secret_and_is_shown_with_the_reason() -> None:
    secrets = of_environment({"FLOE_SECRET_NPM_TOKEN": "ab"})

    (shown,) = secrets.shown()

    assert secrets.names() == frozenset()
    assert (shown.name, shown.source) == (NPM, "environment")
    assert shown.problem == "the value has fewer than 6 characters, so it could not be masked"


def test_missing_secret_is_named() -> None:
    with pytest.raises(Yours, match="this host has no secret NPM_TOKEN"):
        of_environment({}).value(NPM)


def test_entry_of_env_can_use_a_secret(tmp_path: Path) -> None:
    job = a_job(tmp_path, secrets=(SecretUse(name=NPM),))

    env = environment({}, job, "h1", ["AUTH=Bearer $NPM_TOKEN"], {NPM: Secret("npm_0123")})

    assert (env["NPM_TOKEN"], env["AUTH"]) == ("npm_0123", "Bearer npm_0123")


def test_secret_with_a_nul_cannot_be_a_variable(tmp_path: Path) -> None:
    job = a_job(tmp_path, secrets=(SecretUse(name=NPM),))

    with pytest.raises(Yours, match="the secret NPM_TOKEN has a NUL"):
        environment({}, job, "h1", [], {NPM: Secret("npm\0-123")})


def test_no_command_sees_a_secret_that_its_node_does_not_name(tmp_path: Path) -> None:
    env = environment({}, a_job(tmp_path), "h1", [], {NPM: Secret("npm_0123")})

    assert "npm_0123" not in env.values()
