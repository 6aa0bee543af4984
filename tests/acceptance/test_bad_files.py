"""Commands that put something odd in the place of files that floe keeps about them."""

from collections.abc import Iterator
from typing import Any

import pytest

from floe.model.errors import NotFound
from tests.acceptance.people import hosted
from tests.acceptance.product import Host

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PUTS = {
    "a named pipe": 'mkfifo "$1"',
    "a link to a file": 'ln -s /etc/passwd "$1"',
    "a link to itself": 'ln -s "$1" "$1"',
    "a link to a device": 'ln -s /dev/zero "$1"',
    "a folder": 'mkdir -p "$1/x"',
    "a socket": (
        'cd "$(dirname "$1")" && python3 -c "import socket, sys; '
        'socket.socket(socket.AF_UNIX).bind(sys.argv[1])" "$(basename "$1")"'
    ),
    "a terabyte of nothing": 'truncate -s 1T "$1"',
    "nothing": "true",
}

FILES = {
    "its output": '"${FLOE_INPUT%.input}"',
    "its input": '"$FLOE_INPUT"',
    "its outputs": '"$FLOE_OUTPUTS"',
    "the next node's output": '"$(dirname "$FLOE_INPUT")/b.1.1.log"',
    "the next node's input": '"$(dirname "$FLOE_INPUT")/b.1.1.log.input.part"',
}

FOLDERS = {
    "its run's folder": '"$(dirname "$FLOE_INPUT")"',
    "its workspace": '"$FLOEWS"',
}

CONFIG = """
common: {grace: 0.5, commands: 2}
flows:
  - id: odd
    triggers:
      - id: go
        type: data
        opts: {form: {fields: [{id: put, type: text}, {id: file, type: text}]}}
    tasks:
      - id: a
        type: exec
        listen: trigger.good
        opts:
          shell: |
            echo before
            until [ -s "${FLOE_INPUT%.input}" ]; do sleep 0.01; done  # its output is being written
            cd /
            eval "set -- $FLOE_IN_FILE"
            rm -rf "$1"
            eval "$FLOE_IN_PUT"
      - {id: b, type: exec, listen: task.a.good, opts: {cmd: echo next}}
  - id: sound
    triggers: [{id: go, type: data}]
    tasks: [{id: a, type: exec, listen: trigger.good, opts: {cmd: echo fine}}]
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host that runs two commands at once: three that hang would stop it."""
    with hosted(tmp_path_factory.mktemp("host"), CONFIG) as host:
        yield host
        sound = host.until_over(host.trigger("sound"))
        assert host.output(sound["id"], "a") == b"fine\n"
        assert "Traceback" not in host.log.read_text()
        host.stop()


def looked_at(host: Host, run: str, node: str) -> list[str]:
    """What each way to read an output answers: `ok`, or the sentence of its refusal."""
    said = []
    for path in ("log", "log/lines", "log/find?text=x"):
        try:
            with host.api.stream(f"runs/{run}/nodes/{node}/{path}") as answer:
                answer.read(1_000_000)
            said.append("ok")
        except NotFound as error:
            said.append(error.what)
    return said


@pytest.mark.parametrize("put", PUTS)
@pytest.mark.parametrize("file", [*FILES, *FOLDERS])
def test_run_ends_whatever_a_command_puts_in_the_place_of(file: str, put: str, host: Host) -> None:
    place = (FILES | FOLDERS)[file]

    run: dict[str, Any] = host.until_over(host.trigger("odd", put=PUTS[put], file=place))

    assert run["nodes"][0]["state"] == "good"
    assert [len(looked_at(host, run["id"], node)) for node in ("a", "b")] == [3, 3]


def test_output_that_was_replaced_is_named_by_the_node_and_by_who_reads_it(host: Host) -> None:
    run = host.until_over(host.trigger("odd", put=PUTS["a named pipe"], file=FILES["its output"]))

    says = f"{run['key']}/a.1.1.log is a named pipe, not a plain file"
    assert run["nodes"][0]["why"].startswith("its output is lost: ")
    assert run["nodes"][0]["why"].endswith(says)
    found = "the output is gone: its path is a named pipe, not a plain file"
    assert looked_at(host, run["id"], "a") == [found] * 3


def test_next_node_shows_what_is_in_the_place_of_its_output(host: Host) -> None:
    run = host.until_over(
        host.trigger("odd", put=PUTS["a named pipe"], file=FILES["the next node's output"])
    )

    assert run["nodes"][1]["state"] == "error"
    assert "b.1.1.log" in run["nodes"][1]["why"]
