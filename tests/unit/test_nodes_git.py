"""The environment that git gets, and the folders that repositories get."""

import pytest

from floe.nodes.git import git_environment
from floe.repository.task import is_allowed


@pytest.mark.parametrize(
    "name",
    [
        "GIT_WORK_TREE",
        "GIT_DIR",
        "GIT_COMMON_DIR",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_PARAMETERS",
        "GIT_CONFIG_COUNT",
        "GIT_TEMPLATE_DIR",
        "GIT_EXEC_PATH",
        "GIT_EXTERNAL_DIFF",
        "GIT_NAMESPACE",
        "GIT_TRACE",
        "GIT_SSH",
    ],
)
def test_git_takes_no_orders_from_the_environment_of_a_flow(name: str) -> None:
    assert name not in git_environment({"PATH": "/bin", name: "/elsewhere"}, "")


def test_git_keeps_what_describes_how_to_reach_a_server() -> None:
    given = {"HOME": "/h", "https_proxy": "p", "GIT_SSL_CAINFO": "/ca", "GIT_HTTP_USER_AGENT": "x"}

    assert given.items() <= git_environment(given, "").items()


def test_git_never_asks_whatever_the_flow_has() -> None:
    env = git_environment({"GIT_ASKPASS": "echo", "GIT_TERMINAL_PROMPT": "1"}, "")

    assert (env["GIT_ASKPASS"], env["GIT_TERMINAL_PROMPT"]) == ("false", "0")


def test_an_ssh_command_is_kept_and_completed() -> None:
    env = git_environment({"GIT_SSH_COMMAND": "ssh -v"}, "/k e y")

    expected = "ssh -v -o BatchMode=yes -o IdentitiesOnly=yes -i '/k e y'"
    assert env["GIT_SSH_COMMAND"] == expected


def test_a_value_in_an_ssh_command_is_left_to_its_shell() -> None:
    expanded = {"GIT_SSH_COMMAND": "ssh -i ;touch pwned", "FLOE_IN_KEY": ";touch pwned"}

    env = git_environment(expanded, "", ['GIT_SSH_COMMAND=ssh -i "$FLOE_IN_KEY"'])

    assert env["GIT_SSH_COMMAND"] == 'ssh -i "$FLOE_IN_KEY" -o BatchMode=yes'


@pytest.mark.parametrize("url", ["ext::sh -c x", "fd::3", "-x", "--upload-pack=x", ""])
def test_a_url_that_is_an_option_or_names_a_helper_is_not_allowed(url: str) -> None:
    assert not is_allowed(url)


@pytest.mark.parametrize(
    "url", ["ssh://git@[::1]:22/r.git", "http://[fe80::1]/r", "file:///x/a::b.git", "h:r.git", "/x"]
)
def test_a_url_with_colons_elsewhere_is_allowed(url: str) -> None:
    assert is_allowed(url)
