"""Templates that are read together: what they know of each other, and what one fault leaves."""

from floe.dialects.utask.catalog import Catalog, SourceFile, read_catalog

FUNCTION = """
name: say
action: {type: echo, configuration: {output: {text: '{{ .function_args.text }}'}}}
"""


def template(name: str, action: str = "{type: echo, configuration: {output: {}}}") -> str:
    return f"""
name: {name}
description: a template
title_format: a task
steps: {{one: {{action: {action}}}}}
"""


def read(functions: str = FUNCTION, **templates: str) -> Catalog:
    files = [SourceFile(f"{name}.yaml", text) for name, text in templates.items()]
    return read_catalog(files, [SourceFile("say.yaml", functions)], lambda name: f"no {name}")


def test_what_is_wrong_in_one_template_leaves_the_others() -> None:
    catalog = read(a=template("one"), b="steps: [", c=template("two"))

    assert [*catalog.templates] == ["one", "two"]
    assert {finding.file for finding in catalog.findings} == {"b.yaml"}
    assert catalog.files == 4


def test_a_mistake_in_a_function_is_a_mistake_of_the_templates_that_use_it() -> None:
    catalog = read(
        "name: [",
        a=template("one"),
        b=template("two", "{type: say, configuration: {text: x}}"),
    )

    assert [*catalog.templates] == ["one"]
    assert {finding.file for finding in catalog.findings} == {"say.yaml", "b.yaml"}


def test_templates_may_name_each_other_in_any_order() -> None:
    def sub(name: str) -> str:
        return f"{{type: subtask, configuration: {{template: {name}}}}}"

    catalog = read(a=template("one", sub("two")), b=template("two", sub("one")))

    assert catalog.findings == ()


def test_a_template_with_a_mistake_may_be_named_by_another_one() -> None:
    catalog = read(
        a=template("one", "{type: subtask, configuration: {template: two}}"),
        b=template("two", "{type: nope}"),
    )

    assert [*catalog.templates] == ["one"]


def test_a_later_template_of_the_same_name_is_used_and_the_former_is_named() -> None:
    catalog = read(a=template("one"), b=template("two"), c=template("ONE"))

    (finding,) = catalog.findings
    assert (finding.level, finding.file, finding.line) == ("warning", "a.yaml", 2)
    assert finding.what == "template `one` is also in c.yaml, which is used"
    assert [(name, one.file.name) for name, one in catalog.templates.items()] == [
        ("two", "b.yaml"),
        ("one", "c.yaml"),
    ]


def test_the_fault_of_a_script_is_at_its_name() -> None:
    catalog = read(a=template("one", "{type: script, configuration: {file_path: x.sh}}"))

    (finding,) = catalog.findings
    assert finding.what == "Invalid step one: Invalid executor action: no x.sh"
    assert finding.line == 5
