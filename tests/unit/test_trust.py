"""A host reads the certificates of the system for its first https client, and not at its start."""

import subprocess
import sys

READ = """
from floe.trust import certificates, load_aiohttp
load_aiohttp()
import aiohttp
import ssl
aiohttp.ClientSession
print(aiohttp.connector._SSL_CONTEXT_VERIFIED.cert_store_stats()["x509_ca"] == 0)
print(certificates().cert_store_stats() == ssl.create_default_context().cert_store_stats())
"""


def test_import_reads_no_certificates_and_a_client_gets_all() -> None:
    done = subprocess.run([sys.executable, "-c", READ], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True", "True"]


AT_ONCE = """
import threading
from floe.trust import load_aiohttp
threads = [threading.Thread(target=load_aiohttp) for _ in range(4)]
for one in threads: one.start()
for one in threads: one.join()
"""


def test_threads_that_load_it_at_once_all_succeed() -> None:
    done = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


SERVER_FIRST = """
import sys, threading
from floe.trust import load_aiohttp
load_aiohttp()
from aiohttp import hdrs, web
print("aiohttp.client" in sys.modules, "aiohttp.tracing" in sys.modules)
import aiohttp
def use(): aiohttp.ClientSession
threads = [threading.Thread(target=use) for _ in range(4)]
for one in threads: one.start()
for one in threads: one.join()
from aiohttp import ClientSession
from importlib.metadata import version
print(ClientSession is aiohttp.client.ClientSession, version("aiohttp") == aiohttp.__version__)
"""


def test_client_is_loaded_when_something_uses_it() -> None:
    done = subprocess.run([sys.executable, "-c", SERVER_FIRST], capture_output=True, text=True)

    assert (done.stdout.split(), done.stderr) == (["False", "False", "True", "True"], "")


PUT_OFF = """
import sys
from floe import trust
trust.load_aiohttp()
print(*[name in sys.modules for name in trust.UNUSED])
import aiohttp.helpers, aiohttp.web, html, urllib.request, yarl
print(aiohttp.helpers.getproxies() == urllib.request.getproxies())
print(aiohttp.web.ArgumentParser("floe", usage="none").prog, html.unescape("&eacute;&nosuch;"))
print(yarl.URL("http://bücher.example/").raw_host)
"""


def test_modules_that_the_server_never_uses_are_loaded_when_something_does() -> None:
    done = subprocess.run([sys.executable, "-c", PUT_OFF], capture_output=True, text=True)

    assert done.stdout.splitlines() == [
        "False False False False",
        "True",
        "floe é&nosuch;",
        "xn--bcher-kva.example",
    ]


OTHER_RELEASE = """
import sys
from floe import trust
import builtins
before = builtins.__import__
def importing(name, *args, **kwargs):
    if name == "web_app" and isinstance(sys.modules["aiohttp"], trust._Package):
        raise ImportError(name)
    return before(name, *args, **kwargs)
builtins.__import__ = importing
trust.load_aiohttp()
builtins.__import__ = before
import aiohttp
print(type(aiohttp).__name__, bool(aiohttp.web.Application), bool(aiohttp.ClientSession))
"""


def test_release_whose_server_needs_its_client_is_imported_whole() -> None:
    done = subprocess.run([sys.executable, "-c", OTHER_RELEASE], capture_output=True, text=True)

    assert (done.stdout.split(), done.stderr) == (["module", "True", "True"], "")
