"""The text of a flow, as it is written in its document and without its secrets."""

from floe.dialects.floe.dialect import FloeDialect
from floe.model.ids import FlowId
from tests.make import a_flow

HOOK = "https://hooks.example.com/T1/B2"
DOCUMENT = f"""\
flows:
  - name: One
    triggers: [{{name: Start, type: data}}]
    tasks: [{{name: Say, type: exec, listen: trigger.good, opts: {{cmd: 'true'}}}}]

  # Of the second one.
  - name: Two
    triggers: [{{name: Start, type: data}}]
    on-end: [{{slack: "{HOOK}"}}]
    tasks:
      - name: Say
        type: exec
        listen: trigger.good
        opts:
          shell: |
            # a comment, and then
            echo hello
common: {{}}
"""


def texts_of(document: str) -> dict[str, tuple[int, str]]:
    compiled = FloeDialect().flows(document, "f.yml")
    assert compiled.errors == ()
    return {id: (text.line, text.text) for (id, _), text in compiled.written.items()}


def test_flow_is_shown_from_its_dash_to_the_next_item_with_its_line() -> None:
    texts = texts_of(DOCUMENT)

    assert texts["one"] == (
        2,
        "- name: One\n"
        "  triggers: [{name: Start, type: data}]\n"
        "  tasks: [{name: Say, type: exec, listen: trigger.good, opts: {cmd: 'true'}}]",
    )
    line, text = texts["two"]
    assert (line, text.splitlines()[0], text.splitlines()[-1]) == (
        7,
        "- name: Two",
        "          echo hello",
    )


def test_address_of_a_webhook_is_hidden() -> None:
    _, text = texts_of(DOCUMENT)["two"]

    assert HOOK not in text
    assert 'slack: "***"' in text


def test_flow_is_not_shown_if_an_address_is_written_in_a_different_way() -> None:
    escaped = DOCUMENT.replace(HOOK, HOOK.replace("T1", "\\x54\\x31"))

    assert list(texts_of(escaped)) == ["one"]


def test_document_that_is_one_flow_is_shown_as_a_whole() -> None:
    document = (
        "# CI\nname: One\ntasks: [{name: A, type: exec, listen: trigger.good, opts: {cmd: a}}]"
    )

    compiled = FloeDialect().flow_file(document, "f.yml", a_flow(id=FlowId("one"), name="One"))

    (text,) = compiled.written.values()
    assert (text.line, text.text) == (1, document)
