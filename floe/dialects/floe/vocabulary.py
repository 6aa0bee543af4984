"""Every key of a floe document, once: its kind, default, description and an example.

The reader, the JSON Schema and the tables in docs/flows.md all use this one list. It has no
behaviour: the meaning of keys together is in `dialect` and its neighbours.

Source: floe README, "Config".
"""

from collections.abc import Mapping
from typing import Final, Literal

from floe.dialects.address_kinds import HostUrl, Network
from floe.dialects.floe.addresses import FORBIDDEN, AddressesKind
from floe.dialects.floe.call_keys import OF_REQUEST
from floe.dialects.floe.child_values import NO_CHILD_VALUES, ChildValues
from floe.dialects.floe.event_names import EventNames
from floe.dialects.floe.expressions import NO_EXPRESSION, ExpressionKind
from floe.dialects.floe.flow_env import NO_ENTRIES, FlowEnvKind
from floe.dialects.floe.http_keys import HTTP
from floe.dialects.floe.items import NO_ITEMS, ForeachKind, MatrixKind
from floe.dialects.floe.max_runs import WrittenMaxRuns
from floe.dialects.floe.other_words import (
    CHILD_WORDS,
    COMMAND_WORDS,
    FIELD_TYPE_WORDS,
    FIELD_WORDS,
    FLOW_WORDS,
    MERGE_TYPE_WORDS,
    TASK_TYPE_WORDS,
    TASK_WORDS,
    TRIGGER_TYPE_WORDS,
)
from floe.dialects.floe.pack_keys import PACK
from floe.dialects.floe.repeats import NO_REPEAT, WrittenRepeat
from floe.dialects.floe.secret_url import NO_ADDRESS, SecretAddress, SecretUrl
from floe.dialects.floe.secrets import SECRET_TEXT, SecretRefKind, SecretUseKind
from floe.dialects.floe.templates import NO_TEMPLATE, FilledText, TemplateKind
from floe.dialects.kinds import (
    AnyMap,
    Duration,
    Flag,
    ListOf,
    Number,
    OneOf,
    Raw,
    Size,
    Text,
    Whole,
)
from floe.dialects.section import KeySpec, Section, SectionPart, ShortPart
from floe.dialects.tree import Table, Tree
from floe.expr.command import IN_ENV
from floe.model.call import OutsideWork
from floe.model.callback import Callback
from floe.model.children import SubFlow
from floe.model.flow import Backoff, OnItemBad, Retry, WhenFull
from floe.model.form import Approvers, FieldType
from floe.model.http import Http
from floe.model.ids import HOST
from floe.model.keep import Keep, SpacesKept
from floe.model.notice import Channel, NoticeOf
from floe.model.notify import Notify
from floe.model.nouns import dataclass
from floe.model.secret_name import SecretName, SecretRef, SecretUse
from floe.model.ssh import FileCopy, Ssh
from floe.model.template import Template
from floe.model.work import Ask, End, Exec, Fetch, GitCheckout, GitMerge, Wait, Work

TEXT: Final = Text()
FLAG: Final = Flag()
TAG: Final = Text(
    r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]{0,62}", "letters, digits and _ . : / @ + -, at most 63"
)
ENTRY: Final = Text(r"[A-Za-z_][A-Za-z0-9_]*=[\s\S]*", "- NAME=value", label="NAME=value")
GIT_URL: Final = Text(
    r"(?!-)(?![A-Za-z0-9]+::)\S+", "https://host/org/repo.git or git@host:org/repo.git"
)
GIT_NAME: Final = Text(r"[^-+\s]\S*", "a name without spaces that does not begin with - or +")
GIT_HASH: Final = Text(r"[0-9a-fA-F]{7,64}", "7 to 64 hexadecimal digits")
FIELD_NAME: Final = Text(
    r"[A-Za-z_][A-Za-z0-9_-]{0,62}", "letters, digits, _ and -, at most 63, no digit first"
)
EXIT_STATUS: Final = Whole(0, 255)


@dataclass(frozen=True, kw_only=True)
class TaskType:
    """In the vocabulary: one type of task, with its work, its `opts` and its defaults.

    Each of the `opts` is the field of the same name, unless `tasks` has a builder for the type.
    """

    work: type[Work]
    opts: Section
    on_lost: Literal["fail", "retry"] = "fail"
    """The default of `on-lost`; `retry` for work that can safely run twice."""


SECRET_ADDRESS: Final = SecretAddress()
BY_DEFAULT: Final[tuple[NoticeOf, ...]] = ("bad", "recovered")
NO_TEXTS: Final[tuple[str, ...]] = ()
NO_FILLED: Final[tuple[str | Template, ...]] = ()
NO_COPIES: Final[tuple[FileCopy, ...]] = ()
NO_SECRET: Final[SecretRef | None] = None
NO_URL: Final[str | Template] = ""
NOTHING: Final[Tree | None] = None
NO_MAP: Final[Table | None] = None
NO_MAPS: Final[tuple[Table, ...]] = ()
NO_LIMIT: Final[float | None] = None
NO_MAX_RUNS: Final[WrittenMaxRuns | None] = None
HOSTS_DEFAULT: Final[int | None] = None
NO_LOOP: Final[int | None] = None
UNSAID: Final[bool | None] = None
NO_SECRETS: Final[tuple[SecretUse, ...]] = ()

# --- a host config --------------------------------------------------------------------------------

COMMON: Final = KeySpec(
    name="common",
    kind=AnyMap(),
    default=NO_MAP,
    doc="Settings of this host.",
    example="common: {store-type: local}",
)
FLOWS: Final = KeySpec(
    name="flows",
    kind=ListOf(AnyMap("flows")),
    default=NO_MAPS,
    doc="The flows that this host knows.",
    example="flows: [{id: build, flow-file: build.yml}]",
)
HOST_CONFIG: Final = Section(name="a host config", keys=(COMMON, FLOWS))

# --- flows ----------------------------------------------------------------------------------------

FLOW_ID: Final = KeySpec(
    name="id",
    kind=TEXT,
    default="",
    absent="from the name",
    doc="Its name in URLs and commands: a-z, 0-9 and -, at most 63.",
    example="id: build-project",
)
FLOW_NAME: Final = KeySpec(
    name="name",
    kind=TEXT,
    default="",
    absent="from the id",
    doc="Its name for people.",
    example="name: Build Project",
)
VER: Final = KeySpec(
    name="ver",
    kind=Whole(1, 10**9),
    default=1,
    doc="Version; with the id it names one flow. A start by id alone takes the highest.",
    example="ver: 2",
)
REUSE_SPACE: Final = KeySpec(
    name="reuse-space",
    kind=FLAG,
    default=False,
    doc="All runs of this flow on a host share one workspace, one at a time; it is never emptied.",
    example="reuse-space: true",
)
SEAL: Final = KeySpec(
    name="seal",
    kind=FLAG,
    default=False,
    doc="The log of each run is encrypted under a key of its own: see [Sealed runs](#sealed-runs).",
    example="seal: true",
)
HOST_TAGS: Final = KeySpec(
    name="host-tags",
    kind=ListOf(TAG, unique=True),
    default=NO_TEXTS,
    absent="any host",
    doc="A host needs all of these tags to run this flow.",
    example="host-tags: [linux, go]",
)
RESOURCE_TAGS: Final = KeySpec(
    name="resource-tags",
    kind=ListOf(TAG, unique=True),
    default=NO_TEXTS,
    doc="Exclusive resources: one run at a time holds each in the whole cluster, or `host:nic` on "
    "each host.",
    example="resource-tags: [staging, 'host:nic']",
)
FLOW_SECRETS: Final = KeySpec(
    name="secrets",
    kind=ListOf(SECRET_TEXT, unique=True),
    default=NO_TEXTS,
    absent="those that its tasks name",
    doc="The names of all secrets that its tasks may name: see [Secrets](#secrets).",
    example="secrets: [NPM_TOKEN]",
)
FLOW_ENV: Final = KeySpec(
    name="env",
    kind=ListOf(FlowEnvKind(ENTRY)),
    default=NO_ENTRIES,
    absent="none",
    doc="Environment of every command. `{{ws}}` is the workspace, as is a value `.` or `./…`; "
    "`$VAR` is the value that VAR had before this entry. The first entry with values in it, and "
    "those after it, are for exec tasks alone: see [Expressions in work](#expressions-in-work).",
    example="env: ['GOPATH={{ws}}', 'PATH=./go/bin:$PATH']",
)
FLOW_FILE: Final = KeySpec(
    name="flow-file",
    kind=TEXT,
    default="",
    doc="Document with the tasks, read when a run starts: a path, an http(s) URL or a file in a "
    "git repository. Instead of `tasks`.",
    example="flow-file: git@github.com:org/repo.git/build/FLOE.yaml",
)
FLOW_TIMEOUT: Final = KeySpec(
    name="timeout",
    kind=Duration(),
    default=NO_LIMIT,
    absent="no limit",
    doc="Time limit of a run, from its activation; then it ends bad.",
    example="timeout: 2h",
)
ON_HOST_LOST: Final = KeySpec[Literal["fail", "restart"]](
    name="on-host-lost",
    kind=OneOf(("fail", "restart")),
    default="fail",
    doc="If the host of a run is lost permanently: the run ends bad, or starts again elsewhere.",
    example="on-host-lost: restart",
)
STRICT_SHELL: Final = KeySpec(
    name="strict-shell",
    kind=FLAG,
    default=UNSAID,
    absent="the host's",
    doc="`shell` ends at the first command that fails, also inside a pipe: `bash -eo pipefail -c`.",
    example="strict-shell: true",
)
UNHEARD_BAD: Final = KeySpec[Literal["end", "hold"]](
    name="unheard-bad",
    kind=OneOf(("end", "hold")),
    default="end",
    doc="If no node listens to a bad event: the run ends bad at once, or after the rest is done.",
    example="unheard-bad: hold",
)
LIMIT: Final = KeySpec(
    name="limit",
    kind=Whole(1, 1000),
    default=1,
    required=True,
    doc="How many of these runs may be active at once in the whole cluster.",
    example="limit: 1",
)
PER: Final = KeySpec(
    name="per",
    kind=TemplateKind(),
    default=NO_TEMPLATE,
    absent="all runs of the flow count together",
    doc="Only runs with the same text count together: see [Templates](#templates).",
    example="per: '{{ values.branch }}'",
)
WHEN_FULL: Final = KeySpec[WhenFull](
    name="when-full",
    kind=OneOf(("queue", "skip", "cancel-older")),
    default="queue",
    doc="What becomes of one run too many: it waits, it ends at once, or older ones are cancelled.",
    example="when-full: skip",
)
MAX_RUNS_MAP: Final = Section(name="max-runs", keys=(LIMIT, PER, WHEN_FULL))
MAX_RUNS: Final = KeySpec(
    name="max-runs",
    kind=SectionPart(
        section=MAX_RUNS_MAP,
        build=lambda f: WrittenMaxRuns(f[LIMIT], f[PER], f[WHEN_FULL]),
        label="int or map",
        example="max-runs: 1",
        short=ShortPart(kind=Whole(1, 1000), build=lambda limit: WrittenMaxRuns(int(limit))),
    ),
    default=NO_MAX_RUNS,
    absent="no limit",
    doc="How many runs of this flow may be active at once: see [max-runs](#max-runs).",
    example="max-runs: {limit: 1, per: '{{ values.branch }}', when-full: cancel-older}",
)
RUN_NAME: Final = KeySpec(
    name="run-name",
    kind=TemplateKind(),
    default=NO_TEMPLATE,
    absent="branch, commit and subject, else the first values",
    doc="The title of its runs, with values in it: see [Templates](#templates).",
    example="run-name: 'Release {{ values.version }}'",
)
INPUTS: Final = KeySpec(
    name="inputs",
    kind=ListOf(AnyMap("fields")),
    default=NO_MAPS,
    absent="no inputs",
    doc="Fields of the form of every trigger: see [Inputs and outputs](#inputs-and-outputs).",
    example="inputs: [{id: version, prompt: Which version?}]",
)
OUTPUTS: Final = KeySpec(
    name="outputs",
    kind=AnyMap(takes_values=True),
    default=NO_MAP,
    absent="no outputs",
    doc="What a run comes to when it ends, by name: see [Inputs and outputs](#inputs-and-outputs).",
    example="outputs: {url: '{{ task.publish.outputs.url }}'}",
)
TRIGGERS: Final = KeySpec(
    name="triggers",
    kind=ListOf(AnyMap("triggers")),
    default=NO_MAPS,
    doc="The triggers that start runs.",
    example="triggers: [{name: start, type: data}]",
)
TASKS: Final = KeySpec(
    name="tasks",
    kind=ListOf(AnyMap("tasks and merges")),
    default=NO_MAPS,
    doc="The tasks and merges of a run. Either `tasks` or `flow-file`.",
    example="tasks: [{name: hello, type: exec, listen: trigger.good, opts: {cmd: date}}]",
)
KEEP_RUNS: Final = KeySpec(
    name="runs",
    kind=Whole(0, 10**9),
    default=HOSTS_DEFAULT,
    absent="the host's",
    doc="How many ended runs of a flow stay, the newest ones; 0 for no limit.",
    example="runs: 200",
)
KEEP_DAYS: Final = KeySpec(
    name="days",
    kind=Number(0),
    default=NO_LIMIT,
    absent="the host's",
    doc="Days for which a run stays after its end; 0 for no limit.",
    example="days: 30",
)
KEEP_BYTES: Final = KeySpec(
    name="bytes",
    kind=Size(),
    default=HOSTS_DEFAULT,
    absent="no limit for a flow",
    doc="Bytes of outputs, logs and workspaces of ended runs: of one flow, or, in `common`, of all "
    "flows together. First the workspaces of the oldest runs go, then these runs; 0 for no limit.",
    example="bytes: 20GiB",
)
KEEP_WORKSPACES: Final = KeySpec[SpacesKept | None](
    name="workspaces",
    kind=OneOf[SpacesKept | None](("all", "failed", "none")),
    default=None,
    absent="the host's",
    doc="Whose workspaces stay after the first hour: of all runs, of those that did not end good, "
    "or of none.",
    example="workspaces: failed",
)
KEEP_MAP: Final = Section(
    name="keep",
    keys=(KEEP_RUNS, KEEP_DAYS, KEEP_BYTES, KEEP_WORKSPACES),
    doc="How long ended runs stay. A run goes as soon as one limit is exceeded: "
    "[Operating a host](operating.md#disk-space).",
)
KEEP_PART: Final = SectionPart(
    section=KEEP_MAP,
    build=lambda f: Keep(
        runs=f[KEEP_RUNS],
        age_s=None if (days := f[KEEP_DAYS]) is None else days * 86_400,
        bytes=f[KEEP_BYTES],
        workspaces=f[KEEP_WORKSPACES],
    ),
    label="map",
    example="keep: {runs: 200, days: 30}",
)
KEEP: Final = KeySpec(
    name="keep",
    kind=KEEP_PART,
    default=Keep(),
    absent="the host's",
    doc="How long its ended runs and their workspaces stay on each host. The flow in the config of "
    "a host counts; it has no effect in a flow-file.",
    example="keep: {runs: 200, days: 30, workspaces: failed}",
)
NOTICE_WHEN: Final = KeySpec(
    name="when",
    kind=ListOf(OneOf[NoticeOf](("bad", "recovered", "good", "cancelled")), unique=True, least=1),
    default=BY_DEFAULT,
    absent="`[bad, recovered]`",
    doc="The ends to send it for. `bad`: bad or stalled. `recovered`: good after a bad or stalled "
    "run of the flow. `cancelled`: cancelled or rejected by a person.",
    example="when: [bad, recovered]",
)
SLACK: Final = KeySpec(
    name="slack",
    kind=SecretUrl(),
    default="",
    doc="A webhook in Slack's shape; also of Mattermost, Rocket.Chat and Discord (`…/slack`).",
    example="slack: $SLACK_URL",
)
TEAMS: Final = KeySpec(
    name="teams",
    kind=SecretUrl(),
    default="",
    doc="The URL of a Teams workflow for webhook requests.",
    example="teams: '@/etc/floe/teams-url'",
)
WEBHOOK: Final = KeySpec(
    name="webhook",
    kind=SecretUrl(),
    default="",
    doc="An address that gets the notice as JSON.",
    example="webhook: https://ci.example.com/floe",
)
MAIL_TO: Final = KeySpec(
    name="to",
    kind=ListOf(
        Text(r"[^\s@<>,;\"']+@[^\s@<>,;\"']+", "an address such as ops@example.com"),
        unique=True,
        least=1,
    ),
    default=NO_TEXTS,
    required=True,
    doc="The addresses.",
    example="to: [ops@example.com]",
)
MAIL_MAP: Final = Section(name="`mail`", keys=(MAIL_TO,))
MAIL: Final = KeySpec(
    name="mail",
    kind=AnyMap(),
    default=NO_MAP,
    doc="A mail; the host needs [`smtp`](#smtp).",
    example="mail: {to: [ops@example.com]}",
)
NOTICE_TEXT: Final = KeySpec(
    name="text",
    kind=TemplateKind(),
    default=NO_TEMPLATE,
    absent="flow, result, title, reason, link, and the last lines of output",
    doc="The whole text, with values in it: see [Notices](#notices).",
    example="text: '{{ run.flow }} {{ run.result }}: {{ run.title }} {{ run.link }}'",
)
NOTICE: Final = Section(
    name="a notice", keys=(NOTICE_WHEN, SLACK, TEAMS, WEBHOOK, MAIL, NOTICE_TEXT)
)
CHANNELS: Final[Mapping[Channel, KeySpec[object]]] = {
    "slack": SLACK,
    "teams": TEAMS,
    "webhook": WEBHOOK,
    "mail": MAIL,
}
NOTIFY_SLACK: Final = KeySpec(
    name="slack",
    kind=SECRET_ADDRESS,
    default=NO_ADDRESS,
    doc="A webhook in Slack's shape, as of a [notice](#notices); or a secret with it.",
    example="slack: {secret: SLACK_URL}",
)
NOTIFY_TEAMS: Final = KeySpec(
    name="teams",
    kind=SECRET_ADDRESS,
    default=NO_ADDRESS,
    doc="The URL of a Teams workflow for webhook requests.",
    example="teams: '@/etc/floe/teams-url'",
)
NOTIFY_WEBHOOK: Final = KeySpec(
    name="webhook",
    kind=SECRET_ADDRESS,
    default=NO_ADDRESS,
    doc="An address that gets the message as JSON: `id`, `flow`, `run`, `node`, `text`, `link`.",
    example="webhook: https://ci.example.com/floe",
)
NOTIFY_TEXT: Final = KeySpec(
    name="text",
    kind=FilledText(),
    default=NO_URL,
    required=True,
    doc="The text, with values in it; at most 8,192 characters, the rest is cut.",
    example="text: 'deployed {{ values.version }}'",
)
NOTIFY_SUBJECT: Final = KeySpec(
    name="subject",
    kind=FilledText(),
    default=NO_URL,
    absent="flow and task",
    doc="The subject of a mail, with values in it.",
    example="subject: 'Release {{ values.version }}'",
)
NOTIFY: Final = Section(
    name="`opts` of a notify task",
    keys=(NOTIFY_SLACK, NOTIFY_TEAMS, NOTIFY_WEBHOOK, MAIL, NOTIFY_TEXT, NOTIFY_SUBJECT),
    doc="Sends a message to people.",
)
ON_END: Final = KeySpec(
    name="on-end",
    kind=ListOf(AnyMap("notices")),
    default=NO_MAPS,
    absent="the host's",
    doc="Notices to send when a run ends: see [Notices](#notices).",
    example="on-end: [{when: [bad, recovered], slack: $SLACK_URL}]",
)
TESTS: Final = KeySpec(
    name="tests",
    kind=ListOf(AnyMap("tests")),
    default=NO_MAPS,
    doc="Tests of the flow, for `floe test`; also in `FILE.test.yml`: see [Tests](#tests).",
    example="tests: [{name: works, expect: {ends: good}}]",
)
FLOW: Final = Section(
    name="a flow",
    hints=FLOW_WORDS,
    keys=(
        FLOW_ID,
        FLOW_NAME,
        VER,
        REUSE_SPACE,
        SEAL,
        HOST_TAGS,
        RESOURCE_TAGS,
        FLOW_ENV,
        FLOW_SECRETS,
        FLOW_TIMEOUT,
        ON_HOST_LOST,
        UNHEARD_BAD,
        STRICT_SHELL,
        RUN_NAME,
        KEEP,
        ON_END,
        MAX_RUNS,
        INPUTS,
        OUTPUTS,
        TRIGGERS,
        TASKS,
        FLOW_FILE,
        TESTS,
    ),
)

# --- triggers -------------------------------------------------------------------------------------

ID: Final = KeySpec(
    name="id",
    kind=TEXT,
    default="",
    absent="from the name",
    doc="Unique among triggers, tasks and merges of the flow: a-z, 0-9 and -, at most 63.",
    example="id: sign-off",
)
NAME: Final = KeySpec(
    name="name",
    kind=TEXT,
    default="",
    absent="from the id",
    doc="Its name for people. Either `id` or `name` is needed.",
    example="name: Sign Off",
)
OPTS: Final = KeySpec(
    name="opts",
    kind=AnyMap(),
    default=NO_MAP,
    doc="Settings of its type, described there.",
    example="opts: {cmd: make}",
)
TRIGGER_TYPE: Final = KeySpec(
    name="type",
    kind=OneOf(
        ("data", "timer", "poll-git", "push", "git-push", "pack-event"), hints=TRIGGER_TYPE_WORDS
    ),
    default="data",
    required=True,
    doc="The event that starts the run. `git-push` is an alias of `push`.",
    example="type: poll-git",
)
TRIGGER_IF: Final = KeySpec(
    name="if",
    kind=ExpressionKind(),
    default=NO_EXPRESSION,
    absent="none: it always starts a run",
    doc="An expression, judged before a run exists; if it is false, no run starts: see "
    "[Conditions of triggers](#conditions-of-triggers).",
    example="if: values.branch is matching('release/.*')",
)
TRIGGER: Final = Section(name="a trigger", keys=(ID, NAME, TRIGGER_TYPE, TRIGGER_IF, OPTS))

# --- forms ----------------------------------------------------------------------------------------

TITLE: Final = KeySpec(
    name="title",
    kind=TEXT,
    default="",
    absent="the name of its trigger or task",
    doc="Heading.",
    example="title: Release",
)
FIELDS: Final = KeySpec(
    name="fields",
    kind=ListOf(AnyMap("fields")),
    default=NO_MAPS,
    doc="The fields; none for a plain yes or no.",
    example="fields: [{id: version, prompt: Which version?}]",
)
FORM_TEXT: Final = KeySpec(
    name="text",
    kind=TemplateKind(),
    default=NO_TEMPLATE,
    absent="none",
    doc="What the person should know, with values in it as they are when the form opens: see "
    "[Templates](#templates). Only for tasks.",
    example="text: 'Release {{ values.version }} to {{ values.environment }}?'",
)
APPROVERS: Final = KeySpec[Approvers](
    name="approvers",
    kind=OneOf(("anyone", "not-starter")),
    default="anyone",
    doc="The people who may answer; `not-starter` refuses the one who started the run. Only for "
    "tasks.",
    example="approvers: not-starter",
)
FORM_MAP: Final = Section(name="a form", keys=(TITLE, FORM_TEXT, FIELDS, APPROVERS))
FORM: Final = KeySpec(
    name="form",
    kind=AnyMap("form"),
    default=NO_MAP,
    absent="only the button",
    doc="The form to fill in.",
    example="form: {title: Start, fields: [{id: branch, value: main}]}",
)
FIELD_ID: Final = KeySpec(
    name="id",
    kind=FIELD_NAME,
    default="",
    required=True,
    doc="Name of the value: commands see it as `$FLOE_IN_<ID>` in capitals, `-` as `_`.",
    example="id: branch",
)
PROMPT: Final = KeySpec(
    name="prompt",
    kind=TEXT,
    default="",
    absent="the id",
    doc="What to ask.",
    example="prompt: Which branch?",
)
FIELD_TYPES: Final[tuple[FieldType, ...]] = (
    "text",
    "string",
    "bool",
    "number",
    "choice",
    "list",
)
STRING: Final[FieldType] = "string"
FIELD_TYPE: Final = KeySpec(
    name="type",
    kind=OneOf(FIELD_TYPES, hints=FIELD_TYPE_WORDS),
    default=STRING,
    doc="Type of the value; `text` may have several lines, `list` is a list of any values.",
    example="type: bool",
)
VALUE: Final = KeySpec(
    name="value",
    kind=Raw("of the field's type"),
    default=NOTHING,
    absent="empty",
    doc="Initial value, also used if no answer is given.",
    example="value: main",
)
REQUIRED: Final = KeySpec(
    name="required",
    kind=FLAG,
    default=True,
    doc="Refuse the form if this field has no value.",
    example="required: false",
)
CHOICES: Final = KeySpec(
    name="choices",
    kind=ListOf(TEXT, unique=True, least=1),
    default=NO_TEXTS,
    doc="For `choice`: the allowed values.",
    example="choices: [staging, production]",
)
PATTERN: Final = KeySpec(
    name="pattern",
    kind=TEXT,
    default="",
    absent="any text",
    doc="For `string`, `text` and `list`: a regular expression (RE2) of at most 256 characters, "
    "which the text, or each text of the list, matches as a whole.",
    example=r"pattern: '\d+\.\d+\.\d+'",
)
FORM_FIELD: Final = Section(
    name="a field",
    keys=(FIELD_ID, PROMPT, FIELD_TYPE, VALUE, REQUIRED, CHOICES, PATTERN),
    hints=FIELD_WORDS,
)

# --- opts -----------------------------------------------------------------------------------------

URL: Final = KeySpec(
    name="url",
    kind=GIT_URL,
    default="",
    doc="The repository.",
    example="url: git@github.com:org/repo.git",
)
BRANCH: Final = KeySpec(
    name="branch",
    kind=GIT_NAME,
    default="",
    doc="The branch to check out.",
    example="branch: main",
)
HASH: Final = KeySpec(
    name="hash",
    kind=GIT_HASH,
    default="",
    doc="The commit to check out; takes precedence over `ref` and `branch`.",
    example="hash: 4b825dc6",
)
REF: Final = KeySpec(
    name="ref",
    kind=GIT_NAME,
    default="",
    doc="The ref, tag or branch to check out; takes precedence over `branch`.",
    example="ref: refs/tags/v1.0",
)
FROM_BRANCH: Final = KeySpec(
    name="from-branch",
    kind=GIT_NAME,
    default="",
    aliases=("from-ref",),
    doc="For `git-merge`: the branch to merge into the checked-out commit.",
    example="from-branch: feature",
)
GIT_SUB_DIR: Final = KeySpec(
    name="sub-dir",
    kind=TEXT,
    default="",
    absent="the workspace",
    doc="Folder in the workspace in which the repository gets a folder with its name.",
    example="sub-dir: src/github.com/org",
)
KEY_FILE: Final = KeySpec(
    name="key-file",
    kind=TEXT,
    default="",
    aliases=("git-key",),
    absent="the host's",
    doc="Private key for git.",
    example="key-file: /home/ci/.ssh/id_rsa",
)
SUBMODULES: Final = KeySpec(
    name="submodules",
    kind=OneOf[Literal["false", "true", "recursive"]](("false", "true", "recursive")),
    default="false",
    doc="Also fetch the repository's submodules; `recursive`: and their submodules.",
    example="submodules: recursive",
)
LFS: Final = KeySpec(
    name="lfs",
    kind=FLAG,
    default=False,
    doc="Also fetch files in git LFS; the host needs `git-lfs`.",
    example="lfs: true",
)
GIT_KEYS: Final = (URL, BRANCH, HASH, REF, FROM_BRANCH, GIT_SUB_DIR, KEY_FILE)
REPOSITORY: Final = Section(
    name="a repository", keys=GIT_KEYS, doc="Keys that git tasks and all triggers share."
)

PERIOD: Final = KeySpec(
    name="period",
    kind=Duration(1),
    default=10.0,
    doc="Interval. A timer fires at its multiples since 1970 in UTC: with `1h` at each full hour.",
    example="period: 5m",
)
CRON: Final = KeySpec(
    name="cron",
    kind=TEXT,
    default="",
    doc="Times in cron's five fields, instead of `period`.",
    example='cron: "30 6 * * mon-fri"',
)
TIMEZONE: Final = KeySpec(
    name="timezone",
    kind=TEXT,
    default="UTC",
    doc="The time zone of `cron`.",
    example="timezone: Europe/London",
)
REFS: Final = KeySpec(
    name="refs",
    kind=TEXT,
    default="refs/heads/*",
    doc="Which refs to watch, as a shell pattern.",
    example="refs: refs/heads/*",
)
EXCLUDE_REFS: Final = KeySpec(
    name="exclude-refs",
    kind=TEXT,
    default="",
    doc="Refs to leave out: a regular expression (RE2: no look-around, no back references) that "
    "matches the whole ref.",
    example="exclude-refs: refs/heads/(wip|tmp)-.*",
)
SECRET: Final = KeySpec(
    name="secret",
    kind=Text(r"\$[A-Za-z_][A-Za-z0-9_]*|@[^@\s].*", "$NAME of the host's environment, or @file"),
    default="",
    absent="every push is refused",
    doc="The secret that signs pushes: `$NAME` of the host's environment, or `@file`.",
    example="secret: $PUSH_SECRET",
)
GLOBS: Final = ListOf(Text(r"\S.*", "a pattern such as release/**"), least=1)
EVENTS: Final = KeySpec(
    name="events",
    kind=ListOf(
        Text(r"[a-z][a-z0-9_:-]{0,62}", "a name such as push or pull_request"), unique=True, least=1
    ),
    default=NO_TEXTS,
    absent="`[push]`",
    doc="The events that start runs, as the forge names them.",
    example="events: [push, pull_request]",
)
BRANCHES: Final = KeySpec(
    name="branches",
    kind=GLOBS,
    default=NO_TEXTS,
    absent="all",
    doc="The branches whose pushes start runs, as patterns; alone it leaves out tags.",
    example="branches: [main, 'release/**']",
)
TAGS: Final = KeySpec(
    name="tags",
    kind=GLOBS,
    default=NO_TEXTS,
    absent="all",
    doc="The tags whose pushes start runs, as patterns; alone it leaves out branches.",
    example="tags: ['v*']",
)
PATHS: Final = KeySpec(
    name="paths",
    kind=GLOBS,
    default=NO_TEXTS,
    absent="all",
    doc="A push to a branch starts a run only if it changes a file that these patterns take.",
    example="paths: ['src/**', '!**/*.md']",
)
POLL_URL: Final = KeySpec(
    name="url",
    kind=GIT_URL,
    default="",
    required=True,
    doc="The repository to watch.",
    example="url: git@github.com:org/repo.git",
)
DATA_TRIGGER: Final = Section(name="`opts` of a data trigger", keys=(FORM, *GIT_KEYS))
TIMER_TRIGGER: Final = Section(
    name="`opts` of a timer trigger", keys=(PERIOD, CRON, TIMEZONE, *GIT_KEYS)
)
POLL_TRIGGER: Final = Section(
    name="`opts` of a poll-git trigger", keys=(POLL_URL, PERIOD, REFS, EXCLUDE_REFS, *GIT_KEYS[1:])
)
PUSH_TRIGGER: Final = Section(
    name="`opts` of a push trigger", keys=(SECRET, EVENTS, BRANCHES, TAGS, PATHS, *GIT_KEYS)
)

CMD: Final = KeySpec(
    name="cmd",
    kind=Text(instead="name the program alone, and pass the value in `args`"),
    default="",
    doc="A program and its arguments, split as a shell would; with `args`, only the program. No "
    "shell runs: see [Variables](#variables).",
    example="cmd: make -C src test",
)
SHELL: Final = KeySpec(
    name="shell",
    kind=Text(instead=IN_ENV),
    default="",
    doc="A text for `bash -c`, instead of `cmd`; see `strict-shell`.",
    example="shell: make test | tee log",
)
ARGS: Final = KeySpec(
    name="args",
    kind=ListOf(FilledText()),
    default=NO_FILLED,
    doc="Arguments, each passed unchanged, with values in them: see "
    "[Expressions in work](#expressions-in-work). With `shell`, appended to it, separated by "
    "spaces.",
    example="args: ['--version', '{{ values.version }}']",
)
SUB_DIR: Final = KeySpec(
    name="sub-dir",
    kind=TEXT,
    default="",
    absent="the workspace",
    doc="Folder in the workspace to run in; created if missing.",
    example="sub-dir: src",
)
ENV_OPT: Final = KeySpec(
    name="env",
    kind=ListOf(FilledText(ENTRY)),
    default=NO_FILLED,
    doc="Environment of this command, after the flow's, with values in it: see "
    "[Expressions in work](#expressions-in-work).",
    example="env: [DEBUG=1, 'VERSION={{ values.version }}']",
)
EXEC: Final = Section(
    name="`opts` of an exec task",
    keys=(CMD, SHELL, ARGS, SUB_DIR, ENV_OPT),
    hints=COMMAND_WORDS,
    doc="Runs a command. `{{ws}}` in it is the workspace, as is a value `.` or `./…`.",
)
FETCH_URL: Final = KeySpec(
    name="url",
    kind=FilledText(Text(r"https?://[^\s/]\S*", "an http:// or https:// URL"), may_begin=True),
    default=NO_URL,
    required=True,
    doc="Where to get the file, with values in it: see "
    "[Expressions in work](#expressions-in-work).",
    example="url: https://example.com/tool-1.2.tar.gz",
)
CHECKSUM: Final = KeySpec(
    name="checksum",
    kind=FilledText(may_begin=True),
    default=NO_URL,
    absent="not checked, not cached",
    doc="Expected checksum in hexadecimal; a line `HASH  filename` works too. It takes values.",
    example="checksum: 4b677d698c65370afa33757b6954ade60347aaca310ea92a63ed717d7cb0c2ff",
)
ALGO: Final = KeySpec[Literal["sha256", "sha1", "md5"]](
    name="checksum-algo",
    kind=OneOf(("sha256", "sha1", "md5")),
    default="sha256",
    doc="Algorithm of the checksum: sha256, sha1 or md5.",
    example="checksum-algo: sha1",
)
LOCATION: Final = KeySpec(
    name="location",
    kind=TEXT,
    default="",
    absent="the workspace",
    doc="Path in the workspace; a folder if it ends in `/`.",
    example="location: tools/",
)
FETCH: Final = Section(
    name="`opts` of a fetch task",
    keys=(FETCH_URL, CHECKSUM, ALGO, LOCATION),
    doc="Downloads a file; with a checksum, once per host.",
)
SSH_HOST: Final = KeySpec(
    name="host",
    kind=FilledText(Text(r"(?!-)[^\s/@]+", "a name or an address"), may_begin=True),
    default=NO_URL,
    required=True,
    doc="The machine to log in to: its name or its address.",
    example="host: web1.example.com",
)
SSH_USER: Final = KeySpec(
    name="user",
    kind=FilledText(Text(r"(?!-)\S+", "a name"), may_begin=True),
    default=NO_URL,
    absent="the name of floe's own user",
    doc="The user to log in as.",
    example="user: deploy",
)
SSH_PORT: Final = KeySpec(
    name="port",
    kind=Whole(1, 65_535),
    default=22,
    doc="The port of its ssh server.",
    example="port: 2222",
)
SSH_KEY: Final = KeySpec(
    name="key-file",
    kind=TEXT,
    default="",
    absent="the ssh agent, and the keys in `~/.ssh`",
    doc="Private key for the login, on this host; no other key is used then.",
    example="key-file: /home/ci/.ssh/deploy",
)
KNOWN_HOSTS: Final = KeySpec(
    name="known-hosts",
    kind=TEXT,
    default="",
    absent="`~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`",
    doc="File with the keys of the machines that may be logged in to, on this host.",
    example="known-hosts: /etc/floe/known_hosts",
)
SSH_CMD: Final = KeySpec(
    name="cmd",
    kind=Text(instead="name the program alone, and pass the value in `args`"),
    default="",
    doc="A program there and its arguments, split as a shell would; with `args`, only the program. "
    "Each argument is quoted for the shell there, and no variable is replaced.",
    example="cmd: systemctl restart app",
)
SSH_SHELL: Final = KeySpec(
    name="shell",
    kind=Text(instead=IN_ENV),
    default="",
    doc="A text for `bash -c` there, instead of `cmd`; see `strict-shell`.",
    example="shell: cd app && make install",
)
SSH_ARGS: Final = KeySpec(
    name="args",
    kind=ListOf(FilledText()),
    default=NO_FILLED,
    doc="Arguments of `cmd`, with values in them: see [Expressions in work](#expressions-in-work).",
    example="args: ['--version', '{{ values.version }}']",
)
SSH_DIR: Final = KeySpec(
    name="dir",
    kind=FilledText(),
    default=NO_URL,
    absent="the home of the user",
    doc="The folder there to run in; it must exist.",
    example="dir: /srv/app",
)
SSH_ENV: Final = KeySpec(
    name="env",
    kind=ListOf(FilledText(ENTRY)),
    default=NO_FILLED,
    doc="Environment of the command there, with values in it. The flow's `env` is not sent.",
    example="env: ['VERSION={{ values.version }}']",
)
CONNECT_TIMEOUT: Final = KeySpec(
    name="connect-timeout",
    kind=Duration(),
    default=30.0,
    doc="How long it may take to connect and log in, and then to start the command.",
    example="connect-timeout: 10s",
)
KEEPALIVE: Final = KeySpec(
    name="keepalive",
    kind=Duration(),
    default=15.0,
    doc="How often floe asks whether the machine is there. After four without an answer the "
    "connection is lost, and the command there ends.",
    example="keepalive: 15s",
)
DIRECT: Final = KeySpec(
    name="direct",
    kind=FLAG,
    default=False,
    doc="Send the command alone: for forced commands and for machines without a POSIX shell. It "
    "goes on if the connection breaks.",
    example="direct: true",
)
SSH_SECRET_KEY: Final = KeySpec(
    name="key",
    kind=SecretRefKind(),
    default=NO_SECRET,
    absent="`key-file`",
    doc="Private key for the login, a secret of the host, instead of `key-file`.",
    example="key: {secret: DEPLOY_KEY}",
)
SSH_PASSWORD: Final = KeySpec(
    name="password",
    kind=SecretRefKind(),
    default=NO_SECRET,
    absent="logins by key",
    doc="Password of the user, a secret of the host.",
    example="password: {secret: DEPLOY_PASSWORD}",
)
COPY_FROM: Final = KeySpec(
    name="from",
    kind=FilledText(),
    default=NO_URL,
    required=True,
    doc="The file to copy, with values in it: of `upload` a path in the workspace.",
    example="from: build/app.tgz",
)
COPY_TO: Final = KeySpec(
    name="to",
    kind=FilledText(),
    default=NO_URL,
    required=True,
    doc="The file to write, with values in it: of `download` a path in the workspace.",
    example="to: /srv/app/app.tgz",
)
COPY: Final = Section(
    name="a copied file",
    keys=(COPY_FROM, COPY_TO),
    doc="One file of `upload` or `download`.",
)
COPIES: Final = ListOf(
    SectionPart(
        section=COPY,
        build=lambda f: FileCopy(source=f[COPY_FROM], target=f[COPY_TO]),
        label="map",
        example="{from: build/app.tgz, to: /srv/app/app.tgz}",
    )
)
UPLOAD: Final = KeySpec(
    name="upload",
    kind=COPIES,
    default=NO_COPIES,
    doc="Files of the workspace to write there before the command, each complete or not at all.",
    example="upload: [{from: build/app.tgz, to: /srv/app/app.tgz}]",
)
DOWNLOAD: Final = KeySpec(
    name="download",
    kind=COPIES,
    default=NO_COPIES,
    doc="Files of the machine to write into the workspace after the command.",
    example="download: [{from: /srv/app/report.xml, to: report.xml}]",
)
SSH: Final = Section(
    name="`opts` of an ssh task",
    keys=(
        SSH_HOST,
        SSH_USER,
        SSH_PORT,
        SSH_KEY,
        SSH_SECRET_KEY,
        SSH_PASSWORD,
        KNOWN_HOSTS,
        SSH_CMD,
        SSH_SHELL,
        SSH_ARGS,
        SSH_DIR,
        SSH_ENV,
        UPLOAD,
        DOWNLOAD,
        CONNECT_TIMEOUT,
        KEEPALIVE,
        DIRECT,
    ),
    doc="Runs a command on a different machine, over ssh.",
)
GIT: Final = Section(
    name="`opts` of a git task",
    keys=(*GIT_KEYS, SUBMODULES, LFS),
    doc="Missing values come from the nodes before it, then from the trigger.",
)
TASK_PERIOD: Final = KeySpec(
    name="period",
    kind=Duration(0),
    default=0.0,
    required=True,
    doc="How long to wait.",
    example="period: 30s",
)
TIMER: Final = Section(
    name="`opts` of a timer task", keys=(TASK_PERIOD,), doc="Waits, then issues `good`."
)
DATA: Final = Section(
    name="`opts` of a data task",
    keys=(FORM,),
    doc="Opens a form and waits for a user to fill it (`good`) or to reject it (`bad`).",
)
ANSWER: Final = KeySpec(
    name="answer",
    kind=ListOf(AnyMap("answer")),
    default=NO_MAPS,
    absent="any JSON, as the output `body`",
    doc="The [fields](#fields) of the answer, which become outputs. An answer that does not fit "
    "them is refused, and the task goes on waiting.",
    example="answer: [{id: approved, type: bool}]",
)
GOOD_WHEN: Final = KeySpec(
    name="good-when",
    kind=ExpressionKind(),
    default=NO_EXPRESSION,
    absent="every answer is good",
    doc="An [expression](#expressions) over `outputs` of the answer; where it is false the task "
    "ends with `bad`.",
    example="good-when: outputs.approved",
)
CALL: Final = Section(
    name="`opts` of a call",
    keys=(*OF_REQUEST, ANSWER, GOOD_WHEN),
    doc="Tells an address of its own by a request, if it has a `url`, and waits until it is "
    "called.",
)
SUB_FLOW: Final = KeySpec(
    name="flow",
    kind=Text(r"[a-z0-9][a-z0-9-]{0,62}(@[1-9][0-9]{0,8})?", "the id of a flow, or id@ver"),
    default="",
    required=True,
    doc="The flow to run: its `id`, for the highest version, or `id@ver`.",
    example="flow: deploy",
)
SUB_VALUES: Final = KeySpec(
    name="values",
    kind=ChildValues(),
    default=NO_CHILD_VALUES,
    absent="none",
    doc="The values of the child run, as its first trigger that takes data asks for them. A text "
    "can have values of this run; one that is a single expression keeps its type.",
    example="values: {where: '{{ item }}', url: '{{ task.publish.outputs.url }}'}",
)
SUB_WAIT: Final = KeySpec(
    name="wait",
    kind=FLAG,
    default=True,
    doc="Wait until the child run has ended. Else the task is good once the child is pending, "
    "outputs the id of the child as `run`, and the child goes on when this run ends.",
    example="wait: false",
)
SUB_HOST: Final = KeySpec(
    name="host",
    kind=FilledText(Text(HOST.pattern, "the name of a host"), may_begin=True),
    default="",
    absent="any host",
    doc="The one host that may run the child; it can be a value of this run. One that is away is "
    "waited for, and a name that no host has is an error.",
    example="host: '{{ item }}'",
)
FLOW_TASK: Final = Section(
    name="`opts` of a flow task",
    keys=(SUB_FLOW, SUB_VALUES, SUB_WAIT, SUB_HOST),
    hints=CHILD_WORDS,
    doc="Runs a flow as a run of its own, its child, on any host of the cluster.",
)
END: Final = Section(name="`opts` of an end", keys=(), doc="Reaching it ends the run.")

# --- tasks, merges --------------------------------------------------------------------------------

TASK_TYPES: Final[Mapping[str, TaskType]] = {
    "exec": TaskType(work=Exec, opts=EXEC),
    "fetch": TaskType(work=Fetch, opts=FETCH, on_lost="retry"),
    "http": TaskType(work=Http, opts=HTTP),
    "notify": TaskType(work=Notify, opts=NOTIFY, on_lost="retry"),
    "git-checkout": TaskType(work=GitCheckout, opts=GIT, on_lost="retry"),
    "git-merge": TaskType(work=GitMerge, opts=GIT),
    "ssh": TaskType(work=Ssh, opts=SSH),
    "timer": TaskType(work=Wait, opts=TIMER),
    "data": TaskType(work=Ask, opts=DATA),
    "flow": TaskType(work=SubFlow, opts=FLOW_TASK),
    "call": TaskType(work=Callback, opts=CALL, on_lost="retry"),
    "pack": TaskType(work=OutsideWork, opts=PACK),
    "end": TaskType(work=End, opts=END),
}
_RETRIED: Final = ", ".join(name for name, type_ in TASK_TYPES.items() if type_.on_lost == "retry")

CLASS: Final = KeySpec[Literal["task", "merge"]](
    name="class",
    kind=OneOf(("task", "merge")),
    default="task",
    doc="`task` does work, `merge` waits for several events.",
    example="class: merge",
)
LISTEN: Final = KeySpec(
    name="listen",
    kind=EventNames(),
    default=NO_TEXTS,
    required=True,
    doc="The event that starts it: `trigger.good`, `task.build.good`, `merge.tests.good`. The last "
    "part can also be `bad`, `error`, `skipped` or, with `use-status`, an exit status. With `loop` "
    "a list: the first of these events starts it.",
    example="listen: task.build.good",
)
UNTIL: Final = KeySpec(
    name="until",
    kind=ExpressionKind(),
    default=NO_EXPRESSION,
    required=True,
    doc="The condition, an [expression](#expressions). It also sees `outputs`, `status` and "
    "`state` of the attempt that is over.",
    example="until: status == 0",
)
EVERY: Final = KeySpec(
    name="every",
    kind=Duration(),
    default=10.0,
    doc="Time from the end of an attempt to the next.",
    example="every: 10s",
)
REPEAT_MAX: Final = KeySpec(
    name="max",
    kind=Whole(1, 10_000),
    default=1,
    required=True,
    doc="Attempts in all. If `until` is still false after them, the task is `bad`.",
    example="max: 30",
)
REPEAT_MAP: Final = Section(
    name="repeat",
    keys=(UNTIL, EVERY, REPEAT_MAX),
    doc="Further attempts until a condition is true. No event is issued between them.",
)
REPEAT: Final = KeySpec(
    name="repeat",
    kind=SectionPart(
        section=REPEAT_MAP,
        build=lambda f: WrittenRepeat(f[UNTIL], f[EVERY], f[REPEAT_MAX]),
        label="map",
        example="repeat: {until: status == 0, every: 10s, max: 30}",
    ),
    default=NO_REPEAT,
    absent="one attempt",
    doc="Run it again until a condition is true. Not together with `retry`.",
    example="repeat: {until: status == 0, every: 10s, max: 30}",
)
LOOP_ROUNDS: Final = KeySpec(
    name="max",
    kind=Whole(1, 1000),
    default=1,
    required=True,
    doc="How often it enters at most in a run. One more event that leads back makes it `error`.",
    example="max: 3",
)
LOOP_MAP: Final = Section(
    name="loop",
    keys=(LOOP_ROUNDS,),
    doc="For the node to which a loop leads back: see [Loops](#loops).",
)
LOOP: Final = KeySpec(
    name="loop",
    kind=SectionPart(
        section=LOOP_MAP,
        build=lambda f: f[LOOP_ROUNDS],
        label="map",
        example="loop: {max: 3}",
    ),
    default=NO_LOOP,
    absent="it enters once",
    doc="It may enter several times, since nodes behind it lead back to it: see [Loops](#loops).",
    example="loop: {max: 3}",
)
IF: Final = KeySpec(
    name="if",
    kind=ExpressionKind(),
    default=NO_EXPRESSION,
    absent="none: it always runs",
    doc="An expression, judged when the task would start; if it is false, the task is skipped: see "
    "[Conditions](#conditions).",
    example="if: values.env == 'prod'",
)
TASK_TYPE: Final = KeySpec(
    name="type",
    kind=OneOf(tuple(TASK_TYPES), hints=TASK_TYPE_WORDS),
    default="exec",
    required=True,
    doc="Type of its work.",
    example="type: exec",
)
IGNORE_FAIL: Final = KeySpec(
    name="ignore-fail",
    kind=FLAG,
    default=False,
    doc="Always issue `good`, even if it failed. Not together with `use-status`.",
    example="ignore-fail: true",
)
GOOD: Final = KeySpec(
    name="good",
    kind=ListOf(EXIT_STATUS, unique=True, least=1),
    default=(0,),
    absent="`[0]`",
    doc="Exit statuses that count as good.",
    example="good: [0, 3]",
)
USE_STATUS: Final = KeySpec(
    name="use-status",
    kind=FLAG,
    default=False,
    doc="Issue the exit status instead of `good` or `bad`: `task.probe.3`.",
    example="use-status: true",
)
TIMEOUT: Final = KeySpec(
    name="timeout",
    kind=Duration(),
    default=NO_LIMIT,
    absent="no limit",
    doc="Time limit of one attempt, or for the answer to a form or a call; then it ends with "
    "`error`.",
    example="timeout: 10m",
)
FIRST: Final = KeySpec(
    name="first",
    kind=Duration(),
    default=1.0,
    doc="Wait before the first retry.",
    example="first: 1s",
)
FACTOR: Final = KeySpec(
    name="factor",
    kind=Number(1),
    default=2.0,
    doc="Each later wait is this many times the previous one.",
    example="factor: 2",
)
BACKOFF_MAX: Final = KeySpec(
    name="max", kind=Duration(), default=300.0, doc="Longest wait.", example="max: 5m"
)
BACKOFF: Final = Section(
    name="backoff",
    keys=(FIRST, FACTOR, BACKOFF_MAX),
    doc="The wait before a retry, varied by up to 10 %.",
)
RETRY_MAX: Final = KeySpec(
    name="max",
    kind=Whole(0, 1000),
    default=0,
    required=True,
    doc="Further attempts after the first.",
    example="max: 3",
)
RETRY_BACKOFF: Final = KeySpec(
    name="backoff",
    kind=SectionPart(
        section=BACKOFF,
        build=lambda f: Backoff(first_s=f[FIRST], factor=f[FACTOR], max_s=f[BACKOFF_MAX]),
        label="map or duration",
        example="backoff: 10s",
        short=ShortPart(kind=Duration(), build=lambda s: Backoff(first_s=s, factor=1.0, max_s=s)),
    ),
    default=Backoff(),
    absent="`{first: 1s, factor: 2, max: 5m}`",
    doc="The wait before each further attempt; a duration for equal waits, or a map.",
    example="backoff: 10s",
)
RETRY_MAP: Final = Section(
    name="retry",
    keys=(RETRY_MAX, RETRY_BACKOFF),
    doc="Further attempts in the same workspace, after one that was bad or an error. No event is "
    "issued between them.",
)
RETRY: Final = KeySpec(
    name="retry",
    kind=SectionPart(
        section=RETRY_MAP,
        build=lambda f: Retry(max=f[RETRY_MAX], backoff=f[RETRY_BACKOFF]),
        label="map",
        example="retry: {max: 3}",
    ),
    default=Retry(),
    absent="no retries",
    doc="Try again after `bad` or `error`.",
    example="retry: {max: 3, backoff: {first: 1s, factor: 2, max: 5m}}",
)
ON_LOST: Final = KeySpec[Literal["fail", "retry"]](
    name="on-lost",
    kind=OneOf(("fail", "retry")),
    default="fail",
    absent=f"`retry` for {_RETRIED}, else `fail`",
    doc="If floe lost its process (the machine crashed, or the part of floe that owns commands): "
    "issue `error`, or run it again without counting it for `retry`.",
    example="on-lost: retry",
)
OUTPUT_MAX: Final = KeySpec(
    name="output-max",
    kind=Size(),
    default=HOSTS_DEFAULT,
    absent="the host's",
    doc="Stop the task with `error` if it prints more; 0 for no limit.",
    example="output-max: 100MB",
)
GRACE: Final = KeySpec(
    name="grace",
    kind=Duration(0),
    default=NO_LIMIT,
    absent="the host's",
    doc="Time between TERM and KILL when its processes are stopped.",
    example="grace: 30s",
)
SECRET_NAME: Final = KeySpec(
    name="name",
    kind=SECRET_TEXT,
    default="",
    required=True,
    doc="Its name, which is the name of the variable too.",
    example="name: DEPLOY_KEY",
)
SECRET_FILE: Final = KeySpec(
    name="file",
    kind=FLAG,
    default=False,
    doc="The variable holds the path of a file with the value, which only floe's user can read.",
    example="file: true",
)
SECRET_MAP: Final = Section(name="a secret", keys=(SECRET_NAME, SECRET_FILE))
SECRETS: Final = KeySpec(
    name="secrets",
    kind=ListOf(
        SecretUseKind(
            SectionPart(
                section=SECRET_MAP,
                build=lambda f: SecretUse(name=SecretName(f[SECRET_NAME]), file=f[SECRET_FILE]),
                label="name or map",
                example="{name: DEPLOY_KEY, file: true}",
            )
        )
    ),
    default=NO_SECRETS,
    doc="Secrets of the host that its command gets, and no other command: see [Secrets](#secrets). "
    "For `exec` and `ssh`.",
    example="secrets: [NPM_TOKEN, {name: DEPLOY_KEY, file: true}]",
)
FOREACH: Final = KeySpec(
    name="foreach",
    kind=ForeachKind(),
    default=NO_ITEMS,
    absent="the task runs once",
    doc="A list of 1 to 1,000 values, or an expression that gives one: the task runs once for each "
    "of these items. For `exec`, `fetch`, `http`, `notify`, `ssh`, `flow`, `call` and `pack`.",
    example="foreach: [eu, us]",
)
MATRIX: Final = KeySpec(
    name="matrix",
    kind=MatrixKind(),
    default=NO_ITEMS,
    absent="the task runs once",
    doc="Lists by name: the task runs once for each combination of their values. `exclude` removes "
    "the combinations that have all values of one of its maps; `include` adds its maps as items.",
    example="matrix: {python: ['3.12', '3.13'], db: [sqlite, postgres]}",
)
PARALLEL: Final = KeySpec[int | None](
    name="parallel",
    kind=Whole(1, 1000),
    default=None,
    absent="no limit but the host's `commands`",
    doc="How many items may run at once; one that waits for its retry counts.",
    example="parallel: 2",
)
ON_ITEM_BAD: Final = KeySpec[OnItemBad](
    name="on-item-bad",
    kind=OneOf(("finish", "stop")),
    default="finish",
    doc="After an item that was `bad` or `error`: begin all others too, or begin no further one. "
    "Items that have begun run to their end.",
    example="on-item-bad: stop",
)
TASK: Final = Section(
    name="a task",
    hints=TASK_WORDS,
    keys=(
        ID,
        NAME,
        CLASS,
        LISTEN,
        IF,
        TASK_TYPE,
        OPTS,
        GOOD,
        IGNORE_FAIL,
        USE_STATUS,
        TIMEOUT,
        RETRY,
        REPEAT,
        LOOP,
        ON_LOST,
        OUTPUT_MAX,
        GRACE,
        SECRETS,
        FOREACH,
        MATRIX,
        PARALLEL,
        ON_ITEM_BAD,
    ),
)

WAIT: Final = KeySpec(
    name="wait",
    kind=ListOf(TEXT, least=1),
    default=NO_TEXTS,
    required=True,
    doc="The events to wait for.",
    example="wait: [task.test.good, task.sign-off.good]",
)
MERGE_TYPE: Final = KeySpec[Literal["all", "any"]](
    name="type",
    kind=OneOf(("all", "any"), hints=MERGE_TYPE_WORDS),
    default="all",
    doc="Wait for all of the events, or for any one.",
    example="type: any",
)
MERGE: Final = Section(name="a merge", keys=(ID, NAME, CLASS, MERGE_TYPE, WAIT, LOOP))

# --- common ---------------------------------------------------------------------------------------

BASE_URL: Final = KeySpec(
    name="base-url",
    kind=Text(r"(/[A-Za-z0-9._~-]+)*/?", "a path such as /build/api"),
    default="/build/api",
    doc="Path of the API on this host.",
    example="base-url: /build/api",
)
CONFIG_PATH: Final = KeySpec(
    name="config-path",
    kind=TEXT,
    default="",
    doc="Read the flows from this document: a path, an http(s) URL or a file in a git repository.",
    example="config-path: git@github.com:org/repo.git/build/FLOE.yaml",
)
STORE_TYPE: Final = KeySpec(
    name="store-type",
    kind=OneOf(("local", "memory", "ec2", "s3", "postgres")),
    default="local",
    doc="Where runs are kept: `local` (a SQLite file and a folder of outputs), `memory` (lost when "
    "the process ends), or `ec2` (as `local`, but ended runs go to an S3-compatible "
    "[`bucket`](#bucket)). `s3` is the same as `ec2`. `postgres` is not built yet.",
    example="store-type: ec2",
)
STORE_ROOT: Final = KeySpec(
    name="store-root",
    kind=TEXT,
    default="",
    absent="`-root`, else `./.floe/<host_name>`",
    doc="Folder of the store.",
    example="store-root: /var/lib/floe",
)
WORKSPACE_ROOT: Final = KeySpec(
    name="workspace-root",
    kind=TEXT,
    default="",
    absent="the root",
    doc="Folder for workspaces; they are in its `spaces`.",
    example="workspace-root: /home/ci/floews",
)
COMMON_KEY: Final = KeySpec(
    name="key-file",
    kind=TEXT,
    default="",
    aliases=("git-key",),
    absent="git's own",
    doc="Private key for git.",
    example="key-file: /home/ci/.ssh/id_rsa",
)
HOSTS: Final = KeySpec(
    name="hosts",
    kind=ListOf(HostUrl(), unique=True),
    default=NO_TEXTS,
    doc="URLs of all hosts of the cluster; this host's own may be among them.",
    example="hosts: ['http://127.0.0.1:8080']",
)
KEEPER: Final = KeySpec(
    name="keeper",
    kind=TEXT,
    default="",
    absent="this host; none where `hosts` names others",
    doc="Name of the host that grants cluster-wide resources and fires timers.",
    example="keeper: h1",
)
SLOTS: Final = KeySpec(
    name="slots",
    kind=Whole(1, 10_000),
    default=64,
    doc="How many active runs this host accepts. A run that only waits for forms and timers does "
    "not count.",
    example="slots: 8",
)
COMMANDS: Final = KeySpec(
    name="commands",
    kind=Whole(1, 10_000),
    default=HOSTS_DEFAULT,
    absent="4 for each core",
    doc="How many commands this host runs at once; the rest wait in order.",
    example="commands: 16",
)
EVALUATORS: Final = KeySpec(
    name="evaluators",
    kind=Whole(1, 64),
    default=HOSTS_DEFAULT,
    absent="one for each core, at most 4",
    doc="How many processes [judge runs](operating.md#evaluators) of other dialects. They start "
    "when they are needed; flows of this language need none.",
    example="evaluators: 2",
)
EVALUATOR_TIMEOUT: Final = KeySpec(
    name="evaluator-timeout",
    kind=Duration(0.1),
    default=5.0,
    absent="5s",
    doc="How long a process may take for one question about a run before it is killed. A judgement "
    "of many questions may take 12 times as long in all.",
    example="evaluator-timeout: 10s",
)
EVALUATOR_MEMORY: Final = KeySpec(
    name="evaluator-memory",
    kind=Size(least=64 << 20),
    default=512 << 20,
    absent="512MiB",
    doc="How much memory each of these processes may use, at least 64MiB.",
    example="evaluator-memory: 1GiB",
)
TRUSTED_PROXIES: Final = KeySpec(
    name="trusted-proxies",
    kind=ListOf(Network(), unique=True),
    default=NO_TEXTS,
    doc="IP addresses and networks of the proxies in front of this host. Only from these, "
    "`X-Forwarded-For`, `-Proto`, `-Host` and `-Port` are trusted.",
    example="trusted-proxies: [127.0.0.1, 10.0.0.0/24]",
)
PASS_ENV: Final = KeySpec(
    name="pass-env",
    kind=ListOf(Text(r"[A-Za-z_][A-Za-z0-9_]*", "names of variables"), unique=True),
    default=NO_TEXTS,
    doc="Additional variables of the host's environment that commands see.",
    example="pass-env: [JAVA_HOME]",
)
HTTP_FORBID: Final = KeySpec(
    name="http-forbid",
    kind=ListOf(AddressesKind(), unique=True),
    default=FORBIDDEN,
    absent="`[own-api, link-local]`",
    doc="Addresses that `http` and `notify` tasks and webhooks of `on-end` do not reach: IP "
    "addresses, networks, `own-api` (the ports of this host), `link-local`, `loopback` and "
    "`private`.",
    example="http-forbid: [own-api, link-local, private, 203.0.113.0/24]",
)
SECRET_KEY_FILE: Final = KeySpec(
    name="secret-key-file",
    kind=TEXT,
    default="",
    absent="`vault.key` in the folder of the store",
    doc="The keys that encrypt the [secrets](security.md#secrets) in the store; made with the "
    "first secret.",
    example="secret-key-file: /etc/floe/vault.key",
)
SECRET_FOLDER: Final = KeySpec(
    name="secret-folder",
    kind=TEXT,
    default="",
    absent="none",
    doc="A folder of files that are secrets too, each with the name of its file. They are read at "
    "the start.",
    example="secret-folder: /run/secrets",
)
COMMON_GRACE: Final = KeySpec(
    name="grace",
    kind=Duration(0),
    default=10.0,
    doc="Time between TERM and KILL when processes are stopped.",
    example="grace: 10s",
)
COMMON_OUTPUT_MAX: Final = KeySpec(
    name="output-max",
    kind=Size(),
    default=1 << 30,
    absent="1GiB",
    doc="Stop a command with `error` if it prints more; 0 for no limit.",
    example="output-max: 100MB",
)
COMMON_STRICT_SHELL: Final = KeySpec(
    name="strict-shell",
    kind=FLAG,
    default=False,
    doc="`strict-shell` of flows that do not set it.",
    example="strict-shell: true",
)
COMMON_KEEP: Final = KeySpec(
    name="keep",
    kind=KEEP_PART,
    default=Keep(),
    absent="`{runs: 10000, days: 90, bytes: 20GiB, workspaces: failed}`",
    doc="How long ended runs and their workspaces stay on this host, where their flow does not say "
    "it. Each of its keys has a default of its own.",
    example="keep: {days: 30, bytes: 200GB}",
)
COMMON_ON_END: Final = KeySpec(
    name="on-end",
    kind=ListOf(AnyMap("notices")),
    default=NO_MAPS,
    doc="`on-end` of flows that do not set it.",
    example="on-end: [{slack: $SLACK_URL}]",
)
PUBLIC_URL: Final = KeySpec(
    name="public-url",
    kind=Text(r"https?://[^\s/?#@]+/?", "https://ci.example.com"),
    default="",
    absent="the address that the host listens on",
    doc="The URL of the dashboard for people, for the links in notices.",
    example="public-url: https://ci.example.com",
)
SMTP_HOST: Final = KeySpec(
    name="host",
    kind=Text(r"[^\s/@]+", "the name of a server"),
    default="",
    required=True,
    doc="The server.",
    example="host: mail.example.com",
)
SMTP_PORT: Final = KeySpec(
    name="port",
    kind=Whole(1, 65535),
    default=HOSTS_DEFAULT,
    absent="587 with `starttls`, 465 with `tls`, 25 with `none`",
    doc="Its port.",
    example="port: 587",
)
SMTP_TLS: Final = KeySpec[Literal["starttls", "tls", "none"]](
    name="tls",
    kind=OneOf(("starttls", "tls", "none")),
    default="starttls",
    doc="How the connection is encrypted; certificates are checked.",
    example="tls: starttls",
)
SMTP_USER: Final = KeySpec(
    name="user",
    kind=TEXT,
    default="",
    absent="no login",
    doc="The user to log in as.",
    example="user: floe",
)
SMTP_PASSWORD: Final = KeySpec(
    name="password-file",
    kind=TEXT,
    default="",
    doc="A file with the user's password.",
    example="password-file: /etc/floe/smtp-password",
)
SMTP_FROM: Final = KeySpec(
    name="from",
    kind=Text(r"[^\s@<>]+@[^\s@<>]+", "an address such as floe@example.com"),
    default="",
    required=True,
    doc="The sender's address.",
    example="from: floe@example.com",
)
SMTP_MAP: Final = Section(
    name="`smtp`",
    keys=(SMTP_HOST, SMTP_PORT, SMTP_TLS, SMTP_USER, SMTP_PASSWORD, SMTP_FROM),
)
COMMON_SMTP: Final = KeySpec(
    name="smtp",
    kind=AnyMap(),
    default=NO_MAP,
    absent="no mail",
    doc="The server that takes mail for notices.",
    example="smtp: {host: mail.example.com, from: floe@example.com}",
)
FLYTE_BIND: Final = KeySpec(
    name="bind",
    kind=TEXT,
    default="",
    doc="An address for it alone, with the certificate of `--flyte-cert`, else of the host's "
    "public address. It needs no token of floe.",
    example="bind: 127.0.0.1:8081",
)
FLYTE_POLICY: Final = KeySpec(
    name="policy",
    kind=TEXT,
    default="",
    absent="each caller that reaches the address may use it",
    doc="The policy file: who may do what there. Needs `issuer` and `client-id`.",
    example="policy: /etc/floe/flyte-policy.yml",
)
FLYTE_ISSUER: Final = KeySpec(
    name="issuer",
    kind=TEXT,
    default="",
    doc="The URL of the OIDC issuer of tokens, exactly as they name it.",
    example="issuer: https://login.example.com",
)
FLYTE_CLIENT_ID: Final = KeySpec(
    name="client-id",
    kind=TEXT,
    default="",
    doc="The client that tokens must be for: their `aud`.",
    example="client-id: flyte",
)
FLYTE_REMOVE: Final = KeySpec(
    name="remove-packs-after",
    kind=Duration(3600),
    default=NO_LIMIT,
    absent="never",
    doc="How long a pack is silent until it is deleted; at the keeper.",
    example="remove-packs-after: 7d",
)
FLYTE_KEEP: Final = KeySpec(
    name="keep",
    kind=KEEP_PART,
    default=Keep(),
    absent="`{runs: 0, days: 183, bytes: 10GiB}`",
    doc="How long ended correlations stay on this host. `bytes` are those of all flows of flyte "
    "together.",
    example="keep: {days: 30, bytes: 100GB}",
)
FLYTE_MAP: Final = Section(
    name="`flyte`",
    keys=(FLYTE_BIND, FLYTE_POLICY, FLYTE_ISSUER, FLYTE_CLIENT_ID, FLYTE_REMOVE, FLYTE_KEEP),
)
COMMON_FLYTE: Final = KeySpec(
    name="flyte",
    kind=AnyMap(),
    default=NO_MAP,
    absent="below `/flyte` of this host's addresses",
    doc="Flyte's API: its own address, and when packs are deleted.",
    example="flyte: {bind: 127.0.0.1:8081}",
)
UTASK_BIND: Final = KeySpec(
    name="bind",
    kind=TEXT,
    default="",
    doc="An address for uTask's API alone, with the certificate of the host's public one. It needs "
    "no token of floe.",
    example="bind: 127.0.0.1:8082",
)
UTASK_TEMPLATES: Final = KeySpec(
    name="templates",
    kind=ListOf(TEXT, unique=True),
    default=NO_TEXTS,
    doc="Folders of templates. Each `.yaml` file directly in them is one; they are read at the "
    "start and at each reload.",
    example="templates: [/etc/utask/templates]",
)
UTASK_FUNCTIONS: Final = KeySpec(
    name="functions",
    kind=TEXT,
    default="",
    doc="The folder of functions: each `.yaml` file in it and in the folders below.",
    example="functions: /etc/utask/functions",
)
UTASK_SCRIPTS: Final = KeySpec(
    name="scripts",
    kind=TEXT,
    default="",
    doc="The folder of the programs that the action `script` runs.",
    example="scripts: /etc/utask/scripts",
)
UTASK_PLUGINS: Final = KeySpec(
    name="plugins",
    kind=TEXT,
    default="",
    doc="The folder of Python files with further [actions](utask.md).",
    example="plugins: /etc/utask/plugins",
)
UTASK_INIT: Final = KeySpec(
    name="init",
    kind=TEXT,
    default="",
    doc="The folder of programs that run when the host starts.",
    example="init: /etc/utask/init",
)
UTASK_ITEMS: Final = KeySpec(
    name="items",
    kind=TEXT,
    default="",
    doc="The folder of configuration items: templates read the file `NAME` as `.config.NAME`. They "
    "are read at the start and at each reload.",
    example="items: /etc/utask/items",
)
UTASK_CONCEALED: Final = KeySpec(
    name="concealed",
    kind=ListOf(TEXT, unique=True),
    default=("basic-auth", "database", "encryption-key", "utask-cfg"),
    absent="`[basic-auth, database, encryption-key, utask-cfg]`",
    doc="Items that no template sees.",
    example="concealed: [encryption-key, ovh-credentials]",
)
UTASK_REGION: Final = KeySpec(
    name="region",
    kind=TEXT,
    default="default",
    doc="What templates read as `.task.region`.",
    example="region: eu-west",
)
UTASK_LIMITS: Final = KeySpec(
    name="resource-limits",
    kind=AnyMap(),
    default=NO_MAP,
    absent="no limits",
    doc="How many executions of steps may have a resource at once on this host, by its name; with "
    "0 they fail at once. uTask's names are `socket`, `fork`, `url:HOST`, `script:FILE`, "
    "`template:NAME` and those of `resources` of steps.",
    example="resource-limits: {socket: 20, 'url:api.example.com': 2}",
)
UTASK_RESOURCE_TIMEOUT: Final = KeySpec(
    name="resource-timeout",
    kind=Duration(0),
    default=60.0,
    absent="1m",
    doc="How long an execution waits for a resource before the step is retried later; 0 for no "
    "limit.",
    example="resource-timeout: 5m",
)
UTASK_BASE_URL: Final = KeySpec(
    name="base-url",
    kind=Text(r"https?://[^\s?#@]+", "https://utask.example.com"),
    default="",
    absent="`bind`, else `/utask` below `public-url`",
    doc="The URL of uTask's API for others: callbacks arrive below it.",
    example="base-url: https://utask.example.com",
)
UTASK_MAP: Final = Section(
    name="`utask`",
    keys=(
        UTASK_TEMPLATES,
        UTASK_FUNCTIONS,
        UTASK_SCRIPTS,
        UTASK_PLUGINS,
        UTASK_INIT,
        UTASK_ITEMS,
        UTASK_CONCEALED,
        UTASK_REGION,
        UTASK_LIMITS,
        UTASK_RESOURCE_TIMEOUT,
        UTASK_BIND,
        UTASK_BASE_URL,
    ),
)
COMMON_UTASK: Final = KeySpec(
    name="utask",
    kind=AnyMap(),
    default=NO_MAP,
    absent="no templates",
    doc="[uTask's templates](utask.md): their folders, and what their steps may use.",
    example="utask: {templates: [/etc/utask/templates], scripts: /etc/utask/scripts}",
)
BUCKET_NAME: Final = KeySpec(
    name="name",
    kind=Text(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket, without s3://"),
    default="",
    required=True,
    doc="The bucket. It must exist.",
    example="name: ci-runs",
)
BUCKET_PREFIX: Final = KeySpec(
    name="prefix",
    kind=Text(r"/*([A-Za-z0-9_.-]+/+)*[A-Za-z0-9_.-]*", "folders such as ci/floe"),
    default="",
    absent="no folder",
    doc="The folder for floe's objects. Slashes at its ends mean nothing.",
    example="prefix: floe",
)
BUCKET_ENDPOINT: Final = KeySpec(
    name="endpoint",
    kind=Text(r"https?://[^\s/@?#]+/*", "a URL without a path, such as https://minio:9000"),
    default="",
    absent="AWS",
    doc="The URL of an S3-compatible server. With `http://` it must be on this machine, or the "
    "host needs `--insecure`.",
    example="endpoint: https://minio.example.com:9000",
)
BUCKET_REGION: Final = KeySpec(
    name="region",
    kind=Text(r"[A-Za-z0-9-]{1,63}", "a region such as eu-central-1"),
    default="",
    absent="`$AWS_REGION`, else that of the profile, else us-east-1",
    doc="The region of the bucket.",
    example="region: eu-central-1",
)
BUCKET_PROFILE: Final = KeySpec(
    name="profile",
    kind=TEXT,
    default="",
    absent="`$AWS_PROFILE`, else `default`",
    doc="The profile in `~/.aws` with the credentials.",
    example="profile: ci",
)
BUCKET_ADDRESSING: Final = KeySpec[Literal["path", "virtual"] | None](
    name="addressing",
    kind=OneOf[Literal["path", "virtual"] | None](("path", "virtual")),
    default=None,
    absent="`path` with an `endpoint`, `virtual` at AWS",
    doc="Whether the bucket is in the path of a URL or in its host name.",
    example="addressing: path",
)
BUCKET_CA: Final = KeySpec(
    name="ca",
    kind=TEXT,
    default="",
    absent="the system's certificates",
    doc="A PEM file with further certificates to trust.",
    example="ca: /etc/floe/minio.pem",
)
BUCKET_COPIES: Final = KeySpec(
    name="copies",
    kind=Size(),
    default=1024**3,
    absent="1GiB",
    doc="Bytes of outputs that stay on the host too, those that were used last; 0 for none.",
    example="copies: 5GiB",
)
BUCKET_MAP: Final = Section(
    name="`bucket`",
    keys=(
        BUCKET_NAME,
        BUCKET_PREFIX,
        BUCKET_ENDPOINT,
        BUCKET_REGION,
        BUCKET_PROFILE,
        BUCKET_ADDRESSING,
        BUCKET_CA,
        BUCKET_COPIES,
    ),
)
COMMON_BUCKET: Final = KeySpec(
    name="bucket",
    kind=AnyMap(),
    default=NO_MAP,
    absent="none",
    doc="The bucket for ended runs, with `store-type: ec2`.",
    example="bucket: {name: ci-runs, region: eu-central-1}",
)
COMMON_MAP: Final = Section(
    name="common",
    keys=(
        BASE_URL,
        CONFIG_PATH,
        STORE_TYPE,
        STORE_ROOT,
        WORKSPACE_ROOT,
        COMMON_KEY,
        HOSTS,
        KEEPER,
        SLOTS,
        COMMANDS,
        EVALUATORS,
        EVALUATOR_TIMEOUT,
        EVALUATOR_MEMORY,
        PASS_ENV,
        HTTP_FORBID,
        SECRET_KEY_FILE,
        SECRET_FOLDER,
        TRUSTED_PROXIES,
        COMMON_GRACE,
        COMMON_OUTPUT_MAX,
        COMMON_STRICT_SHELL,
        COMMON_KEEP,
        PUBLIC_URL,
        COMMON_ON_END,
        COMMON_SMTP,
        COMMON_BUCKET,
        COMMON_FLYTE,
        COMMON_UTASK,
    ),
)
