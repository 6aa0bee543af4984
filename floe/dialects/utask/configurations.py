"""Configurations of uTask's actions: the type of each key, and what uTask checks when it loads.

They are read before their texts are rendered, and values are never converted to texts.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Final, Protocol

from floe.dialects.utask.keys import TypedKeys
from floe.expr.gotext.times import read_duration
from floe.expr.patterns import fault_of
from floe.model.ids import Json

HTTP_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH")
OUTPUT_MODES: Final = ("disabled", "manual-delimiters", "manual-lastline")
PARENT_TAG: Final = "_utask_parent_task_id"
HOPS_MAX: Final = 10

_EXIT_CODES: Final = re.compile(r"([0-9]+)(?:-([0-9]+))?", re.ASCII)
_BOOLS: Final = (
    *("", "1", "t", "T", "true", "TRUE", "True"),
    *("0", "f", "F", "false", "FALSE", "False"),
)
"""Texts that Go reads as a bool, and none."""
_SHAPES: Final = {"s": "text", "b": "flag", "i": "whole", "m": "entries", "l": "items", "a": "raw"}


PluginCheck = Callable[[Mapping[str, Json]], Iterable[str]]
"""What is wrong with a configuration of a plugin's action, as it is written."""


class Installation(Protocol):
    """What a host has that templates name."""

    @property
    def templates(self) -> Container[str]:
        """The names of all templates."""
        ...

    def script_fault(self, path: str) -> str:
        """Why a script cannot run; empty if it can."""
        ...

    @property
    def plugins(self) -> Mapping[str, PluginCheck]:
        """The checks of the actions that plugins bring, by their names."""
        ...

    @property
    def notify_backends(self) -> Container[str]:
        """The names of the ways to notify people."""
        ...


Check = Callable[[TypedKeys, Installation], None]


def _typed(keys: TypedKeys, shapes: str) -> None:
    """Check the types of keys: `s:url b:unmarshal`; `L` and `M` are a list and a map of texts."""
    for shape in shapes.split():
        kind, _, key = shape.partition(":")
        if kind == "L":
            keys.texts(key)
        elif kind == "M":
            keys.text_map(key)
        else:
            getattr(keys, _SHAPES[kind])(key)


def _needs(keys: TypedKeys, *required: str) -> None:
    for key in required:
        if not keys.text(key):
            keys.error(key, f"{key} is missing")


def _check_echo(keys: TypedKeys, _: Installation) -> None:
    _typed(keys, "a:output m:metadata b:unmarshal s:error_message s:error_type")
    if keys.text("error_type") not in ("", "client", "server"):
        keys.error("error_type", "Wrong error type: expecting 'client' or 'server'")


def _check_http(keys: TypedKeys, _: Installation) -> None:
    _typed(keys, "s:url s:host s:path s:method s:body s:timeout s:follow_redirect s:root_ca")
    _typed(keys, "s:insecure_skip_verify s:trim_prefix")
    method = keys.text("method")
    is_template = method.startswith("{{") or method.endswith("}}")
    if method not in HTTP_METHODS and not is_template:
        names = ", ".join(HTTP_METHODS)
        keys.error("method", f"unknown method for HTTP runner: {method}", f"one of {names}")
    if keys.text("url") and (keys.text("host") or keys.text("path")):
        keys.error("url", "URL field conflicts with Host+Path", "keep url, or host and path")
    if not keys.text("url") and not keys.text("host"):
        keys.error("url", "missing either URL or Host")
    for key in ("headers", "query_parameters"):
        for item in keys.items(key):
            pair = TypedKeys(item, f"a part of `{key}`", keys.reading, is_strict=True)
            _typed(pair, "s:name s:value")
            if not pair.text("name") and key == "headers":
                pair.error("name", "missing header name")
    _check_auth(keys)


def _check_auth(outer: TypedKeys) -> None:
    tree = outer.tree("auth")
    if tree is None:
        return
    keys = TypedKeys(tree, "`auth`", outer.reading, is_strict=True)
    keys.text("bearer")
    kinds = [kind for kind in ("basic", "digest", "bearer") if keys.tree(kind) is not None]
    if len(kinds) > 1:
        keys.error(kinds[1], "basic|digest|bearer authentications are mutually exclusive")
    for kind, needed in (
        ("basic", ("user", "password")),
        ("digest", ("user", "password")),
        ("mutual_tls", ("client_cert", "client_key")),
    ):
        part = keys.tree(kind)
        if part is not None:
            _needs(TypedKeys(part, f"`{kind}` of `auth`", keys.reading, is_strict=True), *needed)
    if "bearer" in kinds and not keys.text("bearer"):
        keys.error("bearer", "missing bearer token")


def _check_run(keys: TypedKeys, modes: tuple[str, ...]) -> None:
    """What scripts have in common, on a host and by ssh."""
    _typed(keys, "s:timeout s:output_mode L:output_manual_delimiters L:exit_codes_unrecoverable")
    timeout, mode = keys.text("timeout"), keys.text("output_mode")
    if timeout and read_duration(timeout) is None:
        keys.error("timeout", "can't parse timeout field", "a duration such as 30s or 2m")
    if mode and mode not in modes:
        what = f'invalid value "{mode}" for output_mode'
        keys.error("output_mode", what, f"one of {', '.join(modes)}")
    delimiters = keys.texts("output_manual_delimiters")
    if mode == "manual-delimiters":
        if len(delimiters) != 2:
            keys.error("output_manual_delimiters", "two delimiters are needed", "[start, end]")
        for one in delimiters:
            if fault := fault_of(one.text):
                keys.reading.notes.error(one.at, f"invalid delimiter: {fault}")
    elif delimiters:
        what = f'invalid parameter "output_manual_delimiters", output_mode is "{mode}"'
        keys.error("output_manual_delimiters", what, "write output_mode: manual-delimiters")
    for code in keys.texts("exit_codes_unrecoverable"):
        found = _EXIT_CODES.fullmatch(code.text)
        if not found or (found[2] and not int(found[2]) > int(found[1]) > 0):
            what = f'exit_codes_unrecoverable value "{code.text}" is no exit code and no range'
            keys.reading.notes.error(code.at, what, 'such as "3" or "10-20"')


def _check_script(keys: TypedKeys, installation: Installation) -> None:
    _typed(keys, "s:file_path L:argv s:stdin m:environment")
    _check_run(keys, OUTPUT_MODES)
    path = keys.text("file_path")
    if not path:
        keys.error("file_path", "file_path is missing")
    elif fault := installation.script_fault(path):
        keys.error("file_path", fault)


def _check_ssh(keys: TypedKeys, _: Installation) -> None:
    _typed(keys, "s:user s:target L:hops s:script s:ssh_key s:ssh_key_passphrase M:result")
    _check_run(keys, (*OUTPUT_MODES, "auto-result"))
    mode = keys.text("output_mode")
    if keys.tree("result") is not None and mode not in ("", "auto-result"):
        what = f'invalid parameter "result", output_mode is configured to "{mode}"'
        keys.error("result", what, "write output_mode: auto-result")
    if len(keys.items("hops")) > HOPS_MAX:
        keys.error("hops", f"at most {HOPS_MAX} hops are possible")


def _check_subtask(keys: TypedKeys, installation: Installation) -> None:
    _typed(keys, "s:template m:input s:json_input s:resolver_usernames s:resolver_groups s:delay")
    _typed(keys, "s:watcher_usernames s:watcher_groups M:tags")
    name = keys.text("template")
    if name not in installation.templates:
        keys.error("template", f'sub-task template "{name}" not found', "names are in lower case")


def _check_batch(keys: TypedKeys, installation: Installation) -> None:
    _typed(keys, "s:template_name s:json_inputs m:common_inputs s:common_json_inputs s:comment")
    _typed(keys, "s:sub_batch_size M:tags L:watcher_usernames L:watcher_groups")
    for item in keys.items("inputs"):
        TypedKeys(item, "a part of `inputs`", keys.reading)
    name = keys.text("template_name")
    if name not in installation.templates:
        what = f'batch template "{name}" not found'
        keys.error("template_name", what, "names are in lower case")


def _check_callback(keys: TypedKeys, _: Installation) -> None:
    _typed(keys, "s:action s:schema s:id")
    action = keys.text("action").lower()
    if action not in ("create", "wait"):
        keys.error("action", f'invalid action "{keys.text("action")}"', "create or wait")
    if action == "wait" and not keys.text("id"):
        keys.error("id", 'missing "id" parameter')


def _check_cache(keys: TypedKeys, _: Installation) -> None:
    _typed(keys, "s:action s:key a:value i:ttl")
    if keys.text("action") not in ("set", "get", "delete"):
        keys.error("action", f'invalid action "{keys.text("action")}"', "set, get or delete")
    if not keys.text("key"):
        keys.error("key", 'missing required parameter "key"')


def _check_tag(keys: TypedKeys, _: Installation) -> None:
    for name, value in keys.text_map("tags").items():
        if name == PARENT_TAG:
            keys.reading.notes.error(value.at, f'tag name "{name}" not allowed')


def _check_notify(keys: TypedKeys, installation: Installation) -> None:
    _typed(keys, "s:message M:fields L:backends")
    for one in keys.texts("backends"):
        if one.text not in installation.notify_backends:
            keys.reading.notes.error(one.at, f'notify backend "{one.text}" not found')


def _check_email(keys: TypedKeys, _: Installation) -> None:
    _typed(keys, "s:smtp_username s:smtp_password s:smtp_skip_tls_verify s:from_name")
    _needs(keys, "smtp_hostname", "from_address", "subject", "body")
    port = keys.text("smtp_port")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < 1 << 16):
        keys.error("smtp_port", "smtp_port is a port number as a text", 'such as "25"')
    if not keys.texts("to"):
        keys.error("to", "to is missing")
    if keys.text("smtp_skip_tls_verify") not in _BOOLS:
        what = "can't parse smtp_skip_tls_verify field"
        keys.error("smtp_skip_tls_verify", what, 'a bool as a text: "true" or "false"')


def _check_ping(keys: TypedKeys, _: Installation) -> None:
    _needs(keys, "hostname")
    for key in ("count", "interval_second"):
        text = keys.text(key)
        if text and not (text.isascii() and text.isdigit()):
            keys.error(key, f"can't parse {key} field", 'a whole number as a text, such as "3"')


def _check_apiovh(keys: TypedKeys, _: Installation) -> None:
    _typed(keys, "s:credentials s:method s:path s:body")


CONFIGURATIONS: Final[Mapping[str, Check]] = {
    "apiovh": _check_apiovh,
    "batch": _check_batch,
    "cache": _check_cache,
    "callback": _check_callback,
    "echo": _check_echo,
    "email": _check_email,
    "http": _check_http,
    "notify": _check_notify,
    "ping": _check_ping,
    "script": _check_script,
    "ssh": _check_ssh,
    "subtask": _check_subtask,
    "tag": _check_tag,
}
"""The check of each action's configuration by the name of the action."""
