"""How forges spell the requests of the pack `Forge`, and what their inputs are.

Source: the public REST APIs of GitHub ("Commit statuses", "Issue comments"), of Gitea, which are
those of GitHub, and of GitLab ("Commit status", "Notes").
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote

State = Literal["pending", "running", "success", "failure", "error"]

DESCRIPTION_MAX: Final = 140
"""The longest description that GitHub takes; the others take more."""


@dataclass(frozen=True)
class StatusInput:
    """The input of SetStatus."""

    repository: str
    """`owner/name`"""
    commit: str
    state: State
    context: str = "floe"
    """The name of the status: a commit has one of each."""
    description: str = ""
    url: str = ""
    """The page about it."""


@dataclass(frozen=True)
class CommentInput:
    """The input of Comment."""

    repository: str
    number: int
    """Of the pull or merge request, or of the issue."""
    body: str
    on: Literal["request", "issue"] = "request"
    """Which of both; GitLab counts them apart."""


@dataclass(frozen=True)
class Spelling:
    """How a forge spells what the pack does."""

    authorization: Callable[[str], dict[str, str]]
    states: Mapping[State, str]
    status: Callable[[StatusInput, str], tuple[str, dict[str, Any]]]
    """Path and body."""
    comment: Callable[[CommentInput], str]
    """The path."""


def _github_status(given: StatusInput, state: str) -> tuple[str, dict[str, Any]]:
    body = {"state": state, "context": given.context, "target_url": given.url}
    description = given.description[:DESCRIPTION_MAX]
    path = f"/repos/{given.repository}/statuses/{given.commit}"
    return path, {**body, "description": description}


def _gitlab_status(given: StatusInput, state: str) -> tuple[str, dict[str, Any]]:
    body = {"state": state, "name": given.context, "target_url": given.url}
    path = f"/projects/{quote(given.repository, safe='')}/statuses/{given.commit}"
    return path, {**body, "description": given.description[:DESCRIPTION_MAX]}


def _gitlab_comment(given: CommentInput) -> str:
    kind = "merge_requests" if given.on == "request" else "issues"
    return f"/projects/{quote(given.repository, safe='')}/{kind}/{given.number}/notes"


GITHUB: Final = Spelling(
    authorization=lambda token: {"Authorization": f"Bearer {token}"},
    states={
        "pending": "pending",
        "running": "pending",
        "success": "success",
        "failure": "failure",
        "error": "error",
    },
    status=_github_status,
    comment=lambda given: f"/repos/{given.repository}/issues/{given.number}/comments",
)
SPELLINGS: Final = {
    "github": GITHUB,
    "gitea": Spelling(
        authorization=lambda token: {"Authorization": f"token {token}"},
        states=GITHUB.states,
        status=GITHUB.status,
        comment=GITHUB.comment,
    ),
    "gitlab": Spelling(
        authorization=lambda token: {"PRIVATE-TOKEN": token},
        states={
            "pending": "pending",
            "running": "running",
            "success": "success",
            "failure": "failed",
            "error": "failed",
        },
        status=_gitlab_status,
        comment=_gitlab_comment,
    ),
}
