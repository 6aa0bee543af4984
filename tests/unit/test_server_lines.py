"""Lines of an output are found wherever they are, however long, and while the file grows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from floe.expr.masking import Masks
from floe.places import Places
from floe.server import lines as module
from floe.server.lines import LINE_MAX, LineMarks, Lines

Write = Callable[[bytes], Lines]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Makes the file, read as far as it is."""

    def write(data: bytes) -> Lines:
        (tmp_path / "out").write_bytes(data)
        lines = Lines(tmp_path / "out")
        lines.grow()
        return lines

    return write


def texts(lines: Lines, first: int, count: int) -> list[str]:
    return [line.text for line in lines.read(first, count)]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\n\nb", ["a", "", "b"]),
        (b"\xe2\x82\xac\xff\r\n", ["\u20ac\ufffd\r"]),
        (b"cut \xe2\x82\n", ["cut \ufffd"]),
    ],
)
def test_lines_are_what_ends_with_a_newline_or_the_file(
    written: Write, data: bytes, told: list[str]
) -> None:
    lines = written(data)

    assert (lines.count, texts(lines, 1, 10)) == (len(told), told)


@pytest.mark.parametrize("first", [1, 2, 9_999, 10_000, 77_777, 99_999, 100_000])
def test_any_line_is_found_by_its_number(written: Write, first: int) -> None:
    lines = written(b"".join(b"line %d\n" % n for n in range(1, 100_001)))

    assert texts(lines, first, 1) == [f"line {first}"]


def test_a_line_past_the_end_is_none(written: Write) -> None:
    assert written(b"a\nb").read(3, 5) == []


def test_a_long_line_is_shown_by_its_beginning_and_size(written: Write) -> None:
    lines = written(b"a\n" + b"x" * 10_000_000 + b"\nb\n" + b"y" * 5_000_000)

    told = lines.read(1, 9)

    assert [(line.text[:1], len(line.text), line.bytes) for line in told] == [
        ("a", 1, 1),
        ("x", LINE_MAX, 10_000_000),
        ("b", 1, 1),
        ("y", LINE_MAX, 5_000_000),
    ]


def test_a_character_is_not_cut_in_two(written: Write) -> None:
    (line,) = written(b"x" * (LINE_MAX - 1) + "€€".encode()).read(1, 1)

    assert line.text == "x" * (LINE_MAX - 1)


def test_a_line_knows_the_colours_that_began_long_before_it(written: Write) -> None:
    lines = written(b"\x1b[1;32m\n" + b"text\n" * 100_000 + b"\x1b[0m\nplain\n")

    assert [line.style for line in lines.read(99_999, 2)] == ["1;32", "1;32"]
    assert [line.style for line in lines.read(100_002, 2)] == ["1;32", ""]


def test_a_colour_that_begins_in_what_is_cut_off_a_line_is_known_in_the_next(
    written: Write,
) -> None:
    lines = written(b"x" * 100_000 + b"\x1b[31m\nred\n")

    assert [line.style for line in lines.read(1, 2)] == ["", "31"]


def test_colours_are_the_same_wherever_marks_are(
    written: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"".join(b"\x1b[38;5;%dm%d\n" % (n % 256, n) for n in range(500))
    monkeypatch.setattr(module, "STRETCH", 16)
    monkeypatch.setattr(module, "MARKS_MAX", 8)
    lines = written(data)

    styles = [lines.read(number, 1)[0].style for number in range(2, 501)]

    assert styles == [f"38;5;{n % 256}" for n in range(499)]


def test_marks_stay_few_and_right_in_a_file_of_any_size(
    written: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STRETCH", 16)
    monkeypatch.setattr(module, "MARKS_MAX", 8)
    lines = written(b"".join(b"%d\n" % n for n in range(1, 10_001)))

    assert len(lines._marks) <= 9
    assert [texts(lines, n, 1) for n in (1, 5_000, 10_000)] == [["1"], ["5000"], ["10000"]]


def test_what_is_written_later_is_found(written: Write, tmp_path: Path) -> None:
    lines = written(b"one\ntw")

    with (tmp_path / "out").open("ab") as file:
        file.write(b"o\nthree\n")
    lines.grow()

    assert (lines.count, texts(lines, 1, 9)) == (3, ["one", "two", "three"])


def test_a_search_names_each_line_once_in_any_case_and_colour(written: Write) -> None:
    lines = written(b"Error error\nfine\nan \x1b[31mER\x1b[0mROR\n\nlast error")

    assert lines.find("error", 1) == module.FoundLines(lines=(1, 3, 5), next=None)


def test_a_search_goes_on_where_it_stopped(written: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 64)
    monkeypatch.setattr(module, "SEARCH_BYTES", 1_000)
    lines = written(b"".join(b"line %d\n" % n for n in range(1, 1_001)))

    found: list[int] = []
    at: int | None = 1
    while at is not None:
        part = lines.find("77", at)
        found += part.lines
        at = part.next

    assert found == [n for n in range(1, 1_001) if "77" in str(n)]


def test_a_search_names_so_many_lines_at_once(written: Write) -> None:
    lines = written(b"hit\n" * 2_500)

    first = lines.find("hit", 1)

    assert (len(first.lines), first.next) == (1_000, 1_001)
    assert lines.find("hit", 2_001).next is None


def test_a_text_across_pieces_of_a_long_line_is_found(
    written: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 64)
    lines = written(b"a\n" + b"x" * 60 + b"needle" + b"x" * 200 + b"\nneedle\n")

    assert lines.find("needle", 1).lines == (2, 3)


async def test_marks_are_kept_of_the_files_last_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILES_MAX", 2)
    marks = LineMarks(Places(), Masks)
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("x\n")
        await marks.look(tmp_path / name, lambda lines: lines.count, is_over=True)

    assert [path.name for path in marks._files] == ["b", "c"]
