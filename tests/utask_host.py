"""What a host has that uTask's templates name, in tests."""

from collections.abc import Collection, Mapping
from typing import Final

from floe.dialects.utask.configurations import PluginCheck
from floe.dialects.utask.document import UtaskFunction
from floe.dialects.utask.loading import Loaded, load_functions, load_template

SCRIPTS: Final = ("exit.sh", "sleep.sh", "env.sh", "./scripts_tests/hello-world.sh")


class UtaskHost:
    """Templates by name, the scripts of uTask's vectors, no way to notify people."""

    notify_backends: Final = ()
    plugins: Final[Mapping[str, PluginCheck]] = {}

    def __init__(self, templates: Collection[str] = ("tpl",)) -> None:
        self.templates = templates

    def script_fault(self, path: str) -> str:
        return "" if path in SCRIPTS else f'can\'t stat "{path}"'


def functions_of(documents: Mapping[str, str]) -> Mapping[str, UtaskFunction]:
    """Functions without mistakes."""
    loaded = load_functions(documents.items())
    assert loaded.findings == ()
    return loaded.functions


def load(
    text: str,
    functions: Mapping[str, UtaskFunction] | None = None,
    templates: Collection[str] = ("tpl",),
) -> Loaded:
    """A template `t.yaml`."""
    return load_template(text, "t.yaml", functions or {}, UtaskHost(templates))
