"""The pipe of one command, and a file whose file system hangs: a pipe that is full."""

import os
import selectors
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from floe.warden import apart
from floe.warden.apart import OutputApart
from floe.warden.outputs import Output, Outputs

WAIT_S = 60.0


class Printing:
    """An output, the end that its command writes to, and the far end of its file."""

    def __init__(self) -> None:
        self.far, self.file = os.pipe()
        pipe, self.end = os.pipe()
        os.set_blocking(pipe, False)
        os.set_blocking(self.file, False)
        self.filled = 0
        while True:  # the file system hangs from here on
            try:
                self.filled += os.write(self.file, b"x" * 4096)
            except BlockingIOError:
                break
        os.set_blocking(self.file, True)
        self.over: SimpleQueue[Output] = SimpleQueue()
        self.output = OutputApart("k", lambda: self.file, pipe, written=self.over.put)

    def answers(self) -> None:
        """The file system answers again."""
        while self.filled:
            self.filled -= len(os.read(self.far, self.filled))

    def settle(self) -> None:
        """Wait until the write is over."""
        self.over.get(timeout=WAIT_S).settle()


@pytest.fixture
def printing() -> Iterator[Printing]:
    printing = Printing()
    yield printing
    os.close(printing.end)
    os.close(printing.far)


def test_a_write_that_hangs_returns_at_once_and_stops_only_its_command(printing: Printing) -> None:
    os.write(printing.end, b"first\n")
    assert printing.output.take() == 6
    os.write(printing.end, b"second\n")

    assert printing.output.take() == -1
    assert not printing.output.is_whole
    printing.answers()
    printing.settle()
    printing.output.close()


def test_output_is_whole_and_in_order_when_its_file_system_answers_again(
    printing: Printing,
) -> None:
    os.write(printing.end, b"first\n")
    assert not printing.output.finish()
    os.write(printing.end, b"second\n")

    printing.answers()
    finished = []
    for _ in range(2):
        printing.settle()
        finished.append(printing.output.finish())

    assert finished == [False, True]
    assert os.read(printing.far, 100) == b"first\nsecond\n"
    printing.output.close()


def test_an_output_goes_on_when_its_write_is_over(printing: Printing) -> None:
    with selectors.DefaultSelector() as selector:
        outputs = Outputs(selector, lambda key: None)
        outputs.add(printing.output, now=0.0)
        os.write(printing.end, b"first\n")
        outputs.look(now=1.0)
        os.write(printing.end, b"second\n")
        printing.answers()
        outputs.written.append(printing.over.get(timeout=WAIT_S))

        outputs.settle(now=2.0)
        assert outputs.due() == 2.0
        outputs.look(now=2.0)
        printing.settle()

        assert os.read(printing.far, 100) == b"first\nsecond\n"
        outputs.drop(printing.output)


def test_a_write_is_soon_over_until_it_takes_too_long(
    printing: Printing, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.write(printing.end, b"first\n")
    printing.output.take()

    moving = [printing.output.is_moving]
    monkeypatch.setattr(apart, "PATIENCE_S", 0.0)
    moving.append(printing.output.is_moving)

    assert moving == [True, False]
    printing.answers()
    printing.settle()
    printing.output.close()


def test_a_file_that_hangs_is_closed_after_its_write(printing: Printing) -> None:
    os.write(printing.end, b"first\n")
    printing.output.take()

    printing.output.close()
    printing.answers()
    assert os.read(printing.far, 100) == b"first\n"
    printing.settle()

    assert os.read(printing.far, 1) == b""  # its last writing end is closed


def test_an_error_of_a_write_is_an_error_to_the_command(printing: Printing) -> None:
    with selectors.DefaultSelector() as selector:
        outputs = Outputs(selector, lambda key: None)
        outputs.add(printing.output, now=0.0)
        full = os.open("/dev/null", os.O_RDONLY)
        os.dup2(full, printing.file)
        os.close(full)
        os.write(printing.end, b"first\n")
        outputs.look(now=1.0)
        outputs.written.append(printing.over.get(timeout=WAIT_S))
        outputs.settle(now=2.0)
        outputs.look(now=2.0)

        with pytest.raises(BrokenPipeError):
            os.write(printing.end, b"second\n")
        assert printing.output.finish()
        outputs.drop(printing.output)


def test_without_a_thread_the_data_wait(
    printing: Printing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    os.write(printing.end, b"first\n")
    with monkeypatch.context() as patch:
        patch.setattr("_thread.start_new_thread", none_left)
        printing.output.take()
        waits = printing.output.is_whole

    printing.answers()
    assert printing.output.take() == -1
    printing.settle()

    assert (waits, printing.output.is_whole) == (False, True)
    assert os.read(printing.far, 100) == b"first\n"
    printing.output.close()
