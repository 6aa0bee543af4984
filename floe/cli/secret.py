"""`floe secret`: secrets of a host, and the key of its vault; no command prints a value."""

import sys

import click

from floe.cli.client import Client, connected, path
from floe.cli.formats import age, as_json, clean, table
from floe.expr.masking import VALUE_BYTES_MAX, without_line_end
from floe.model.errors import Yours


@click.group()
def command() -> None:
    """Secrets in the vault of a host: set, list and remove them.

    A task gets a secret by naming it in `secrets`. No command shows a value.

    \b
    Examples:
      floe secret set NPM_TOKEN              (asks for the value)
      floe secret set DEPLOY_KEY < id_rsa
      floe secret list
      floe secret rotate                     (a new key for the vault)
    """


@command.command(name="set")
@click.argument("name")
@click.option("--host", metavar="HOST", help="At HOST.  [the host that answers]")
def set_(name: str, host: str | None) -> None:
    """Set the secret NAME to a value from standard input, or from the terminal without echo.

    One line end behind a value of one line is removed. A value has at least 6 characters.
    """
    value = _value(name)
    client = connected()
    at = host or _own(client)
    client.post(path("hosts", at, "secrets"), {"name": name, "value": value})
    click.echo(f"{clean(at)}: {name} is set")


@command.command(name="list")
@click.option("--host", metavar="HOST", help="At HOST.  [the host that answers]")
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def list_(host: str | None, json_: bool) -> None:
    """List the secrets of a host: names, sources and problems."""
    client = connected()
    answer = client.get(path("hosts", host or _own(client), "secrets"))
    if json_:
        as_json(answer)
        return
    table(
        ("NAME", "SOURCE", "SET", "BY", "PROBLEM"),
        (
            (one["name"], one["source"], age(one["set_at"]), one["set_by"], one["problem"])
            for one in answer["secrets"]
        ),
    )


@command.command(name="rm")
@click.argument("name")
@click.option("--host", metavar="HOST", help="At HOST.  [the host that answers]")
def remove(name: str, host: str | None) -> None:
    """Remove the secret NAME from the vault of a host."""
    client = connected()
    at = host or _own(client)
    client.delete(path("hosts", at, "secrets", name))
    click.echo(f"{clean(at)}: {name} is removed")


@command.command(name="rotate")
@click.option("--host", metavar="HOST", help="At HOST.  [the host that answers]")
def rotate(host: str | None) -> None:
    """Encrypt all secrets in the vault of a host, and the keys of its sealed runs, with a new key.

    The old key leaves the key file once nothing needs it. Values, names and logs stay as they are.
    Copies of removed sealed runs, as in backups, cannot be read from then on.
    """
    client = connected()
    at = host or _own(client)
    done = client.post(path("hosts", at, "secrets", "rotate"), {})
    key, count = clean(done["key"]), done["secrets"]
    runs = f", sealed runs: {done['runs']}" if done["runs"] else ""
    click.echo(f"{clean(at)}: the new key is {key}; secrets encrypted with it: {count}{runs}")
    for other in done["others"]:
        names = ", ".join(map(clean, other["secrets"]))
        click.echo(f"the key {clean(other['key'])} stays: {names} cannot be read")


def _own(client: Client) -> str:
    """The name of the host that answers."""
    return next(str(one["id"]) for one in client.get("hosts")["hosts"] if one["self"])


def _value(name: str) -> str:
    """The value that the user gives. Raises Yours."""
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of {name}", hide_input=True, err=True))
    data = sys.stdin.buffer.read(VALUE_BYTES_MAX + 1)
    if len(data) > VALUE_BYTES_MAX:
        raise Yours(f"the value of {name} is too long")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Yours(
            f"the value of {name} is no UTF-8 text", "base64 FILE | floe secret set …"
        ) from None
    return without_line_end(text)
