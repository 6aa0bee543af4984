"""How a host imports aiohttp: its server at the start; its client, which knows which certificates
to trust, for the first request."""

import functools
import importlib
import importlib.util
import mimetypes
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_loading: Final = threading.RLock()

UNUSED: Final = ("argparse", "html.entities", "idna", "urllib.request")
"""Modules that aiohttp's server imports for functions that few hosts call, or none:
`python -m aiohttp.web`, the names of HTML's characters, names of hosts beyond ASCII, the proxies of
a client. With the modules that they import in turn they take 1.3 MB and 10 ms."""


def load_aiohttp() -> None:
    """Import aiohttp's server without its client, which would load the trusted certificates.

    By itself aiohttp imports the client for every server, and that reads the certificates of the
    system twice: together a sixth of a start and 3.5 MB of a host, for requests that most hosts
    never send. The client that comes later trusts no server unless floe brings `certificates()`.
    """
    with _loading:
        if "aiohttp" in sys.modules:
            return
        mimetypes.init(())  # without the machine's list of file types, which floe does not use
        sys.modules["aiohttp"] = _Package()
        try:
            with _put_off(UNUSED):
                import aiohttp.web
        except ImportError:  # a release whose server needs more of the package
            for name in [name for name in sys.modules if name.partition(".")[0] == "aiohttp"]:
                del sys.modules[name]
            import aiohttp.web  # noqa: F401


@contextmanager
def _put_off(names: tuple[str, ...]) -> Iterator[None]:
    """Let an import take these modules from stand-ins, which load them when they are used."""
    stand_ins = {name: _Later(name) for name in names if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


class _Later(ModuleType):
    """Stands in for a module: each of its names is a function, and `html5` is a mapping."""

    def __getattr__(self, name: str) -> "Callable[..., Any] | Mapping[str, str]":
        if name.startswith("__"):
            raise AttributeError(name)
        return _Html5() if name == "html5" else functools.partial(_call, self.__name__, name)


def _call(module: str, name: str, *args: object, **named: object) -> Any:
    return getattr(importlib.import_module(module), name)(*args, **named)


class _Html5(Mapping[str, str]):
    """`html.entities.html5`, by which `html.unescape` finds the character of a name."""

    def __getitem__(self, name: str) -> str:
        return self._names()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    @staticmethod
    def _names() -> Mapping[str, str]:
        from html.entities import html5

        return html5


class _Package(ModuleType):
    """The package `aiohttp` before its own code has run: its submodules can be imported.

    The first use of any other name, such as `aiohttp.ClientSession`, runs that code.
    """

    def __init__(self) -> None:
        spec = importlib.util.find_spec("aiohttp")
        assert spec is not None
        assert spec.origin
        assert spec.submodule_search_locations
        super().__init__("aiohttp")
        self.__spec__, self.__loader__ = spec, spec.loader
        self.__package__, self.__file__ = "aiohttp", spec.origin
        [folder] = self.__path__ = spec.submodule_search_locations
        self._parts = {path.name.partition(".")[0] for path in Path(folder).iterdir()}
        self.__version__ = _version(Path(spec.origin))
        self._runs = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in self._parts:
            raise AttributeError(name)  # then the import system looks for a submodule
        with _loading:
            if not self._runs:
                self._runs = True
                _run(self)
        return super().__getattribute__(name)


def _version(path: Path) -> str:
    """The version in the first line of a package: `__version__ = "…"`."""
    with path.open() as file:
        return file.readline().partition('"')[2].partition('"')[0]


def _run(package: ModuleType) -> None:
    """Run the code of aiohttp, without the certificates that its module `connector` would read."""
    assert package.__spec__ is not None
    assert package.__spec__.loader is not None
    read, here = ssl.SSLContext.set_default_verify_paths, threading.get_ident()

    def read_elsewhere(context: ssl.SSLContext) -> None:
        if threading.get_ident() != here:
            read(context)

    ssl.SSLContext.set_default_verify_paths = read_elsewhere  # type: ignore[assignment, method-assign]  # for this import
    try:
        package.__spec__.loader.exec_module(package)
    finally:
        del ssl.SSLContext.set_default_verify_paths


@functools.cache
def certificates() -> ssl.SSLContext:
    """The checks of a client that trusts what the system trusts; the first call reads files."""
    return ssl.create_default_context()
