"""What the parts of a host share."""

import pytest

from floe.host import site as site_module
from floe.model.ids import StoreId
from tests.make import H1, STORE
from tests.make_core import a_core, a_start, stepped


def test_keys_kept_in_memory_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_module, "ONCE_MAX", 5)
    core = a_core(slots=1)

    stepped(core, *[a_start(once=f"k{i}") for i in range(7)])

    assert list(core.site.once) == ["k2", "k3", "k4", "k5", "k6"]


def test_address_without_a_store_is_this_host_whatever_its_store() -> None:
    site = a_core().site

    assert site.is_self(H1, None)
    assert site.is_self(H1, STORE)
    assert not site.is_self(H1, StoreId("other"))
    assert not site.is_self(None, None)
