"""The stores that were forgotten, in the ledger."""

from floe.host.peers.forgotten_stores import ForgottenStore, forgotten_in
from floe.model.codec import encode
from tests.make import NOW


def test_forgotten_store_is_read_as_it_was_written() -> None:
    store = ForgottenStore(at=NOW, expected=2)

    assert forgotten_in({"h2@k3f9": encode(store), "h3@m8d2": None}) == {"h2@k3f9": store}
