"""Secrets over HTTP: set, listed and removed, and never shown."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from floe.model.ids import FlowId
from floe.model.secret_name import SecretName, SecretUse
from floe.nodes.secrets import EnvironmentSecrets, HostSecrets
from floe.nodes.vault import Vault
from tests.make import a_flow, a_node
from tests.make_server import API, Site, a_site
from tests.schemas import check

VALUE = "npm_0123456789"
NPM = SecretName("NPM_TOKEN")


@pytest.fixture
async def secrets(tmp_path: Path) -> HostSecrets:
    environ = {"FLOE_SECRET_OTHER": "of the environment"}
    return HostSecrets(Vault(tmp_path / "vault.key"), [EnvironmentSecrets(environ)])


@pytest.fixture
async def site(tmp_path: Path, secrets: HostSecrets) -> AsyncIterator[Site]:
    async with a_site(tmp_path, secrets=secrets) as site:
        yield site


async def set_(site: Site, name: str = NPM, value: str = VALUE) -> tuple[int, object]:
    return await site.post("hosts/h1/secrets", {"name": name, "value": value})


async def test_secret_is_set_and_listed_without_its_value(site: Site) -> None:
    status, _ = await set_(site)

    _, listed = await site.get("hosts/h1/secrets")
    check(listed, "Secrets")
    npm, other = listed["secrets"]
    assert status == 204
    assert (npm["name"], npm["source"], npm["set_by"]) == (NPM, "vault", "admin")
    assert (other["name"], other["source"], other["set_at"]) == ("OTHER", "environment", None)
    assert VALUE not in str(listed)


async def test_list_names_flows_by_secret_and_secrets_that_are_missing(tmp_path: Path) -> None:
    node = a_node(secrets=(SecretUse(name=NPM), SecretUse(name=SecretName("LACKS"))))
    flows = [a_flow(node, id=FlowId("b")), a_flow(node, id=FlowId("a")), a_flow(id=FlowId("c"))]
    has = HostSecrets(Vault(tmp_path / "vault.key"), [EnvironmentSecrets({"FLOE_SECRET_O": VALUE})])

    async with a_site(tmp_path, *flows, secrets=has) as site:
        await set_(site)
        _, listed = await site.get("hosts/h1/secrets")

    check(listed, "Secrets")
    assert {one["name"]: one["flows"] for one in listed["secrets"]} == {NPM: ["a", "b"], "O": []}
    assert listed["missing"] == [{"name": "LACKS", "flows": ["a", "b"]}]


async def test_secret_that_is_set_counts_at_once(site: Site, secrets: HostSecrets) -> None:
    await set_(site)

    assert secrets.value(NPM).reveal() == VALUE
    assert secrets.masks().text(VALUE) == "***"


async def test_removed_secret_is_gone_and_not_found_again(site: Site) -> None:
    await set_(site)

    first, _ = await site.ask("DELETE", f"{API}/hosts/h1/secrets/{NPM}")
    second, _ = await site.ask("DELETE", f"{API}/hosts/h1/secrets/{NPM}")

    _, listed = await site.get("hosts/h1/secrets")
    assert (first, second) == (204, 404)
    assert [one["name"] for one in listed["secrets"]] == ["OTHER"]


async def test_secret_of_a_different_source_cannot_be_removed(site: Site) -> None:
    status, _ = await site.ask("DELETE", f"{API}/hosts/h1/secrets/OTHER")

    assert status == 404


@pytest.mark.parametrize(
    ("name", "value"), [("npm", VALUE), ("FLOE_ADMIN", VALUE), (NPM, "12"), (NPM, "x" * 40_000)]
)
async def test_bad_name_or_value_is_refused_and_not_repeated(
    site: Site, name: str, value: str
) -> None:
    status, problem = await set_(site, name, value)

    assert status == 400
    assert value not in str(problem).replace("32768", "")


async def test_rotated_key_is_shown_and_values_stay(
    site: Site, secrets: HostSecrets, tmp_path: Path
) -> None:
    await set_(site)
    old = (tmp_path / "vault.key").read_text()

    status, rotated = await site.post("hosts/h1/secrets/rotate", {})

    check(rotated, "RotatedKey")
    assert (status, rotated["secrets"], rotated["others"]) == (200, 1, [])
    assert old not in (tmp_path / "vault.key").read_text()
    assert secrets.value(NPM).reveal() == VALUE
    assert VALUE not in str(rotated)


async def test_key_of_a_vault_without_secrets_is_not_rotated(site: Site) -> None:
    status, problem = await site.post("hosts/h1/secrets/rotate", {})

    assert status == 400
    assert "the vault has no secret" in str(problem)


@pytest.mark.parametrize("path", ["hosts/h1/secrets", "hosts/h1/secrets/NPM_TOKEN"])
async def test_secrets_need_credentials(site: Site, path: str) -> None:
    headers = {"X-Floe-Auth": "wrong"}

    assert (await site.get(path, headers=headers))[0] in (401, 405)
    assert (await site.ask("DELETE", f"{API}/hosts/h1/secrets/A", headers=headers))[0] == 401


async def test_key_file_that_others_can_read_is_a_problem_of_each_secret(
    site: Site, tmp_path: Path
) -> None:
    await set_(site)
    (tmp_path / "vault.key").chmod(0o644)

    status, problem = await set_(site, "SECOND")

    assert status == 400
    assert "other users can read the key file" in str(problem)
