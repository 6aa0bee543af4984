"""`floe host`: start, reload, drain or forget a host."""

import os
from pathlib import Path
from typing import Any

import click

from floe import logs
from floe.cli.commands import complain, exit_code
from floe.cli.plain_host import LEVELS, run_host
from floe.config import Flags, HostConfig, load, others_of, read_local, which_conf
from floe.model.errors import FloeError, Yours


@click.group(invoke_without_command=True)
@click.option("--host-name", metavar="NAME", help="Name in the cluster.  [h1]")
@click.option(
    "--tags", metavar="A,B", help="Tags of this host; flows require some in host-tags.  [master]"
)
@click.option(
    "--admin",
    metavar="TOKEN|@FILE",
    help="The administrator's token. Better set FLOE_ADMIN: other users can read a command line. "
    "Without a token the first start creates one.",
)
@click.option("--cluster-token", metavar="TOKEN|@FILE", help="Token between hosts.  [admin]")
@click.option(
    "--hosts", metavar="URL,URL", help="All hosts of the cluster.  [`hosts:` of the config]"
)
@click.option(
    "--keeper",
    metavar="NAME",
    help="Host that grants resources and fires timers.  [`keeper:` of the config]",
)
@click.option(
    "--peer-ca", metavar="FILE", help="Certificates of the other hosts (PEM).  [the system's]"
)
@click.option("--pub-bind", metavar="HOST:PORT", help="Address to serve at.  [127.0.0.1:8080]")
@click.option("--pub-cert", metavar="FILE", help="Certificate chain for TLS there (PEM).")
@click.option("--pub-key", metavar="FILE", help="Its private key (PEM).")
@click.option("--prv-bind", metavar="HOST:PORT", help="A second address, for the other hosts.")
@click.option("--prv-cert", metavar="FILE", help="Certificate chain for TLS there (PEM).")
@click.option("--prv-key", metavar="FILE", help="Its private key (PEM).")
@click.option("--flyte-bind", metavar="HOST:PORT", help="An address for flyte's API alone.")
@click.option(
    "--flyte-cert", metavar="FILE", help="Certificate chain for TLS there (PEM).  [--pub-cert]"
)
@click.option("--flyte-key", metavar="FILE", help="Its private key (PEM).  [--pub-key]")
@click.option(
    "--flyte-policy", metavar="FILE", help="Who may use flyte's API there.  [each caller]"
)
@click.option("--flyte-issuer", metavar="URL", help="Who signs tokens for it (OIDC).")
@click.option("--flyte-client-id", metavar="ID", help="The client that its tokens are for.")
@click.option("--conf", metavar="FILE", help="The config.  [./default.yml, ./config.yml, packaged]")
@click.option("--root", metavar="DIR", help="Folder of its data.  [./.floe/<host-name>]")
@click.option("--slots", metavar="N", help="Active runs at once.  [64]")
@click.option("--commands", metavar="N", help="Commands running at once.  [4 for each core]")
@click.option(
    "--dev",
    is_flag=False,
    flag_value="true",
    metavar="[BOOL]",
    help="Serve the dashboard without caching.",
)
@click.option(
    "--insecure",
    is_flag=False,
    flag_value="true",
    metavar="[BOOL]",
    help="Serve without TLS at an address that other machines can reach.",
)
@click.option(
    "--restored",
    is_flag=True,
    help="Give a store from a backup a new id, print its held runs, and do not start.",
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
    """Start a host and serve until it is stopped (SIGTERM or ^C).

    Its commands keep running when it stops, and the next start finds them. SIGHUP reloads the
    config. Each option can also be given as FLOE_<NAME>. The options of the original floe work too:
    floe -tags=linux,go -host_name=h1.

    \b
    Examples:
      floe host --tags linux,go --conf floe.yml
      FLOE_ADMIN=@/etc/floe/token floe host --root /var/lib/floe
      floe host --pub-bind :8443 --pub-cert cert.pem --pub-key key.pem
    """
    if ctx.invoked_subcommand is not None:
        return
    given = Flags(**flags)
    if not restored:
        run_host(given, log_level)
        return
    logs.set_up(log_level)
    conf = which_conf(given, os.environ, Path.cwd())
    _renew(load(given, os.environ, read_local(conf.name), conf.name))


@command.command(name="reload")
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@click.option("--json", "json_", is_flag=True, help="Print the replies as JSON.")
def reload(hosts: tuple[str, ...], json_: bool) -> int:
    """Reload the config of each HOST, or of all hosts of the cluster.

    A host whose config has mistakes keeps its old flows; the mistakes are printed (exit 2).
    """
    from floe.cli.client import connected, path
    from floe.cli.formats import as_json, finding

    client, replies, status = connected(), list[dict[str, Any]](), 0
    known = [host["id"] for host in client.get("hosts")["hosts"] if "reload" in host["offers"]]
    ids = dict.fromkeys(hosts or known)
    for id in ids:
        try:
            reply = client.post(path("hosts", id, "reload"), {})
        except FloeError as error:
            if len(ids) == 1:
                raise
            click.echo(f"{id}: not reloaded", err=True)
            complain(error)
            status = max(status, exit_code(error))
            continue
        replies.append({"id": id, **reply})
        if not json_:
            for shape in reply["findings"]:
                click.echo(finding(shape), err=True)
            click.echo(f"{id}: {reply['flows']} flow{'' if reply['flows'] == 1 else 's'}")
    if json_:
        as_json({"hosts": replies})
    return status


@command.command(name="drain")
@click.argument("host")
@click.option("--off", is_flag=True, help="Let it accept runs again.")
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def drain(host: str, off: bool, json_: bool) -> None:
    """Stop new runs on HOST. This lasts until `--off`, also across restarts.

    Runs that only wait, and have no files there, move to other hosts; the others continue there. It
    prints which runs are left, and why. Call it again until none is left.
    """
    from floe.cli.client import connected, path
    from floe.cli.formats import as_json

    answer = connected().post(path("hosts", host, "drain"), {"on": not off})
    if json_:
        as_json(answer)
        return
    left = answer.get("left", answer["active"])  # a host with an older floe does not name them
    runs = f"{left} run{'' if left == 1 else 's'} there"
    does = "accepts runs again" if off else "accepts no new runs"
    click.echo(f"{answer['id']} {does}; {runs}")
    for one in () if off else answer.get("staying", ()):
        click.echo(f"  {one['run']} {one['why']}")


@command.command(name="forget")
@click.argument("host")
@click.option("--store", default="", metavar="ID", help="Id of its lost store.  [the known one]")
@click.option("--force", is_flag=True, help="Forget it even if it was seen less than 30 s ago.")
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def forget(host: str, store: str, force: bool, json_: bool) -> None:
    """Give up HOST, which is permanently lost together with its disk.

    All hosts learn it, and it cannot be taken back. The runs on HOST end bad or restart
    elsewhere, depending on `on-host-lost` of their flow; their resources are released. If HOST
    comes back after all, it stops its commands, and can rejoin only with a new store (`--root`).
    """
    from floe.cli.client import connected, path
    from floe.cli.formats import as_json

    answer = connected().post(path("hosts", host, "forget"), {"store": store, "force": force})
    if json_:
        as_json(answer)
        return
    click.echo(f"{host} is forgotten")


def _renew(config: HostConfig) -> None:
    """Give a copy from a backup a new store id, and print the next steps."""
    from floe.store.restored import renew

    if config.store_type == "memory":
        raise Yours("`store-type: memory` keeps no data to restore")
    if not others_of(config):
        raise Yours(
            "a single host needs no new id for a restored store",
            "start it without --restored; for a cluster set `hosts:` or --hosts",
        )
    done = renew(config.store_root)
    click.echo(f"the store in {config.store_root} now has the id {done.now}; it was {done.was}")
    if done.held:
        click.echo(
            f"held, since they may have continued after the backup: {', '.join(done.held)}\n"
            "    `floe cancel` ends one here; `floe trigger` starts a new run"
        )
    click.echo(
        f"next: start this host without --restored, then floe host forget {config.host_name} "
        f"--store {done.was} at another"
    )
