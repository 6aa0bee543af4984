"""`floe host`: start a host, and read its config again."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from floe import logs
from floe.config import Flags, HostConfig, load, others_of, read_local, which_conf
from floe.model.errors import FloeError, Yours

if TYPE_CHECKING:
    from floe.server.app import Server

LEVELS: Final = ("debug", "info", "warning", "error")

FAILED: Final = 1
"""Exit code of a host that met a mistake of floe's."""


@click.group(invoke_without_command=True)
@click.option("--host-name", metavar="NAME", help="Its name in the cluster.  [h1]")
@click.option("--tags", metavar="A,B", help="What flows' host-tags are held against.  [master]")
@click.option(
    "--admin",
    metavar="TOKEN|@FILE",
    help="The administrator's token (or FLOE_ADMIN, "
    "since a command line is public). Without one the first start makes one.",
)
@click.option(
    "--cluster-token", metavar="TOKEN|@FILE", help="What hosts show one another.  [admin]"
)
@click.option(
    "--hosts", metavar="URL,URL", help="All hosts of the cluster.  [`hosts:` of the config]"
)
@click.option("--keeper", metavar="NAME", help="Who keeps resources.  [`keeper:` of the config]")
@click.option(
    "--peer-ca", metavar="FILE", help="Whom to trust as other hosts (PEM).  [the system's]"
)
@click.option("--pub-bind", metavar="HOST:PORT", help="Where to serve.  [127.0.0.1:8080]")
@click.option("--pub-cert", metavar="FILE", help="Certificate chain for TLS there (PEM).")
@click.option("--pub-key", metavar="FILE", help="Its private key (PEM).")
@click.option("--prv-bind", metavar="HOST:PORT", help="A second address, for the other hosts.")
@click.option("--prv-cert", metavar="FILE", help="Certificate chain for TLS there (PEM).")
@click.option("--prv-key", metavar="FILE", help="Its private key (PEM).")
@click.option("--conf", metavar="FILE", help="The config.  [./default.yml, ./config.yml, packaged]")
@click.option("--root", metavar="DIR", help="Where it keeps its things.  [./.floe/<host-name>]")
@click.option("--slots", metavar="N", help="Runs active at once.  [64]")
@click.option("--commands", metavar="N", help="Commands running at once.  [4 for each core]")
@click.option(
    "--dev",
    is_flag=False,
    flag_value="true",
    metavar="[BOOL]",
    help="Serve the dashboard uncached.",
)
@click.option(
    "--insecure",
    is_flag=False,
    flag_value="true",
    metavar="[BOOL]",
    help="Serve without TLS on an address that others reach.",
)
@click.option(
    "--restored",
    is_flag=True,
    help="The store is a copy from a backup: give it an id of its own, and do not start.",
)
@click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    envvar="FLOE_LOG_LEVEL",
)
@click.pass_context
def command(ctx: click.Context, /, log_level: logs.Level, restored: bool, **flags: Any) -> None:
    """Start a host and serve until it is stopped (SIGTERM, or ^C).

    Commands that run when it stops keep running, and are found again at the next start. SIGHUP
    reads the config again. Each option can also be given as FLOE_<NAME>, and as the original
    spelt it: floe -tags=linux,go -host_name=h1.

    \b
    Examples:
      floe host --tags linux,go --conf floe.yml
      FLOE_ADMIN=@/etc/floe/token floe host --root /var/lib/floe
      floe host --pub-bind :8443 --pub-cert cert.pem --pub-key key.pem
    """
    if ctx.invoked_subcommand is not None:
        return
    logs.set_up(log_level)
    told = Flags(**flags)
    conf = which_conf(told, os.environ, Path.cwd())
    config = load(told, os.environ, read_local(conf.name), conf.name)
    if restored:
        _renew(config)
        return
    import structlog  # after its set-up

    from floe.app import serve  # the hub and its libraries load only for a host

    log = structlog.get_logger()
    log.info("config.read", path=conf.name, why=conf.why)
    try:
        asyncio.run(serve(config, lambda _, server: _announce(config, server)))
    except FloeError:
        raise
    except Exception as error:
        # What is wrong with it nobody knows: better no host, which is seen and started again, than
        # one that is half there. Nothing is lost with it.
        hint = "a mistake of floe's: commands go on, and the next start finds them"
        log.exception("host.failed", error="; ".join(_causes(error)), hint=hint)
        raise SystemExit(FAILED) from None


@command.command(name="reload")
@click.option("--json", "json_", is_flag=True, help="For machines.")
def reload(json_: bool) -> None:
    """Read the config again; a bad file keeps the old flows and shows what is wrong (exit 2)."""
    from floe.cli.client import connected, path
    from floe.cli.paint import as_json, finding

    client = connected()
    (id,) = (host["id"] for host in client.get("hosts")["hosts"] if host["self"])
    answer = client.post(path("hosts", id, "reload"), {})
    if json_:
        as_json(answer)
        return
    for shape in answer["findings"]:
        click.echo(finding(shape), err=True)
    click.echo(f"{id}: {answer['flows']} flow{'' if answer['flows'] == 1 else 's'}")


@command.command(name="drain")
@click.argument("host")
@click.option("--off", is_flag=True, help="Let it take runs again.")
@click.option("--json", "json_", is_flag=True, help="For machines.")
def drain(host: str, off: bool, json_: bool) -> None:
    """Let HOST take no new runs; those it has go on. It stays so until `--off`, over restarts.

    \b
    Before a machine goes down:
      floe host drain h2
      floe runs --host h2 --state active
    """
    from floe.cli.client import connected, path
    from floe.cli.paint import as_json

    answer = connected().post(path("hosts", host, "drain"), {"on": not off})
    if json_:
        as_json(answer)
        return
    active = f"{answer['active']} run{'' if answer['active'] == 1 else 's'} there"
    does = "takes runs again" if off else "takes no new runs"
    click.echo(f"{answer['id']} {does}; {active}")


@command.command(name="forget")
@click.argument("host")
@click.option("--store", default="", metavar="ID", help="Which of its stores.  [the known one]")
@click.option("--force", is_flag=True, help="Also if it was seen less than 30 s ago.")
@click.option("--json", "json_", is_flag=True, help="For machines.")
def forget(host: str, store: str, force: bool, json_: bool) -> None:
    """Give up HOST, which is gone for good and its disk with it.

    Every other host learns it. Runs that were there end bad or begin anew elsewhere, as
    `on-host-lost` of their flow says; what they held is free. If HOST comes back after all, it
    stops what it runs, and takes part again only with a new store (`-root`).
    """
    from floe.cli.client import connected, path
    from floe.cli.paint import as_json

    answer = connected().post(path("hosts", host, "forget"), {"store": store, "force": force})
    if json_:
        as_json(answer)
        return
    click.echo(f"{host} is forgotten")


def _renew(config: HostConfig) -> None:
    """Make a copy from a backup a store of its own, and say what is to be done next."""
    from floe.store.restored import renew

    if config.store_type == "memory":
        raise Yours("`store-type: memory` keeps nothing that could be restored")
    if not others_of(config):
        raise Yours(
            "a host without others goes on from a copy as it is",
            "start it without --restored; with others, `hosts:` or --hosts names them",
        )
    done = renew(config.store_root)
    click.echo(f"the store in {config.store_root} is {done.now} now, no longer {done.was}")
    if done.held:
        click.echo(
            f"held, since they may have gone on since the backup: {', '.join(done.held)}\n"
            "    `floe cancel` ends one here; `floe trigger` begins it anew"
        )
    click.echo(
        f"next: start this host without --restored, then floe host forget {config.host_name} "
        f"--store {done.was} at another"
    )


def _causes(error: BaseException) -> Iterator[str]:
    """What groups of errors come down to."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _causes(one)
    else:
        yield f"{type(error).__name__}: {error}"


def _announce(config: HostConfig, server: "Server") -> None:
    """Say to a person where to look; in a log these are fields of its lines."""
    from floe.app import token_path

    if not sys.stderr.isatty():
        return
    click.echo(f"floe {config.host_name} is ready: {server.urls[0]}/app/dash", err=True)
    if not config.admin:
        click.echo(f"log in with the token in {token_path(config.root)}", err=True)
