"""Draws functions at random, to be looked for by the nouns they are about.

`scripts/guess` runs it. The rule of docs/contributing.md: of ten functions at least nine are in the
file where a reader would look first.
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
_SCRIPT: Final = re.compile(r"^(?:export )?(?:async )?function (\w+)\(", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A function: its name, the noun it is about, the first line of its text, and where it is."""

    name: str
    noun: str
    text: str
    place: str


@functools.cache
def functions() -> tuple[Drawn, ...]:
    """Every function of floe/ and webapp/ that is not inside another one, sorted by its place."""
    python = (one for path in (ROOT / "floe").rglob("*.py") for one in _in_python(path))
    scripts = (p for p in (ROOT / "webapp").rglob("*.js") if "vendor" not in p.parts)
    found = (*python, *(one for path in scripts for one in _in_script(path)))
    return tuple(sorted(found, key=lambda one: one.place))


def _in_python(path: Path) -> Iterator[Drawn]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            is_port = any(ast.unparse(base).startswith("Protocol") for base in node.bases)
            noun = f"the port {node.name}" if is_port else node.name
            for part in node.body:
                if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield _drawn(path, part, f"{node.name}.", noun)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield _drawn(path, node, "", _about(node))


def _drawn(
    path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef, prefix: str, noun: str
) -> Drawn:
    text = (ast.get_docstring(node) or "").partition("\n")[0]
    return Drawn(prefix + node.name, noun, text, f"{path.relative_to(ROOT)}:{node.lineno}")


def _about(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The type of the first argument that is used, else of the result, else nothing."""
    used = (arg for arg in node.args.args if not arg.arg.startswith("_"))
    hint = next((arg.annotation for arg in used if arg.annotation), None)
    if hint is not None:
        return ast.unparse(hint)
    return f"a result, {ast.unparse(node.returns)}" if node.returns is not None else ""


def _in_script(path: Path) -> Iterator[Drawn]:
    source = path.read_text(encoding="utf-8")
    for found in _SCRIPT.finditer(source):
        before = source[: found.start()].rstrip()
        comment = before[before.rfind("/**") + 3 : -2] if before.endswith("*/") else ""
        text, *rest = " ".join(comment.replace("*", " ").split()).split("@param", 1)
        noun = "".join(rest).partition("}")[0].strip(" {")
        line = source.count("\n", 0, found.start()) + 1
        yield Drawn(found[1], noun, text.strip(), f"{path.relative_to(ROOT)}:{line}")


def page(seed: int, count: int, *, answers: bool) -> str:
    """The draw as it is printed: the same for the same seed and the same functions."""
    everything = functions()
    drawn = random.Random(seed).sample(everything, count)  # noqa: S311  # no secret
    lines = [f"seed {seed}, {count} of {len(everything)} functions", ""]
    for number, one in enumerate(drawn, 1):
        lines.append(f"{number:2}. {one.name}{f' of {one.noun}' if one.noun else ''}")
        lines.append(f"    {one.text or '(no text)'}")
        lines += [f"    {one.place}"] * answers
    if not answers:
        lines += ["", f"The files: scripts/guess --seed {seed} --answers"]
    return "\n".join(lines)


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
