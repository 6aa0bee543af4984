"""Work is rendered by the types of its fields."""

from dataclasses import fields, replace
from typing import get_args, get_type_hints

from floe.kernel.render import rendered
from floe.model.template import Text
from floe.model.work import Action, Exec, Fetch, Git
from floe.model.workspace_texts import InWorkspace
from tests.make import WORKSPACE, a_run

AS_WRITTEN = {
    "Call.type",
    "Fetch.checksum",
    "Http.method",
    "Http.url",
    "Http.expect",
    "Http.retry_on",
    "Http.ca_file",
    "Callback.good_when",
    "Notify.url",
    "Notify.text",
    "Notify.subject",
    "Notify.to",
    "Git.hash",
    "Git.ref",
    "Git.branch",
    "Git.from_branch",
    "Ssh.dir",
    "Ssh.host",
    "Ssh.key_file",
    "Ssh.known_hosts",
    "Ssh.shell",
    "Ssh.user",
}
"""Texts of actions that never name the workspace."""


def test_each_text_of_an_action_shows_whether_it_names_the_workspace() -> None:
    silent = set()
    for kind in (*get_args(Action), Git):
        hints = get_type_hints(kind, include_extras=True)
        plain = get_type_hints(kind)
        for field in fields(kind):
            is_text = plain[field.name] in (str, Text, tuple[str, ...])
            is_marked = any(isinstance(mark, InWorkspace) for mark in get_args(hints[field.name]))
            if is_text and not is_marked:
                silent.add(f"{kind.__name__}.{field.name}")

    assert silent == AS_WRITTEN


def test_dot_is_the_workspace_in_arguments_and_not_in_a_shell() -> None:
    command = replace(Exec(), argv=("ls", ".", "./a"), sub_dir="./b")
    script = Exec(shell="ls . {{ws}}")  # noqa: S604 - a field

    done = [rendered(work, a_run(), (), inherits=True) for work in (command, script)]

    assert done[0] == replace(
        command, argv=("ls", WORKSPACE, f"{WORKSPACE}/a"), sub_dir=f"{WORKSPACE}/b"
    )
    assert done[1] == Exec(shell=f"ls . {WORKSPACE}")  # noqa: S604 - a field


def test_work_that_names_no_workspace_stays_the_same() -> None:
    work = Fetch(url="http://a/b", location="c")

    assert rendered(work, a_run(), (), inherits=True) is work
