"""Finds modules of floe/ that import one another in a circle, in types alone too.

`scripts/circles` prints them. tests/unit/test_house.py holds how large a circle may be.
"""

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
Graph = Mapping[str, frozenset[str]]


def imports() -> Graph:
    """Each module of floe/ and the modules that it names: in functions and for types too."""
    paths = {_name(path): path for path in (ROOT / "floe").rglob("*.py")}
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in paths.items()}
    return {
        name: frozenset(_named(tree, frozenset(paths))) - {name} for name, tree in trees.items()
    }


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _named(tree: ast.Module, known: frozenset[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            inside = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in known else str(node.module) for name in inside)


def circles(graph: Graph) -> Sequence[frozenset[str]]:
    """Sets of modules of which each leads to each other, the largest first."""
    reached = {name: _reached(graph, name) for name in graph}
    found = {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in graph
        if name in reached[name]
    }
    return sorted(found, key=lambda circle: (-len(circle), sorted(circle)))


def _reached(graph: Graph, start: str) -> frozenset[str]:
    seen: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead.extend(graph[name])
    return frozenset(seen)


def main() -> None:
    """Print each circle and the imports that make it."""
    graph = imports()
    for circle in circles(graph):
        sys.stdout.write(f"{len(circle)} files\n")
        for name in sorted(circle):
            others = ", ".join(sorted(graph[name] & circle))
            sys.stdout.write(f"  {name} -> {others}\n")


if __name__ == "__main__":
    main()
