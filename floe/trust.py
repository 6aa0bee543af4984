"""The certificates that floe's https clients trust: read for the first client, not at the start."""

import functools
import ssl
import sys
import threading
from typing import Final

_loading: Final = threading.Lock()


def load_aiohttp() -> None:
    """Import aiohttp, which then trusts no server unless a client brings `certificates()`.

    By itself aiohttp reads the certificates of the system twice when it is imported: 35 ms of a
    start and 1 MB of a host, for clients that most hosts never have.
    """
    with _loading:
        if "aiohttp.connector" not in sys.modules:
            _load_aiohttp()


def _load_aiohttp() -> None:
    read, here = ssl.SSLContext.set_default_verify_paths, threading.get_ident()

    def read_elsewhere(context: ssl.SSLContext) -> None:
        if threading.get_ident() != here:
            read(context)

    ssl.SSLContext.set_default_verify_paths = read_elsewhere  # type: ignore[assignment, method-assign]  # for this import
    try:
        import aiohttp.connector  # noqa: F401  # the module that reads them
    finally:
        del ssl.SSLContext.set_default_verify_paths


@functools.cache
def certificates() -> ssl.SSLContext:
    """The checks of a client that trusts what the system trusts; the first call reads files."""
    return ssl.create_default_context()
