"""How GitHub, GitLab, Gitea, Forgejo and Bitbucket Cloud deliver events: headers and bodies.

Every difference between them is here, and nothing here does I/O. A sender that is none of them uses
floe's own headers, and GitHub's shape if it wants to name a commit.

Source: GitHub docs, "Webhook events and payloads"; GitLab docs, "Webhook events"; Gitea docs,
"Webhooks"; Bitbucket Cloud docs, "Event payloads".
"""

import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import parse_qs

from floe.host.pushes import BRANCHES, PUSH, TAGS, HookDelivery, Push
from floe.model.errors import Yours
from floe.model.ids import Json
from floe.model.nouns import dataclass
from floe.model.secret import Secret
from floe.server.bodies import parse

Headers = Mapping[str, str]
"""By name, whatever its case, as aiohttp has them."""

PING: Final = "ping"
"""The event with which GitHub tests a new webhook."""

GITHUB_COMMITS_MAX: Final = 2048
"""Commits that GitHub names in one push."""
GITHUB_FILES_MAX: Final = 3000
"""Files that GitHub names in one commit."""

ID_MAX: Final = 200
SUBJECT_MAX: Final = 200
REF_MAX: Final = 1000
URL_MAX: Final = 2000

_HEX: Final = re.compile(r"[0-9a-f]{64}")
_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """Where one kind of sender puts what a delivery needs."""

    event: tuple[str, ...]
    """Headers with the event; the first that is there counts."""
    id: tuple[str, ...]
    """Headers with the id of the delivery."""
    event_of: Callable[[str], str] = str.lower
    """From the header to the name that people write in `events`."""
    pushes: Callable[[Mapping[str, Json]], Iterator[Push]]
    """The refs that the body of a push names."""
    proof: tuple[tuple[str, str], ...]
    """Headers with the HMAC-SHA256 of the body, and what stands before its hexadecimal digits."""
    token: str = ""
    """The header with the secret itself; empty where the body is signed."""


def forge_of(headers: Headers) -> Forge:
    """The forge that sent a request. Gitea sends GitHub's headers too, so GitHub comes last."""
    return next((f for f in FORGES if any(name in headers for name in f.event)), GITHUB)


def proof_of(forge: Forge, headers: Headers) -> str:
    """What proves that a request comes from its forge; empty where it has no such header."""
    if forge.token:
        return headers.get(forge.token, "")
    for name, before in forge.proof:
        text = headers.get(name, "")
        if text.startswith(before) and _HEX.fullmatch(text.removeprefix(before)):
            return text.removeprefix(before)
    return ""


def is_proven(forge: Forge, proof: str, body: bytes, secret: Secret) -> bool:
    """Whether a forge's proof fits the secret, and the signed body; in constant time."""
    right = secret.reveal()
    if not forge.token:
        right = hmac.digest(right.encode(), body, "sha256").hex()
    return hmac.compare_digest(right.encode(), proof.encode(errors="replace"))


def event_of(forge: Forge, headers: Headers) -> str:
    """The event that a forge names in a request; empty if it names none."""
    return forge.event_of(_first(headers, forge.event))[:ID_MAX]


def delivery_of(forge: Forge, headers: Headers, body: bytes) -> HookDelivery:
    """The delivery in a forge's request whose proof was right. Raises Yours without an id."""
    shape = _payload(headers.get("Content-Type", ""), body)
    event = event_of(forge, headers)
    has_push = isinstance(shape, Mapping) and event in ("", PUSH)
    pushes = tuple(forge.pushes(shape)) if has_push and isinstance(shape, Mapping) else ()
    return HookDelivery(id=_id(forge, headers, shape), event=event, body=shape, pushes=pushes)


def _id(forge: Forge, headers: Headers, body: Json) -> str:
    id = _first(headers, forge.id)
    if forge is GITLAB and id and "Idempotency-Key" not in headers:
        # Events that a webhook's own effects cause have the UUID of the first one.
        id = f"{id} {_text(body, 'after')} {_text(body, 'ref')}"[:ID_MAX]
    if not id or len(id) > ID_MAX or not id.isascii():
        raise Yours("a delivery id is needed", "send one as X-Floe-Delivery, new for each event")
    return id


def _payload(content_type: str, body: bytes) -> Json:
    """The body as a value: parsed if it is JSON, or JSON in a form field `payload`; else text."""
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        try:
            fields = parse_qs(body.decode(), max_num_fields=8)
        except ValueError:
            fields = {}
        if given := fields.get("payload"):
            body = given[0].encode(errors="replace")
    try:
        return parse(body)
    except Yours:
        return body.decode(errors="replace")


def _first(headers: Headers, names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := headers.get(name))), "")


# --- bodies of pushes ---


def _github(body: Mapping[str, Json]) -> Iterator[Push]:
    """A push of GitHub, Gitea and Forgejo."""
    head = body.get("head_commit")
    commits = _list(body, "commits")
    unknown = ""
    total = body.get("total_commits")  # Gitea's
    if not commits:
        unknown = "the body names no commits"
    elif len(commits) >= GITHUB_COMMITS_MAX or (isinstance(total, int) and total > len(commits)):
        unknown = f"the body names only {len(commits)} commits"
    elif any(len(tuple(_files(commit))) >= GITHUB_FILES_MAX for commit in commits):
        unknown = f"the body names at most {GITHUB_FILES_MAX} files of a commit"
    yield from _push(
        ref=_text(body, "ref"),
        hashes=(_text(head, "id"), _text(body, "after")),  # of an annotated tag: the commit first
        is_deleted=_is_none(_text(body, "after")),
        url=_text(body.get("repository"), "clone_url"),
        message=_text(head, "message"),
        commits=commits,
        unknown=unknown,
    )


def _gitlab(body: Mapping[str, Json]) -> Iterator[Push]:
    commits = _list(body, "commits")
    total = body.get("total_commits_count")
    hashes = _text(body, "checkout_sha"), _text(body, "after")
    newest = next((one for one in commits if _text(one, "id") in hashes), None)
    unknown = ""
    if not commits:
        unknown = "the body names no commits"
    elif isinstance(total, int) and total > len(commits):
        unknown = f"the body names only {len(commits)} of {total} commits"
    yield from _push(
        ref=_text(body, "ref"),
        hashes=hashes,
        is_deleted=_is_none(_text(body, "after")),
        url=_text(body.get("project"), "git_http_url"),
        message=_text(newest, "message") or _text(body, "message"),
        commits=commits,
        unknown=unknown,
    )


def _bitbucket(body: Mapping[str, Json]) -> Iterator[Push]:
    """One push for each ref that changed."""
    links = _under(_under(body.get("repository"), "links"), "html")
    url = _text(links, "href")
    for change in _list(_under(body, "push"), "changes"):
        new = _under(change, "new")
        is_deleted = not isinstance(new, Mapping)
        named = _under(change, "old") if is_deleted else new
        kind = TAGS if "tag" in _text(named, "type") else BRANCHES
        target = _under(new, "target")
        yield from _push(
            ref=kind + _text(named, "name"),
            hashes=(_text(target, "hash"),),
            is_deleted=is_deleted,
            url=f"{url}.git" if url else "",
            message=_text(target, "message"),
            commits=[],
            unknown="Bitbucket names no files",
        )


def _push(
    *,
    ref: str,
    hashes: tuple[str, ...],
    is_deleted: bool,
    url: str,
    message: str,
    commits: list[Json],
    unknown: str,
) -> Iterator[Push]:
    """The push, if it names a branch or a tag."""
    if len(ref) > REF_MAX or not ref.startswith((BRANCHES, TAGS)) or ref in (BRANCHES, TAGS):
        return
    hash = next((h for h in map(str.lower, hashes) if _HASH.fullmatch(h)), "")
    yield Push(
        ref=ref,
        hash="" if is_deleted else hash,
        is_deleted=is_deleted,
        url=url if len(url) <= URL_MAX and url.startswith(("https://", "http://")) else "",
        subject=message.strip().partition("\n")[0].strip()[:SUBJECT_MAX],
        paths=frozenset(path for commit in commits for path in _files(commit)),
        paths_unknown=unknown,
    )


def _is_none(hash: str) -> bool:
    """Whether a commit is the one of a ref that does not exist: all zeros."""
    return bool(hash) and not hash.strip("0")


def _files(commit: Json) -> Iterator[str]:
    for key in ("added", "modified", "removed"):
        yield from (path for path in _list(commit, key) if isinstance(path, str))


def _under(value: Json, key: str) -> Json:
    return value.get(key) if isinstance(value, Mapping) else None


def _text(value: Json, key: str) -> str:
    found = _under(value, key)
    return found if isinstance(found, str) else ""


def _list(value: Json, key: str) -> list[Json]:
    found = _under(value, key)
    return found if isinstance(found, list) else []


# --- the forges ---


def _gitlab_event(name: str) -> str:
    """`Push Hook` is push, as is `Tag Push Hook`; `Merge Request Hook` is merge_request."""
    event = name.lower().removesuffix(" hook").replace(" ", "_")
    return PUSH if event == "tag_push" else event


SIGNED: Final = (("X-Hub-Signature-256", "sha256="), ("X-Floe-Signature-256", "sha256="))

GITLAB: Final = Forge(
    event=("X-Gitlab-Event",),
    id=("Idempotency-Key", "X-Gitlab-Event-UUID"),
    event_of=_gitlab_event,
    pushes=_gitlab,
    proof=(),
    token="X-Gitlab-Token",  # noqa: S106 - the name of a header
)
GITEA: Final = Forge(
    event=("X-Gitea-Event", "X-Forgejo-Event"),
    id=("X-Gitea-Delivery", "X-Forgejo-Delivery"),
    pushes=_github,
    proof=(("X-Gitea-Signature", ""), ("X-Forgejo-Signature", ""), *SIGNED),
)
BITBUCKET: Final = Forge(
    event=("X-Event-Key",),
    id=("X-Request-UUID",),
    event_of=lambda key: key.lower().removeprefix("repo:"),
    pushes=_bitbucket,
    proof=(("X-Hub-Signature", "sha256="),),
)
GITHUB: Final = Forge(
    event=("X-GitHub-Event",),
    id=("X-GitHub-Delivery", "X-Floe-Delivery"),
    pushes=_github,
    proof=SIGNED,
)
FORGES: Final = (GITLAB, GITEA, BITBUCKET, GITHUB)
