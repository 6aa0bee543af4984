"""Who may use flyte's API at its own address: the keys of `flyte:` beside its address."""

from pathlib import Path

import pytest

from floe.app import server_settings
from floe.config.flags import Flags
from floe.config.flyte import FlyteSettings
from floe.config.host import HostConfig, load
from floe.model.errors import ConfigInvalid
from floe.model.keep import Keep
from floe.server.flyte.policy import Issuer
from floe.server.settings import Bind

CERT = Path(__file__).parents[1] / "data/tls/cert.pem"
KEY = CERT.with_name("key.pem")


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


def given(config: str = "", **flags: str) -> FlyteSettings:
    return load(Flags(**flags), {}, f"common: {{flyte: {{{config}}}}}", "c.yml").flyte


def refused(config: str = "", **flags: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as raised:
        given(config, **flags)
    return [str(finding).partition("\n")[0] for finding in raised.value.findings]


def test_flags_alone_are_enough(tmp_path: Path) -> None:
    settings = given(
        flyte_bind="127.0.0.1:8443",
        flyte_cert=str(CERT),
        flyte_key=str(KEY),
        flyte_policy="p.yml",
        flyte_issuer="https://login",
        flyte_client_id="flyte",
    )

    assert settings.bind == Bind(address="127.0.0.1:8443", cert=CERT, key=KEY)
    assert settings.policy == Path("p.yml").absolute()
    assert settings.issuer == Issuer(url="https://login", client_id="flyte")


def test_flags_replace_values_of_the_config_one_by_one() -> None:
    config = "bind: '127.0.0.1:1', policy: p.yml, issuer: i, client-id: c, remove-packs-after: 7d"

    settings = given(config, flyte_bind="127.0.0.1:2", flyte_client_id="d")

    assert settings.bind == Bind(address="127.0.0.1:2")
    assert settings.issuer == Issuer(url="i", client_id="d")
    assert settings.remove_packs_s == 7 * 86_400


def test_address_that_others_reach_needs_tls() -> None:
    what = "0.0.0.0:8443 is open to other machines, and nothing there would be encrypted"

    assert refused(flyte_bind="0.0.0.0:8443") == [
        f"-flyte_bind (or FLOE_FLYTE_BIND): error: {what}"
    ]
    assert refused("bind: '0.0.0.0:8443'") == [f"c.yml:1:17: error: {what}"]
    assert given(flyte_bind="0.0.0.0:8443", insecure="true").bind


@pytest.mark.parametrize("address", ["8443", "a:b", "127.0.0.1:70000"])
def test_flag_that_is_no_address_is_refused(address: str) -> None:
    assert refused(flyte_bind=address) == [
        f"-flyte_bind (or FLOE_FLYTE_BIND): error: cannot be `{address}`"
    ]


@pytest.mark.parametrize("flag", ["flyte_policy", "flyte_issuer", "flyte_client_id"])
def test_flag_without_an_address_is_refused(flag: str) -> None:
    assert refused(**{flag: "x"}) == [f"-{flag} (or FLOE_{flag.upper()}): error: needs -flyte_bind"]


def test_policy_without_an_issuer_is_refused() -> None:
    [said] = refused(flyte_bind="127.0.0.1:0", flyte_policy="p.yml")

    assert "belongs together" in said


def test_correlations_stay_half_a_year_and_have_half_of_the_disk_space_by_default() -> None:
    config = load(Flags(), {}, "flows: []", "c.yml")

    assert config.flyte.keep == Keep(runs=0, age_s=183 * 86_400, bytes=10 << 30)
    assert config.keep.bytes == 20 << 30


def test_keys_of_keep_that_are_not_given_have_their_own_defaults() -> None:
    assert given("keep: {days: 7}").keep == Keep(runs=0, age_s=7 * 86_400, bytes=10 << 30)
