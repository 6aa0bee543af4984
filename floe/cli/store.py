"""`floe store`: what an operator does with the store of a host that is stopped."""

import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import click

from floe.cli.formats import as_json, clean
from floe.model.errors import Yours

SHOW_S: Final = 10.0
"""Seconds between two lines of progress, where standard error is no terminal."""


@click.group()
def command() -> None:
    """The store of a host: the database with its runs."""


@command.command(name="reindex")
@click.option("--conf", metavar="FILE", help="The config of the host.  [as for floe host]")
@click.option("--root", metavar="DIR", help="Folder of its data.  [./.floe/<host-name>]")
@click.option("--host-name", metavar="NAME", help="Name in the cluster.  [h1]")
@click.option("--json", "json_", is_flag=True, help="Print the result as JSON.")
def reindex(json_: bool, **flags: Any) -> int:
    """Derive the lists of a stopped host again from the logs of its runs.

    Lists show one row for each run: its state, title, the text that a search reads, the facets of
    its dialect. All of that comes from the log, and this command makes it again: after an upgrade
    that shows more in lists, or if a list is wrong. It changes no log.

    Stop the host first. ^C or a crash does no harm: start the command again. Other hosts of the
    cluster take the new rows when this host is back, and send theirs again.

    A log that cannot be read is named, and its row stays as it is; the exit code is 1 then.

    \b
    Examples:
      floe store reindex --root /var/lib/floe
      floe store reindex --conf floe.yml --json
    """
    from floe.config import Flags, load, read_local, which_conf
    from floe.dialects.registry import row_readers
    from floe.host.rows import reader_of, row_of
    from floe.key_file import KeyFile
    from floe.store.reindexed import reindex as reindexed
    from floe.store.seals import RunSeals

    given = Flags(**flags)
    conf = which_conf(given, os.environ, Path.cwd())
    config = load(given, os.environ, read_local(conf.name), conf.name)
    if config.store_type == "memory":
        raise Yours("`store-type: memory` keeps nothing to derive lists from")
    readers, seals = row_readers(), RunSeals(KeyFile(config.secret_key_file))
    seals.look()
    with _Progress() as progress:
        done = reindexed(
            config.store_root,
            lambda run: row_of(run, reader_of(run, readers)),
            progress.show,
            seals,
        )
    if json_:
        logs = [{"run": log.run, "why": log.why} for log in done.unreadable]
        as_json({"runs": done.runs, "changed": done.changed, "unreadable": logs})
    else:
        for log in done.unreadable:
            click.echo(f"{clean(log.run)}: its log cannot be read: {clean(log.why)}", err=True)
        click.echo(f"rows of {done.runs:,} runs derived again; changed: {done.changed:,}")
    return 1 if done.unreadable else 0


class _Progress:
    """One line that changes on a terminal, and else a line now and then."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._shown_at = time.monotonic()
        self._has_line = False

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._has_line:
            click.echo(err=True)

    def show(self, done: int, runs: int) -> None:
        """Show how far it is."""
        text = f"{done:,} of {runs:,} runs"
        if self._is_terminal:
            click.echo(f"\r{text}", err=True, nl=False)
            self._has_line = True
        elif time.monotonic() - self._shown_at >= SHOW_S:
            click.echo(text, err=True)
            self._shown_at = time.monotonic()
