"""Explains ssh errors: which files ssh read, and what to write to them."""

import os
import pwd
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_URL: Final = re.compile(
    r"ssh://(?P<to>[^/:\[]*(?:\[[^\]]*\])?[^/:]*)(?::(?P<port>[0-9]*))?(?:/|$)"
)
_MISSING: Final = re.compile(r"Identity file (.+) not accessible")
_SHORT: Final = re.compile(r"(?P<to>[^/:\[]*)(?:\[(?P<host>[^\]]*)\])?:")


def explained(url: str, stderr: str, env: Mapping[str, str]) -> str:
    """Lines that explain ssh's message about a git URL, each after a line end; empty for others."""
    is_changed = "REMOTE HOST IDENTIFICATION HAS CHANGED" in stderr
    is_unknown = "Host key verification failed" in stderr
    is_denied = "Permission denied (" in stderr
    if not (is_changed or is_unknown or is_denied):
        return ""
    settings = _settings(url, env)
    if not settings:
        return ""
    name, port = settings["hostname"][0], settings["port"][0]
    known = settings.get("hostkeyalias", [name])[0]
    known = known if port == "22" else f"[{known}]:{port}"
    if is_denied and not is_unknown:
        lines = _denied(known, settings, env, _MISSING.findall(stderr))
    else:
        files = settings.get("userknownhostsfile", [""])[0].split()
        files = [_home(file) for file in files] or ["~/.ssh/known_hosts"]
        everyones = settings.get("globalknownhostsfile", [""])[0].split()
        scan = "ssh-keyscan" + (f" -p {port}" if port != "22" else "")
        add = f"{scan} -H {shlex.quote(name)} >> {shlex.quote(files[0])}"
        drop = f"ssh-keygen -R {shlex.quote(known)} -f {shlex.quote(files[0])}"
        compare = "first compare its fingerprint with the one that its owner publishes:"
        look = f"{scan} {shlex.quote(name)} | ssh-keygen -lf -"
        if is_changed:
            lines = [
                f"the key of {known} is not the one that {' or '.join([*files, *everyones])} has",
                "if its owner has changed it, " + compare + f" {look}",
                f"then, as the user {_login_name()}: {drop} && {add}",
            ]
        else:
            lines = [
                f"the key of the host {known} is not known: ssh looked in "
                + ", ".join([*files, *everyones]),
                f"{compare} {look}",
                f"then add it, as the user {_login_name()}: {add}",
            ]
    return "".join(f"\nfloe: {line}" for line in lines)


def _denied(
    known: str, settings: Mapping[str, list[str]], env: Mapping[str, str], missing: list[str]
) -> list[str]:
    keys = [_home(file) for file in settings.get("identityfile", [])]
    there = [key for key in keys if Path(key).exists()]
    agent = env.get("SSH_AUTH_SOCK", "")
    tried = f"it tried the key files {', '.join(there)}" if there else "it has no key file"
    missing = [*missing, *(key for key in keys if key not in there)]
    if missing:
        tried += f"; not there: {', '.join(missing)}"
    tried += f"; agent: {agent or 'none'}"
    user = settings["user"][0]
    return [
        f"{known} takes none of the keys that ssh has for {user}: {tried}",
        "add the public half of one of them there, or name another with key-file",
    ]


def _settings(url: str, env: Mapping[str, str]) -> dict[str, list[str]]:
    """The settings that ssh uses for a git URL (`ssh -G`)."""
    url = _printed(["git", "ls-remote", "--get-url", "--", url], env).strip() or url
    found = _URL.match(url) or _SHORT.match(url)
    if not found:
        return {}
    groups = found.groupdict()
    to = groups["to"].replace("[", "").replace("]", "") + (groups.get("host") or "")
    port = groups.get("port")
    command = env.get("GIT_SSH_COMMAND", "ssh")
    options = ["-G", *(("-p", port) if port else ()), "--", to]
    settings: dict[str, list[str]] = {}
    for line in _printed(["sh", "-c", f'{command} "$@"', "ssh", *options], env).splitlines():
        name, _, value = line.partition(" ")
        settings.setdefault(name, []).append(value)
    return settings if {"hostname", "port", "user"} <= settings.keys() else {}


def _printed(argv: list[str], env: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            argv, cwd="/", env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.decode(errors="replace")


def _home(path: str) -> str:
    """Expand a path as ssh does: with the user's home, not `$HOME`."""
    if not path.startswith("~/"):
        return path
    try:
        return pwd.getpwuid(os.geteuid()).pw_dir + path[1:]
    except KeyError:
        return path


def _login_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
