"""Ids from names, names from ids, and the check that a path stays in the workspace.

Source: the original floe's `trimID` and `nameFromID` as described in docs/flows.md, "Names".
"""

import posixpath
import re
import unicodedata
from typing import Final

from floe.dialects.floe.vocabulary import ID, NAME
from floe.dialects.notes import Notes
from floe.dialects.section import KeySpec, SectionValues
from floe.model.ids import ID as ID_PATTERN

ID_MAX: Final = 63
"""Characters of an id."""


def id_from_name(name: str) -> str:
    """The id from a name: `Sign Off` to `sign-off`. The result is not always a valid id."""
    return re.sub("[ .]", "-", name.strip(" .-").lower())


def name_from_id(text: str) -> str:
    """The name from an id: `sign-off` to `sign off`."""
    return text.replace("-", " ")


def identify(fields: SectionValues, what: str, notes: Notes) -> tuple[str, str] | None:
    """The id and name of a flow or node, each derived from the other; None, with a finding."""
    given, name = fields[ID], fields[NAME]
    if fields.is_wrong(ID) or (fields.is_wrong(NAME) and not given):
        return None
    if not given and not name:
        notes.error(fields.at, f"{what} needs an `id` or a `name`", "name: Build")
        return None
    found = given.strip(" .-").lower() if given else id_from_name(name)
    if not ID_PATTERN.fullmatch(found):
        _note_name_without_id(fields, given, name, found, notes)
        return None
    return found, name or name_from_id(found)


def _note_name_without_id(
    fields: SectionValues, given: str, name: str, found: str, notes: Notes
) -> None:
    rule = f"a-z, 0-9 and -, at most {ID_MAX}"
    plain = unicodedata.normalize("NFKD", (given or name).casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    better = re.sub("[^a-z0-9]+", "-", plain).strip("-")[:ID_MAX].strip("-")
    hint = f"id: {better}" if better else f"give an id: {rule}"
    if given:
        notes.error(fields.at_of(ID), f"`id` cannot be `{given[:70]}`: {rule}", hint)
    else:
        what = f"no id can be made from the name `{name[:70]}`"
        if re.fullmatch("[a-z0-9]+(?:-[a-z0-9]+)*", found) and len(found) > ID_MAX:
            what += f": it would be longer than {ID_MAX} characters"
        notes.error(fields.at_of(NAME), what, hint)


def leads_out(path: str) -> bool:
    """Whether a name, as a path, clearly leads out of the workspace."""
    absolute = path.startswith("/") or re.match(r"[A-Za-z]:[\\/]", path)
    return bool(absolute) or posixpath.normpath(path).split("/")[0] == ".."


def check_inside(fields: SectionValues, key: KeySpec[str], notes: Notes) -> str:
    """A name of a file in the workspace; reports one that clearly leads out of it."""
    path = fields[key]
    if leads_out(re.sub(r"^\{\{ws\}\}/?", "", path)):
        what = f"`{key.name}` leads out of the workspace: `{path[:70]}`"
        notes.error(fields.at_of(key), what, "a path in the workspace, such as src/app")
    return path
