"""The keys of sealed runs at a host at work."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from floe.host.inputs import Input, RunKeysWrapped
from floe.hub.flows import FlowBook
from floe.hub.history import History
from floe.hub.sealing.run_keys import RunKeys, hold_back, load_run_keys
from floe.key_file import KeyFile
from floe.model.codec import digest_of, encode
from floe.model.ids import HostId, RunRef, StoreId
from floe.store.base import Batch, LedgerWrite
from floe.store.memory import MemoryStore
from floe.store.sealing import RUN_KEY
from floe.store.seals import RunSeals
from tests.make import a_flow
from tests.make_core import a_core, a_start
from tests.make_store import a_summary, an_append

RUN = RunRef(HostId("h1"), StoreId("k3f9"), 1)
FLOW = replace(a_flow(), seal=True)


class Shell:
    """The keys of a host whose loop only notes what it is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = MemoryStore()
        self.seals = RunSeals(KeyFile(path))
        self.asked: list[Input] = []
        self.recalled: list[RunRef] = []
        self.history = History(self.store, lambda flow, ver: None)
        self.keys = RunKeys(self.seals, self.store, self.history, self.ask, self.recall)

    async def ask(self, incoming: Input) -> None:
        self.asked.append(incoming)

    async def recall(self, refs: Collection[RunRef]) -> None:
        self.recalled += refs


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "vault.key")


async def test_the_first_start_of_a_sealed_run_makes_a_key(shell: Shell) -> None:
    await shell.keys.prepared([a_start(FLOW)])

    assert shell.seals.newest
    assert shell.path.exists()


async def test_other_starts_make_no_key(shell: Shell) -> None:
    await shell.keys.prepared([a_start(a_flow())])

    assert not shell.path.exists()


async def test_keys_are_wrapped_again_in_the_store(shell: Shell) -> None:
    shell.seals.prepare()
    shell.seals.begin(RUN)
    shell.path.write_text("ab" * 32 + "\n" + shell.path.read_text())
    shell.seals.look()

    count = await shell.keys.wrap_again()

    [asked] = shell.asked
    assert isinstance(asked, RunKeysWrapped)
    assert asked.rows == {RUN.key: shell.seals.row(RUN)}
    assert count == 1


async def test_runs_whose_keys_are_back_are_read_again(shell: Shell) -> None:
    shell.history.unreadable[RUN] = "its key is missing"
    await shell.store.open()

    await shell.keys.read_again()

    assert shell.recalled == [RUN]


async def test_a_start_loads_the_keys_that_runs_need(shell: Shell) -> None:
    shell.seals.prepare()
    row = LedgerWrite(kind=RUN_KEY, key=RUN.key, value=shell.seals.begin(RUN))
    await shell.store.open()
    await shell.store.append(Batch(ledger=(row,)))
    later = RunSeals(KeyFile(shell.path))

    await load_run_keys(later, shell.store, FlowBook())

    assert later.row(RUN) == row.value
    assert later.newest


async def test_a_start_without_sealed_flows_makes_no_key(shell: Shell) -> None:
    await shell.store.open()

    await load_run_keys(shell.seals, shell.store, FlowBook(flows=(a_flow(),)))

    assert not shell.path.exists()


async def test_a_run_whose_key_is_missing_holds_its_resources(shell: Shell) -> None:
    site, flow = a_core().site, replace(FLOW, resource_tags=("nic",))
    ref, digest = RunRef(site.id, site.store, 1), digest_of(flow)
    row = a_summary(ref, state="active", phase="active", store=site.store, digest=digest)
    kept = LedgerWrite(kind="flow", key=digest, value=encode(flow))
    await shell.store.open()
    await shell.store.append(Batch(appends=(an_append(ref, summary=row),), ledger=(kept,)))
    shell.history.unreadable[ref] = "its key is missing"

    await hold_back(site, shell.history, shell.store)

    assert ref in site.unreadable
    assert site.table.held == {"nic": ref}
