"""What the config of a host has for uTask's actions, and the address of the API."""

from pathlib import Path

import pytest

from floe.app import server_settings
from floe.calls.utask.callback import address_of
from floe.calls.utask.settings import UtaskCallSettings
from floe.config.flags import Flags
from floe.config.host import HostConfig, load
from floe.config.utask_calls import call_settings, pass_limits
from floe.server.settings import Bind


def loaded(common: str) -> HostConfig:
    return load(Flags(), {}, f"common: {{{common}}}", "default.yml")


def settings_of(common: str) -> UtaskCallSettings:
    found = call_settings(loaded(common))["utask"]
    assert isinstance(found, UtaskCallSettings)
    return found


@pytest.mark.parametrize(
    ("common", "address"),
    [
        ("utask: {base-url: 'https://utask.test/'}", "https://utask.test"),
        ("utask: {bind: 'localhost:8081'}", "http://localhost:8081"),
        ("utask: {bind: '127.0.0.1:8081'}", "http://127.0.0.1:8081"),
        ("public-url: 'https://floe.test'", "https://floe.test/utask"),
    ],
)
def test_callbacks_arrive_at_the_nearest_address_that_is_known(common: str, address: str) -> None:
    assert address_of(settings_of(common).items()) == f"{address}/unsecured/callback"


def test_configuration_item_replaces_the_address_of_callbacks(tmp_path: Path) -> None:
    (tmp_path / "callback-config").write_text("{base_url: 'https://a', path_prefix: /cb}")

    found = settings_of(f"utask: {{items: {tmp_path}, base-url: 'https://b'}}")

    assert address_of(found.items()) == "https://a/cb"


def test_api_of_utask_has_an_address_of_its_own_if_the_config_says_so() -> None:
    assert server_settings(loaded("")).utask is None
    assert server_settings(loaded("utask: {bind: '127.0.0.1:0'}")).utask == Bind(
        address="127.0.0.1:0"
    )


def test_limit_of_a_template_counts_the_tasks_of_its_flow() -> None:
    found = pass_limits(loaded("utask: {resource-limits: {socket: 9, 'template:My Own': 2}}"))

    assert [*found.values()] == [2]
    assert all(flow.startswith("utask-") for flow in found)
    assert pass_limits(loaded("utask: {resource-limits: {socket: 9}}")) == {}
