"""The settings of calls on a host: those of uTask's actions."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from floe.calls.utask.settings import UtaskCallSettings
from floe.config.host import HostConfig
from floe.config.utask import UtaskSettings
from floe.dialects.utask.surroundings import DIALECT
from floe.model.ids import FlowId, Json
from floe.server.settings import split_address

OF_TEMPLATE: Final = "template:"
"""Before the name of a template in `resource-limits`: the limit counts its tasks."""


def call_settings(config: HostConfig) -> Mapping[str, object]:
    """What a config has for the calls of dialects, by dialect."""
    utask = config.utask
    settings = UtaskCallSettings(
        scripts=utask.scripts,
        plugins=utask.plugins,
        resource_limits=utask.resource_limits,
        resource_timeout_s=utask.resource_timeout_s,
        items=partial(_items, utask, callback_url(config)),
    )
    return {DIALECT: settings}


def pass_limits(config: HostConfig) -> Mapping[FlowId, int]:
    """How many tasks of a template may be in a pass at once, by the flow of the template."""
    limits = config.utask.resource_limits
    named = {name: limit for name, limit in limits.items() if name.startswith(OF_TEMPLATE)}
    if not named:
        return {}
    from floe.dialects.utask.compiled import flow_id_of  # most hosts have no templates

    return {
        flow_id_of(name.removeprefix(OF_TEMPLATE).strip().lower()): limit
        for name, limit in named.items()
    }


def callback_url(config: HostConfig) -> str:
    """The URL below which callbacks arrive: that of the config, of the address of uTask's API
    alone, or below that of the dashboard; empty where none is known."""
    if config.utask.base_url:
        return config.utask.base_url
    if (bind := config.utask_bind) is not None:
        host, port = split_address(bind.address)
        named = f"[{host}]" if ":" in host else host or "localhost"
        return f"{'https' if bind.cert else 'http'}://{named}:{port}"
    return f"{config.public_url}/utask" if config.public_url else ""


def _items(utask: UtaskSettings, url: str) -> Mapping[str, Json]:
    """The configuration items of a host; callbacks arrive at `url`, unless an item has theirs."""
    from floe.config.utask_folders import read_items  # many hosts have no templates

    items = read_items(utask.items, ())[0] if utask.items else {}
    return {"utask-cfg": {"base_url": url}, **items} if url else items
