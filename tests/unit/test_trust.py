"""A host reads the certificates of the system for its first https client, and not at its start."""

import subprocess
import sys

READ = """
from floe.trust import certificates, load_aiohttp
load_aiohttp()
from aiohttp import connector
import ssl
print(connector._SSL_CONTEXT_VERIFIED.cert_store_stats()["x509_ca"] == 0)
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
