"""Ids of correlations and actions lead to their runs."""

from hypothesis import given
from hypothesis import strategies as st

from floe.dialects.flyte.ids import CHARS, STEPS_MAX, FlyteId, id_in, id_text
from floe.model.ids import HostId, RunRef, StoreId

KEY = b"0123456789abcdef"
STORES = [(HostId(f"h{n}"), StoreId(f"k3f{n}")) for n in range(1, 4)]


@given(
    st.sampled_from(STORES),
    st.integers(1, (1 << 34) - 1),
    st.none() | st.integers(0, STEPS_MAX),
)
def test_any_host_finds_the_run_of_an_id(
    store: tuple[HostId, StoreId], serial: int, step: int | None
) -> None:
    id = FlyteId(RunRef(*store, serial), step)
    text = id_text(id, KEY)

    assert (len(text), id_in(text, STORES, KEY)) == (CHARS, id)


def test_no_id_is_guessed() -> None:
    text = id_text(FlyteId(RunRef(*STORES[0], 7), 2), KEY)
    changed = [f"{text[:n]}{(int(text[n], 16) + 1) % 16:x}{text[n + 1 :]}" for n in range(CHARS)]

    assert [id_in(one, STORES, KEY) for one in changed] == [None] * CHARS
    assert id_in(text, STORES, b"another key") is None


def test_text_of_a_different_form_is_no_id() -> None:
    texts = ("", "x" * 24, "5ab24a266f42ed00054733d9", "0" * 23, "\u0660" * 24)

    assert [id_in(text, STORES, KEY) for text in texts] == [None] * 5


def test_stores_whose_numbers_are_equal_have_different_ids() -> None:
    text = id_text(FlyteId(RunRef(*STORES[0], 7), 2), KEY)
    twin = (HostId("h9"), STORES[0][1])

    assert id_in(text, [twin, STORES[0]], KEY) == FlyteId(RunRef(*STORES[0], 7), 2)
