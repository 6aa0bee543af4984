"""Prepares a command: its folders and files, its arguments and its environment.

Rule of this file: `prepared` may block if `place_of` names a file system; a thread calls it then.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar, assert_never

from floe.expr.command import expanded
from floe.expr.env_entries import env_values_of
from floe.files import FileFolders
from floe.model.call import Call
from floe.model.callback import Callback
from floe.model.errors import FloeError, Yours
from floe.model.http import Http
from floe.model.notify import Notify
from floe.model.nouns import dataclass
from floe.model.secret import Secret
from floe.model.secret_name import SecretName
from floe.model.ssh import Ssh
from floe.model.template import Text, data_of
from floe.model.work import Action, Exec, Fetch, GitCheckout, GitMerge
from floe.nodes import git, ssh, warden
from floe.nodes.attempt_files import drop_secrets, write_input, write_secrets
from floe.nodes.base import Job, Secrets
from floe.nodes.bash import bash
from floe.nodes.command_environment import environment, inherited
from floe.nodes.program_copies import drop_earlier, installed
from floe.nodes.remote import Remote
from floe.nodes.spare_inputs import SpareInputs
from floe.nodes.workspaces import Workspaces, inside
from floe.places import Places

T = TypeVar("T")

PROGRAMS: Final = ("repository", "ssh")
COMMANDS_DEFAULT: Final = 4 * (os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSettings:
    """The settings of a host for the preparation of its commands."""

    host: str
    """Its name, `FLOE_HOST`."""
    workspace_root: Path
    pass_env: tuple[str, ...] = ()
    """Variables of the host's environment that commands see in addition to the usual ones."""
    key_file: str = ""
    """The private key for git if a node names none; empty for the system's own."""
    strict_shell: bool = False
    """Whether `shell` ends at the first command that fails, for flows that do not set it."""
    commands: int = COMMANDS_DEFAULT
    """How many commands run at once; the rest wait in order."""


class Preparation:
    """Prepares the commands of a host."""

    def __init__(
        self,
        settings: CommandSettings,
        workspaces: Workspaces,
        places: Places,
        folders: FileFolders,
        secrets: Secrets,
    ) -> None:
        """`folders` are those of the main thread."""
        self._settings = settings
        self._secrets = secrets
        self._folders = folders
        self.inputs = SpareInputs(folders)
        self._workspaces = workspaces
        self._places = places
        self._base = inherited(os.environ, settings.pass_env)
        self._programs = dict.fromkeys(PROGRAMS, Path())
        """The copied programs that nodes run, by name."""

    def install_programs(self, folder: Path) -> None:
        """Copy the programs of git and ssh nodes, so that an upgrade does not change them."""
        self._programs = {name: installed(folder, name) for name in PROGRAMS}

    def program(self, name: str) -> Path:
        """A copied program."""
        return self._programs[name]

    def drop_earlier_programs(self) -> None:
        """Remove the copies of other versions of floe. No attempt may run."""
        for program in self._programs.values():
            drop_earlier(program)

    def place_of(self, job: Job) -> str:
        """The mount point of a file system that `prepared` uses and may hang; empty for none."""
        if not self._places.has_remote:
            return ""
        work, path, program = job.work, self._base["PATH"], ""
        if isinstance(work, Exec):
            sub_dir = work.sub_dir
            for entry in (*job.env, *map(data_of, work.env)):
                if entry.startswith("PATH="):
                    path += ":" + entry.removeprefix("PATH=")
            if work.argv and "/" in (first := data_of(work.argv[0])):
                program = first.replace("$FLOEWS", str(job.workspace))
        else:
            sub_dir = work.git.sub_dir if isinstance(work, GitCheckout | GitMerge) else ""
        folder = job.workspace / sub_dir
        before = job.moved_from or job.workspace
        used = (job.output, job.workspace, before, folder, folder / program)
        found = self._places.on_way(*used)
        return found or self._places.on_search(path)

    def prepared(self, job: Job, folders: FileFolders, *, is_apart: bool = False) -> warden.Spawn:
        """Create folders and files. Every fault of a job raises here, before anything starts.

        `is_apart`: in a thread, with `folders` of its own.
        """
        if job.ready is None:
            self._workspaces.ready_for(job, folders)
        if is_apart:
            write_input(job, folders)
        else:
            self.inputs.write(job)
        work = job.work
        secrets = {use.name: self._secrets.value(use.name) for use in job.secrets}
        write_secrets(job, secrets, folders)
        argv, env, cwd = self._command(job, work, secrets)
        if is_apart:  # the warden looks up the program the same way, and hangs for all commands
            shutil.which(str(cwd / argv[0]) if "/" in argv[0] else argv[0], path=env["PATH"])
        return warden.Spawn(
            key=str(job.key),
            argv=argv,
            env=env,
            cwd=str(cwd),
            output=str(job.output),
            timeout_s=job.timeout_s,
            grace_s=job.grace_s,
            output_max=job.output_max,
            apart=is_apart and self._places.on_way(job.output) != "",
            attach=False,
        )

    def drop_secrets(self, job: Job) -> None:
        """Remove the files with secrets of an attempt that is over."""
        if not any(use.file for use in job.secrets):
            return
        if place := self._places.on_way(job.output):
            self._places.call(place, prepared_apart, drop_secrets, job)
        else:
            drop_secrets(job, self._folders)

    def _command(
        self, job: Job, work: Action, secrets: Mapping[SecretName, Secret]
    ) -> tuple[tuple[str, ...], dict[str, str], Path]:
        """The command line, the environment and the folder. Raises Yours, World."""
        if job.ready:
            return job.ready.argv, dict(job.ready.env), job.ready.folder
        match work:
            case Exec():
                cwd = _folder(job.workspace, work.sub_dir)
                entries = (*job.env, *work.env)
                env = environment(self._base, job, self._settings.host, entries, secrets)
                return self._argv(work, job, env, entries), env, cwd
            case GitCheckout() | GitMerge():
                cwd = _folder(job.workspace, work.git.sub_dir)
                env = environment(self._base, job, self._settings.host, job.env)
                argv = git.argv(self._programs["repository"], git.task_of(work, job.workspace, cwd))
                key_file = work.git.key_file or self._settings.key_file
                env = git.git_environment(env, key_file, job.env)
                env.update(Remote.parse(work.git.url).env)
                return argv, env, cwd
            case Ssh():
                env = environment(self._base, job, self._settings.host, job.env, secrets)
                strict = self._is_strict(job)
                far = ssh.far_command_of(work, job, env, self._secrets, strict=strict)
                for use in job.secrets:  # the far command gets them, and no process here
                    del env[use.name]
                env[ssh.VARIABLE] = far.text()
                return ssh.argv(self._programs["ssh"]), env, job.workspace
            case Fetch() | Http() | Notify() | Call() | Callback():
                raise TypeError(f"{type(work).__name__} is not a command")
            case _:
                assert_never(work)

    def _is_strict(self, job: Job) -> bool:
        strict = job.strict_shell
        return self._settings.strict_shell if strict is None else strict

    def _argv(
        self, work: Exec, job: Job, env: dict[str, str], entries: tuple[Text, ...]
    ) -> tuple[str, ...]:
        """The command line. Raises Yours if a value would become code."""
        if work.shell:
            return bash(work.shell, strict=self._is_strict(job))
        is_value = env_values_of(entries, escapes=job.has_escapes)
        argv = expanded(work.argv, env, is_value, escapes=job.has_escapes)
        if name := self._secrets.masks().named_in(argv[0]):  # its name is in errors of the warden
            raise Yours(f"the name of the program contains the secret {name}")
        return argv


def _folder(workspace: Path, sub_dir: str) -> Path:
    if not sub_dir:
        return workspace
    folder = inside(workspace, sub_dir)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def attach(name: str, grace_s: float) -> warden.Spawn:
    """A prepared request for the outcome of an attempt; its limits are those from its start."""
    return warden.Spawn(
        key=name,
        argv=(),
        env={},
        cwd="",
        output="",
        timeout_s=None,
        grace_s=grace_s,
        output_max=0,
        attach=True,
    )


def prepared_apart(work: Callable[[Job, FileFolders], T], job: Job) -> T:
    """The result of work in a thread, with open folders of its own."""
    folders = FileFolders()
    try:
        return work(job, folders)
    finally:
        folders.close()


def reason(error: Exception) -> str:
    """Why the preparation of a command failed, with a hint if there is one."""
    hint = error.hint if isinstance(error, FloeError) else ""
    return f"{error}; try: {hint}" if hint else str(error)
