"""What git lists of a remote is read line by line."""

import pytest

from floe.nodes.refs import parsed_refs

HASH = "a" * 40


@pytest.mark.parametrize("char", ["\u2028", "\u2029", "\x85"])
def test_ref_whose_name_holds_a_separator_of_lines_is_one_ref(char: str) -> None:
    name = f"refs/heads/a{char}b"

    assert parsed_refs(f"{HASH}\t{name}\n{HASH}\trefs/heads/main\n") == {
        name: HASH,
        "refs/heads/main": HASH,
    }
