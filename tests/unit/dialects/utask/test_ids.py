"""Ids of tasks, resolutions and callbacks lead to their runs."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from floe.dialects.utask.ids import KINDS, NUMBER_BITS, UtaskId, UtaskKind, id_in, id_text
from floe.model.ids import HostId, RunRef, StoreId

KEY = b"0123456789abcdef"
STORES = [(HostId(f"h{n}"), StoreId(f"k3f{n}")) for n in range(1, 4)]


@given(
    st.sampled_from(STORES),
    st.integers(1, (1 << 34) - 1),
    st.sampled_from(KINDS),
    st.integers(0, (1 << NUMBER_BITS) - 1),
)
def test_any_host_finds_the_run_of_an_id(
    store: tuple[HostId, StoreId], serial: int, kind: UtaskKind, number: int
) -> None:
    id = UtaskId(RunRef(*store, serial), kind, number)
    text = id_text(id, KEY)

    assert id_in(text, STORES, KEY) == id
    assert UUID(text).version == 4


def test_the_id_of_a_task_is_not_that_of_its_resolution() -> None:
    run = RunRef(*STORES[0], 7)

    assert len({id_text(UtaskId(run, kind), KEY) for kind in KINDS}) == len(KINDS)


def test_no_id_is_guessed() -> None:
    text = id_text(UtaskId(RunRef(*STORES[0], 7), "task"), KEY)
    places = [n for n, char in enumerate(text) if char != "-"]
    changed = [f"{text[:n]}{(int(text[n], 16) + 1) % 16:x}{text[n + 1 :]}" for n in places]

    assert [id_in(one, STORES, KEY) for one in changed] == [None] * len(places)
    assert id_in(text, STORES, b"another key") is None


def test_text_of_a_different_form_is_no_id() -> None:
    texts = ("", "nope", "x" * 36, "00000000-0000-4000-8000-000000000000", "\u0660" * 36)

    assert [id_in(text, STORES, KEY) for text in texts] == [None] * 5


def test_an_id_in_capital_letters_is_the_same() -> None:
    id = UtaskId(RunRef(*STORES[0], 7), "task")

    assert id_in(id_text(id, KEY).upper(), STORES, KEY) == id
