"""The pack `Forge`: statuses of commits, and comments, at GitHub, GitLab, Gitea or Forgejo."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from floe.packs.connections import Unanswered, in_thread
from floe.packs.events import Event
from floe.packs.pack import Pack
from floe.packs.shipped.configuration import SECRET, WrongSetting, configured, start, url
from floe.packs.shipped.forge_spellings import SPELLINGS, CommentInput, StatusInput
from floe.packs.shipped.outgoing import WebAnswer, WebRequest, ask_again

APIS: Final = {"github": "https://api.github.com", "gitlab": "https://gitlab.com/api/v4"}
AGAIN: Final = (429, 500, 502, 503, 504)
SHOWN: Final = ("repository", "commit", "state", "context")
COMMENT_MAX: Final = 60_000
REPOSITORY: Final = re.compile(r"[\w.-]+(/[\w.-]+)+")
COMMIT: Final = re.compile(r"[0-9a-fA-F]{7,64}")


@dataclass(frozen=True)
class ForgeSettings:
    """Settings of the pack, by variables that begin with FORGE_, or by FORGE_CONFIG."""

    kind: Literal["github", "gitlab", "gitea"] = "github"
    """Forgejo is `gitea`."""
    api: str = ""
    """The root of the API; that of github.com or gitlab.com by default."""
    token: str = field(default="", repr=False, metadata=SECRET)
    repositories: list[str] = field(default_factory=list)
    """Repositories that an input may name: `owner/name`, `owner/*`; none for all."""
    timeout_s: float = 10
    """The longest time of a request, of which there may be several."""


class NotDone(Exception):
    """A request that the forge refused, or did not answer."""


class ForgeClient:
    """The API of a forge."""

    def __init__(self, settings: ForgeSettings) -> None:
        self._settings, self._spelling = settings, SPELLINGS[settings.kind]
        self._root = url("FORGE_API", settings.api or APIS.get(settings.kind, ""))
        self._orders: dict[str, tuple[asyncio.Lock, int]] = {}

    async def set_status(self, given: StatusInput) -> None:
        """Set a status, after those of the same name that began before. Raises NotDone."""
        self._check(given.repository)
        if not COMMIT.fullmatch(given.commit):
            raise NotDone(f"{given.commit[:80]!r} is no commit")
        path, body = self._spelling.status(given, self._spelling.states[given.state])
        body = {name: value for name, value in body.items() if value}
        async with self._in_order(f"{path} {given.context}"):
            answer = await in_thread(lambda: self._ask(path, body, is_repeatable=True))
            # GitLab refuses a state that the status has already.
            if answer.status != 400 or f"from :{body['state']} ".encode() not in answer.body:
                _check_answer(answer)

    async def comment(self, given: CommentInput) -> int:
        """Add a comment; its number. Raises NotDone."""
        self._check(given.repository)
        if not given.body.strip():
            raise NotDone("the comment is empty")
        path = self._spelling.comment(given)
        answer = await in_thread(
            lambda: self._ask(path, {"body": given.body[:COMMENT_MAX]}, is_repeatable=False)
        )
        _check_answer(answer)
        try:
            return int(json.loads(answer.body)["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise NotDone("the answer of the forge has no number of the comment") from error

    def _ask(self, path: str, body: Mapping[str, Any], *, is_repeatable: bool) -> WebAnswer:
        """Raises NotDone: there is no answer."""
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "floe",
            **(self._spelling.authorization(self._settings.token) if self._settings.token else {}),
        }
        sent = json.dumps(body).encode()
        request = WebRequest("POST", self._root + path, headers, sent, self._settings.timeout_s)
        try:
            return ask_again(
                request,
                lambda answer: is_repeatable if answer is None else _is_open(answer),
            )
        except Unanswered as fault:
            raise NotDone(str(fault)) from fault

    def _check(self, repository: str) -> None:
        if not REPOSITORY.fullmatch(repository) or ".." in repository.split("/"):
            raise NotDone(f"{repository[:80]!r} is no repository such as owner/name")
        allowed = self._settings.repositories
        if allowed and not any(_is_repository(repository, one) for one in allowed):
            raise NotDone(f"{repository} is none of FORGE_REPOSITORIES")

    @asynccontextmanager
    async def _in_order(self, key: str) -> AsyncIterator[None]:
        """One after the other by key: else a slow `pending` may follow a `success`."""
        lock, count = self._orders.get(key, (asyncio.Lock(), 0))
        self._orders[key] = lock, count + 1
        try:
            async with lock:
                yield
        finally:
            lock, count = self._orders[key]
            if count == 1:
                del self._orders[key]
            else:
                self._orders[key] = lock, count - 1


def forge_pack(environment: Mapping[str, str] = os.environ) -> Pack:
    """The pack, with the settings of an environment. Raises WrongSetting."""
    settings = configured(ForgeSettings, "FORGE", environment)
    if not settings.token:
        raise WrongSetting("set FORGE_TOKEN to a token of the forge")
    if settings.kind == "gitea" and not settings.api:
        raise WrongSetting("set FORGE_API, such as https://git.example.org/api/v1")
    pack, forge = Pack(environment.get("PACK_NAME", "") or "Forge"), ForgeClient(settings)

    @pack.command("SetStatus", "StatusSet", "SetStatusFailed", if_interrupted="repeat")
    async def set_status(given: StatusInput) -> Event:
        shown = {
            name: getattr(given, name) for name in ("repository", "commit", "state", "context")
        }
        try:
            await forge.set_status(given)
        except NotDone as error:
            return Event("SetStatusFailed", {**shown, "error": str(error)})
        return Event("StatusSet", shown)

    @pack.command("Comment", "Commented", "CommentFailed")
    async def comment(given: CommentInput) -> Event:
        shown = {"repository": given.repository, "number": given.number}
        try:
            return Event("Commented", {**shown, "id": await forge.comment(given)})
        except NotDone as error:
            return Event("CommentFailed", {**shown, "error": str(error)})

    return pack


def main() -> None:
    """Run the pack until it is stopped."""
    start(forge_pack)


def _is_repository(repository: str, allowed: str) -> bool:
    if allowed.endswith("/*"):
        return repository.startswith(allowed[:-1])
    return repository == allowed


def _is_open(answer: WebAnswer) -> bool:
    """Whether a later answer may be better: also where the forge does not know a new commit yet."""
    is_limited = answer.status == 403 and "retry-after" in answer.headers
    is_new = answer.status == 422 and b"No commit found" in answer.body
    return answer.status in AGAIN or is_limited or is_new


def _check_answer(answer: WebAnswer) -> None:
    if answer.status not in (200, 201):
        text = answer.body[:300].decode(errors="replace").strip()
        raise NotDone(f"the forge answered {answer.status}: {text}")


if __name__ == "__main__":
    main()
