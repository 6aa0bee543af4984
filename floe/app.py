"""The composition root: the only file that chooses implementations and connects them."""

import asyncio
import gc
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

import floe
from floe import logs
from floe.config import HostConfig, others_of
from floe.config.admin_token import with_tokens
from floe.config.book import BookReader
from floe.config.root import make_root
from floe.config.utask_calls import call_settings, pass_limits
from floe.dialects.registry import JUDGED, calls, dialect, evaluators, event_flows, row_readers
from floe.evaluators.base import Evaluators
from floe.host.site import SiteSettings
from floe.hub.attempts.attempt_outputs import OutputSettings
from floe.hub.clock import Clock, WallClock
from floe.hub.flows import FlowBook, FlowFiles
from floe.hub.hub import Hub
from floe.hub.parts import Parts
from floe.key_file import KeyFile
from floe.model.errors import FloeError
from floe.model.nouns import dataclass
from floe.model.work import Action
from floe.nodes.base import Documents, Executor, NoNotifier, Notifier, Refs
from floe.nodes.documents import DocumentFiles
from floe.nodes.executors import executors_of, lend
from floe.nodes.forbidden import ForbiddenAddresses
from floe.nodes.notify import NotifySender
from floe.nodes.preparation import CommandSettings
from floe.nodes.refs import RemoteRefs
from floe.nodes.secrets import HostSecrets, secrets_of
from floe.nodes.space_sizes import MeasuredSpaces
from floe.nodes.workspaces import Workspaces
from floe.open_files import raise_files
from floe.peers.base import Peers
from floe.places import Places
from floe.server.flyte.policy_file import read_access
from floe.server.settings import ServerSettings
from floe.store.archive import Archive
from floe.store.base import RunStore
from floe.store.memory import MemoryStore
from floe.store.seals import RunSeals
from floe.store.sqlite import SqliteStore
from floe.trust import load_aiohttp

if TYPE_CHECKING:
    from floe.server.app import Server

log = structlog.get_logger()


GARBAGE: Final = 10_000
"""Objects that are made, and not freed, before the next look for circles among them."""


IMPORT_SWITCH_S: Final = 0.0005
"""After this time the import of the server lets other threads run. The store is opened meanwhile,
in many short steps; with Python's own 5 ms it would wait at each, and the warden would be started
after the import instead of during it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports of the application: the implementation behind each; tests wrap them."""

    store: RunStore
    archive: Archive | None
    """None where ended runs stay on this host alone."""
    executors: Mapping[type[Action], Executor]
    refs: Refs
    documents: Documents
    clock: Clock
    peers: Peers | None
    """None if the config names no other host."""
    places: Places
    """The file systems of this machine."""
    notifier: Notifier | None
    """None where ended runs send no notices."""
    secrets: HostSecrets
    seals: RunSeals
    evaluators: Evaluators | None
    """None where no dialect has an evaluator."""
    close: Callable[[], Awaitable[None]]
    """Closes the things that the hub does not own."""


def ports_of(config: HostConfig, *, passing: bool = False) -> Ports:
    """The implementations behind the ports of the application, for a config.

    `passing`: no process is left when it closes. A config with other hosts must include the
    cluster's token by now.
    """
    settings = CommandSettings(
        host=config.host_name,
        workspace_root=config.workspace_root,
        pass_env=config.pass_env,
        key_file=config.key_file,
        strict_shell=config.strict_shell,
        commands=config.commands,
    )
    places, refs = Places(), RemoteRefs(config.key_file)
    forbidden = ForbiddenAddresses(config.http_forbid, config.own_ports)
    kept = secrets_of(config.secret_key_file, os.environ, config.secret_folder)
    seals = RunSeals(KeyFile(config.secret_key_file))
    documents = DocumentFiles(config.root, config.key_file, places=places)

    async def close() -> None:
        refs.close()

    store: RunStore = MemoryStore()
    if config.store_type != "memory":
        may_hang = bool(places.on_way(config.store_root))
        store = SqliteStore(config.store_root, may_hang=may_hang, opened=seals.opened)
    return Ports(
        store=store,
        archive=None if passing else _archive(config, seals),
        executors=executors_of(
            config.root,
            settings,
            passing=passing,
            places=places,
            secrets=kept,
            forbidden=forbidden,
            smtp=config.smtp,
            public_url=config.public_url,
            calls=calls(),
            call_settings=call_settings(config),
        ),
        refs=refs,
        documents=documents,
        clock=WallClock(),
        peers=None if passing else _peers(config),
        places=places,
        notifier=None if passing else NotifySender(config.smtp, places, forbidden),
        secrets=kept,
        seals=seals,
        evaluators=_evaluators(config),
        close=close,
    )


def _evaluators(config: HostConfig) -> Evaluators | None:
    """The processes that judge runs; None where no dialect has an evaluator."""
    if not JUDGED:
        return None
    from floe.evaluators.child import ProcessSettings  # other hosts do not need them
    from floe.evaluators.pool import EvaluatorPool

    settings = ProcessSettings(
        evaluators=evaluators(),
        limit_s=config.evaluator_timeout_s,
        memory=config.evaluator_memory,
    )
    return EvaluatorPool(settings, config.evaluators)


def _archive(config: HostConfig, seals: RunSeals) -> Archive | None:
    """The bucket of a config; None if it names none. Raises Yours."""
    if config.bucket is None:
        return None
    from floe.store.bucket import Bucket, open_s3  # other hosts do not need it

    return Bucket(
        open_s3(config.bucket), config.bucket.url, scratch=config.root, opened=seals.opened
    )


def _peers(config: HostConfig) -> Peers | None:
    """The other hosts of a config; None if it names none."""
    if not others_of(config):
        return None
    load_aiohttp()  # a single host does not need it here, nor msgpack
    from floe.peers.http import HttpPeers
    from floe.peers.settings import PeerSettings

    tls = None
    if config.peer_ca is not None:
        tls = ssl.create_default_context()
        tls.load_verify_locations(config.peer_ca)
    return HttpPeers(
        PeerSettings(
            urls=others_of(config), token=config.cluster_token, base_url=config.base_url, tls=tls
        )
    )


@asynccontextmanager
async def open_hub(
    config: HostConfig, ports: Ports | None = None, book: FlowBook | None = None
) -> AsyncIterator[Hub]:
    """Assemble the application: an open hub for a config, or for a given book of flows.

    Raises World if the root cannot be used.
    """
    ports = ports or ports_of(config)
    logs.mask_by(ports.secrets.masks)

    reader = BookReader(
        config, ports.documents, ports.places, ports.clock.now, logs.FindingLog().write
    )

    try:
        make_root(config.root)
        spaces = Workspaces(config.workspace_root)
        parts = Parts(
            host=SiteSettings(
                id=config.host_name,
                tags=config.tags,
                slots=config.slots,
                workspace_root=str(config.workspace_root),
                peers=len(others_of(config)) if ports.peers else 0,
                keeper=config.keeper,
                packs_at_end=ports.archive is None,
                notifies=ports.notifier is not None,
                on_end=config.on_end,
                row_readers=row_readers(),
            ),
            attempts=OutputSettings(
                root=config.root,
                grace_s=config.grace_s,
                output_max=config.output_max,
                commands=config.commands,
            ),
            store=ports.store,
            archive=ports.archive,
            copies_bytes=config.bucket.copies_bytes if config.bucket else 0,
            executors=ports.executors,
            refs=ports.refs,
            flow_files=FlowFiles(ports.documents, dialect(strict_shell=config.strict_shell)),
            clock=ports.clock,
            book=book or await reader.first(),
            read_book=reader.again,
            peers=ports.peers,
            places=ports.places,
            folders=_folders(config),
            keep=config.keep,
            keep_shares=(config.flyte.share,),
            spaces=spaces,
            space_sizes=MeasuredSpaces(spaces),
            version=floe.__version__,
            notifier=ports.notifier or NoNotifier(),
            public_url=config.public_url,
            callbacks_url="" if ports.notifier is None else callbacks_url(config),
            secrets=ports.secrets,
            seals=ports.seals,
            evaluators=ports.evaluators,
            pass_limits=pass_limits(config),
            event_flows={**event_flows(), **reader.event_flows},
            places_without_secrets=ports.notifier is None,
        )
        async with Hub(parts) as hub:
            lend(hub, ports.executors)
            yield hub
    finally:
        await ports.close()


def callbacks_url(config: HostConfig) -> str:
    """The URL below which the calls of a host have their addresses."""
    return f"{config.public_url}{config.base_url}/callback" if config.public_url else ""


def _folders(config: HostConfig) -> Mapping[str, Path]:
    """The folders that runs need room in, by their names; each may be on a different disk."""
    return {
        "root": config.root,
        **({"store-root": config.store_root} if config.store_type == "local" else {}),
        "folder of outputs": config.root / "runs",
        "folder of workspaces": config.workspace_root / "spaces",
        "folder of the warden": config.root / "warden",
        "cache of downloads": config.root / "cache",
    }


async def serve(
    config: HostConfig, announce: Callable[[HostConfig, "Server"], None], ports: Ports | None = None
) -> None:
    """Run the application of a host until SIGTERM or SIGINT; SIGHUP reloads the config.

    `announce` is called once the host serves. Raises World if a port or root is in use.
    """
    raise_files()
    loop = asyncio.get_running_loop()
    # This import takes half of the start-up time, while the hub waits for the disk and the warden.
    importing = loop.run_in_executor(None, _server_class)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if config.store_type == "memory":
        log.warning("store.in_memory", hint="runs are gone with this process; `local` keeps them")
    config = with_tokens(config)
    settings = server_settings(config)
    ports = ports or ports_of(config)
    async with open_hub(config, ports) as hub:
        server_class = await importing
        async with (
            server_class(hub, settings, ports.peers) as server,
            asyncio.TaskGroup() as tasks,
        ):
            loop.add_signal_handler(signal.SIGHUP, lambda: tasks.create_task(_reload(hub)))
            announce(config, server)
            # What a start leaves behind stays: no collection has to look through it again.
            gc.freeze()
            gc.set_threshold(GARBAGE)
            await stop.wait()
            log.info("host.stopping")
            loop.remove_signal_handler(signal.SIGHUP)


def _server_class() -> type["Server"]:
    """The server, with aiohttp, which `floe run` does not need."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(IMPORT_SWITCH_S)
    try:
        load_aiohttp()
        from floe.server.app import Server
    finally:
        sys.setswitchinterval(before)
    return Server


def server_settings(config: HostConfig) -> ServerSettings:
    """The settings of the application's server, from a config. Raises ConfigInvalid."""
    return ServerSettings(
        admin=config.admin,
        cluster=config.cluster_token,
        base_url=config.base_url,
        public=config.pub,
        private=config.prv,
        flyte=config.flyte.bind,
        utask=config.utask_bind,
        flyte_access=read_access(config.flyte.policy, config.flyte.issuer),
        remove_packs_s=config.flyte.remove_packs_s,
        insecure=config.insecure,
        trusted_proxies=config.trusted_proxies,
        dev_webapp=Path(__file__).parent / "webapp" if config.dev else None,
    )


async def _reload(hub: Hub) -> None:
    try:
        await hub.reload()
    except FloeError as error:
        log.warning("config.refused", error=str(error).partition("\n")[0])
