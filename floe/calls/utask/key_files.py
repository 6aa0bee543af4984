"""Keys and certificates for libraries that read files: in memory, and never on a disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def in_memory(text: str) -> Iterator[str]:
    """The path of a file with this text, which no other process can open."""
    file = os.memfd_create("key", os.MFD_CLOEXEC)
    try:
        os.write(file, text.encode())
        yield f"/proc/self/fd/{file}"
    finally:
        os.close(file)
