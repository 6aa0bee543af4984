"""A folder with what a server of flyte has, for git: its flows, items and packs."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import unquote

from floe.cli.flyte_sides import Kind, of_flow
from floe.dialects.go_scalars import FLYTE
from floe.dialects.go_yaml import json_value, parse_go_yaml
from floe.dialects.notes import Notes
from floe.files import read_named, reason_of
from floe.model.errors import ConfigInvalid, FloeError, World, Yours
from floe.model.ids import Json, Shape
from floe.server.flyte.go_json import go_numbers, parse_go, written_numbers
from floe.server.flyte.pack_documents import pack_document, pack_id
from floe.server.go_yaml_text import yaml_text

T = TypeVar("T")

FILE_BYTES_MAX: Final = 64 << 20

FILE_NAME_MAX: Final = 240
"""Bytes of the name of a file, without its ending."""

PACKS, ITEMS = "packs.json", "items.json"
FLOWS_FOLDER, ITEMS_FOLDER = "flows", "items"
SUFFIXES: Final = (".yaml", ".yml", ".json")


class FolderSide:
    """A folder that an import writes or reads.

    `packs.json` has the registrations of packs, `items.json` what is known of the items beside
    their contents. Both are written when all is written.
    """

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        self._folder = folder
        self._items: dict[str, Shape] | None = None
        self._packs: dict[str, Shape] | None = None

    def listed(self, kind: Kind) -> Mapping[str, Shape]:
        """Raises FloeError."""
        if kind == "items":
            return {key: row for key, row in self._known_items().items() if self._has_item(key)}
        if kind == "packs":
            return dict(self._known_packs())
        return {self._name(path): {"path": path} for path in self._flow_paths()}

    def read(self, kind: Kind, name: str, row: Shape) -> Shape:
        """Raises FloeError."""
        if kind == "items":
            return self._known_items()[name] | {"content": _read(self._item_path(name))}
        return self._known_packs()[name] if kind == "packs" else flow_in(row["path"])

    def write(self, kind: Kind, name: str, document: Shape) -> None:
        """Raises FloeError."""
        match kind:
            case "items":
                _write(self._item_path(name), document["content"])
                about = {key: value for key, value in document.items() if key != "content"}
                self._known_items()[name] = about
            case "packs":
                self._known_packs()[name] = document
            case "flows":
                path = self._folder / FLOWS_FOLDER / f"{file_name(name)}.yaml"
                _write(path, flow_text(document).encode())

    def settle(self) -> None:
        """Write the lists that have changed. Raises FloeError."""
        if self._items:
            rows = [{"key": key, **about} for key, about in sorted(self._items.items())]
            _write(self._folder / ITEMS, _json(rows))
        if self._packs:
            _write(self._folder / PACKS, _json([one for _, one in sorted(self._packs.items())]))

    def close(self) -> None:
        """A folder has nothing open."""

    def _has_item(self, key: str) -> bool:
        """Whether the content of an item is there too: people may have removed it."""
        return self._item_path(key).exists()

    def _flow_paths(self) -> list[Path]:
        return sorted(_tried(self._folder / FLOWS_FOLDER, flow_files))

    def _name(self, path: Path) -> str:
        """The name of the flow in a file, by the name of the file."""
        return unquote(path.stem)

    def _known_items(self) -> dict[str, Shape]:
        if self._items is None:
            rows = _rows(self._folder / ITEMS)
            self._items = {
                str(row.get("key", "")): {
                    "contentType": str(row.get("contentType", "")),
                    "description": str(row.get("description", "")),
                }
                for row in rows
            }
        return self._items

    def _known_packs(self) -> dict[str, Shape]:
        if self._packs is None:
            packs = packs_in(self._folder / PACKS)
            self._packs = {pack_id(pack): pack for pack in packs}
        return self._packs

    def _item_path(self, key: str) -> Path:
        return self._folder / ITEMS_FOLDER / file_name(key)


class SourceFolder(FolderSide):
    """A folder whose files people may have named."""

    def __init__(self, folder: Path) -> None:
        """Raises Yours for a folder that no import wrote."""
        super().__init__(folder)
        if not any((folder / one).exists() for one in (FLOWS_FOLDER, PACKS, ITEMS)):
            what = f"{folder} has no {FLOWS_FOLDER}, {PACKS} or {ITEMS}"
            raise Yours(what, "floe flyte import URL --into DIR writes such a folder")

    def _has_item(self, key: str) -> bool:
        return True  # reading reports a missing one

    def _name(self, path: Path) -> str:
        try:
            return str(flow_in(path)["name"])
        except FloeError:  # to read it says the same, about this flow alone
            return super()._name(path)


def packs_in(path: Path) -> list[Shape]:
    """The packs of a `packs.json`; none if there is no such file. Raises FloeError."""
    return [pack_document(cast(Json, row)) for row in _rows(path)]


def keys_in(path: Path) -> list[str] | None:
    """The keys of an `items.json`; None if there is no such file. Raises FloeError."""
    return [str(row.get("key", "")) for row in _rows(path)] if path.exists() else None


def flow_in(path: Path) -> Shape:
    """The document of a flow in a file. Raises FloeError."""
    text = _read(path).decode(errors="replace")
    if path.suffix == ".json":
        return of_flow(_object(parse_go(text.encode(), whole=True), path))
    notes = Notes(str(path))
    tree = parse_go_yaml(text, FLYTE, notes)
    if tree is None:
        raise ConfigInvalid(notes.findings)
    return of_flow(_object(go_numbers(json_value(tree)), path))


def flow_text(document: Shape) -> str:
    """A flow as YAML, in the order in which people write it."""
    first = ("name", "description")
    ordered = {key: document[key] for key in first if key in document} | document
    ordered["steps"] = [_step(step) for step in document["steps"]]
    return yaml_text(written_numbers(ordered), is_sorted=False)


def _step(step: Shape) -> Shape:
    command = {key: value for key, value in step["command"].items() if value is not None}
    return {**step, "command": command}


def file_name(name: str) -> str:
    """The name of a file for a name of any characters. Raises Yours."""
    made = "".join(_in_file(sign) for sign in name)
    if made.startswith("."):
        made = f"%2E{made[1:]}"
    if not made or len(made.encode()) > FILE_NAME_MAX:
        raise Yours(f"{name[:80]!r} makes no name of a file", "a name has 1 to 240 bytes")
    return made


def _in_file(sign: str) -> str:
    if sign.isalnum() or sign in " ._-":
        return sign
    return "".join(f"%{byte:02X}" for byte in sign.encode(errors="replace"))


def flow_files(folder: Path) -> list[Path]:
    """The files of flows in a folder, if it is there. Raises OSError."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.suffix in SUFFIXES]


def _rows(path: Path) -> list[Shape]:
    """The objects of a list in a file; none if there is no such file. Raises FloeError."""
    if not path.exists():
        return []
    found = parse_go(_read(path), whole=True)
    if not isinstance(found, list):
        raise Yours(f"{path} is not a list")
    return [_object(row, path) for row in found]


def _object(value: Json, path: Path) -> Shape:
    if not isinstance(value, dict):
        raise Yours(f"{path} has something else where an object should be")
    return value


def _json(rows: Any) -> bytes:
    text = json.dumps(written_numbers(rows), ensure_ascii=False, indent=2)
    return f"{text}\n".encode(errors="replace")


def _read(path: Path) -> bytes:
    return _tried(path, lambda one: read_named(one, FILE_BYTES_MAX))


def _write(path: Path, content: bytes) -> None:
    """Write a file whole, or leave the one that is there."""

    def write(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(path)

    _tried(path, write)


def _tried(path: Path, use: Callable[[Path], T]) -> T:
    """What becomes of a path. Raises World with the reason."""
    try:
        return use(path)
    except FloeError:
        raise
    except OSError as error:
        raise World(f"{path}: {reason_of(error)}") from None
