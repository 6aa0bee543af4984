"""The environment of a command.

No shell parses anything here: values from people are passed on unchanged.
"""

import os
from collections import ChainMap
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from floe.expr.env_entries import entry_faults
from floe.expr.substitute import expand_vars
from floe.expr.variables import with_variables
from floe.model.errors import Yours
from floe.model.secret import Secret
from floe.model.secret_name import SecretName
from floe.model.template import Text
from floe.nodes.attempt_files import input_path, outputs_path, secret_path
from floe.nodes.base import Job
from floe.nodes.input_variables import input_variables, item_variables

PROXY_NAMES: Final = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
NO_SECRETS: Final[Mapping[SecretName, Secret]] = MappingProxyType({})
_PLAIN: Final = ("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "SSH_AUTH_SOCK")
PASSED_NAMES: Final = frozenset((*_PLAIN, *PROXY_NAMES, *(name.upper() for name in PROXY_NAMES)))


def inherited(environ: Mapping[str, str], pass_env: Iterable[str] = ()) -> dict[str, str]:
    """The part of the host's own environment that commands see.

    Names that begin with `FLOE_` never pass, whatever `pass_env` says, since tokens have such
    names.
    """
    names = PASSED_NAMES.union(pass_env)
    passed = {
        name: value
        for name, value in environ.items()
        if (name in names or name.startswith("LC_")) and not name.startswith("FLOE_")
    }
    passed.setdefault("PATH", os.defpath)
    return passed


def environment(
    base: Mapping[str, str],
    job: Job,
    host: str,
    entries: Iterable[Text],
    secrets: Mapping[SecretName, Secret] = NO_SECRETS,
) -> dict[str, str]:
    """The environment of one attempt: `base`, floe's own names, `secrets`, then `entries` in order.

    Raises Yours if an entry puts a value into a variable that programs read code from. An
    entry sees the entries before it. Entries cannot change floe's own names, because the
    warden finds the processes of an attempt by `FLOE_ATTEMPT`.
    """
    own = {
        **input_variables(job.inputs),
        **item_variables(job.key.item, job.item),
        "FLOEWS": str(job.workspace),
        "FLOE_RUN": str(job.key.run),
        "FLOE_NODE": job.node,
        "FLOE_HOST": host,
        "FLOE_ATTEMPT": str(job.key),
        "FLOE_INPUT": input_path(job),
        "FLOE_OUTPUTS": outputs_path(job),
        "FLOE_FENCE": ",".join(f"{tag}={fence}" for tag, fence in job.fences.items()),
    }
    env = {**base, **own, **secret_variables(job, secrets)}
    given = tuple(entries)
    for fault in entry_faults(given, escapes=job.has_escapes):
        raise Yours(fault.what, fault.hint)
    texts, values, _ = with_variables(given)
    known = ChainMap(dict(values), env) if values else env
    for entry in texts:
        name, _, value = entry.partition("=")
        env[name] = expand_vars(value, known, escapes=job.has_escapes)
    env.update(own)
    return env


def secret_variables(job: Job, values: Mapping[SecretName, Secret]) -> dict[str, str]:
    """The secrets in the environment of an attempt by name: values, or paths of files.

    Raises Yours for a value that no variable can hold.
    """
    variables: dict[str, str] = {}
    for use in job.secrets:
        value = secret_path(job, use.name) if use.file else values[use.name].reveal()
        if "\0" in value:
            hint = f"- {{name: {use.name}, file: true}}"
            raise Yours(f"the secret {use.name} has a NUL, which no variable can hold", hint)
        variables[use.name] = value
    return variables
