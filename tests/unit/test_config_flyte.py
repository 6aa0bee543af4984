"""Who may use flyte's API at its own address: the keys of `flyte:` beside its address."""

from pathlib import Path

import pytest

from floe.app import server_settings
from floe.config.flags import Flags
from floe.config.host import HostConfig, load
from floe.model.errors import ConfigInvalid


def loaded(flyte: str) -> HostConfig:
    return load(Flags(), {}, f"common: {{flyte: {{{flyte}}}}}", "default.yml")


def test_policy_issuer_and_client_are_the_access(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yml"
    policy.write_text("- path: /health\n")

    access = server_settings(
        loaded(f"bind: '127.0.0.1:0', policy: {policy}, issuer: 'https://login', client-id: flyte")
    ).flyte_access

    assert access is not None
    assert (access.issuer.url, access.issuer.client_id) == ("https://login", "flyte")
    assert access.policy.answer("GET", "/health").status == 0


def test_address_without_a_policy_is_open() -> None:
    assert server_settings(loaded("bind: '127.0.0.1:0'")).flyte_access is None


@pytest.mark.parametrize(
    "given", ["policy: p.yml", "issuer: 'https://login'", "policy: p.yml, client-id: flyte"]
)
def test_part_of_the_three_keys_is_refused(given: str) -> None:
    with pytest.raises(ConfigInvalid, match="belong together"):
        loaded(f"bind: '127.0.0.1:0', {given}")


def test_mistake_in_the_policy_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yml"
    policy.write_text("- path: /health\n- path: v1\n")

    config = loaded(f"bind: '127.0.0.1:0', policy: {policy}, issuer: i, client-id: c")

    with pytest.raises(ConfigInvalid) as raised:
        server_settings(config)

    assert f"{policy}:2:9" in str(raised.value)
