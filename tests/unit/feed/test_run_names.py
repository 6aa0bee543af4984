"""What runs are called: one name leads to one run, whatever stores a host has had."""

import pytest

from floe.feed.directory import Directory, DirectorySource
from floe.feed.run_names import RunNames
from floe.model.ids import HostId, RunRef, StoreId
from tests.make import NOW

LOST, LIVING = StoreId("aaaa"), StoreId("bbbb")


def a_run(host: str, store: str, serial: int = 1) -> RunRef:
    return RunRef(HostId(host), StoreId(store), serial)


@pytest.fixture
def names() -> RunNames:
    """Those of h1, which has heard h2 with two stores."""
    directory = Directory(sent=0)
    directory.load({"h2@aaaa": 7})
    directory.saw(DirectorySource(HostId("h2"), LIVING), NOW)
    return RunNames(HostId("h1"), StoreId("cccc"), directory)


def test_run_of_the_store_that_was_received_last_has_the_short_name(names: RunNames) -> None:
    assert names.of(a_run("h2", LIVING)) == "h2-1"


def test_run_of_a_lost_store_is_called_by_its_key(names: RunNames) -> None:
    assert names.of(a_run("h2", LOST)) == "h2-1@aaaa"


def test_run_of_this_host_before_it_lost_its_store_is_called_by_its_key(names: RunNames) -> None:
    assert [names.of(a_run("h1", store)) for store in ("cccc", "dddd")] == ["h1-1", "h1-1@dddd"]


def test_run_of_this_host_under_an_earlier_name_keeps_its_short_name(names: RunNames) -> None:
    assert names.of(a_run("old", "cccc")) == "old-1"


@pytest.mark.parametrize("host", ["h1", "h2", "h3"])
@pytest.mark.parametrize("store", [LOST, LIVING, "cccc", "dddd"])
def test_each_name_leads_to_the_run_that_it_was_given_for(
    names: RunNames, host: str, store: str
) -> None:
    run = a_run(host, store)

    assert [names.ref(names.of(run)), names.ref(run.key)] == [run, run]


def test_store_that_a_host_is_known_with_counts_before_others_it_had() -> None:
    directory = Directory(sent=0)

    directory.load({"h2@aaaa": 7, "h2@bbbb": 9}, {"h2": "aaaa"})

    assert directory.store_of(HostId("h2")) == "aaaa"
