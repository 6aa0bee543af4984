"""The settings of calls on a host: those of uTask's actions."""

from collections.abc import Mapping
from functools import partial

from floe.calls.utask.settings import UtaskCallSettings
from floe.config.host import HostConfig
from floe.config.utask import UtaskSettings
from floe.config.utask_folders import read_items
from floe.model.ids import Json


def call_settings(config: HostConfig) -> Mapping[str, object]:
    """What a config has for the calls of dialects, by dialect."""
    utask = config.utask
    settings = UtaskCallSettings(
        scripts=utask.scripts,
        plugins=utask.plugins,
        init=utask.init,
        resource_limits=utask.resource_limits,
        resource_timeout_s=utask.resource_timeout_s,
        items=partial(_items, utask),
    )
    return {"utask": settings}


def _items(utask: UtaskSettings) -> Mapping[str, Json]:
    """The configuration items of a host; `base-url` is that of callbacks, unless an item has it."""
    items = read_items(utask.items, ())[0] if utask.items else {}
    return {"utask-cfg": {"base_url": utask.base_url}, **items} if utask.base_url else items
