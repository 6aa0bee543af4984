"""The pack for git forges: what it sends to each kind, in which order, and how often."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from floe.packs import Event
from floe.packs.shipped.configuration import WrongSetting
from floe.packs.shipped.forge import forge_pack
from floe.packs.testing import MemoryServer
from tests.make_forge import TOKEN, GitForge, a_forge

pytestmark = pytest.mark.slow

COMMIT: Final = "9049f1265b7d61be4a8904a9a27120d2064dab3b"
STATUS: Final = {"repository": "ada/web", "commit": COMMIT, "state": "success", "context": "ci"}
COMMENT: Final = {"repository": "ada/web", "number": 7, "body": "built"}


class Desk:
    """The pack, and a forge that it reports to."""

    def __init__(self, server: MemoryServer, forge: GitForge) -> None:
        self.server, self.forge = server, forge

    def status(self, **changes: Any) -> Event:
        return self.server.carry_out("SetStatus", {**STATUS, **changes})

    def comment(self, **changes: Any) -> Event:
        return self.server.carry_out("Comment", {**COMMENT, **changes})


@contextmanager
def a_desk(**environment: str) -> Iterator[Desk]:
    with a_forge() as forge, MemoryServer() as server:
        usual = {"FORGE_API": f"{forge.url}/", "FORGE_TOKEN": TOKEN}
        with forge_pack({**usual, **environment}).in_background(server.settings()):
            yield Desk(server, forge)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as desk:
        yield desk


@pytest.mark.parametrize("kind", ["github", "gitea"])
def test_status_of_a_commit_is_set(kind: str) -> None:
    with a_desk(FORGE_KIND=kind) as desk:
        done = desk.status(description="d" * 200, url="https://ci/1")
        [(path, body)] = desk.forge.took

    assert done == Event("StatusSet", STATUS)
    assert path == f"/repos/ada/web/statuses/{COMMIT}"
    page = {"target_url": "https://ci/1", "description": "d" * 140}
    assert body == {"state": "success", "context": "ci", **page}


@pytest.mark.parametrize(
    ("state", "spelled"),
    [("pending", "pending"), ("running", "running"), ("failure", "failed"), ("error", "failed")],
)
def test_status_is_spelled_as_gitlab_does(state: str, spelled: str) -> None:
    with a_desk(FORGE_KIND="gitlab") as desk:
        done = desk.status(state=state, repository="ada/group/web")
        [(path, body)] = desk.forge.took

    assert done.payload["state"] == state
    assert path == f"/projects/ada%2Fgroup%2Fweb/statuses/{COMMIT}"
    assert body == {"state": spelled, "name": "ci"}


@pytest.mark.parametrize(
    ("kind", "on", "path"),
    [
        ("github", "request", "/repos/ada/web/issues/7/comments"),
        ("gitea", "issue", "/repos/ada/web/issues/7/comments"),
        ("gitlab", "request", "/projects/ada%2Fweb/merge_requests/7/notes"),
        ("gitlab", "issue", "/projects/ada%2Fweb/issues/7/notes"),
    ],
)
def test_comment_is_added(kind: str, on: str, path: str) -> None:
    with a_desk(FORGE_KIND=kind) as desk:
        done = desk.comment(on=on, number="7.000000")

        assert done == Event("Commented", {"repository": "ada/web", "number": 7, "id": 101})
        assert desk.forge.took == [(path, {"body": "built"})]


@pytest.mark.parametrize(
    "fault",
    [
        (500, {}, {}),
        (502, {}, "<html>"),
        (503, {"Retry-After": "0"}, {}),
        (429, {"Retry-After": "0"}, {}),
        (403, {"Retry-After": "0"}, {"message": "You have exceeded a secondary rate limit"}),
        (422, {}, {"message": "No commit found for SHA: 9049f12"}),
        (0, {}, None),
    ],
)
def test_status_is_set_again_after_a_fault_that_passes(desk: Desk, fault: Any) -> None:
    desk.forge.faults.append(fault)

    assert (desk.status().name, desk.forge.requests) == ("StatusSet", 2)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "Not Found"),
        (401, "Bad credentials"),
        (403, "Resource not accessible"),
        (422, "This SHA and context has reached the maximum number of statuses."),
    ],
)
def test_fault_that_stays_is_an_event_at_once(desk: Desk, status: int, message: str) -> None:
    desk.forge.faults.append((status, {}, {"message": message}))

    failed = desk.status()

    assert (failed.name, desk.forge.requests) == ("SetStatusFailed", 1)
    assert failed.payload["error"] == f'the forge answered {status}: {{"message": "{message}"}}'
    assert TOKEN not in repr(failed)


def test_comment_without_an_answer_is_not_sent_again(desk: Desk) -> None:
    desk.forge.faults.append((0, {}, None))

    assert (desk.comment().name, desk.forge.requests) == ("CommentFailed", 1)


def test_state_that_gitlab_has_already_is_set() -> None:
    with a_desk(FORGE_KIND="gitlab") as desk:
        same = "Cannot transition status via :run from :running (Reason(s): Status cannot)"
        other = "Cannot transition status via :enqueue from :running (Reason(s): Status cannot)"
        desk.forge.faults += [(400, {}, {"message": same}), (400, {}, {"message": other})]

        names = [desk.status(state="running").name, desk.status(state="pending").name]

    assert names == ["StatusSet", "SetStatusFailed"]


def test_states_of_one_status_arrive_in_the_order_of_their_actions(desk: Desk) -> None:
    desk.forge.hold.clear()
    first = desk.server.offer("SetStatus", {**STATUS, "state": "pending"})
    desk.server.wait_for(lambda: taken(desk.server) == 1, "the first action")
    second = desk.server.offer("SetStatus", STATUS)
    desk.server.wait_for(lambda: taken(desk.server) == 2, "the second action")
    other = desk.server.carry_out("SetStatus", {**STATUS, "context": "docs", "state": "error"})
    desk.forge.hold.set()

    ends = [desk.server.result(action).name for action in (first, second)]

    assert (other.name, ends) == ("StatusSet", ["StatusSet"] * 2)
    assert desk.forge.states() == ["error", "pending", "success"]


def taken(server: MemoryServer) -> int:
    return sum(one.path.endswith("/take") and one.status == 200 for one in server.requests)


@pytest.mark.parametrize(
    "changes",
    [
        {"repository": "web"},
        {"repository": "../../admin/x"},
        {"repository": "ada/web/../../user"},
        {"repository": "ada/web?x"},
        {"repository": "ada/web#"},
        {"repository": "ada/we b"},
        {"commit": "main"},
        {"commit": f"{COMMIT}/../x"},
        {"commit": "abc"},
        {"state": "great"},
    ],
)
def test_input_that_would_be_a_different_request_is_refused(
    desk: Desk, changes: dict[str, str]
) -> None:
    assert (desk.status(**changes).name != "StatusSet", desk.forge.requests) == (True, 0)


def test_only_repositories_of_the_settings_are_allowed() -> None:
    with a_desk(FORGE_REPOSITORIES="ada/web, team/*") as desk:
        names = [
            desk.status(repository=one).name
            for one in ("ada/web", "team/x", "ada/other", "teams/x", "ada/web2")
        ]

    assert names == ["StatusSet"] * 2 + ["SetStatusFailed"] * 3


@pytest.mark.parametrize(
    ("environment", "wrong"),
    [
        ({}, "set FORGE_TOKEN"),
        ({"FORGE_TOKEN": "x", "FORGE_KIND": "gitea"}, "set FORGE_API"),
        ({"FORGE_TOKEN": "x", "FORGE_KIND": "svn"}, "not one of github, gitlab, gitea"),
        ({"FORGE_TOKEN": "@/no/file"}, "/no/file: No such file"),
    ],
)
def test_wrong_setting_is_refused_at_the_start(environment: dict[str, str], wrong: str) -> None:
    with pytest.raises(WrongSetting, match=wrong):
        forge_pack(environment)
