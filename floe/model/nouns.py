"""Dataclasses that are made often: facts, signals, rows.

A frozen dataclass sets each of its fields by a call; making them took a tenth of a host's
processor time. These are frozen for the type check, which refuses every assignment to a field, and
are plain ones at run time. They compare and hash as frozen ones do.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    from dataclasses import dataclass as plain

    def dataclass(*, frozen: bool, **options: Any) -> Any:
        """`dataclasses.dataclass`, with a class that is frozen for the type check alone."""
        return plain(unsafe_hash=frozen, **options)
