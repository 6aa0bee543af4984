"""The complete settings of one host."""

import dataclasses
import os
import socket
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from floe.config.check import NO_KEEPER
from floe.config.common import read_bucket, read_common, read_smtp
from floe.config.flags import Flags, GivenFlags, absolute, merged
from floe.config.flyte import FlyteSettings, check_bind, flyte_settings, read_flyte
from floe.config.utask import UtaskSettings, check_utask_bind, read_utask
from floe.dialects.floe.notices import NoticeTexts
from floe.dialects.floe.vocabulary import (
    BASE_URL,
    COMMANDS,
    COMMON_BUCKET,
    COMMON_GRACE,
    COMMON_KEEP,
    COMMON_KEY,
    COMMON_ON_END,
    COMMON_OUTPUT_MAX,
    COMMON_SMTP,
    COMMON_STRICT_SHELL,
    CONFIG_PATH,
    EVALUATOR_MEMORY,
    EVALUATOR_TIMEOUT,
    EVALUATORS,
    HOSTS,
    HTTP_FORBID,
    KEEPER,
    PASS_ENV,
    PUBLIC_URL,
    SECRET_FOLDER,
    SECRET_KEY_FILE,
    SLOTS,
    STORE_ROOT,
    STORE_TYPE,
    TRUSTED_PROXIES,
    WORKSPACE_ROOT,
)
from floe.dialects.notes import Notes
from floe.dialects.section import SectionValues
from floe.model.errors import ConfigInvalid
from floe.model.finding import Finding
from floe.model.ids import HOST, HostId
from floe.model.keep import Keep
from floe.model.notice import Notice
from floe.model.secret import Secret
from floe.nodes.smtp import Smtp
from floe.server.settings import Bind, is_loopback, split_address
from floe.store.bucket_settings import BucketSettings

COMMANDS_PER_CORE: Final = 4
EVALUATORS_MAX: Final = 4
"""Processes that judge, where the config does not say."""
KEEP: Final = Keep(runs=10_000, age_s=90 * 86_400.0, bytes=20 << 30, workspaces="failed")
"""The defaults of `keep`: docs/operating.md gives the reasons."""

HOST_LIKE: Final = "letters, digits and . _ -, at most 63"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """The complete settings of one host. Paths are absolute and need not exist yet."""

    host_name: HostId
    """Default h1."""
    tags: frozenset[str]
    """The tags that flows require by `host-tags`. Default `master`."""
    admin: Secret
    """The administrator's token; if empty, the first start creates one."""
    cluster_token: Secret
    """The token between hosts. Default: `admin`."""
    pub: Bind
    """Default 127.0.0.1:8080."""
    prv: Bind | None
    """A second address for the same routes. Default: none."""
    flyte: FlyteSettings
    """Flyte's API: an address of its own, and who may use it."""
    utask: UtaskSettings
    """Where uTask's templates are, and what their steps may use."""
    utask_bind: Bind | None
    """An address for uTask's API alone, with the certificate of `pub`. Default: none."""
    root: Path
    """The folder for the host's files. Default `./.floe/<host_name>`."""
    store_root: Path
    """Default: `root`."""
    workspace_root: Path
    """Workspaces are in its `spaces`. Default: `root`."""
    store_type: Literal["local", "memory"]
    bucket: BucketSettings | None
    """Where ended runs go, with `store-type: ec2`; the store is `local` then. Default: none."""
    base_url: str
    """Begins with `/`, and does not end with it. Default /build/api."""
    config_path: str
    """The document to read the flows from; if empty, they are in this one."""
    hosts: tuple[str, ...]
    """URLs of all hosts, as given; this host's own may be among them."""
    keeper: HostId | None
    """The host that keeps resources and timers. Default: this host if there are no others, else
    None."""
    peer_ca: Path | None
    """Certificates to trust in other hosts, in addition to the system's."""
    slots: int
    """Runs active at once. Default 64."""
    commands: int
    """Commands running at once. Default 4 for each core."""
    evaluators: int
    """Processes that judge runs. Default one for each core, at most 4."""
    evaluator_timeout_s: float
    """Seconds for one judgement. Default 5."""
    evaluator_memory: int
    """Bytes for each of these processes. Default 512 MiB."""
    pass_env: tuple[str, ...]
    """Names of additional variables that commands see."""
    http_forbid: tuple[str, ...]
    """Addresses that requests of tasks do not reach. Default: `own-api` and `link-local`."""
    key_file: str
    """Private key for git; if empty, git's own."""
    secret_key_file: Path
    """The keys of the vault. Default `vault.key` in `store_root`."""
    secret_folder: Path | None
    """A folder of files that are secrets. Default: none."""
    grace_s: float
    """Seconds between TERM and KILL. Default 10."""
    output_max: int
    """Bytes that a command may print; 0 for no limit. Default 1 GiB."""
    strict_shell: bool
    """Whether `shell` ends at the first command that fails, for flows that do not set it. Default
    false."""
    keep: Keep
    """How long ended runs and workspaces stay. Default: `KEEP`."""
    dev: bool
    """Serve the dashboard from the checkout, uncached."""
    insecure: bool
    """Serve without TLS on an address that other machines can reach."""
    trusted_proxies: tuple[str, ...]
    """Addresses and networks of the proxies in front."""
    public_url: str
    """The URL of the dashboard for people. Default: the address that the host listens on."""
    on_end: tuple[Notice, ...]
    """The notices of runs whose flow has none of its own. Default: none."""
    smtp: Smtp | None
    """The server that takes mail. Default: none."""
    origin: str
    """The document with these settings."""
    text: str = field(repr=False)
    """Its whole text, including the flows."""
    findings: tuple[Finding, ...] = ()
    """Warnings about `common:` and flags; those about flows come from the dialect."""

    @property
    def own_ports(self) -> frozenset[int]:
        """The ports of its API."""
        binds = filter(None, (self.pub, self.prv, self.flyte.bind, self.utask_bind))
        return frozenset(split_address(bind.address)[1] for bind in binds)


def load(flags: Flags, environ: Mapping[str, str], text: str, origin: str) -> HostConfig:
    """Assemble the settings of a host. Raises ConfigInvalid with all errors.

    Flows are not checked here: a bad flow never stops a host.
    """
    notes = Notes(origin)
    common = read_common(text, notes)
    given = GivenFlags(merged(flags, environ))
    config = _assemble(given, common, origin, text)
    if config.keeper is None and not others_of(config):
        config = replace(config, keeper=config.host_name)
    _check_roots(config, common, given, notes)
    if not notes.errors:
        _check_others(config, common, given, notes)
        _check_bucket(config, common, notes)
        if config.flyte.bind:
            check_bind(config.flyte.bind, common, given, notes)
        if config.utask_bind and not config.insecure:
            check_utask_bind(config.utask_bind, common, notes)
    findings = (*notes.findings, *given.findings)
    if any(finding.level == "error" for finding in findings):
        raise ConfigInvalid(findings)
    return replace(config, findings=findings)


def _assemble(given: GivenFlags, common: SectionValues, origin: str, text: str) -> HostConfig:
    name = given.matching("host_name", HOST, "h1", HOST_LIKE)
    root = given.path("root") or Path(f".floe/{name}").absolute()
    admin = given.secret("admin")
    keeper = (
        given.matching("keeper", HOST, "", HOST_LIKE) if given.has("keeper") else common[KEEPER]
    )
    pub, prv = given.bind("pub", "127.0.0.1:8080"), given.bind("prv", "")
    assert pub is not None  # it has a default
    utask = read_utask(common, Notes(origin))
    cores = os.cpu_count() or 1
    store_root = given.path("root") or absolute(common[STORE_ROOT]) or root
    return HostConfig(
        host_name=HostId(name),
        tags=given.tags(),
        admin=admin,
        cluster_token=given.secret("cluster_token") or admin,
        pub=pub,
        prv=prv,
        flyte=flyte_settings(read_flyte(common, Notes(origin)), given, pub),
        utask=utask,
        utask_bind=Bind(address=utask.bind, cert=pub.cert, key=pub.key) if utask.bind else None,
        root=root,
        store_root=store_root,
        workspace_root=given.path("root") or absolute(common[WORKSPACE_ROOT]) or root,
        store_type="memory" if common[STORE_TYPE] == "memory" else "local",
        base_url=common[BASE_URL].rstrip("/"),
        config_path=common[CONFIG_PATH],
        hosts=given.urls("hosts") or common[HOSTS],
        keeper=HostId(keeper) if keeper else None,
        peer_ca=given.certificates("peer_ca"),
        slots=given.whole("slots", common[SLOTS]),
        commands=given.whole("commands", common[COMMANDS] or COMMANDS_PER_CORE * cores),
        evaluators=common[EVALUATORS] or min(cores, EVALUATORS_MAX),
        evaluator_timeout_s=common[EVALUATOR_TIMEOUT],
        evaluator_memory=common[EVALUATOR_MEMORY],
        pass_env=common[PASS_ENV],
        http_forbid=common[HTTP_FORBID],
        key_file=str(absolute(common[COMMON_KEY]) or ""),
        secret_key_file=absolute(common[SECRET_KEY_FILE]) or store_root / "vault.key",
        secret_folder=absolute(common[SECRET_FOLDER]),
        grace_s=common[COMMON_GRACE],
        output_max=common[COMMON_OUTPUT_MAX],
        strict_shell=common[COMMON_STRICT_SHELL],
        keep=common[COMMON_KEEP].over(KEEP, bytes=True),
        dev=given.flag("dev"),
        insecure=given.flag("insecure"),
        trusted_proxies=common[TRUSTED_PROXIES],
        public_url=common[PUBLIC_URL].rstrip("/") or _own_url(pub),
        on_end=NoticeTexts(common[COMMON_ON_END], Notes(origin)).notices,
        smtp=read_smtp(common[COMMON_SMTP], Notes(origin)),
        bucket=read_bucket(common, Notes(origin)),
        origin=origin,
        text=text,
    )


def _own_url(pub: Bind) -> str:
    """The URL of the dashboard where the config names none."""
    host, port = split_address(pub.address)
    if host in ("", "0.0.0.0", "::"):  # noqa: S104  # every interface
        host = socket.gethostname()
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if pub.cert else 'http'}://{name}:{port}"


def others_of(config: HostConfig) -> tuple[str, ...]:
    """The other hosts of a config: the URLs of `hosts` that are not this host's own."""
    return tuple(url for url in config.hosts if not _is_self(url, config))


def _check_roots(
    config: HostConfig, common: SectionValues, given: GivenFlags, notes: Notes
) -> None:
    """Warn if the root of the command line overrides a folder of the config."""
    for key in (STORE_ROOT, WORKSPACE_ROOT) if given.has("root") else ():
        named = absolute(common[key])
        if named and named != config.root:
            what = f"-root {config.root} overrides `{key.name}: {named}`, which is not used"
            hint = f"start without -root to use {key.name}, or remove {key.name}"
            notes.warning(common.at_of(key), what, hint)


def _check_others(
    config: HostConfig, common: SectionValues, given: GivenFlags, notes: Notes
) -> None:
    """Check the settings about other hosts; report errors at their positions."""
    others = others_of(config)
    bare = [url for url in others if not _is_safe(url)]
    if bare and not config.insecure:
        what = f"the cluster's token would travel unencrypted to {', '.join(bare)}"
        hint = "serve them with TLS; --insecure if the network is trusted"
        if given.has("hosts"):
            given.wrong("hosts", what, hint)
        else:
            notes.error(common.at_of(HOSTS), what, hint)
    if others and config.keeper is None:
        notes.warning(common.at_of(HOSTS), NO_KEEPER, f"keeper: {config.host_name}")
    if not others and config.keeper != config.host_name:
        what = f"the keeper is `{config.keeper}`, but `hosts` names no other host"
        notes.warning(common.at_of(KEEPER), what, f"keeper: {config.host_name}")


def _check_bucket(config: HostConfig, common: SectionValues, notes: Notes) -> None:
    """Refuse a bucket to which runs would travel unencrypted."""
    endpoint = config.bucket.endpoint if config.bucket else ""
    if endpoint and not _is_safe(endpoint) and not config.insecure:
        what = f"runs and session tokens would travel unencrypted to {endpoint}"
        hint = "an https:// endpoint; --insecure if the network is trusted"
        notes.error(common.at_of(COMMON_BUCKET), what, hint)


def _is_safe(url: str) -> bool:
    there = urlsplit(url)
    return there.scheme == "https" or is_loopback(there.hostname or "")


def _is_self(url: str, config: HostConfig) -> bool:
    """Whether a URL is one of this host's own addresses, judging by the URL alone."""
    there = urlsplit(url)
    port = there.port or (443 if there.scheme == "https" else 80)
    for bind in filter(None, (config.pub, config.prv)):
        host, own_port = split_address(bind.address)
        is_any = host in ("", "0.0.0.0", "::")  # noqa: S104  # to distinguish it from others
        same = there.hostname in (host, "localhost", config.host_name)
        if port == own_port and (same or (is_any and _is_of_this_machine(there.hostname or ""))):
            return True
    return False


def _is_of_this_machine(address: str) -> bool:
    """Whether an IP address belongs to this machine; names are not resolved."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            socket.inet_pton(family, address)
            probe.bind((address, 0))
    except OSError:
        return False
    return True
