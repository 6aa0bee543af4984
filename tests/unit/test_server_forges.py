"""The deliveries of each forge, with bodies shaped as in its documentation."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from multidict import CIMultiDict

from floe.host.pushes import HookDelivery, Push
from floe.model.errors import Yours
from floe.model.secret import Secret
from floe.server.forges import (
    delivery_of,
    event_of,
    forge_of,
    is_proven,
    proof_of,
)
from tests.make_webhooks import SECRET, headers_of, stored_body

KEY = Secret(SECRET)
TITLE = "Fix the build"
FILES = frozenset({"docs/start.md", "src/old.py", "src/app.py"})

HEADERS = {
    forge: {k: v for k, v in headers_of(forge, b"", "d-1").items() if "Sig" not in k}
    for forge in ("github", "gitlab", "gitea", "bitbucket")
}


def delivered(name: str, **headers: str) -> HookDelivery:
    """The delivery of a stored body, with the headers of its forge."""
    given = CIMultiDict({**HEADERS[name.partition("-")[0]], **headers})
    return delivery_of(forge_of(given), given, stored_body(name))


def mac(body: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(SECRET.encode(), body, getattr(hashlib, algorithm)).hexdigest()


def is_accepted(headers: dict[str, str], body: bytes = b"{}") -> bool:
    given = CIMultiDict(headers)
    forge = forge_of(given)
    proof = proof_of(forge, given)
    return bool(proof) and is_proven(forge, proof, body, KEY)


@pytest.mark.parametrize(
    ("name", "hash", "url"),
    [
        (
            "github-push",
            "d6fde92930d4715a2b49857d24b940956b26d2d3",
            "https://github.com/octo/app.git",
        ),
        (
            "gitlab-push",
            "da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
            "https://gitlab.example.com/team/app.git",
        ),
        (
            "gitea-push",
            "bffeb74224043ba2feb48d137756c8a9331c449a",
            "https://gitea.example.com/team/app.git",
        ),
    ],
)
def test_push_names_branch_commit_repository_subject_and_files(
    name: str, hash: str, url: str
) -> None:
    delivery = delivered(name)

    assert (delivery.id, delivery.event) == ("d-1", "push")
    assert delivery.pushes == (
        Push(ref="refs/heads/release/2", hash=hash, url=url, subject=TITLE, paths=FILES),
    )


def test_bitbucket_push_names_no_files() -> None:
    assert delivered("bitbucket-push").pushes == (
        Push(
            ref="refs/heads/release/2",
            hash="709d658dc5b6d6afcd46049c2f332ee3f515a67d",
            url="https://bitbucket.org/team/app.git",
            subject=TITLE,
            paths_unknown="Bitbucket names no files",
        ),
    )


def test_bitbucket_push_of_several_refs_is_several_pushes() -> None:
    pushes = delivered("bitbucket-several").pushes

    assert [(p.branch, p.tag, p.is_deleted) for p in pushes] == [
        ("topic", "", True),
        ("", "v1.0", False),
        ("main", "", False),
    ]


@pytest.mark.parametrize("name", ["github-tag", "gitlab-tag"])
def test_tag_has_its_commit_and_not_the_object_of_the_tag(name: str) -> None:
    (push,) = delivered(name).pushes

    assert (push.branch, push.tag) == ("", "v1.0")
    assert push.hash in (
        "d6fde92930d4715a2b49857d24b940956b26d2d3",
        "da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
    )


@pytest.mark.parametrize("name", ["github-deleted", "gitlab-deleted"])
def test_deleted_branch_has_no_commit(name: str) -> None:
    (push,) = delivered(name).pushes

    assert (push.branch, push.hash, push.is_deleted) == ("topic", "", True)


@pytest.mark.parametrize(
    ("headers", "event"),
    [
        ({"X-GitHub-Event": "pull_request"}, "pull_request"),
        ({"X-Gitlab-Event": "Tag Push Hook"}, "push"),
        ({"X-Gitlab-Event": "Merge Request Hook"}, "merge_request"),
        ({"X-Forgejo-Event": "push", "X-GitHub-Event": "push"}, "push"),
        ({"X-Event-Key": "repo:push"}, "push"),
        ({"X-Event-Key": "pullrequest:created"}, "pullrequest:created"),
        ({}, ""),
    ],
    ids=str,
)
def test_event_is_named_as_in_events(headers: dict[str, str], event: str) -> None:
    given = CIMultiDict(headers)

    assert event_of(forge_of(given), given) == event


def test_body_of_another_event_is_no_push() -> None:
    assert delivered("github-push", **{"X-GitHub-Event": "pull_request"}).pushes == ()


def test_form_encoded_payload_is_the_json_in_it() -> None:
    body = urlencode({"payload": stored_body("github-push").decode()}).encode()
    headers = CIMultiDict(
        {**HEADERS["github"], "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    )

    assert delivery_of(forge_of(headers), headers, body) == delivered("github-push")


@pytest.mark.parametrize("body", [b"other=1", b"payload=", b"\xff", b"&" * 100, b""])
def test_form_without_a_payload_is_text(body: bytes) -> None:
    headers = CIMultiDict(
        {**HEADERS["github"], "Content-Type": "application/x-www-form-urlencoded"}
    )

    delivery = delivery_of(forge_of(headers), headers, body)

    assert (delivery.body, delivery.pushes) == (body.decode(errors="replace"), ())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"commits": []}, "the body names no commits"),
        ({"total_commits": 30}, "the body names only 2 commits"),
        (
            {"commits": [{"added": [f"f{i}" for i in range(3000)]}]},
            "the body names at most 3000 files of a commit",
        ),
        ({"commits": [{"added": ["a"]}] * 2048}, "the body names only 2048 commits"),
    ],
    ids=["none", "gitea", "files", "commits"],
)
def test_body_at_a_limit_of_its_forge_does_not_name_all_files(
    change: dict[str, Any], why: str
) -> None:
    body = json.dumps({**json.loads(stored_body("github-push")), **change}).encode()
    headers = CIMultiDict(HEADERS["github"])

    (push,) = delivery_of(forge_of(headers), headers, body).pushes

    assert push.paths_unknown == why


def test_gitlab_names_at_most_twenty_commits() -> None:
    body = json.dumps(
        {**json.loads(stored_body("gitlab-push")), "total_commits_count": 21}
    ).encode()
    headers = CIMultiDict(HEADERS["gitlab"])

    (push,) = delivery_of(forge_of(headers), headers, body).pushes

    assert push.paths_unknown == "the body names only 2 of 21 commits"


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"ref": 1},
        {"ref": "refs/heads/"},
        {"ref": "main"},
        {"ref": "refs/heads/" + "x" * 2000},
        {"ref": ["refs/heads/main"]},
    ],
    ids=lambda shape: str(shape)[:40],
)
def test_body_without_a_branch_or_tag_is_no_push(shape: dict[str, Any]) -> None:
    headers = CIMultiDict(HEADERS["github"])

    assert delivery_of(forge_of(headers), headers, json.dumps(shape).encode()).pushes == ()


def test_commit_that_is_no_hash_is_left_out() -> None:
    body = json.dumps({"ref": "refs/heads/main", "after": "--upload-pack=x", "commits": [1]})
    headers = CIMultiDict(HEADERS["github"])

    (push,) = delivery_of(forge_of(headers), headers, body.encode()).pushes

    assert (push.hash, push.is_deleted) == ("", False)


@pytest.mark.parametrize("name", ["X-Hub-Signature-256", "X-Floe-Signature-256"])
def test_signature_of_github_and_of_floes_own_header_is_right(name: str) -> None:
    assert is_accepted({name: f"sha256={mac(b'{}')}"})


def test_each_forge_proves_itself_in_its_own_header() -> None:
    signature = mac(b"{}")

    assert is_accepted({"X-Gitea-Event": "push", "X-Gitea-Signature": signature})
    assert is_accepted({"X-Forgejo-Event": "push", "X-Forgejo-Signature": signature})
    assert is_accepted({"X-Event-Key": "repo:push", "X-Hub-Signature": f"sha256={signature}"})
    assert is_accepted({"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SECRET})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": mac(b"{}")},
        {"X-Hub-Signature-256": "sha256=" + mac(b"{ }")},
        {"X-Hub-Signature": "sha1=" + mac(b"{}", "sha1")},
        {"X-Gitlab-Token": SECRET},
        {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": "guessed"},
        {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": ""},
        {"X-Gitlab-Event": "Push Hook", "X-Hub-Signature-256": "sha256=" + mac(b"{}")},
        {"X-Gitea-Event": "push", "X-Gitea-Signature": SECRET},
        {"X-Event-Key": "repo:push", "X-Hub-Signature": mac(b"{}")},
    ],
    ids=str,
)
def test_wrong_proof_is_refused(headers: dict[str, str]) -> None:
    assert not is_accepted(headers)


def test_gitlab_without_an_idempotency_key_is_known_by_event_and_commit() -> None:
    headers = CIMultiDict({"X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": "u-1"})
    read = [
        delivery_of(forge_of(headers), headers, stored_body(name)).id
        for name in ("gitlab-push", "gitlab-push", "gitlab-tag")
    ]

    assert read[0] == read[1] != read[2]


@pytest.mark.parametrize("id", ["", "x" * 201, "é"])
def test_delivery_needs_an_id(id: str) -> None:
    headers = CIMultiDict({"X-GitHub-Event": "push", "X-GitHub-Delivery": id})

    with pytest.raises(Yours, match="a delivery id is needed"):
        delivery_of(forge_of(headers), headers, b"{}")
