"""The files of outputs: their paths, and the digests that an archive keeps."""

import hashlib
from pathlib import Path

from floe.hub.attempts.attempt_outputs import OutputSettings, digests_of
from tests.make import REF, a_run, the_key


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_output_of_an_attempt_is_in_the_folder_of_its_run(tmp_path: Path) -> None:
    path = OutputSettings(root=tmp_path).output_path(the_key(a_run(), "build"))

    assert path == tmp_path / "runs" / REF.key / "build.1.1.log"


def test_bytes_after_the_end_of_an_attempt_are_not_digested(tmp_path: Path) -> None:
    path = tmp_path / "build.1.1.log"
    path.write_bytes(b"done, and later")

    assert digests_of([(path, 4)]) == {"build.1.1": digest(b"done")}


def test_output_that_is_gone_or_shorter_is_left_out(tmp_path: Path) -> None:
    short, whole = tmp_path / "a.1.1.log", tmp_path / "b.1.1.log"
    short.write_bytes(b"x")
    whole.write_bytes(b"yz")

    found = digests_of([(short, 2), (tmp_path / "c.1.1.log", 1), (whole, 2)])

    assert found == {"b.1.1": digest(b"yz")}
