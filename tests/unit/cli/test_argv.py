"""The original's command line in today's spelling."""

import pytest

from floe.cli.argv import modern


@pytest.mark.parametrize(
    ("original", "today"),
    [
        ("-tags=linux,go -admin=TOKEN", "host --tags=linux,go --admin=TOKEN"),
        ("-tags a,b -host_name h1", "host --tags a,b --host-name h1"),
        ("--tags a --pub-bind 127.0.0.1:1", "host --tags a --pub-bind 127.0.0.1:1"),
        ("-dev=true -root D", "host --dev=true --root D"),
        ("-pub_cert=a=b", "host --pub-cert=a=b"),
        ("-conf F -bogus=1", "host --conf F --bogus=1"),
        ("host -tags=a --slots 2", "host --tags=a --slots 2"),
        ("host reload", "host reload"),
        ("host -h", "host -h"),
    ],
)
def test_flags_of_the_original_are_those_of_floe_host(original: str, today: str) -> None:
    assert modern(original.split()) == today.split()


@pytest.mark.parametrize(
    "line", ["", "--help", "-h", "--version", "run F -d a=b", "trigger -tags=a"]
)
def test_other_command_lines_stay_as_they_are(line: str) -> None:
    assert modern(line.split()) == line.split()
