"""The JSON Schema of uTask's documents, for editors: a template, or a function.

It knows the keys that uTask reads, in small letters, and their types as Go's YAML reads them. What
needs other documents or a whole template is left to the check.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from floe.dialects.utask.configurations import CONFIGURATIONS, HTTP_METHODS, OUTPUT_MODES
from floe.dialects.utask.document import (
    CONDITION_TYPES,
    INPUT_TYPES,
    LOOP_CONDITIONS,
    LOOP_STRATEGIES,
    OPERATORS,
    OUTPUT_STRATEGIES,
    RETRY_PATTERNS,
    SET_STATES,
)

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": ["string", "number", "boolean", "null"]}
"""A text of the template itself: a number or a bool becomes one."""
_RAW_TEXT: Final[Schema] = {"type": ["string", "null"]}
"""A text in a configuration, where nothing is converted."""
_FLAG: Final[Schema] = {"type": ["boolean", "null"]}
_WHOLE: Final[Schema] = {"type": ["integer", "null"]}
_ANY: Final[Schema] = {}
_ANY_MAP: Final[Schema] = {"type": ["object", "null"]}


def json_schema() -> Schema:
    """The schema of a document: a template, or a function, which has an `action` of its own."""
    return {
        "$schema": DRAFT,
        "title": "uTask",
        "description": "A template of uTask, or a function.",
        "if": {"required": ["action"]},
        "then": _FUNCTION,
        "else": _TEMPLATE,
        "type": "object",
        "$defs": {
            "action": _ACTION,
            "assertion": _ASSERTION,
            "condition": _CONDITION,
            "input": _INPUT,
            "step": _STEP,
            "variable": _VARIABLE,
            **{f"configuration-{name}": shape for name, shape in _CONFIGURATIONS.items()},
        },
    }


def _map(doc: str, keys: Mapping[str, Schema], needs: Sequence[str] = ()) -> Schema:
    shape: Schema = {
        "type": ["object", "null"],
        "description": doc,
        "properties": dict(keys),
        "additionalProperties": False,
    }
    return shape | ({"required": [*needs]} if needs else {})


def _said(shape: Schema, doc: str) -> Schema:
    return {**shape, "description": doc}


def _text(doc: str) -> Schema:
    return _said(_TEXT, doc)


def _list(item: Schema, doc: str = "") -> Schema:
    shape: Schema = {"type": ["array", "null"], "items": item}
    return _said(shape, doc) if doc else shape


def _maps(item: Schema, doc: str = "") -> Schema:
    shape: Schema = {"type": ["object", "null"], "additionalProperties": item}
    return _said(shape, doc) if doc else shape


def _one_of(words: Sequence[str], doc: str = "") -> Schema:
    """A closed set of words; empty where the default is meant."""
    shape: Schema = {"enum": [*words, "", None]}
    return _said(shape, doc) if doc else shape


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _words(names: str, shape: Schema = _RAW_TEXT) -> dict[str, Schema]:
    return dict.fromkeys(names.split(), shape)


_RUN_KEYS: Final = {
    **_words("timeout"),
    "output_manual_delimiters": _list(_RAW_TEXT),
    "exit_codes_unrecoverable": _list(_RAW_TEXT),
}

_PAIRS: Final = _list(_map("A name with a value.", _words("name value")))

_CONFIGURATIONS: Final[Mapping[str, Schema]] = {
    "apiovh": _map("A request to OVH's API.", _words("credentials method path body")),
    "batch": _map(
        "Many tasks of one template.",
        {
            **_words("template_name json_inputs common_json_inputs comment sub_batch_size"),
            **_words("resolver_usernames resolver_groups", _ANY),
            **_words("watcher_usernames watcher_groups", _list(_RAW_TEXT)),
            "inputs": _list(_ANY_MAP),
            "common_inputs": _ANY_MAP,
            "tags": _maps(_RAW_TEXT),
        },
        ["template_name"],
    ),
    "cache": _map(
        "A value that all tasks share.",
        {**_words("action key"), "value": _ANY, "ttl": _said(_WHOLE, "Seconds; 0 for no limit.")},
        ["action", "key"],
    ),
    "callback": _map("A URL for others to call.", _words("action schema id"), ["action"]),
    "echo": _map(
        "A result that is written down.",
        {
            "output": _ANY,
            "metadata": _ANY_MAP,
            "unmarshal": _FLAG,
            "error_message": _RAW_TEXT,
            "error_type": _one_of(("client", "server")),
        },
    ),
    "email": _map(
        "A mail.",
        {
            **_words("smtp_username smtp_password smtp_port smtp_hostname smtp_skip_tls_verify"),
            **_words("from_address from_name subject body"),
            "to": _list(_RAW_TEXT),
        },
        ["smtp_port", "smtp_hostname", "from_address", "to", "subject", "body"],
    ),
    "http": _map(
        "An HTTP request.",
        {
            **_words("url host path body timeout follow_redirect root_ca insecure_skip_verify"),
            **_words("trim_prefix timeout_seconds deny_redirects"),
            "parameters": _list(_map("A query parameter.", _words("key value"))),
            "basic_auth": _map("A user.", _words("user password")),
            "method": _said(_RAW_TEXT, f"One of {', '.join(HTTP_METHODS)}, or a template."),
            "headers": _PAIRS,
            "query_parameters": _PAIRS,
            "auth": _map(
                "Credentials.",
                {
                    "basic": _map("A user.", _words("user password")),
                    "digest": _map("A user.", _words("user password")),
                    "bearer": _RAW_TEXT,
                    "mutual_tls": _map("A certificate.", _words("client_cert client_key")),
                },
            ),
        },
        ["method"],
    ),
    "notify": _map(
        "A message to people.",
        {"message": _RAW_TEXT, "fields": _maps(_RAW_TEXT), "backends": _list(_RAW_TEXT)},
    ),
    "ping": _map("Packets to a host.", _words("hostname count interval_second"), ["hostname"]),
    "script": _map(
        "A program in the folder of scripts.",
        {
            **_RUN_KEYS,
            **_words("file_path stdin"),
            "argv": _list(_RAW_TEXT),
            "environment": _ANY_MAP,
            "output_mode": _one_of(OUTPUT_MODES),
        },
        ["file_path"],
    ),
    "ssh": _map(
        "Commands on a different machine.",
        {
            **_RUN_KEYS,
            **_words("user target script ssh_key ssh_key_passphrase"),
            "allow_exit_non_zero": _FLAG,
            "hops": _list(_RAW_TEXT),
            "result": _maps(_RAW_TEXT),
            "output_mode": _one_of((*OUTPUT_MODES, "auto-result")),
        },
    ),
    "subtask": _map(
        "A task of a different template, for whose end the step waits.",
        {
            **_words("template json_input resolver_usernames resolver_groups delay"),
            **_words("watcher_usernames watcher_groups"),
            "input": _ANY_MAP,
            "tags": _maps(_RAW_TEXT),
        },
        ["template"],
    ),
    "tag": _map("Tags of the task.", {"tags": _maps(_RAW_TEXT, 'A tag that is "" is removed.')}),
}
assert _CONFIGURATIONS.keys() == CONFIGURATIONS.keys()

_ACTION: Final[Schema] = {
    **_map(
        "What is done: an action of uTask, or a function.",
        {
            "type": _text(f"One of {', '.join(CONFIGURATIONS)}, or the name of a function."),
            "configuration": _said(_ANY, "What it does; texts are templates."),
            "base_configuration": _text("The name of one of `base_configurations`."),
            "output": _map(
                "What the output becomes.",
                {
                    "strategy": {"enum": [*OUTPUT_STRATEGIES, None]},
                    "format": _said(_ANY, "An object for `merge`; any value for `template`."),
                },
            ),
            "base_output": _said(_ANY, "Older for `output` with the strategy `merge`."),
        },
        ["type"],
    ),
    "allOf": [
        {
            "if": {
                "properties": {"type": {"const": name}},
                "required": ["type"],
                "not": {"required": ["base_configuration"]},
            },
            "then": {
                "properties": {"configuration": shape},
                "required": ["configuration"],
            },
        }
        for name, shape in ((name, _ref(f"configuration-{name}")) for name in _CONFIGURATIONS)
    ],
}

_ASSERTION: Final = _map(
    "A comparison.",
    {
        "value": _text("A template; for IN and NOTIN the list."),
        "operator": _text(f"One of {', '.join(OPERATORS)}."),
        "expected": _text("A template; for REGEXP and NOTREGEXP a pattern of RE2."),
        "list_separator": _text("Between the parts of a list, by default a comma."),
        "message": _text("Said where it is not met."),
    },
    ["operator"],
)

_CONDITION: Final = _map(
    "What a comparison does to states.",
    {
        "type": _said(_one_of(CONDITION_TYPES), "`skip` before the action, `check` after it."),
        "if": _list(_ref("assertion"), "All must be met."),
        "then": _maps(
            _TEXT, f"By step, `this` for this one: {', '.join(SET_STATES)} or a state of its own."
        ),
        "final": _said(_FLAG, "No later condition is looked at where this one is met."),
        "foreach": _one_of(LOOP_CONDITIONS, "Of a loop: each item, or the loop itself."),
        "message": _text("A template: the error of the steps that are set."),
    },
    ["type"],
)

_INPUT: Final = _map(
    "A value that a person gives.",
    {
        "name": _text("As texts name it: `.input.NAME`."),
        "description": _text("For people."),
        "regex": _text("A pattern of RE2 that is found in the value."),
        "legal_values": _list(_ANY, "The only values."),
        "collection": _said(_FLAG, "A list of such values."),
        "type": _one_of(INPUT_TYPES, "By default `string`."),
        "optional": _FLAG,
        "default": _ANY,
        "hidden": _said(_FLAG, "Forms leave it out."),
    },
    ["name"],
)

_VARIABLE: Final = _map(
    "A value or a program, for `eval` and `evalCache` in texts.",
    {
        "name": _text("Its name."),
        "value": _said(_ANY, "A value; a text is a template."),
        "expression": _text("A program in JavaScript; a template first."),
        "expression_timeout": _text("A duration such as 5s."),
    },
    ["name"],
)

_STEP: Final = _map(
    "A step of a task.",
    {
        "name": _TEXT,
        "description": _text("For people."),
        "action": _ref("action"),
        "pre_hook": _ref("action"),
        "dependencies": _list(_TEXT, "`step`, `step:STATE,STATE` or `step:ANY`."),
        "conditions": _list(_ref("condition")),
        "custom_states": _list(_TEXT, "Further final states."),
        "foreach": _text("A template that gives a list in JSON: the step runs for each item."),
        "foreach_strategy": _one_of(LOOP_STRATEGIES),
        "retry_pattern": _one_of(RETRY_PATTERNS, "The unit of the time between two tries."),
        "max_retries": _said(_WHOLE, "0 is 10,000; a negative number is no limit."),
        "execution_delay": _said(_WHOLE, "Nanoseconds before each try, up to 20 s."),
        "idempotent": _said(_FLAG, "It may run again after a crash."),
        "json_schema": _said(_ANY, "The JSON Schema of the output."),
        "resources": _list(_TEXT, "What it needs a slot of."),
    },
    ["action"],
)

_TEMPLATE: Final = _map(
    "A template.",
    {
        "name": _text("Unique; small letters."),
        "description": _text("For people, 3 to 1,000 characters."),
        "long_description": _text("For people, up to 100,000 characters."),
        "doc_link": _text("A URL for people."),
        "title_format": _text("A template: the title of a task."),
        "result_format": _said(_ANY_MAP, "The result of a task; keys and texts are templates."),
        "allowed_resolver_usernames": _list(_TEXT),
        "allowed_resolver_groups": _list(_TEXT),
        "allow_all_resolver_usernames": _said(_FLAG, "Needs `auto_runnable`."),
        "allow_task_start_over": _FLAG,
        "auto_runnable": _said(_FLAG, "A task runs as soon as it is created."),
        "blocked": _said(_FLAG, "No task can be created."),
        "hidden": _said(_FLAG, "Lists leave it out."),
        "retry_max": _said(_WHOLE, "Runs before a person must extend a task; by default 100."),
        "inputs": _list(_ref("input")),
        "resolver_inputs": _list(_ref("input")),
        "variables": _list(_ref("variable")),
        "tags": _maps(_TEXT, "Templates, rendered when a task is created."),
        "steps": _maps(_ref("step")),
        "base_configurations": _maps(_ANY, "Configurations that actions extend."),
    },
    ["name", "description", "title_format"],
)

_FUNCTION: Final = _map(
    "A function: an action with a name.",
    {
        "name": _text("The type that steps and functions use."),
        "description": _TEXT,
        "action": _ref("action"),
        "pre_hook": _ref("action"),
        "conditions": _list(_ref("condition")),
        "custom_states": _list(_TEXT),
    },
    ["name", "action"],
)
