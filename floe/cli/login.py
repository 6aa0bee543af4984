"""`floe login`: store a host's address and token for the other commands."""

import json
import os
import sys
from pathlib import Path

import click

from floe.cli.client import Account, Client, account_path, address, token_of, usual_address
from floe.model.errors import Denied, Yours


@click.command()
@click.option(
    "--url", help="Address of the host.  [FLOE_URL, else the last one, else http://127.0.0.1:8080]"
)
@click.option(
    "--token",
    metavar="TOKEN|@FILE",
    help="The token. A command line can be read by others.  [FLOE_TOKEN, else a prompt]",
)
@click.option(
    "--personal", metavar="NAME", help="Create and store a personal token with this name."
)
@click.option("--ca", metavar="FILE", default="", help="Certificate of your own CA, to trust.")
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(url: str | None, token: str | None, personal: str | None, ca: str, json_: bool) -> None:
    """Store a host's address and token in a file that only you can read.

    \b
    Examples:
      floe login --token @.floe/h1/admin-token
      floe login --url https://floe.example.org --personal ada
    """
    url = address(url) if url else usual_address()
    text = token_of((token or os.environ.get("FLOE_TOKEN") or _asked(url)).strip())
    ca = str(Path(ca).expanduser().absolute()) if ca else ""
    client = Client(Account(url=url, token=text, ca=ca))
    try:
        user = client.get("login")["user"]
        if personal:
            answer = client.post("login", {"token": text, "personal": personal})
            text, user = answer["token"], answer["user"]
    except Denied:
        raise Denied(
            f"{url} refuses this token", "the host keeps it in admin-token, in its root"
        ) from None
    path = account_path()
    _keep({"url": url, "token": text, **({"ca": ca} if ca else {})}, path)
    if json_:
        click.echo(json.dumps({"url": url, "user": user, "kept_in": str(path)}))
    else:
        click.echo(f"logged in at {url} as {user}; stored in {path}")


def _asked(url: str) -> str:
    if not sys.stdin.isatty():
        raise Yours("no token given", "--token @FILE, or FLOE_TOKEN")
    answer: str = click.prompt(f"token for {url}", hide_input=True)
    return answer


def _keep(shape: dict[str, str], path: Path) -> None:
    """Write the file such that it is never readable by others. Raises Yours."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as file:
            json.dump(shape, file)
        part.replace(path)
    except OSError as error:
        raise Yours(f"{path} cannot be written: {error.strerror}", "set XDG_CONFIG_HOME") from None
