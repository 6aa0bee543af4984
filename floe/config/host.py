"""One host, told whole."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from floe.config.documents import read_common
from floe.config.flags import Flags, Told, absolute, merged
from floe.dialects.notes import Notes
from floe.dialects.section import Fields
from floe.dialects.vocabulary import (
    BASE_URL,
    COMMANDS,
    COMMON_GRACE,
    COMMON_KEY,
    COMMON_OUTPUT_MAX,
    CONFIG_PATH,
    HOSTS,
    KEEPER,
    PASS_ENV,
    SLOTS,
    STORE_ROOT,
    STORE_TYPE,
    WORKSPACE_ROOT,
)
from floe.model.errors import ConfigInvalid, Finding
from floe.model.refs import HOST, HostId
from floe.model.secret import Secret
from floe.server.settings import Bind, split_address

COMMANDS_PER_CORE: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """One host, told whole. Paths are absolute; nothing named here need exist yet."""

    host_name: HostId
    """Default h1."""
    tags: frozenset[str]
    """What flows' `host-tags` are held against. Default `master`."""
    admin: Secret
    """The administrator's token; empty: the first start makes one."""
    cluster_token: Secret
    """What hosts show one another. Default: `admin`."""
    pub: Bind
    """Default 127.0.0.1:8080."""
    prv: Bind | None
    """A second address for the same routes. Default: none."""
    root: Path
    """Where the host keeps its things. Default `./.floe/<host_name>`."""
    store_root: Path
    """Default: `root`."""
    workspace_root: Path
    """Workspaces are made in its `spaces`. Default: `root`."""
    store_type: Literal["local", "memory"]
    base_url: str
    """Begins with `/` and does not end with it. Default /build/api."""
    config_path: str
    """Where the flows are to be read from instead; empty: they are in this document."""
    hosts: tuple[str, ...]
    """URLs of all hosts, as given."""
    keeper: HostId
    """Default: this host."""
    slots: int
    """Runs active at once. Default 64."""
    commands: int
    """Commands running at once. Default 4 for each core."""
    pass_env: tuple[str, ...]
    """Names of further variables that commands see."""
    key_file: str
    """Private key for git; empty: git's own."""
    grace_s: float
    """Seconds between TERM and KILL. Default 10."""
    output_max: int
    """Bytes that a command may print; 0 for no limit. Default 1 GiB."""
    dev: bool
    """Serve the dashboard from the checkout, uncached."""
    insecure: bool
    """Serve without TLS on an address that others reach."""
    origin: str
    """The document that this came from."""
    text: str = field(repr=False)
    """Its text, flows and all."""
    findings: tuple[Finding, ...] = ()
    """Warnings about `common:` and flags; those about flows come from the dialect."""


def load(flags: Flags, environ: Mapping[str, str], text: str, origin: str) -> HostConfig:
    """Assemble what a host is told. Raises ConfigInvalid with everything that is wrong.

    Flows are not judged here: one bad flow never stops a host.
    """
    notes = Notes(origin)
    common = read_common(text, notes)
    told = Told(merged(flags, environ))
    config = _assemble(told, common, origin, text)
    if not notes.errors:
        _note_other_hosts(config, common, notes)
    findings = (*notes.findings, *told.findings)
    if any(finding.level == "error" for finding in findings):
        raise ConfigInvalid(findings)
    return replace(config, findings=findings)


def _assemble(told: Told, common: Fields, origin: str, text: str) -> HostConfig:
    name = told.matching("host_name", HOST, "h1", "letters, digits and . _ -, at most 63")
    root = told.path("root") or Path(f".floe/{name}").absolute()
    admin = told.secret("admin")
    pub, prv = told.bind("pub", "127.0.0.1:8080"), told.bind("prv", "")
    assert pub is not None  # it has a default
    cores = os.cpu_count() or 1
    return HostConfig(
        host_name=HostId(name),
        tags=told.tags(),
        admin=admin,
        cluster_token=told.secret("cluster_token") or admin,
        pub=pub,
        prv=prv,
        root=root,
        store_root=told.path("root") or absolute(common[STORE_ROOT]) or root,
        workspace_root=told.path("root") or absolute(common[WORKSPACE_ROOT]) or root,
        store_type="memory" if common[STORE_TYPE] == "memory" else "local",
        base_url=common[BASE_URL].rstrip("/"),
        config_path=common[CONFIG_PATH],
        hosts=common[HOSTS],
        keeper=HostId(common[KEEPER] or name),
        slots=told.whole("slots", common[SLOTS]),
        commands=told.whole("commands", common[COMMANDS] or COMMANDS_PER_CORE * cores),
        pass_env=common[PASS_ENV],
        key_file=str(absolute(common[COMMON_KEY]) or ""),
        grace_s=common[COMMON_GRACE],
        output_max=common[COMMON_OUTPUT_MAX],
        dev=told.flag("dev"),
        insecure=told.flag("insecure"),
        origin=origin,
        text=text,
    )


def _note_other_hosts(config: HostConfig, common: Fields, notes: Notes) -> None:
    """Say which hosts will not be contacted, until floe has its cluster."""
    others = [url for url in config.hosts if not _is_self(url, config)]
    if others:
        what = f"other hosts come later, these are not contacted: {', '.join(others)}"
        notes.warning(common.at_of(HOSTS), what)
    if config.keeper != config.host_name:
        what = f"other hosts come later: this host keeps what `{config.keeper}` would"
        notes.warning(common.at_of(KEEPER), what)


def _is_self(url: str, config: HostConfig) -> bool:
    """Whether a URL is one of this host's own addresses, as far as can be seen from it."""
    there = urlsplit(url)
    port = there.port or (443 if there.scheme == "https" else 80)
    for bind in filter(None, (config.pub, config.prv)):
        host, own_port = split_address(bind.address)
        same = there.hostname in (host, "localhost", config.host_name) or not host
        if same and port == own_port:
            return True
    return False
