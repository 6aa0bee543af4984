"""Secrets in a store: encrypted, bound to name and store, under a key that only floe's user has."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from floe.model.errors import World, Yours
from floe.model.ids import Instant, Json, StoreId
from floe.model.secret import Secret
from floe.model.secret_name import SecretName
from floe.nodes import vault
from floe.nodes.base import SecretRows
from floe.nodes.secrets import FolderSecrets, HostSecrets
from floe.nodes.vault import Vault

NPM, OTHER = SecretName("NPM_TOKEN"), SecretName("OTHER")
VALUE = "npm_0123456789"
STORE = StoreId("k3f9")


class Store:
    """A vault, and the rows of its store."""

    def __init__(self, root: Path) -> None:
        self.key_file = root / "vault.key"
        self.rows: dict[str, Json] = {}
        self.vault = self.opened()

    def opened(self, store: StoreId = STORE) -> Vault:
        """The vault of a new process."""
        vault = Vault(self.key_file)
        vault.open(self.rows, store)
        return vault

    def set(self, name: SecretName = NPM, value: str = VALUE) -> None:
        rows: SecretRows = self.vault.sealed(name, value, Instant(1), "bob")
        self.rows |= rows
        self.vault.keep(rows)

    def row(self, name: SecretName = NPM) -> dict[str, Json]:
        row = self.rows[name]
        assert isinstance(row, Mapping)
        return dict(row)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_secret_is_the_same_in_a_new_process(store: Store) -> None:
    store.set()

    assert store.opened().values() == {NPM: Secret(VALUE)}


def test_rows_have_no_part_of_a_value(store: Store) -> None:
    store.set()

    assert VALUE[:6] not in json.dumps(store.rows)


def test_same_value_is_encrypted_differently_each_time(store: Store) -> None:
    store.set()
    first = store.row()["data"]

    store.set()

    assert store.row()["data"] != first


def test_key_file_is_made_with_the_first_secret_for_floes_user_alone(store: Store) -> None:
    assert not store.key_file.exists()

    store.set()

    assert store.key_file.stat().st_mode & 0o777 == 0o600
    assert [*store.key_file.parent.iterdir()] == [store.key_file]


def test_people_see_when_and_by_whom_it_was_set(store: Store) -> None:
    store.set()

    (shown,) = store.opened().shown()

    assert (shown.name, shown.source, shown.set_at, shown.set_by) == (NPM, "vault", 1, "bob")
    assert shown.problem == ""


def test_removed_secret_is_gone(store: Store) -> None:
    store.set()

    store.vault.keep({NPM: None})

    assert (store.vault.values(), store.vault.shown()) == ({}, [])


def test_row_of_one_name_cannot_stand_in_for_a_different_one(store: Store) -> None:
    store.set()
    store.rows[OTHER] = store.rows[NPM]

    vault = store.opened()

    assert vault.values() == {NPM: Secret(VALUE)}
    assert "different secret or store" in vault.problem(OTHER)


def test_row_of_a_different_store_cannot_be_read(store: Store) -> None:
    store.set()
    del store.rows[""]

    vault = store.opened(StoreId("h7d2"))

    assert "different secret or store" in vault.problem(NPM)


def test_restored_store_with_a_new_id_keeps_its_secrets(store: Store) -> None:
    store.set()

    assert store.opened(StoreId("h7d2")).values() == {NPM: Secret(VALUE)}


@pytest.mark.parametrize("part", ["nonce", "data"])
def test_damaged_row_is_a_problem_of_that_secret_alone(store: Store, part: str) -> None:
    store.set()
    store.set(OTHER, "another value")
    store.rows[NPM] = {**store.row(), part: "AAAAAAAAAAAAAAAA"}

    vault = store.opened()

    assert vault.values() == {OTHER: Secret("another value")}
    assert "damaged" in vault.problem(NPM)


def test_value_under_an_older_key_is_read_while_the_file_has_that_key(store: Store) -> None:
    store.set()
    old = store.key_file.read_text()
    store.key_file.write_text("ab" * 32 + "\n" + old)
    store.set(OTHER, "a newer value")

    assert store.row()["key"] != store.row(OTHER)["key"]
    assert store.opened().values() == {NPM: Secret(VALUE), OTHER: Secret("a newer value")}


def test_value_under_a_key_that_the_file_lacks_names_that_key(store: Store) -> None:
    store.set()
    store.key_file.write_text("ab" * 32)

    problem = store.opened().problem(NPM)

    assert f"the key {store.row()['key']}, which the key file lacks" in problem


def test_missing_key_file_is_named_and_not_made_anew(store: Store) -> None:
    store.set()
    store.key_file.unlink()
    store.vault = store.opened()

    assert f"the key file {store.key_file} is missing" in store.vault.problem(NPM)
    with pytest.raises(Yours, match="is missing"):
        store.set(OTHER)
    assert not store.key_file.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_key_file_that_others_can_read_is_refused(store: Store, mode: int) -> None:
    store.set()
    store.key_file.chmod(mode)

    assert "other users can read" in store.opened().problem(NPM)


@pytest.mark.parametrize("text", ["", "abcd", "zz" * 32, "ab" * 32 + "\nmore"])
def test_damaged_key_file_is_refused(store: Store, text: str) -> None:
    store.set()
    store.key_file.write_text(text)

    assert "is damaged" in store.opened().problem(NPM)


def test_key_file_that_is_a_link_is_refused(store: Store, tmp_path: Path) -> None:
    store.set()
    store.key_file.rename(tmp_path / "real")
    store.key_file.symlink_to(tmp_path / "real")

    assert str(store.key_file) in store.opened().problem(NPM)


def test_key_file_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "no" / "vault.key")
    vault.open({}, STORE)

    with pytest.raises(World, match="cannot be written"):
        vault.sealed(NPM, VALUE, Instant(1), "bob")


@pytest.mark.parametrize("value", ["12", "  12345  ", "x" * 40_000])
def test_value_that_cannot_be_masked_is_refused(store: Store, value: str) -> None:
    with pytest.raises(Yours, match="NPM_TOKEN: the value has"):
        store.set(value=value)


@pytest.mark.parametrize("value", ["two\nlines\n", "a\0nul inside", "ünïcödé", "  padded  "])
def test_value_of_any_text_comes_back_as_it_was(store: Store, value: str) -> None:
    store.set(value=value)

    assert store.opened().values() == {NPM: Secret(value)}


def test_secret_of_the_vault_counts_before_that_of_a_folder(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / NPM).write_text("from the folder\n")
    (folder / OTHER).write_text("other value\n")
    secrets = HostSecrets(store.vault, [FolderSecrets(folder)])
    before = secrets.value(NPM)

    secrets.keep(secrets.sealed(NPM, VALUE, Instant(1), "bob"))

    assert (before, secrets.value(NPM)) == (Secret("from the folder"), Secret(VALUE))
    assert [(one.name, one.source) for one in secrets.shown()] == [
        (NPM, "vault"),
        (OTHER, "folder"),
    ]


def test_replaced_and_removed_values_are_masked_still(store: Store) -> None:
    secrets = HostSecrets(store.vault)
    secrets.keep(secrets.sealed(NPM, VALUE, Instant(1), "bob"))

    secrets.keep(secrets.sealed(NPM, "a new value", Instant(2), "bob"))
    secrets.keep({NPM: None})

    assert secrets.names() == frozenset()
    assert secrets.masks().text(f"{VALUE}, a new value") == "***, ***"


def opened_secrets(store: Store) -> HostSecrets:
    """The secrets of a new process."""
    secrets = HostSecrets(Vault(store.key_file))
    secrets.open(store.rows, STORE)
    return secrets


def replace_for_run(store: Store) -> None:
    """Replace the value of a secret that the run h1-1 may have."""
    store.set()
    rows = {
        **store.vault.replaced(NPM, ["h1-1"]),
        **store.vault.sealed(NPM, "new value", Instant(2), "bob"),
    }
    store.rows |= rows
    store.vault.keep(rows)


def test_replaced_value_is_masked_after_a_restart_while_a_run_may_have_it(store: Store) -> None:
    replace_for_run(store)

    secrets = opened_secrets(store)

    assert secrets.value(NPM) == Secret("new value")
    assert secrets.masks().text(f"{VALUE}, new value") == "***, ***"
    assert [one.name for one in secrets.shown()] == [NPM]
    assert secrets.names() == {NPM}


def test_replaced_value_is_kept_until_the_runs_that_may_have_it_are_packed(store: Store) -> None:
    replace_for_run(store)
    (old,) = (key for key in store.rows if " " in key)

    assert store.vault.outlived(["h1-1", "h1-2"]) == {}
    assert store.vault.outlived(["h1-2"]) == {old: None}


def test_value_that_no_run_has_is_not_kept(store: Store) -> None:
    store.set()

    assert store.vault.replaced(NPM, []) == {}
    assert store.vault.replaced(OTHER, ["h1-1"]) == {}


def test_replaced_value_moves_to_a_new_key_too(store: Store) -> None:
    replace_for_run(store)

    rotated(store)

    assert len(store.key_file.read_text().split()) == 1
    assert opened_secrets(store).masks().text(VALUE) == "***"


def test_only_so_many_replaced_values_are_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "REPLACED_MAX", 1)
    replace_for_run(store)
    (oldest,) = (key for key in store.rows if " " in key)

    rows = store.vault.replaced(NPM, ["h1-2"])

    assert rows[oldest] is None
    assert len(rows) == 2


def test_secret_that_cannot_be_read_is_none_of_the_host(store: Store) -> None:
    store.set()
    store.key_file.unlink()
    secrets = HostSecrets(Vault(store.key_file))

    secrets.open(store.rows, STORE)

    assert secrets.names() == frozenset()
    with pytest.raises(Yours, match="cannot use the secret NPM_TOKEN: the key file"):
        secrets.value(NPM)
    with pytest.raises(Yours, match="has no secret OTHER"):
        secrets.value(OTHER)


def test_file_that_is_no_secret_is_shown_with_its_problem(tmp_path: Path) -> None:
    (tmp_path / NPM).write_text("short")
    (tmp_path / OTHER).write_bytes(b"\xff" * 10)
    (tmp_path / "..data").mkdir()

    folder = FolderSecrets(tmp_path)

    assert folder.values() == {}
    assert sorted(one.name for one in folder.shown() if one.problem) == [NPM, OTHER]


def test_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Yours, match="the folder of secrets"):
        FolderSecrets(tmp_path / "no")


def rotated(store: Store) -> None:
    """Encrypt all values with a new key, as a host does."""
    rows = store.vault.sealed_again()
    store.rows |= rows
    store.vault.keep(rows)
    store.vault.drop_keys()


def test_rotated_secrets_are_the_same_under_a_new_key(store: Store) -> None:
    store.set()
    store.set(OTHER, "another value")
    before, old = store.row(), store.key_file.read_text()

    rotated(store)

    after = store.row()
    assert store.opened().values() == {NPM: Secret(VALUE), OTHER: Secret("another value")}
    assert after["key"] != before["key"]
    assert (after["at"], after["by"]) == (before["at"], before["by"])
    assert len(store.key_file.read_text().split()) == 1
    assert old not in store.key_file.read_text()
    assert store.key_file.stat().st_mode & 0o777 == 0o600


def test_key_of_a_secret_that_cannot_be_read_stays(store: Store) -> None:
    store.set()
    store.set(OTHER, "another value")
    old = store.row()["key"]
    store.rows[NPM] = {**store.row(), "data": "AAAAAAAAAAAAAAAA"}
    store.vault = store.opened()

    rows = store.vault.sealed_again()
    store.rows |= rows
    store.vault.keep(rows)
    use = store.vault.drop_keys()

    assert ([*use.names], {**use.others}) == ([OTHER], {old: {NPM}})
    assert len(store.key_file.read_text().split()) == 2


def test_key_of_a_vault_without_secrets_is_not_rotated(store: Store) -> None:
    with pytest.raises(Yours, match="no secret that can be read"):
        store.vault.sealed_again()

    assert not store.key_file.exists()


def test_key_that_cannot_be_written_leaves_the_old_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.set()
    before = store.key_file.read_text()

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(World, match="cannot be written: No space left"):
            store.vault.sealed_again()

    assert store.key_file.read_text() == before
    assert [*store.key_file.parent.iterdir()] == [store.key_file]


class Killed(BaseException):
    """The process ends here."""


CALLS = ("open", "fsync", "rename", "close")
"""What a vault does to its key file, and where a process may end: before and after each."""


@pytest.mark.parametrize("nth", range(30))
def test_secrets_can_be_read_wherever_a_rotation_ends(
    store: Store, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    store.set()
    store.set(OTHER, "another value")
    passed = 0

    def point() -> None:
        nonlocal passed
        passed += 1
        if passed == nth:
            raise Killed

    def around(call: Callable[..., object]) -> Callable[..., object]:
        def around(*args: object, **named: object) -> object:
            point()
            result = call(*args, **named)
            point()
            return result

        return around

    with monkeypatch.context() as patch, suppress(Killed):
        for name in CALLS:
            patch.setattr(os, name, around(getattr(os, name)))
        rows = store.vault.sealed_again()
        point()
        store.rows |= rows  # one transaction
        point()
        store.vault.keep(rows)
        store.vault.drop_keys()

    store.vault = store.opened()
    assert store.vault.values() == {NPM: Secret(VALUE), OTHER: Secret("another value")}
    rotated(store)
    assert store.opened().values() == {NPM: Secret(VALUE), OTHER: Secret("another value")}
    assert len(store.key_file.read_text().split()) == 1
    assert [*store.key_file.parent.iterdir()] == [store.key_file]


def test_vault_without_secrets_loads_no_encryption() -> None:
    code = (
        "import sys; from pathlib import Path; from floe.nodes.vault import Vault; "
        "Vault(Path('k')).open({}, 's'); print('cryptography' in sys.modules)"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "False"
