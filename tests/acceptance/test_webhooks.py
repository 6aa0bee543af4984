"""Forges deliver pushes to a real host: each is built, or has a reason why it is not."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.acceptance.people import floe, hosted, runs, said
from tests.acceptance.product import Host
from tests.integration.gits import Repository
from tests.make_webhooks import SECRET, headers_of, stored_body

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

BUILD = """
flows:
  - name: build
    triggers:
      - name: pushed
        type: push
        opts: {{secret: '@$HERE/secret', url: '{url}', branches: ['release/*']}}
    tasks:
      - {{name: checkout, type: git-checkout, listen: trigger.good}}
      - name: show
        type: exec
        listen: task.checkout.good
        opts: {{shell: 'git -C app rev-parse HEAD; echo "$FLOE_IN_BRANCH"; cat app/a.txt'}}
      - {{name: done, type: end, listen: task.show.good}}
"""


class Forge:
    """A repository that moves on, and a host that is delivered what was pushed to it."""

    def __init__(self, host: Host, repository: Repository) -> None:
        self.host = host
        self.repository = repository

    def deliver(self, forge: str, name: str, hash: str, id: str, *, is_form: bool = False) -> Any:
        """Deliver a stored body of a forge, with a commit of the repository in it."""
        shape = stored_body(f"{forge}-{name}").decode()
        pushed = {
            "github": "d6fde92930d4715a2b49857d24b940956b26d2d3",
            "gitlab": "da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
            "gitea": "bffeb74224043ba2feb48d137756c8a9331c449a",
            "bitbucket": "709d658dc5b6d6afcd46049c2f332ee3f515a67d",
        }[forge]
        body = shape.replace(pushed, hash).encode()
        kind = "application/json"
        if is_form:
            body = urlencode({"payload": body.decode()}).encode()
            kind = "application/x-www-form-urlencoded"
        request = urllib.request.Request(
            f"http://{self.host.address}/build/api/push/build/pushed",
            data=body,
            headers={**headers_of(forge, body, id), "Content-Type": kind},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def shown(self, run: str) -> list[str]:
        """The commit that a run checked out, its branch, and a file of it."""
        over = self.host.until_over(run)
        assert over["good"], over["why"]
        return self.host.output(run, "show").decode().splitlines()


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    folder = tmp_path_factory.mktemp("forge")
    (folder / "secret").write_text(SECRET + "\n")
    repository = Repository(folder / "app")
    repository.commit(a_txt="first")
    with hosted(folder / "host", BUILD.format(url=repository.url)) as host:
        (host.folder / "secret").write_text(SECRET + "\n")
        yield Forge(host, repository)


@pytest.mark.parametrize("name", ["github", "gitlab", "gitea", "bitbucket"])
def test_pushed_commit_is_checked_out_after_its_branch_moved_on(forge: Forge, name: str) -> None:
    forge.repository.branch("release/2")
    pushed = forge.repository.commit(a_txt=f"pushed to {name}")
    forge.repository.commit(a_txt="later")

    first = forge.deliver(name, "push", pushed, f"{name}-1")
    again = forge.deliver(name, "push", pushed, f"{name}-1")

    assert forge.shown(first["run"]) == [pushed, "release/2", f"pushed to {name}"]
    assert again["run"] == first["run"]
    title = f"release/2 · {pushed[:7]} · Fix the build"
    assert forge.host.show(first["run"])["title"] == title


def test_form_encoded_push_is_built_too(forge: Forge) -> None:
    pushed = forge.repository.commit(a_txt="as a form")

    run = forge.deliver("github", "push", pushed, "form-1", is_form=True)["run"]

    assert forge.shown(run)[0] == pushed


def test_push_that_was_passed_over_is_explained_also_after_a_restart(forge: Forge) -> None:
    before = len(runs(forge.host, "build"))
    why = "the tag v1.0 is left out: the trigger has `branches` and no `tags`"

    answer = forge.deliver("github", "tag", "0" * 39 + "1", "tag-1")
    forge.host.stop()
    forge.host.start()

    assert answer == {"run": None, "why": why}
    assert len(runs(forge.host, "build")) == before
    listed = floe(forge.host, "flows")
    assert "build@1" in said(listed)
    assert listed.stderr.startswith("build/pushed: passed over ")
    assert listed.stderr.endswith(f": {why}\n")
