"""Reads the `opts` of an ssh task. floe replaces no variable in its command."""

import shlex

from floe.dialects.floe.names import leads_out
from floe.dialects.floe.vocabulary import (
    CONNECT_TIMEOUT,
    DIRECT,
    DOWNLOAD,
    KEEPALIVE,
    KNOWN_HOSTS,
    SSH_ARGS,
    SSH_CMD,
    SSH_DIR,
    SSH_ENV,
    SSH_HOST,
    SSH_KEY,
    SSH_PASSWORD,
    SSH_PORT,
    SSH_SECRET_KEY,
    SSH_SHELL,
    SSH_USER,
    UPLOAD,
)
from floe.dialects.notes import Notes
from floe.dialects.section import SectionValues
from floe.model.ssh import Ssh
from floe.model.template import Text, data_of


def read_ssh(opts: SectionValues, name: str, notes: Notes) -> Ssh:
    """The work of an ssh task, from its `opts`."""
    if opts[SSH_KEY] and opts[SSH_SECRET_KEY]:
        notes.error(opts.at_of(SSH_SECRET_KEY), "`key` and `key-file` are both given", "remove one")
    own = [(UPLOAD, copy.source) for copy in opts[UPLOAD]]
    own += [(DOWNLOAD, copy.target) for copy in opts[DOWNLOAD]]
    for key, path in own:
        if leads_out(data_of(path)):
            what = f"`{key.name}` leads out of the workspace: `{data_of(path)[:70]}`"
            notes.error(opts.at_of(key), what, "a path in the workspace, such as build/app.tgz")
    return Ssh(
        host=opts[SSH_HOST],
        user=opts[SSH_USER],
        port=opts[SSH_PORT],
        argv=_argv(opts, notes),
        shell=opts[SSH_SHELL],
        dir=opts[SSH_DIR],
        env=opts[SSH_ENV],
        key_file=opts[SSH_KEY],
        key=opts[SSH_SECRET_KEY],
        password=opts[SSH_PASSWORD],
        known_hosts=opts[KNOWN_HOSTS],
        connect_timeout_s=opts[CONNECT_TIMEOUT],
        keepalive_s=opts[KEEPALIVE],
        upload=opts[UPLOAD],
        download=opts[DOWNLOAD],
        direct=opts[DIRECT],
    )


def _argv(opts: SectionValues, notes: Notes) -> tuple[Text, ...]:
    cmd, shell, args = opts[SSH_CMD].strip(), opts[SSH_SHELL], opts[SSH_ARGS]
    if opts.is_wrong(SSH_CMD) or opts.is_wrong(SSH_SHELL):
        return ()
    if shell.strip():
        given = SSH_CMD if cmd else SSH_ARGS
        if cmd or args:
            what = f"`{given.name}` and `shell` are both given"
            notes.error(opts.at_of(SSH_SHELL), what, "remove one; `shell` is the whole command")
        return ()
    if not cmd and not args and (opts[UPLOAD] or opts[DOWNLOAD]):
        return ()
    if not cmd:
        notes.error(
            opts.at,
            "an ssh task needs `cmd`, `shell`, `upload` or `download`",
            "opts: {host: …, cmd: uptime}",
        )
        return ()
    if SSH_ARGS in opts:
        return (cmd, *args)
    try:
        return tuple(shlex.split(cmd))
    except ValueError as e:
        what = f"`cmd` cannot be split: {str(e).lower()}"
        notes.error(opts.at_of(SSH_CMD), what, "close the quote, or list the arguments in `args`")
        return ()
