"""Builds the work of a task from its type and `opts`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, cast

from floe.dialects.floe.calls import read_call
from floe.dialects.floe.command_lines import argv_of, split
from floe.dialects.floe.forms import read_form
from floe.dialects.floe.names import check_inside
from floe.dialects.floe.notify import read_notify
from floe.dialects.floe.pack_tasks import read_pack
from floe.dialects.floe.requests import read_http
from floe.dialects.floe.ssh_task import read_ssh
from floe.dialects.floe.triggers import elsewhere_in_opts, read_git
from floe.dialects.floe.vocabulary import (
    ALGO,
    ARGS,
    CHECKSUM,
    CMD,
    ENV_OPT,
    FETCH_URL,
    FORM,
    LFS,
    LOCATION,
    OPTS,
    SHELL,
    SUB_DIR,
    SUB_FLOW,
    SUB_HOST,
    SUB_VALUES,
    SUB_WAIT,
    SUBMODULES,
    TASK,
    TASK_PERIOD,
    TASK_TYPES,
    TaskType,
)
from floe.dialects.notes import Notes
from floe.dialects.section import Section, SectionValues
from floe.dialects.tree import Table
from floe.expr.command import IN_ENV
from floe.model.children import ChildValue, SubFlow
from floe.model.template import Template, Text, data_of, has_template
from floe.model.work import Ask, Exec, Fetch, Git, GitCheckout, GitMerge, Wait, Work


def read_work(type_: str, name: str, part: SectionValues, notes: Notes) -> Work:
    """The work of a task of this type, from its `opts`."""
    section = TASK_TYPES[type_].opts
    elsewhere = dict(elsewhere_in_opts(section, OPTS_OF))
    elsewhere |= {key: f"put `{key}` beside `opts:`" for key in TASK.by_name}
    opts = section.read(part[OPTS] or Table(part.at, {}), notes, elsewhere)
    if build := BUILDERS.get(type_):
        return build(opts, name, notes)
    return _plain(TASK_TYPES[type_], opts)


def _plain(type_: TaskType, opts: SectionValues) -> Work:
    """The work whose fields are the `opts`: `bytes-max` is `bytes_max`."""
    make = cast("Callable[..., Work]", type_.work)
    return make(**{key.name.replace("-", "_"): opts[key] for key in type_.opts.keys})


def _exec(opts: SectionValues, name: str, notes: Notes) -> Exec:
    cmd, shell, args = opts[CMD].strip(), opts[SHELL], opts[ARGS]
    argv: tuple[Text, ...] = ()
    if shell and has_template(args):
        what = "with `shell`, `args` become part of its code, which takes no values"
        notes.error(opts.at_of(ARGS), what, IN_ENV)
    if opts.is_wrong(CMD) or opts.is_wrong(SHELL):
        pass
    elif cmd and shell.strip():
        notes.error(opts.at_of(SHELL), "`cmd` and `shell` are both given", "remove one")
    elif cmd:
        argv = _argv(cmd, opts, notes)
    elif not shell.strip():
        notes.error(opts.at, "an exec needs `cmd` or `shell`", "opts: {cmd: make test}")
    return Exec(
        argv=argv,
        shell=" ".join((shell, *map(data_of, args))) if shell else "",
        sub_dir=check_inside(opts, SUB_DIR, notes),
        env=opts[ENV_OPT],
    )


def _argv(cmd: str, opts: SectionValues, notes: Notes) -> tuple[Text, ...]:
    if ARGS in opts:
        if re.search(r"\s", cmd):
            what = f"with `args`, `cmd` names a program, here `{cmd[:60]}`"
            notes.warning(opts.at_of(CMD), what, "move its arguments into `args`")
        return argv_of(cmd, opts[ARGS])
    try:
        return split(cmd)
    except ValueError as e:
        what = f"`cmd` cannot be split: {str(e).lower()}"
        notes.error(opts.at_of(CMD), what, "close the quote, or list the arguments in `args`")
        return ()


def _fetch(opts: SectionValues, name: str, notes: Notes) -> Fetch:
    return Fetch(
        url=opts[FETCH_URL],
        checksum=_checksum(opts, notes),
        checksum_algo=opts[ALGO],
        location=check_inside(opts, LOCATION, notes),
    )


_DIGITS: Final[Mapping[str, int]] = {"sha256": 64, "sha1": 40, "md5": 32}


def _checksum(opts: SectionValues, notes: Notes) -> Text:
    written = opts[CHECKSUM]
    if isinstance(written, Template):
        return written  # it is checked when it is filled in
    words = written.split()
    if not words:
        return ""
    checksum, digits = words[0].lower(), _DIGITS[opts[ALGO]]
    if not re.fullmatch("[0-9a-f]+", checksum):
        what = f"`checksum` is not hexadecimal: `{checksum[:70]}`"
        notes.error(opts.at_of(CHECKSUM), what, "the HASH, or a line `HASH  filename`")
    elif len(checksum) != digits:
        fits = [algo for algo, n in _DIGITS.items() if n == len(checksum)]
        what = f"a {opts[ALGO]} checksum has {digits} digits, not {len(checksum)}"
        hint = f"checksum-algo: {fits[0]}" if fits else "copy all of its digits"
        notes.error(opts.at_of(CHECKSUM), what, hint)
    return checksum


def _checkout(opts: SectionValues, name: str, notes: Notes) -> GitCheckout:
    return GitCheckout(git=_git(opts, notes))


def _merge(opts: SectionValues, name: str, notes: Notes) -> GitMerge:
    return GitMerge(git=_git(opts, notes))


def _git(opts: SectionValues, notes: Notes) -> Git:
    submodules = opts[SUBMODULES]
    git = read_git(opts, notes)
    return replace(git, submodules="" if submodules == "false" else submodules, lfs=opts[LFS])


def _timer(opts: SectionValues, name: str, notes: Notes) -> Wait:
    return Wait(period_s=opts[TASK_PERIOD])


def _flow(opts: SectionValues, name: str, notes: Notes) -> SubFlow:
    given = opts[SUB_VALUES] or {}
    texts = {name: one for name, one in given.items() if isinstance(one, Template)}
    return SubFlow(
        flow=opts[SUB_FLOW],
        values={name: one for name, one in given.items() if not isinstance(one, Template)},
        texts=tuple(ChildValue(name=name, template=one) for name, one in texts.items()),
        wait=opts[SUB_WAIT],
        host=opts[SUB_HOST],
    )


def _data(opts: SectionValues, name: str, notes: Notes) -> Ask:
    return Ask(form=read_form(opts[FORM], name, notes))


BUILDERS: Final[Mapping[str, Callable[[SectionValues, str, Notes], Work]]] = {
    "exec": _exec,
    "fetch": _fetch,
    "http": read_http,
    "notify": read_notify,
    "git-checkout": _checkout,
    "git-merge": _merge,
    "ssh": read_ssh,
    "timer": _timer,
    "data": _data,
    "flow": _flow,
    "call": read_call,
    "pack": read_pack,
}
"""By type of task: a function from its `opts` and name to its work, where the `opts` are checked
against one another or have different names than the fields."""
OPTS_OF: Final[Mapping[str, Section]] = {name: type_.opts for name, type_ in TASK_TYPES.items()}
