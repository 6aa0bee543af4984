"""The file of a packed run: a ZIP archive, so that people can read it without floe.

    unzip -p 1.floe run.json                     # which run this is
    unzip -p 1.floe log.jsonl                    # one event a line; of a sealed run, base64
    unzip -p 1.floe outputs/build.1.1.log        # the output of the first attempt of `build`

Equal runs give equal bytes: the entries have a fixed order and a fixed time.
"""

import base64
import errno
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from floe.files import opened
from floe.model.codec import EVENTS, decode_event, from_text, to_text
from floe.model.errors import StoreForeign
from floe.model.ids import Json, RunRef, Shape
from floe.store.archive import PackedOutput, PackedRun
from floe.store.base import Record
from floe.store.sealing import Opened, opened_plain

FORMAT: Final = 1
"""Raised if an older floe could not read the file."""

BLOCK: Final = 1024 * 1024
"""Bytes copied at once."""

_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time of a ZIP archive."""


class Damaged(Exception):
    """A file that is not, or not completely, a packed run."""


def write_packed(run: PackedRun, outputs: Sequence[PackedOutput], to: IO[bytes]) -> None:
    """Write a run to an empty file. Raises OSError if an output cannot be read."""
    head = {"format": FORMAT, "run": run.ref.key, "epoch": run.epoch, "events": len(run.records)}
    with ZipFile(to, "w", ZIP_DEFLATED) as packed:
        packed.writestr(_entry("run.json"), to_text(head))
        packed.writestr(_entry("log.jsonl"), "".join(map(_line, run.records)))
        if run.flow is not None:
            packed.writestr(_entry("flow.json"), to_text(run.flow))
        for output in outputs:
            entry = _entry(_path_of(output.name))
            entry.file_size = output.bytes
            with opened(output.path) as fd, packed.open(entry, "w", force_zip64=True) as copy:
                for data in _blocks(fd, output.bytes):
                    copy.write(data)


def read_packed(file: IO[bytes], opened: Opened = opened_plain) -> PackedRun:
    """The run in a file; `opened` decrypts a sealed one.

    Raises Damaged, StoreForeign for a file of a newer floe, KeyMissing.
    """
    try:
        with ZipFile(file) as packed:
            head = cast(Mapping[str, Json], from_text(packed.read("run.json")))
            if (found := cast(int, head["format"])) > FORMAT:
                raise StoreForeign(
                    f"{head['run']} is packed in format {found}, which this floe cannot read",
                    "a newer floe packed it: upgrade this host",
                )
            ref, flow = RunRef.parse(str(head["run"])), None
            if "flow.json" in packed.namelist():
                flow = cast(Shape, from_text(packed.read("flow.json")))
            # Not splitlines: a text in an event may have separators that JSON does not escape.
            lines = packed.read("log.jsonl").decode().split("\n")
            records = tuple(_record(ref, line, opened) for line in lines if line)
            return PackedRun(ref=ref, epoch=cast(int, head["epoch"]), records=records, flow=flow)
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError, TypeError) as error:
        raise Damaged(str(error)) from error


def copy_output(file: IO[bytes], name: str, to: Path) -> bool:
    """Copy an output to a file that then is complete; False if there is no such output.

    Raises Damaged, OSError.
    """
    try:
        with ZipFile(file) as packed:
            if (path := _path_of(name)) not in packed.namelist():
                return False
            part = to.with_name(f"{to.name}.{os.urandom(4).hex()}")
            try:
                with packed.open(path) as output, part.open("xb") as copy:
                    while data := output.read(BLOCK):
                        copy.write(data)
                part.rename(to)
            finally:
                with suppress(FileNotFoundError):
                    part.unlink()
            return True
    except (zipfile.BadZipFile, EOFError) as error:
        raise Damaged(str(error)) from error


def _entry(path: str) -> ZipInfo:
    entry = ZipInfo(path, _TIME)
    entry.compress_type = ZIP_DEFLATED
    entry.create_system = 3  # Unix, whatever the machine
    entry.external_attr = 0o600 << 16
    return entry


def _path_of(name: str) -> str:
    return f"outputs/{name}.log"


def _line(record: Record) -> str:
    body, name = record.body, type(record.event).__name__
    if isinstance(body, bytes):  # sealed, to the letter
        body = f'"{base64.b64encode(body).decode()}"'
    return f'{{"seq":{record.seq},"epoch":{record.epoch},"event":"{name}","body":{body}}}\n'


def _record(ref: RunRef, line: str, opened: Opened) -> Record:
    shape = cast(Mapping[str, Json], from_text(line))
    name, fields = str(shape["event"]), shape["body"]
    if name not in EVENTS:
        raise StoreForeign(
            f"event {shape['seq']} of {ref} is a {name}, which this version of floe does not know",
            "a newer floe packed it: upgrade this host",
        )
    seq, body = cast(int, shape["seq"]), base64.b64decode(fields) if isinstance(fields, str) else ""
    if body:
        fields = from_text(opened(ref, seq, name, body))
    return Record(
        run=ref,
        epoch=cast(int, shape["epoch"]),
        seq=seq,
        event=decode_event(name, cast(Mapping[str, Json], fields)),
        body=body or to_text(fields),
    )


def _blocks(fd: int, size: int) -> Iterator[bytes]:
    """The first bytes of an output. Raises OSError if it has become shorter."""
    while size:
        data = os.read(fd, min(size, BLOCK))
        if not data:
            raise OSError(errno.EIO, "an output has become shorter")
        yield data
        size -= len(data)
