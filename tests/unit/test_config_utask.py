"""`utask:` of a config: folders, limits, and its own address."""

from pathlib import Path

import pytest

from floe.config.flags import Flags
from floe.config.host import HostConfig, load
from floe.model.errors import ConfigInvalid


def loaded(utask: str, origin: str = "/etc/floe/default.yml") -> HostConfig:
    return load(Flags(), {}, f"common: {{utask: {{{utask}}}}}", origin)


def test_folders_are_beside_the_config() -> None:
    config = loaded("templates: [a, ../b, /c], functions: f, scripts: s, items: i").utask

    assert config.templates == (Path("/etc/floe/a"), Path("/etc/floe/../b"), Path("/c"))
    assert (config.functions, config.scripts) == (Path("/etc/floe/f"), Path("/etc/floe/s"))
    assert (config.items, config.plugins, config.init) == (Path("/etc/floe/i"), None, None)


def test_without_the_section_there_are_no_templates_and_the_defaults_hold() -> None:
    config = load(Flags(), {}, "flows: []", "default.yml").utask

    assert (config.templates, config.region) == ((), "default")
    assert (config.resource_limits, config.resource_timeout_s) == ({}, 60)


def test_settings_are_read_whole() -> None:
    config = loaded(
        "region: eu, resource-limits: {fork: 4, 'url:a.example': 0}, resource-timeout: 0,"
        " base-url: 'https://u.example/x/', concealed: [a]"
    ).utask

    assert (config.region, config.concealed) == ("eu", ("a",))
    assert config.resource_limits == {"fork": 4, "url:a.example": 0}
    assert (config.resource_timeout_s, config.base_url) == (None, "https://u.example/x")


def test_its_own_address_is_one_of_the_ports_of_the_host() -> None:
    config = loaded("bind: '127.0.0.1:8082'")

    assert config.utask_bind is not None
    assert config.utask_bind.address == "127.0.0.1:8082"
    assert 8082 in config.own_ports


@pytest.mark.parametrize(
    ("given", "said", "col"),
    [
        ("templates: x", "`templates` takes a list of strings", 29),
        ("resource-limits: {fork: many}", "`fork` takes a whole number, not `many`", 42),
        ("resource-limits: {fork: -1}", "`fork` cannot be -1", 42),
        ("bind: nope", "cannot bind `nope`", 24),
        ("bind: ':8082'", ":8082 is open to other machines", 17),
        ("resource-timeout: soon", "`resource-timeout` takes a duration", 36),
        ("base-url: utask", "`base-url` cannot be `utask`", 28),
        ("template: [a]", "`utask` has no key `template`", 18),
    ],
)
def test_a_mistake_is_found_at_its_place(given: str, said: str, col: int) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        loaded(given)

    (finding,) = caught.value.findings
    assert said in finding.what
    assert (finding.line, finding.col) == (1, col)
