"""The pipe and the file of one command, on a disk that is full or broken."""

import errno
import os
import resource
import selectors
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from floe.warden.outputs import BUSY_S, PIPE_BYTES, REST_S, Output, Outputs, open_output


class Printing(NamedTuple):
    """An output and the end that its command writes to."""

    output: Output
    file: int
    end: int

    def is_full(self) -> None:
        """From here on the disk has no room."""
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, self.file)
        os.close(full)

    def has_room(self, path: Path) -> None:
        """From here on it has."""
        fd = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(fd, self.file)
        os.close(fd)


@pytest.fixture
def printing(tmp_path: Path) -> Iterator[Printing]:
    file = os.open(tmp_path / "out", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    pipe, end = os.pipe()
    os.set_blocking(pipe, False)
    yield Printing(Output("k", lambda: file, pipe), file, end)
    os.close(end)


def test_what_a_full_disk_refuses_is_written_when_there_is_room(
    printing: Printing, tmp_path: Path
) -> None:
    os.write(printing.end, b"first\n")
    printing.is_full()
    assert not printing.output.finish()

    os.write(printing.end, b"second\n")
    printing.has_room(tmp_path / "out")

    assert printing.output.finish()
    assert (tmp_path / "out").read_text() == "first\nsecond\n"
    printing.output.close()


def test_a_full_disk_holds_up_the_command_and_takes_no_more_from_it(printing: Printing) -> None:
    printing.is_full()
    os.write(printing.end, b"first\n")
    printing.output.take()
    os.write(printing.end, b"second\n")

    assert printing.output.take() == -1
    assert printing.output.take() == -1
    printing.output.close()


def test_a_full_disk_is_tried_again_and_the_pipe_is_not_watched_meanwhile(
    printing: Printing, tmp_path: Path
) -> None:
    with selectors.DefaultSelector() as selector:
        outputs = Outputs(selector, lambda key: None)
        outputs.add(printing.output, now=0.0)
        printing.is_full()
        os.write(printing.end, b"first\n")
        outputs.look(now=1.0)
        assert not selector.get_map()

        printing.has_room(tmp_path / "out")
        outputs.look(now=outputs.due())

        assert (tmp_path / "out").read_text() == "first\n"
        outputs.drop(printing.output)


def test_a_file_that_takes_nothing_more_is_an_error_to_the_command(printing: Printing) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with selectors.DefaultSelector() as selector:
        outputs = Outputs(selector, lambda key: None)
        outputs.add(printing.output, now=0.0)
        os.write(printing.end, b"first\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
        try:
            outputs.look(now=1.0)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        with pytest.raises(BrokenPipeError):
            os.write(printing.end, b"second\n")
        assert printing.output.finish()
        outputs.drop(printing.output)


def test_the_more_a_pipe_had_the_shorter_it_rests(printing: Printing) -> None:
    os.set_blocking(printing.end, False)
    with selectors.DefaultSelector() as selector:
        outputs = Outputs(selector, lambda key: None)
        outputs.add(printing.output, now=0.0)
        rests = []
        for data in (b"line\n", *[b"x" * PIPE_BYTES] * 3, b"line\n"):
            os.write(printing.end, data)  # of the large ones as much as fits
            now = outputs.due()
            outputs.look(now)
            rests.append(outputs.due() - now)

        assert rests == pytest.approx([REST_S, REST_S / 4, REST_S / 16, BUSY_S, REST_S])
        outputs.drop(printing.output)


def test_a_pipe_is_busy_after_much_and_no_longer_after_a_line(printing: Printing) -> None:
    with selectors.DefaultSelector() as selector:
        outputs = Outputs(selector, lambda key: None)
        outputs.add(printing.output, now=0.0)
        busy = [outputs.is_busy()]
        for data in (b"x" * 60_000, b"line\n"):
            os.write(printing.end, data)
            outputs.look(now=outputs.due())
            busy.append(outputs.is_busy())

        assert busy == [False, True, False]
        outputs.drop(printing.output)


def test_a_pipe_is_enlarged_when_it_was_full(printing: Printing) -> None:
    os.set_blocking(printing.end, False)
    sizes = []
    for _ in range(2):
        os.write(printing.end, b"x" * PIPE_BYTES)
        sizes.append(printing.output.take())
        printing.output.rest_s(sizes[-1])

    assert sizes[1] > sizes[0]
    printing.output.close()


def test_a_silent_pipe_is_watched_until_it_has_data(printing: Printing, tmp_path: Path) -> None:
    with selectors.DefaultSelector() as selector:
        outputs = Outputs(selector, lambda key: None)
        outputs.add(printing.output, now=0.0)
        assert not selector.get_map()  # a short command costs no watching
        outputs.look(now=1.0)
        os.write(printing.end, b"first\n")
        for key, events in selector.select(0):
            key.data(key.fileobj, events)

        assert (tmp_path / "out").read_text() == "first\n"
        assert not selector.get_map()
        outputs.drop(printing.output)


def test_a_pipe_at_its_end_is_watched_no_longer(tmp_path: Path) -> None:
    file = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    pipe, end = os.pipe()
    os.close(end)
    with selectors.DefaultSelector() as selector:
        outputs = Outputs(selector, lambda key: None)
        output = Output("k", lambda: file, pipe)
        outputs.add(output, now=0.0)
        outputs.look(now=1.0)

        assert not selector.get_map()
        assert outputs.due() == float("inf")
        outputs.drop(output)


def test_a_pipe_whose_command_ended_in_the_same_round_is_not_read_again(
    printing: Printing, capfd: pytest.CaptureFixture[str]
) -> None:
    with selectors.DefaultSelector() as selector:
        outputs = Outputs(selector, lambda key: None)
        outputs.add(printing.output, now=0.0)
        outputs.look(now=1.0)
        os.write(printing.end, b"last\n")
        [(key, events)] = selector.select(0)
        assert printing.output.finish()
        outputs.drop(printing.output)

        key.data(key.fileobj, events)

    assert "output.lost" not in capfd.readouterr().err


def test_a_command_that_prints_nothing_has_no_file(tmp_path: Path) -> None:
    pipe, end = os.pipe()
    output = Output("k", lambda: open_output(str(tmp_path / "out")), pipe)
    os.close(end)

    assert output.finish()
    output.close()

    assert list(tmp_path.iterdir()) == []


def test_a_file_is_made_for_the_first_data_and_appended_to(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("earlier\n")
    pipe, end = os.pipe()
    output = Output("k", lambda: open_output(str(tmp_path / "out")), pipe)
    os.write(end, b"first\n")
    os.close(end)

    assert output.finish()
    output.close()

    assert (tmp_path / "out").read_text() == "earlier\nfirst\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE])
def test_a_file_that_cannot_be_made_now_is_made_later(tmp_path: Path, number: int) -> None:
    refusals = [OSError(number, os.strerror(number))]

    def opened() -> int:
        if refusals:
            raise refusals.pop()
        return open_output(str(tmp_path / "out"))

    pipe, end = os.pipe()
    output = Output("k", opened, pipe)
    os.write(end, b"first\n")
    os.close(end)

    output.take()
    assert not output.is_whole
    assert output.finish()
    output.close()
    assert (tmp_path / "out").read_text() == "first\n"


def test_a_command_whose_output_cannot_be_made_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pipe, end = os.pipe()
    output = Output("k", lambda: open_output(str(tmp_path / "gone" / "out")), pipe)
    os.write(end, b"first\n")
    output.take()

    os.write(end, b"second\n")

    assert output.take() == 7
    assert capfd.readouterr().err.count("output.lost") == 1
    output.close()
    os.close(end)


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("elsewhere")])
def test_only_a_plain_file_is_opened(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path / "out")

    with pytest.raises(OSError, match="out"):
        open_output(str(tmp_path / "out"))
