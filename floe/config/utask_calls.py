"""The settings of calls on a host: those of uTask's actions."""

from collections.abc import Mapping

from floe.calls.utask.settings import UtaskCallSettings
from floe.config.host import HostConfig


def call_settings(config: HostConfig) -> Mapping[str, object]:
    """What a config has for the calls of dialects, by dialect."""
    utask = config.utask
    settings = UtaskCallSettings(
        scripts=utask.scripts,
        plugins=utask.plugins,
        init=utask.init,
        resource_limits=utask.resource_limits,
        resource_timeout_s=utask.resource_timeout_s,
    )
    return {"utask": settings}
