"""Deliveries as the forges send them, signed."""

import hmac
from pathlib import Path
from typing import Final

BODIES: Final = Path(__file__).parent / "data" / "forges"
SECRET: Final = "s3cret"


def stored_body(name: str) -> bytes:
    """A stored body: `github-push`, `gitlab-tag` and so on."""
    return (BODIES / f"{name}.json").read_bytes()


def headers_of(forge: str, body: bytes, id: str) -> dict[str, str]:
    """The headers with which a forge delivers the body of a push."""
    mac = hmac.digest(SECRET.encode(), body, "sha256").hex()
    match forge:
        case "gitlab":
            return {
                "X-Gitlab-Event": "Push Hook",
                "X-Gitlab-Event-UUID": f"{id}-event",
                "Idempotency-Key": id,
                "X-Gitlab-Token": SECRET,
            }
        case "gitea":
            return {
                "X-GitHub-Event": "push",
                "X-GitHub-Delivery": f"{id}-other",
                "X-Gitea-Event": "push",
                "X-Gitea-Delivery": id,
                "X-Gitea-Signature": mac,
            }
        case "bitbucket":
            return {
                "X-Event-Key": "repo:push",
                "X-Request-UUID": id,
                "X-Hub-Signature": f"sha256={mac}",
            }
        case _:
            return {
                "X-GitHub-Event": "push",
                "X-GitHub-Delivery": id,
                "X-Hub-Signature-256": f"sha256={mac}",
            }
