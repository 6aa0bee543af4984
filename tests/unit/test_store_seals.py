"""The keys of sealed runs, and what is encrypted with them."""

from pathlib import Path

import pytest

from floe.key_file import KeyFile
from floe.model.errors import KeyMissing
from floe.model.ids import HostId, RunRef, StoreId
from floe.store.sealing import NO_SEALS, SEALED, opened_plain
from floe.store.seals import RunSeals

RUN = RunRef(HostId("h1"), StoreId("k3f9"), 1)
OTHER = RunRef(HostId("h1"), StoreId("k3f9"), 2)
TEXT = '{"card":"4111"}'


class Host:
    """A host with a key file; its rows are those of its ledger."""

    def __init__(self, root: Path) -> None:
        self.path = root / "vault.key"
        self.rows: dict[str, str] = {}
        self.seals = self.started()

    def started(self) -> RunSeals:
        self.seals = RunSeals(KeyFile(self.path))
        self.seals.load(self.rows)
        self.seals.prepare()
        return self.seals

    def begin(self, run: RunRef = RUN) -> str:
        self.rows[run.key] = self.seals.begin(run)
        return self.rows[run.key]

    def add_key(self, key: str = "ab" * 32) -> None:
        self.path.write_text(key + "\n" + self.path.read_text())


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_sealed_text_is_opened_at_its_place(host: Host) -> None:
    host.begin()

    body = host.seals.seal(RUN, 3, "NodeSettled", TEXT)

    assert body[:1] == SEALED
    assert b"4111" not in body
    assert host.seals.opened(RUN, 3, "NodeSettled", body) == TEXT


def test_two_seals_of_one_text_differ(host: Host) -> None:
    host.begin()

    assert host.seals.seal(RUN, 3, "X", TEXT) != host.seals.seal(RUN, 3, "X", TEXT)


@pytest.mark.parametrize(("run", "seq", "event"), [(OTHER, 3, "X"), (RUN, 4, "X"), (RUN, 3, "Y")])
def test_a_body_stands_in_for_no_other(host: Host, run: RunRef, seq: int, event: str) -> None:
    host.begin()
    host.begin(OTHER)
    body = host.seals.seal(RUN, 3, "X", TEXT)

    with pytest.raises(KeyMissing, match="damaged"):
        host.seals.opened(run, seq, event, body)


def test_a_row_stands_in_for_no_other(host: Host) -> None:
    host.begin()
    host.rows = {OTHER.key: host.rows[RUN.key]}

    with pytest.raises(KeyMissing, match="the key of h1-2@k3f9 is damaged"):
        host.started().seal(OTHER, 1, "X", TEXT)


@pytest.mark.parametrize("body", [TEXT, TEXT.encode()])
def test_a_body_that_is_not_sealed_is_its_text(host: Host, body: str | bytes) -> None:
    assert host.seals.opened(RUN, 1, "X", body) == TEXT
    assert opened_plain(RUN, 1, "X", body) == TEXT


def test_a_start_finds_the_keys_of_runs_again(host: Host) -> None:
    host.begin()
    body = host.seals.seal(RUN, 1, "X", TEXT)

    assert host.started().opened(RUN, 1, "X", body) == TEXT


def test_a_missing_key_is_named(host: Host) -> None:
    key = host.begin().partition(" ")[0]
    body = host.seals.seal(RUN, 1, "X", TEXT)
    host.path.write_text("ab" * 32 + "\n")

    with pytest.raises(KeyMissing, match=f"is sealed with the key {key}, which .*vault.key lacks"):
        host.started().opened(RUN, 1, "X", body)


def test_no_new_key_file_is_made_where_runs_need_the_old_one(host: Host) -> None:
    host.begin()
    host.path.unlink()

    seals = host.started()

    assert not host.path.exists()
    assert "is missing" in seals.problem()


def test_a_run_is_opened_once_its_key_is_back(host: Host) -> None:
    host.begin()
    body = host.seals.seal(RUN, 1, "X", TEXT)
    kept = host.path.read_text()
    host.path.unlink()
    seals = host.started()
    host.path.write_text(kept)
    host.path.chmod(0o600)

    assert seals.look()
    assert seals.opened(RUN, 1, "X", body) == TEXT


def test_a_new_key_wraps_the_keys_of_all_runs_again(host: Host) -> None:
    old = host.begin().partition(" ")[0]
    body = host.seals.seal(RUN, 1, "X", TEXT)
    host.add_key()
    host.seals.look()

    rows = host.seals.outdated(10)
    host.seals.rewrapped(rows)

    assert rows.keys() == {RUN.key}
    assert host.seals.uses() == {host.seals.newest} != {old}
    assert host.seals.outdated(10) == {}
    assert host.seals.opened(RUN, 1, "X", body) == TEXT


def test_wrapping_again_goes_a_few_at_a_time(host: Host) -> None:
    host.begin()
    host.begin(OTHER)
    host.add_key()
    host.seals.look()

    assert len(host.seals.outdated(1)) == 1


def test_an_unfinished_run_keeps_a_key_that_left_the_file(host: Host) -> None:
    host.begin()
    host.path.write_text("ab" * 32 + "\n")
    host.seals.look()

    assert host.seals.seal(RUN, 2, "X", TEXT)


def test_a_run_under_a_key_that_left_the_file_is_not_taken(host: Host) -> None:
    row = host.begin()
    host.path.write_text("ab" * 32 + "\n")
    host.seals.look()

    assert host.seals.take(OTHER, row) == f"has no key {row.partition(' ')[0]}"


def test_a_key_that_left_the_file_is_not_known(host: Host) -> None:
    old = host.seals.newest
    host.path.write_text("ab" * 32 + "\n")

    assert host.seals.look()
    assert host.seals.known == {host.seals.newest} != {old}


def test_a_removed_run_is_wrapped_never_again(host: Host) -> None:
    host.begin()
    host.add_key()
    host.seals.look()
    rows = host.seals.outdated(10)
    host.seals.forget([RUN.key])

    host.seals.rewrapped(rows)

    assert host.seals.row(RUN) == ""
    with pytest.raises(KeyMissing, match="its key is not at this host"):
        host.seals.opened(RUN, 1, "X", SEALED + b"x" * 40)


def test_a_peer_with_the_same_key_takes_a_run(host: Host, tmp_path: Path) -> None:
    row = host.begin()
    body = host.seals.seal(RUN, 1, "X", TEXT)
    peer = RunSeals(KeyFile(host.path))
    peer.prepare()

    assert peer.take(RUN, row) == ""
    assert peer.opened(RUN, 1, "X", body) == TEXT


def test_a_peer_without_the_key_says_so(host: Host, tmp_path: Path) -> None:
    row = host.begin()
    peer = RunSeals(KeyFile(tmp_path / "other.key"))
    peer.prepare()

    assert peer.take(RUN, row) == f"has no key {row.partition(' ')[0]}"
    assert peer.row(RUN) == ""


def test_a_row_of_a_peer_that_is_damaged_is_not_taken(host: Host) -> None:
    row = host.begin()

    assert host.seals.take(RUN, row[:-8]) == "cannot read the key of the run"
    assert host.seals.row(RUN) == row


def test_a_key_file_that_others_can_read_seals_nothing(host: Host) -> None:
    host.path.chmod(0o644)

    seals = host.started()

    assert "other users can read the key file" in seals.problem()
    with pytest.raises(KeyMissing, match="cannot be sealed"):
        seals.begin(RUN)


def test_a_key_file_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    seals = RunSeals(KeyFile(tmp_path / "none" / "vault.key"))

    seals.prepare()

    assert "cannot be written" in seals.problem()


def test_a_host_without_keys_seals_nothing() -> None:
    with pytest.raises(KeyMissing):
        NO_SEALS.begin(RUN)
    with pytest.raises(KeyMissing, match="its key is not at hand"):
        NO_SEALS.opened(RUN, 1, "X", SEALED)
