"""The project of `floe pack new`: a pack that runs, its test, a flow and a unit of systemd."""

import keyword
import re
import sys
from pathlib import Path
from string import Template
from typing import Final

NAME_MAX: Final = 60
TAKEN: Final = frozenset({"floe", "pytest", "tests", *sys.stdlib_module_names})
"""Names that a module of the project would hide."""


class WrongName(ValueError):
    """A name that no module can have."""


def module_name(name: str) -> str:
    """The name of a module: `My pack` becomes `my_pack`. Raises WrongName."""
    module = re.sub(r"[\s-]+", "_", name.strip()).lower()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", module) or len(module) > NAME_MAX:
        raise WrongName(
            f"{name[:80]!r} is no name of a pack: it has letters, digits and dashes, begins with a "
            f"letter, and has {NAME_MAX} characters at most"
        )
    if keyword.iskeyword(module) or keyword.issoftkeyword(module) or module in TAKEN:
        raise WrongName(f"{module} is a name of Python, pytest or floe; choose a different one")
    return module


def make_project(name: str, parent: Path) -> Path:
    """Make the folder of a project, which must not exist. Raises WrongName and OSError."""
    module = module_name(name)
    folder = parent / module
    folder.mkdir()
    words = {
        "module": module,
        "project": module.replace("_", "-"),
        "pack": "".join(part[:1].upper() + part[1:] for part in module.split("_")),
    }
    for file, text in FILES.items():
        path = folder / Template(file).substitute(words)
        path.write_text(Template(text).substitute(words), encoding="utf-8")
    return folder


FILES: Final = {
    "$module.py": '''\
"""The pack $pack."""

from dataclasses import dataclass

from floe.packs import Pack

pack = Pack("$pack")


@dataclass
class Person:
    """The input of Greet."""

    name: str


@pack.command("Greet", "Greeted")
def greet(person: Person) -> str:
    """Greet a person. What it raises ends the action with the event FATAL."""
    if not person.name:
        raise ValueError("nothing to greet")
    return f"Hello {person.name}"


if __name__ == "__main__":
    pack.run()
''',
    "test_$module.py": '''\
"""The pack $pack at a server in the memory of the test."""

from $module import pack

from floe.packs import Event
from floe.packs.testing import MemoryServer


def test_person_is_greeted() -> None:
    with MemoryServer() as server, pack.in_background(server.settings()):
        result = server.carry_out("Greet", {"name": "Ada"})

    assert result == Event("Greeted", "Hello Ada")


def test_greeting_without_a_name_fails() -> None:
    with MemoryServer() as server, pack.in_background(server.settings()):
        result = server.carry_out("Greet", {"name": ""})

    assert result == Event("FATAL", "ValueError: nothing to greet")
''',
    "flow.yml": """\
# A flow for the pack: the event Opened of a pack Door has the name of a person.
name: $project
steps:
  - id: greet
    event: {packName: Door, name: Opened}
    command: {packName: $pack, name: Greet, input: {name: '{{ Event.Payload.visitor }}'}}
""",
    "pyproject.toml": """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

# floe is no dependency here: install it first, from your checkout or wheel of it.
[project]
name = "$project"
version = "0.1.0"
requires-python = ">=3.11"

[tool.setuptools]
py-modules = ["$module"]

[tool.pytest.ini_options]
pythonpath = ["."]
""",
    "README.md": """\
# $pack

A pack for floe, or for a server of flyte. It needs Python 3.11 or newer, and floe without its
dependencies: `pip install --no-deps PATH-OF-FLOE`. Its test needs pytest.

Test it:

    python -m pytest

Start it, with the address of the server's API and a token:

    export FLYTE_API=http://127.0.0.1:8080/flyte FLYTE_JWT=TOKEN
    FLYTE_JOURNAL=$project.journal python $module.py

The journal keeps what the pack has taken and not delivered: no end of the process loses a result.

`flow.yml` is a flow that calls it:

    curl -H "Authorization: Bearer $$FLYTE_JWT" -H 'Content-Type: application/x-yaml' \\
        --data-binary @flow.yml http://127.0.0.1:8080/flyte/v1/flows

`$project.service` is a unit of systemd.
""",
    "$project.service": """\
[Unit]
Description=The pack $pack
After=network-online.target
Wants=network-online.target

[Service]
# FLYTE_API=... and FLYTE_JWT=..., readable by root only
EnvironmentFile=/etc/$project.env
WorkingDirectory=/opt/$project
ExecStart=/opt/$project/.venv/bin/python $module.py
Environment=FLYTE_JOURNAL=%S/$project/journal
StateDirectory=$project
DynamicUser=yes
Restart=always
# Open commands have 30 s to end.
TimeoutStopSec=40

[Install]
WantedBy=multi-user.target
""",
    ".gitignore": """\
.venv/
.pytest_cache/
__pycache__/
*.egg-info/
*.journal
build/
""",
}
