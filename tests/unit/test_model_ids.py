"""The printed name of an attempt: paths, routes, digests and jitter depend on it."""

import pytest

from floe.model.errors import IdInvalid
from floe.model.ids import HostId, Key, NodeId, RunRef, StoreId
from floe.model.nouns import replace

REF = RunRef(HostId("h1.internal"), StoreId("k3f9"), 12)
BUILD = Key(REF, 2, NodeId("build"), 1, 3)


def test_key_without_an_item_is_printed_as_in_the_first_release() -> None:
    assert str(BUILD) == "h1.internal-12@k3f9.2.build.1.3"


def test_key_names_its_item_at_the_end() -> None:
    assert str(replace(BUILD, item=7)) == "h1.internal-12@k3f9.2.build.1.3.i7"


@pytest.mark.parametrize("key", [BUILD, replace(BUILD, item=0), Key(REF, 1, NodeId(""), 0, 0)])
def test_printed_key_is_read_again(key: Key) -> None:
    assert Key.parse(str(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h1-1@k3f9.1.build.1",
        "h1-1@k3f9.1.build.1.1.i",
        "h1-1@k3f9.1.build.1.1.ix",
        "h1-1@k3f9.1.build.1.1.i-1",
        "h1-1@k3f9.1.build.1.1.7",
        "h1-1@k3f9.x.build.1.1",
    ],
)
def test_text_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(IdInvalid):
        Key.parse(text)
