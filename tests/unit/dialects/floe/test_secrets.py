"""What a document may say about secrets, and what it means."""

import pytest

from floe.dialects.floe.dialect import FloeDialect
from floe.dialects.floe.secrets import SecretRefKind
from floe.dialects.kinds import Unfit
from floe.dialects.notes import Notes
from floe.dialects.tree import Table, Tree, parse_yaml
from floe.model.codec import decode, encode
from floe.model.flow import Flow
from floe.model.secret_name import SecretName, SecretRef, SecretUse

NPM, KEY = SecretName("NPM_TOKEN"), SecretName("DEPLOY_KEY")


def flow_of(of_task: str = "", of_flow: str = "") -> Flow:
    compiled = FloeDialect().flows(document(of_task, of_flow), "a.yml")
    assert compiled.findings == ()
    return compiled.flows[0]


def findings(of_task: str = "", of_flow: str = "", opts: str = "cmd: ls") -> list[str]:
    compiled = FloeDialect().flows(document(of_task, of_flow, opts), "a.yml")
    return [f"{one.level}: {one.what}" for one in compiled.findings]


def document(of_task: str, of_flow: str, opts: str = "cmd: ls") -> str:
    task = f"{{name: b, type: exec, listen: trigger.good, {of_task} opts: {{{opts}}}}}"
    return f"name: a\n{of_flow}\ntasks: [{task}]"


def tree_of(text: str) -> Tree:
    table = parse_yaml(f"key: {text}", Notes(""))
    assert isinstance(table, Table)
    return table.entries["key"].value


def test_task_gets_secrets_as_variables_and_as_files() -> None:
    flow = flow_of("secrets: [NPM_TOKEN, {name: DEPLOY_KEY, file: true}],")

    assert flow.nodes[0].secrets == (SecretUse(name=NPM), SecretUse(name=KEY, file=True))
    assert flow.secret_names == {NPM, KEY}


def test_flow_with_secrets_is_read_as_it_was_stored() -> None:
    flow = flow_of("secrets: [NPM_TOKEN],", "secrets: [NPM_TOKEN]")

    assert decode(Flow, encode(flow)) == flow


def test_flow_without_secrets_is_stored_without_a_word_about_them() -> None:
    assert "secret" not in str(encode(flow_of()))


def test_list_of_the_flow_alone_is_needed_too() -> None:
    document = "name: a\nsecrets: [NPM_TOKEN]\nflow-file: b.yml"

    flow = FloeDialect().flows(document, "a.yml").flows[0]

    assert flow.secret_names == {NPM}


def test_secret_that_the_flow_does_not_list_is_an_error() -> None:
    assert findings("secrets: [DEPLOY_KEY],", "secrets: [NPM_TOKEN]") == [
        "warning: no task needs the secret NPM_TOKEN",
        "error: `b` needs the secret DEPLOY_KEY, which `secrets` of the flow does not list",
    ]


@pytest.mark.parametrize("name", ["npm", "_A", "1A", "FLOE_ADMIN", "A" * 64, "A-B"])
def test_text_that_is_no_name_of_a_secret_is_an_error(name: str) -> None:
    (found,) = findings(f"secrets: ['{name}'],")

    assert found.startswith(f"error: `secrets` cannot be `{name[:57]}")


def test_secret_that_is_listed_twice_is_an_error() -> None:
    uses = "secrets: [NPM_TOKEN, {name: NPM_TOKEN, file: true}],"

    assert findings(uses) == ["error: `secrets` lists `NPM_TOKEN` twice"]


def test_secrets_of_a_task_without_a_command_are_an_error() -> None:
    document = (
        "name: a\ntasks: [{name: b, type: timer, listen: trigger.good, secrets: [NPM_TOKEN], "
        "opts: {period: 1s}}]"
    )

    compiled = FloeDialect().flows(document, "a.yml")

    assert [one.what for one in compiled.findings] == [
        "only the command of an `exec` or `ssh` task gets secrets by name"
    ]


@pytest.mark.parametrize("text", ["{{ secrets.NPM_TOKEN }}", "{{ (secrets.NPM_TOKEN ~ 1) }}"])
def test_secret_never_stands_in_a_text(text: str) -> None:
    assert findings(opts=f"cmd: ls, args: ['{text}']") == [
        "error: `secrets` has no values: a secret never stands in a text"
    ]


def test_secret_never_stands_in_code() -> None:
    assert findings(opts="shell: 'echo {{ secrets.NPM_TOKEN }}'") == [
        "error: `shell` takes no values, and `{{ secrets.NPM_TOKEN }}` would be one"
    ]


def test_field_takes_the_name_of_a_secret_in_place_of_a_text() -> None:
    assert SecretRefKind().read(tree_of("{secret: NPM_TOKEN}"), "password", Notes("")) == (
        SecretRef(NPM)
    )


@pytest.mark.parametrize(
    "text", ["hunter2", "[NPM_TOKEN]", "{secret: NPM_TOKEN, file: true}", "{}"]
)
def test_field_for_a_secret_takes_nothing_else(text: str) -> None:
    with pytest.raises(Unfit, match="`password` takes the name of a secret"):
        SecretRefKind().read(tree_of(text), "password", Notes(""))
