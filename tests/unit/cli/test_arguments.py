"""Names on a command line are checked before a host is asked."""

import click
import pytest

from floe.cli.arguments import FLOW, NODE, PLACE, RUN, START, NameArgument


@pytest.mark.parametrize(
    ("kind", "text", "name"),
    [
        (RUN, "h1-12", "h1-12"),
        (RUN, "h1-12@k3f9", "h1-12@k3f9"),
        (FLOW, "build", "build"),
        (FLOW, "build@2", "build@2"),
        (NODE, "task.build", "build"),
        (NODE, "merge.all", "all"),
        (NODE, "build", "build"),
        (PLACE, "build", "build"),
        (PLACE, "task.build[7]", "build[7]"),
    ],
)
def test_name_is_taken(kind: NameArgument, text: str, name: str) -> None:
    assert kind.convert(text, None, None) == name


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (PLACE, "build[x]"),
        (PLACE, "build[7"),
        (RUN, "../x"),
        (RUN, "h1"),
        (RUN, ""),
        (RUN, "h1-1/why"),
        (FLOW, "../x"),
        (FLOW, "build@x"),
        (FLOW, "Build"),
        (NODE, "a/b"),
        (NODE, "task."),
    ],
)
def test_what_is_no_name_is_refused(kind: NameArgument, text: str) -> None:
    with pytest.raises(click.BadParameter, match=f"is not a {kind.name}"):
        kind.convert(text, None, None)


def test_item_to_start_again_from_is_refused_with_its_node() -> None:
    with pytest.raises(click.BadParameter, match="--from each for all items, or --failed"):
        START.convert("each[1]", None, None)
