"""The administrator's token, which the first start of a host creates."""

import os
import secrets
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog

from floe.config import HostConfig
from floe.config.root import make_root
from floe.model.errors import StoreFailed
from floe.model.secret import Secret

log = structlog.get_logger()

TOKEN_BYTES: Final = 24


def with_tokens(config: HostConfig) -> HostConfig:
    """The config with generated tokens in place of missing ones. Raises StoreFailed."""
    if config.admin:
        return config
    make_root(config.root)
    admin = kept_token(config.root)
    return replace(config, admin=admin, cluster_token=config.cluster_token or admin)


def kept_token(root: Path) -> Secret:
    """The administrator's token of a root; the first start creates one, readable only by its owner.

    Raises StoreFailed if it can be neither read nor created.
    """
    path = token_path(root)
    try:
        token = path.read_text().strip() if path.exists() else ""
        if token:
            with suppress(PermissionError):  # if an operator created it, its mode stays
                path.chmod(0o600)
            log.info("admin.token_found", kept_in=str(path))
        else:
            token = "floe_" + secrets.token_urlsafe(TOKEN_BYTES)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "w") as file:
                file.write(token + "\n")
            log.info("admin.token_made", kept_in=str(path))
    except (OSError, UnicodeDecodeError) as error:
        hint = "choose a different root with -root, or give a token with -admin=@FILE"
        raise StoreFailed(f"{path} can be neither read nor created: {error}", hint) from None
    return Secret(token)


def token_path(root: Path) -> Path:
    """The file with the token that a host created."""
    return root / "admin-token"
