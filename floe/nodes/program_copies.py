"""Copies floe's own programs to the place that they are started from.

A copy is one file. An upgrade of floe replaces modules one by one, and must not change a program
that starts at that moment.
"""

import hashlib
import io
import marshal
import os
import zipfile
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.resources import files
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path
from typing import Final

WITH: Final = {"repository": ("floe.model.secret",)}
"""The modules of other packages that a program imports."""

PYC_HEAD: Final = MAGIC_NUMBER + (1).to_bytes(4, "little")
"""The start of a `.pyc` that Python does not compare with its source (PEP 552)."""
MARSHAL: Final = 2
"""The format of bytecode."""


def archive(name: str) -> bytes:
    """A copy of the package `floe/<name>` as one file that Python can run; always the same bytes.

    Each module is there as source and as bytecode, since compiling takes half of a program's start.
    A Python of a different version ignores the bytecode and compiles the source.
    """
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as packed:  # stored, so that unpacking needs no zlib
        for place, module, path in _modules(name):
            if not path:
                packed.writestr(zipfile.ZipInfo(place), b"")
                continue
            loader = SourceFileLoader(module, path)
            code, source = loader.get_code(module), loader.get_data(path)
            # In later formats of marshal the bytes depend on the present number of references.
            bytecode = _head(source) + marshal.dumps(code, MARSHAL)
            packed.writestr(zipfile.ZipInfo(f"{place}.py"), source)
            packed.writestr(zipfile.ZipInfo(f"{place}.pyc"), bytecode)
    return kept.getvalue()


def is_current(name: str, copy: bytes) -> bool:
    """Whether a copy is undamaged and has the sources of today, compiled by this Python.

    To make the copy again, and compare, takes longer, and leaves holes of 0.6 MB in the memory of a
    host.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(copy)) as packed:
            names = set(packed.namelist())
            for place, _, path in _modules(name):
                if not path:
                    names.remove(place)
                    continue
                source = Path(path).read_bytes()
                if packed.read(f"{place}.py") != source:
                    return False
                if not packed.read(f"{place}.pyc").startswith(_head(source)):
                    return False
                names -= {f"{place}.py", f"{place}.pyc"}
            return not names
    except (zipfile.BadZipFile, KeyError):
        return False


def _modules(name: str) -> Iterator[tuple[str, str, str]]:
    """The parts of a program: the place of each without its suffix, its module and its file; for
    an empty module its whole place and no file."""
    folder = files(f"floe.{name}")
    stems = sorted(entry.name[:-3] for entry in folder.iterdir() if entry.name.endswith(".py"))
    yield "floe/__init__.py", "", ""
    for stem in stems:
        place = stem if stem == "__main__" else f"floe/{name}/{stem}"
        yield place, *_module(f"floe.{name}", stem)
    for module in WITH.get(name, ()):
        package, _, stem = module.rpartition(".")
        path = package.replace(".", "/")
        yield f"{path}/__init__.py", "", ""
        yield f"{path}/{stem}", *_module(package, stem)


def _module(package: str, stem: str) -> tuple[str, str]:
    name = package if stem == "__init__" else f"{package}.{stem}"
    return name, str(files(package) / f"{stem}.py")


def _head(source: bytes) -> bytes:
    return PYC_HEAD + source_hash(source)


def installed(folder: Path, name: str) -> Path:
    """The copy of a program in a folder, created if missing; each version has its own name.

    Copies of earlier versions stay, since an attempt that runs may still read from one; see
    `drop_earlier`.
    """
    for program in folder.glob(f"{name}-*.pyz"):
        if _is_own(program):
            copy = program.read_bytes()
            if program == _named(folder, name, copy) and is_current(name, copy):
                return program
    copy = archive(name)
    program = _named(folder, name, copy)
    write_program(program, copy)
    return program


def _named(folder: Path, name: str, copy: bytes) -> Path:
    return folder / f"{name}-{hashlib.sha256(copy).hexdigest()[:12]}.pyz"


def drop_earlier(program: Path) -> None:
    """Remove the copies of other versions. No attempt may use one."""
    name = program.name.rpartition("-")[0]
    for copy in program.parent.glob(f"{name}-*.pyz"):
        if copy != program:
            copy.unlink(missing_ok=True)


def write_program(program: Path, source: bytes) -> None:
    """Write a copy atomically. Only the owner can write to it, whatever the umask."""
    fresh = program.with_name(f"{program.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(source)
    fresh.replace(program)


def _is_own(program: Path) -> bool:
    return program.is_file() and not program.stat().st_mode & 0o077
