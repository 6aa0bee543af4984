"""Draws functions at random, to be looked for by their nouns.

`scripts/guess` runs it and says what is drawn. The rule of docs/contributing.md: of ten at
least nine are in the file where a reader would look first.
"""

import argparse
import ast
import functools
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
COUNT: Final = 10
# A function, also an arrow, or a class.
_EXPORTED: Final = re.compile(
    r"^export (?:(?:async )?function (\w+)(\([^)]*\))|const (\w+) = (\(.*?\)) =>|(class \w+))",
    re.MULTILINE,
)
_IMPORT: Final = re.compile(r"import\([^)]*\)\.")  # would name the file of a type
_SIGNATURE_MAX: Final = 160

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Drawn:
    """A function or class: with its types, the first line of its text, and where it is."""

    signature: str
    text: str
    place: str

    @property
    def name(self) -> str:
        """Without its types: `Workspaces.path`."""
        return re.sub(r"^(?:class|port) |\(.*", "", self.signature, flags=re.DOTALL)


@functools.cache
def functions() -> tuple[Drawn, ...]:
    """All that modules of floe/ and webapp/ offer, sorted by its place."""
    python = (one for path in (ROOT / "floe").rglob("*.py") for one in _in_python(path))
    scripts = (p for p in (ROOT / "webapp").rglob("*.js") if "vendor" not in p.parts)
    found = (*python, *(one for path in scripts for one in _in_script(path)))
    return tuple(sorted(found, key=lambda one: one.place))


def _in_python(path: Path) -> Iterator[Drawn]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            bases = f"({', '.join(map(ast.unparse, node.bases))})" if node.bases else ""
            yield _drawn(path, node, f"class {node.name}{bases}")
            port = "port " if "Protocol" in bases else ""
            for part in node.body:
                if isinstance(part, Function) and not part.name.startswith("_"):
                    yield _drawn(path, part, f"{port}{node.name}.{_signature(part)}", node)
        elif isinstance(node, Function) and not node.name.startswith("_"):
            yield _drawn(path, node, _signature(node))


def _drawn(
    path: Path,
    node: Function | ast.ClassDef,
    signature: str,
    owner: ast.ClassDef | None = None,
) -> Drawn:
    text = _first_line(node)
    if owner is not None and not text:  # it does what its port says
        text = f"Of its class: {_first_line(owner)}"
    return Drawn(signature, text, f"{path.relative_to(ROOT)}:{node.lineno}")


def _first_line(node: Function | ast.ClassDef) -> str:
    return (ast.get_docstring(node) or "").partition("\n")[0]


def _signature(node: Function) -> str:
    given = re.sub(r"^(?:self|cls)(?:, )?", "", ast.unparse(node.args))
    result = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    return f"{node.name}({given}){result}"


def _in_script(path: Path) -> Iterator[Drawn]:
    source = path.read_text(encoding="utf-8")
    for found in _EXPORTED.finditer(source):
        before = source[: found.start()].rstrip()
        comment = before[before.rfind("/**") + 3 : -2] if before.endswith("*/") else ""
        text = " ".join(_IMPORT.sub("", comment).replace("*", " ").split())
        signature = " ".join("".join(part or "" for part in found.groups()).split())
        line = source.count("\n", 0, found.start()) + 1
        yield Drawn(signature, text, f"{path.relative_to(ROOT)}:{line}")


def page(seed: int, count: int, *, answers: bool) -> str:
    """The draw as it is printed: the same for the same seed and the same functions."""
    everything = functions()
    drawn = random.Random(seed).sample(everything, count)  # noqa: S311  # no secret
    lines = [f"seed {seed}, {count} of {len(everything)} functions"]
    lines += ["ports with implementations to choose from are in base.py of their room", ""]
    for number, one in enumerate(drawn, 1):
        lines.append(f"{number:2}. {_short(one.signature)}")
        lines.append(f"    {_short(one.text) or '(no text)'}")
        lines += [f"    {one.place}"] * answers
    if not answers:
        lines += ["", f"The files: scripts/guess --seed {seed} --answers"]
    return "\n".join(lines)


def _short(text: str) -> str:
    return text if len(text) <= _SIGNATURE_MAX else f"{text[:_SIGNATURE_MAX]}…"


def main() -> None:
    """Print a draw, and with `--answers` the files."""
    parser = argparse.ArgumentParser(prog="scripts/guess", add_help=False)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))  # noqa: S311  # no secret
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--answers", action="store_true")
    asked = parser.parse_args()
    sys.stdout.write(page(asked.seed, asked.count, answers=asked.answers) + "\n")


if __name__ == "__main__":
    main()
