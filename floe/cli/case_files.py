"""The files with tests of flows: `release.test.yml` beside `release.yml`, or that document."""

import asyncio
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from floe.config import read_flow_file, read_local
from floe.dialects.base import Compiled
from floe.dialects.registry import dialect
from floe.model.errors import NotFound
from floe.model.flow import Flow

MARK: Final = ".test"
"""What stands between the name of a document and its suffix in the name of its tests."""

SUFFIXES: Final = (".yml", ".yaml")

_WRITTEN: Final = re.compile(r"^[ -]*tests:", re.MULTILINE)


def documents_of(files: Iterable[str]) -> Iterator[Path]:
    """The documents that files, their tests and directories stand for. Raises NotFound."""
    for name in files:
        path = Path(name)
        if path.is_dir():
            yield from (
                p for p in sorted(path.rglob("*")) if p.suffix in SUFFIXES and _has_tests(p)
            )
        else:
            yield document_of(path) or path


def document_of(path: Path) -> Path | None:
    """The document whose tests are in a file; None for a file of a different kind.

    Raises NotFound if either file does not exist.
    """
    if not path.stem.endswith(MARK) or path.suffix not in SUFFIXES:
        return None
    document = path.with_name(path.stem.removesuffix(MARK) + path.suffix)
    for one in (path, document):
        if not one.exists():
            raise NotFound(f"{one} does not exist", f"{path} tests the flows of {document}")
    return document


def with_tests(path: Path) -> Compiled:
    """The flows of a document with the nodes of their flow-files, and the cases of all files."""
    reader = dialect()
    compiled = reader.flows(read_local(str(path)), str(path.absolute()))
    findings, cases = [*compiled.findings], [*compiled.cases]
    flows = []
    for flow in compiled.flows:
        if not flow.flow_file:
            flows.append(flow)
            continue
        file = asyncio.run(_flow_file(flow))
        findings += file.findings
        cases += file.cases
        flows += file.flows
    if (tests := _tests_of(path)).exists():
        read = reader.cases(read_local(str(tests)), str(tests), flows)
        findings += read.findings
        cases += read.cases
    return Compiled(flows=tuple(flows), findings=tuple(findings), cases=tuple(cases))


def _tests_of(document: Path) -> Path:
    return document.with_name(document.stem + MARK + document.suffix)


def _has_tests(path: Path) -> bool:
    """Whether a file below a directory is a document with tests; others may be of any program."""
    if path.stem.endswith(MARK):
        return False
    return _tests_of(path).exists() or bool(_WRITTEN.search(path.read_text(errors="replace")))


async def _flow_file(flow: Flow) -> Compiled:
    from floe.nodes.documents import DocumentFiles

    with tempfile.TemporaryDirectory(prefix="floe-test-") as root:
        return await read_flow_file(flow, dialect(), DocumentFiles(Path(root)))
