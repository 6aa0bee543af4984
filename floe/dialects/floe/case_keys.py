"""The keys of a test of a flow: the part of the vocabulary that only tests need."""

from collections.abc import Mapping
from typing import Final, Literal

from floe.dialects.floe.json_values import ValueMap
from floe.dialects.floe.vocabulary import (
    FLAG,
    NO_MAP,
    NO_TEXTS,
    TESTS,
    TEXT,
)
from floe.dialects.kinds import AnyMap, Duration, ListOf, OneOf, Raw, Whole
from floe.dialects.section import KeySpec, Section
from floe.dialects.tree import Tree
from floe.model.ids import Json
from floe.model.result import RunResult

NO_RESULT: Final[RunResult | None] = None
NO_TREES: Final[tuple[Tree, ...]] = ()
NO_STATUS: Final[int | None] = None
NO_TEXT: Final[str | None] = None
NO_TIME: Final[float | None] = None

CASE_NAME: Final = KeySpec(
    name="name",
    kind=TEXT,
    default="",
    required=True,
    doc="What is claimed.",
    example="name: a failed test stops the release",
)
NO_HOSTS: Final[Mapping[str, Json] | None] = None

CASE_FLOW: Final = KeySpec(
    name="flow",
    kind=TEXT,
    default="",
    absent="the only flow of the file",
    doc="The flow, in a file of tests for a document with several.",
    example="flow: release",
)
CASE_TRIGGER: Final = KeySpec(
    name="trigger",
    kind=TEXT,
    default="",
    absent="the first data trigger, else the first",
    doc="The trigger that starts the run.",
    example="trigger: nightly",
)
CASE_VALUES: Final = KeySpec(
    name="values",
    kind=AnyMap(),
    default=NO_MAP,
    doc="The values that the trigger gives.",
    example="values: {branch: main}",
)
CASE_HOSTS: Final = KeySpec(
    name="hosts",
    kind=ValueMap(),
    default=NO_HOSTS,
    absent="one host, with the tags that the flow needs",
    doc="The hosts of the cluster with their tags, for `hosts('linux')`.",
    example="hosts: {h1: [linux], h2: [linux, west]}",
)
CASE_GIVEN: Final = KeySpec(
    name="given",
    kind=AnyMap(),
    default=NO_MAP,
    absent="every node is good at once",
    doc="How nodes end: `good`, `bad`, `error`, or a map (below).",
    example="given: {task.test: bad, task.probe: {status: 3, after: 2s}}",
)
CASE_EXPECT: Final = KeySpec(
    name="expect",
    kind=AnyMap(),
    default=NO_MAP,
    required=True,
    doc="What the run does (below).",
    example="expect: {enters: [test], ends: bad}",
)
CASE: Final = Section(
    name="a test",
    keys=(CASE_NAME, CASE_FLOW, CASE_TRIGGER, CASE_VALUES, CASE_HOSTS, CASE_GIVEN, CASE_EXPECT),
)

RESULT: Final = KeySpec[Literal["good", "bad", "error"]](
    name="result",
    kind=OneOf(("good", "bad", "error")),
    default="good",
    doc="How it ends. `bad` rejects a form.",
    example="result: error",
)
STATUS: Final = KeySpec[int | None](
    name="status",
    kind=Whole(0, 599),
    default=NO_STATUS,
    absent="as the result needs",
    doc="The exit status of its command, or the status of the reply to a request, instead of "
    "`result`.",
    example="status: 3",
)
OUTPUTS: Final = KeySpec(
    name="outputs",
    kind=AnyMap(),
    default=NO_MAP,
    doc="Its outputs; of a form, the answers.",
    example="outputs: {url: 'https://a.example'}",
)
AFTER: Final = KeySpec(
    name="after",
    kind=Duration(),
    default=0.0,
    doc="How long it takes, in virtual time.",
    example="after: 90s",
)
GIVEN_WHY: Final = KeySpec(
    name="why",
    kind=TEXT,
    default="",
    doc="The reason of an error or of a rejection.",
    example="why: no space left",
)
ATTEMPTS: Final = KeySpec(
    name="attempts",
    kind=ListOf(Raw("result or map"), least=1),
    default=NO_TREES,
    doc="Each attempt, instead of the keys above; the last counts for all that follow.",
    example="attempts: [bad, good]",
)
GIVEN_ITEMS: Final = KeySpec(
    name="items",
    kind=ListOf(Raw("result or map"), least=1),
    default=NO_TREES,
    doc="Each item of a node with `foreach` or `matrix`; an item that is not given is good.",
    example="items: [good, {status: 3}, {attempts: [bad, good]}]",
)
GIVEN: Final = Section(
    name="a node of `given`",
    keys=(RESULT, STATUS, OUTPUTS, AFTER, GIVEN_WHY, ATTEMPTS, GIVEN_ITEMS),
)

STARTS: Final = KeySpec(
    name="starts",
    kind=FLAG,
    default=True,
    doc="Whether the trigger starts a run. `false`: its `if` is false or fails; `why` is a part of "
    "the reason.",
    example="starts: false",
)
ENTERS: Final = KeySpec(
    name="enters",
    kind=ListOf(TEXT),
    default=NO_TEXTS,
    absent="any",
    doc="All tasks that enter, in order. Merges and `end` tasks count only if they are named.",
    example="enters: [build, test]",
)
NEVER: Final = KeySpec(
    name="never",
    kind=ListOf(TEXT),
    default=NO_TEXTS,
    doc="Nodes that do not enter.",
    example="never: [deploy]",
)
ENDS: Final = KeySpec[RunResult | None](
    name="ends",
    kind=OneOf[RunResult](("good", "bad", "cancelled", "rejected", "stalled")),
    default=NO_RESULT,
    absent="any",
    doc="The result of the run.",
    example="ends: bad",
)
WHY: Final = KeySpec(
    name="why",
    kind=TEXT,
    default="",
    doc="A part of the sentence that says why it ended.",
    example="why: exit status 3",
)
TITLE: Final = KeySpec[str | None](
    name="title",
    kind=TEXT,
    default=NO_TEXT,
    absent="any",
    doc="The title of the run at its end.",
    example="title: Release 1.2",
)
EXPECT_AFTER: Final = KeySpec[float | None](
    name="after",
    kind=Duration(0.0),
    default=NO_TIME,
    absent="any",
    doc="How long the run takes in virtual time, within 10 %: the waits of retries are jittered.",
    example="after: 1h",
)
SKIPPED_NODES: Final = KeySpec(
    name="skipped",
    kind=AnyMap(),
    default=NO_MAP,
    doc="Nodes that are skipped, each with a part of the reason; `''` for any.",
    example="skipped: {deploy: values.env was 'test'}",
)
EXPECT: Final = Section(
    name="`expect`", keys=(STARTS, ENTERS, NEVER, SKIPPED_NODES, ENDS, WHY, TITLE, EXPECT_AFTER)
)
TESTS_DOCUMENT: Final = Section(name="a file of tests", keys=(TESTS,))
