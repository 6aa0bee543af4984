"""Copies floe's own programs to the place that they are started from.

A copy is one file. An upgrade of floe replaces modules one by one, and must not change a program
that starts at that moment.
"""

import hashlib
import io
import os
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Final

WITH: Final = {"repository": ("floe.model.secret",)}
"""The modules of other packages that a program imports."""


def archive(name: str) -> bytes:
    """The package `floe/<name>` as one file that Python can run; always the same bytes."""
    folder = files(f"floe.{name}")
    modules = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".py"))
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as packed:  # stored, so that unpacking needs no zlib
        packed.writestr(zipfile.ZipInfo("floe/__init__.py"), b"")
        for module in modules:
            place = module if module == "__main__.py" else f"floe/{name}/{module}"
            packed.writestr(zipfile.ZipInfo(place), folder.joinpath(module).read_bytes())
        for module in WITH.get(name, ()):
            package, _, stem = module.rpartition(".")
            path = package.replace(".", "/")
            packed.writestr(zipfile.ZipInfo(f"{path}/__init__.py"), b"")
            source = files(package).joinpath(f"{stem}.py").read_bytes()
            packed.writestr(zipfile.ZipInfo(f"{path}/{stem}.py"), source)
    return kept.getvalue()


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
