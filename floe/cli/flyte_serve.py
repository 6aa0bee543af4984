"""`floe flyte serve`: the API of flyte by one command."""

import re
from dataclasses import replace
from typing import Final

import click

from floe import logs
from floe.cli.plain_host import LEVELS, run_host
from floe.config import PACKAGED, Flags
from floe.model.errors import ConfigInvalid
from floe.model.finding import Finding

CONF: Final = str(PACKAGED.with_name("flyte.yml"))
"""One host without flows of floe."""

ANY_PORT: Final = "127.0.0.1:0"

OPTION: Final = re.compile(r"(?<!\w)-flyte_(\w+)")
NAMES: Final = {"bind": "port", "client_id": "client-id"}
"""Options of this command, by the rest of their names at `floe host`."""

PORT, TLS_PORT = 8080, 8443
"""Flyte's own defaults."""


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    envvar="FLYTE_PORT",
    help="Port of flyte's API, at every interface.  [8443 with a certificate, else 8080]",
)
@click.option("--cert", metavar="FILE", envvar="FLYTE_TLS_CERT_PATH", help="Certificate (PEM).")
@click.option("--key", metavar="FILE", envvar="FLYTE_TLS_KEY_PATH", help="Its private key (PEM).")
@click.option(
    "--policy",
    metavar="FILE",
    envvar="FLYTE_AUTH_POLICY_PATH",
    help="Who may do what; needs --issuer and --client-id.  [each caller may do all]",
)
@click.option(
    "--issuer", metavar="URL", envvar="FLYTE_OIDC_ISSUER_URL", help="Who signs tokens (OIDC)."
)
@click.option(
    "--client-id",
    metavar="ID",
    envvar="FLYTE_OIDC_ISSUER_CLIENT_ID",
    help="The client that tokens are for.",
)
@click.option("--data", metavar="DIR", help="Folder of its data.  [./.floe/h1]")
@click.option("--conf", metavar="FILE", default=CONF, help="The config.  [one host, no flows]")
@click.option(
    "--pub-bind",
    metavar="HOST:PORT",
    default=ANY_PORT,
    envvar="FLOE_PUB_BIND",
    help="Address of floe's own API and dashboard.  [127.0.0.1, any free port]",
)
@click.option("--insecure", is_flag=True, help="Serve without a certificate.")
@click.option("--log-level", type=click.Choice(LEVELS), default="info", envvar="FLOE_LOG_LEVEL")
def command(
    port: int | None,
    cert: str | None,
    key: str | None,
    policy: str | None,
    issuer: str | None,
    client_id: str | None,
    data: str | None,
    conf: str,
    pub_bind: str,
    insecure: bool,
    log_level: logs.Level,
) -> None:
    """Start a host for flyte's packs, and serve until it is stopped (SIGTERM or ^C).

    It reads the variables of flyte's own server, FLYTE_PORT and so on, and those of `floe host`.
    Packs find it at the root of its address. A cluster is `floe host`, with `flyte:` in its config.

    \b
    Examples:
      floe flyte serve --port 8443 --cert cert.pem --key key.pem --data /var/lib/floe
      floe flyte serve --insecure
    """
    flags = Flags(
        root=data,
        conf=conf,
        pub_bind=pub_bind,
        insecure=insecure or None,
        flyte_bind=f":{(TLS_PORT if cert else PORT) if port is None else port}",
        flyte_cert=cert,
        flyte_key=key,
        flyte_policy=policy,
        flyte_issuer=issuer,
        flyte_client_id=client_id,
    )
    try:
        run_host(flags, log_level)
    except ConfigInvalid as error:
        raise ConfigInvalid([_renamed(finding) for finding in error.findings]) from None


def _renamed(finding: Finding) -> Finding:
    """A finding about options of `floe host`, with the options of this command."""

    def renamed(text: str) -> str:
        return OPTION.sub(lambda found: f"--{NAMES.get(found[1], found[1])}", text)

    file = renamed(finding.file.partition(" (or FLOE_FLYTE_")[0])
    return replace(finding, file=file, what=renamed(finding.what), hint=renamed(finding.hint))
