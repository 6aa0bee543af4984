"""Hosts' feeds as one: each fact once, in order of its run, at a position all hosts know."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe.feed.frames import Frame, reset_frame
from floe.feed.merge import Merge, position_of, read_position
from floe.model.ids import RunRef, StoreId
from tests.make_store import a_run

A, B = StoreId("aaaa"), StoreId("bbbb")
RUN = a_run(1, store="aaaa")
OTHER = a_run(2, store="bbbb")


def a_frame(
    pos: int, seq: int, epoch: int = 1, *, run: RunRef = RUN, begins: bool = False
) -> Frame:
    text = f'{{"type":"event","pos":"{pos}","run":"{run}","seq":{seq}}}'
    return Frame(str(pos), run, text, "event", epoch, seq, begins)


def a_merge(a: int = 0, b: int = 0) -> Merge:
    return Merge({A: a, B: b})


def seqs(frames: list[Frame]) -> list[tuple[int, int]]:
    return [(frame.epoch, frame.seq) for frame in frames]


def put(merge: Merge, store: StoreId, *frames: Frame) -> Merge:
    for frame in frames:
        merge.put(store, frame)
    return merge


def test_each_frame_has_the_position_after_it_in_its_text() -> None:
    merge = put(put(a_merge(5, 7), A, a_frame(6, 1)), B, a_frame(9, 1, run=OTHER))

    frames = merge.take()

    assert [json.loads(frame.text)["pos"] for frame in frames] == ["aaaa:6,bbbb:7", "aaaa:6,bbbb:9"]
    assert [frame.pos for frame in frames] == ["aaaa:6,bbbb:7", "aaaa:6,bbbb:9"]
    assert json.loads(frames[0].text) == {
        "type": "event",
        "pos": "aaaa:6,bbbb:7",
        "run": "h1-1",
        "seq": 1,
    }


def test_activation_waits_for_what_the_adopter_reported_before() -> None:
    merge = put(a_merge(), A, a_frame(1, 1, 0))
    merge.take()
    put(merge, B, a_frame(9, 3, begins=True), a_frame(10, 4))
    early = merge.take()

    put(merge, A, a_frame(2, 2))

    assert early == []
    assert seqs(merge.take()) == [(1, 2), (1, 3), (1, 4)]


def test_position_does_not_pass_a_frame_that_waits() -> None:
    merge = put(a_merge(), A, a_frame(1, 1, 0))
    put(merge, B, a_frame(8, 1, run=OTHER), a_frame(9, 3, begins=True), a_frame(10, 2, run=OTHER))

    merge.take()
    merge.reached(B, 12)

    assert merge.pos == "aaaa:1,bbbb:8"


def test_activation_of_an_unknown_run_waits_until_its_adopter_is_where_it_was_asked() -> None:
    merge = a_merge(a=4)
    frame = a_frame(9, 3, begins=True)
    put(merge, B, frame)
    before = merge.take()

    merge.hold_until(B, frame, 5)
    held = merge.take()
    merge.reached(A, 5)

    assert (before, held) == ([], [])
    assert seqs(merge.take()) == [(1, 3)]


def test_waiting_frames_are_named_with_their_adopter() -> None:
    frame = a_frame(9, 3, begins=True)
    merge = put(a_merge(), B, frame)

    assert list(merge.waits()) == [(B, A, frame)]
    assert not merge.is_known(RUN)


@pytest.mark.parametrize("how", ["free", "lose"])
def test_nothing_waits_for_an_adopter_that_does_not_come(how: str) -> None:
    frame = a_frame(9, 3, begins=True)
    merge = put(a_merge(), B, frame)

    if how == "free":
        merge.free(B, frame)
    else:
        merge.lose(A)

    assert seqs(merge.take()) == [(1, 3)]
    assert list(merge.waits()) == []


def test_what_comes_after_the_wait_was_given_up_is_left_out() -> None:
    frame = a_frame(9, 3, begins=True)
    merge = put(a_merge(), B, frame)
    merge.free(B, frame)
    merge.take()

    put(merge, A, a_frame(1, 1, 0), a_frame(2, 2), a_frame(3, 1, 0, run=OTHER))

    assert [frame.run for frame in merge.take()] == [OTHER]
    assert merge.pos == "aaaa:3,bbbb:9"


def test_frame_that_waits_no_longer_does_not_free_the_next_one() -> None:
    first, second = (
        a_frame(9, 3, begins=True),
        a_frame(10, 9, begins=True, run=a_run(7, store="aaaa")),
    )
    merge = put(a_merge(), B, first, second)
    merge.free(B, first)
    merge.take()

    merge.free(B, first)

    assert merge.take() == []


def test_activation_by_the_adopter_itself_does_not_wait() -> None:
    merge = put(a_merge(), A, a_frame(9, 3, begins=True))

    assert seqs(merge.take()) == [(1, 3)]


def test_late_facts_of_a_lost_host_are_left_out() -> None:
    merge = put(a_merge(), A, a_frame(5, 4, 2))
    merge.take()

    put(merge, B, a_frame(7, 30, 1), a_frame(8, 31, 1))

    assert merge.take() == []


def test_reset_of_one_feed_is_reported_with_the_position_of_all() -> None:
    merge = put(put(a_merge(1, 1), A, a_frame(5, 4)), B, reset_frame("700"))

    frames = merge.take()

    assert json.loads(frames[-1].text) == {"type": "reset", "pos": "aaaa:5,bbbb:700"}


def test_store_that_is_gone_leaves_the_position() -> None:
    merge = put(a_merge(1, 1), B, a_frame(7, 30))

    merge.drop(B)

    assert (merge.take(), merge.pos) == ([], "aaaa:1")


def test_store_that_is_new_begins_at_its_first_position() -> None:
    merge = a_merge(1, 1)

    merge.begin(StoreId("cccc"), 40)
    merge.begin(B, 0)

    assert merge.pos == "aaaa:1,bbbb:1,cccc:40"


@given(st.dictionaries(st.from_regex(r"[a-z0-9]{4,12}", fullmatch=True), st.integers(0, 2**59)))
def test_position_is_read_as_it_was_written(vector: dict[StoreId, int]) -> None:
    assert read_position(position_of(vector)) == (vector or None)


@pytest.mark.parametrize(
    "text", ["", "7", "aaaa", "aaaa:", "aaaa:-1", "aaaa:1,", "A:1", "aaaa:²", "x" * 99]
)
def test_what_is_no_position_is_none(text: str) -> None:
    assert read_position(text) is None


HAND_OVERS = st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=6)
"""Of each run whether A adopted it, and how many facts it has after its activation."""


@settings(max_examples=150, deadline=None)
@given(HAND_OVERS, st.data())
def test_any_interleaving_gives_each_run_in_order_and_any_position_the_rest(
    hand_overs: list[tuple[bool, int]], data: st.DataObject
) -> None:
    feeds: dict[StoreId, list[Frame]] = {A: [], B: []}
    runs: dict[RunRef, int] = {}
    for serial, (is_of_a, length) in enumerate(hand_overs, 1):
        adopter, worker = (A, B) if is_of_a else (B, A)
        run = a_run(serial, store=adopter)
        runs[run] = 3 + length
        for store, seqs_ in ((adopter, (1, 2)), (worker, range(3, 4 + length))):
            for seq in seqs_:
                pos = len(feeds[store]) + 1
                feeds[store].append(a_frame(pos, seq, min(1, seq - 1), run=run, begins=seq == 3))

    def given_after(vector: dict[StoreId, int]) -> list[Frame]:
        merge = Merge(vector)
        left = {store: [f for f in feeds[store] if int(f.pos) > vector[store]] for store in feeds}
        given: list[Frame] = []
        while any(left.values()):
            store = data.draw(st.sampled_from([s for s in left if left[s]]))
            merge.put(store, left[store].pop(0))
            count = -1
            while count != len(given):
                count = len(given)
                given += merge.take()
                for waiting, adopter, frame in list(merge.waits()):
                    if not merge.is_known(frame.run):  # type: ignore[arg-type]  # it has a run
                        [granted] = [f for f in feeds[adopter] if (f.run, f.seq) == (frame.run, 2)]
                        merge.hold_until(waiting, frame, int(granted.pos))
                given += merge.take()
        return given

    whole = given_after({A: 0, B: 0})
    cut = data.draw(st.integers(0, len(whole)))
    vector = (read_position(whole[cut - 1].pos) if cut else None) or {A: 0, B: 0}
    resumed = whole[:cut] + given_after(vector)

    for run, length in runs.items():
        for frames in (whole, resumed):
            assert [f.seq for f in frames if f.run == run] == list(range(1, length + 1))
