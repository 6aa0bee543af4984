"""Copies floe's own programs to the place that they are started from.

A copy is one file. An upgrade of floe replaces modules one by one, and must not change a program
that starts at that moment.
"""

import hashlib
import io
import marshal
import os
import zipfile
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
    """The package `floe/<name>` as one file that Python can run; always the same bytes.

    Each module is there as source and as bytecode, since compiling takes half of a program's start.
    A Python of a different version ignores the bytecode and compiles the source.
    """
    folder = files(f"floe.{name}")
    stems = sorted(entry.name[:-3] for entry in folder.iterdir() if entry.name.endswith(".py"))
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as packed:  # stored, so that unpacking needs no zlib
        packed.writestr(zipfile.ZipInfo("floe/__init__.py"), b"")
        for stem in stems:
            place = stem if stem == "__main__" else f"floe/{name}/{stem}"
            _pack(packed, place, f"floe.{name}", stem)
        for module in WITH.get(name, ()):
            package, _, stem = module.rpartition(".")
            path = package.replace(".", "/")
            packed.writestr(zipfile.ZipInfo(f"{path}/__init__.py"), b"")
            _pack(packed, f"{path}/{stem}", package, stem)
    return kept.getvalue()


def _pack(packed: zipfile.ZipFile, place: str, package: str, stem: str) -> None:
    """Add a module, without the suffix of its place."""
    path = str(files(package) / f"{stem}.py")
    loader = SourceFileLoader(package if stem == "__init__" else f"{package}.{stem}", path)
    code, source = loader.get_code(loader.name), loader.get_data(path)
    # In later formats of marshal the bytes depend on the present number of references.
    bytecode = PYC_HEAD + source_hash(source) + marshal.dumps(code, MARSHAL)
    packed.writestr(zipfile.ZipInfo(f"{place}.py"), source)
    packed.writestr(zipfile.ZipInfo(f"{place}.pyc"), bytecode)


def installed(folder: Path, name: str) -> Path:
    """The copy of a program in a folder, created if missing; each version has its own name.

    Copies of earlier versions stay, since an attempt that runs may still read from one; see
    `drop_earlier`.
    """
    source = archive(name)
    program = folder / f"{name}-{hashlib.sha256(source).hexdigest()[:12]}.pyz"
    if not _is_own(program) or program.read_bytes() != source:
        write_program(program, source)
    return program


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
