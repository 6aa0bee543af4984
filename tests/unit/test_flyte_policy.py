"""Policies of flyte's API: which entry a request meets, and what a policy file may say."""

from pathlib import Path

import pytest

from floe.dialects.notes import Notes
from floe.model.errors import ConfigInvalid
from floe.model.ids import Json
from floe.server.flyte.policy import Policy, claims_met
from floe.server.flyte.policy_file import policy_in, read_policy

EXAMPLE = Path(__file__).parents[1] / "data/flyte/policy.yaml"


def policy(*entries: str) -> Policy:
    """A policy of entries, each a path and the value that its claim `c` needs, if any."""
    text = ""
    for entry in entries:
        path, _, value = entry.partition(" ")
        text += f"- path: {path}\n" + (f"  claims: {{c: ['{value}']}}\n" if value else "")
    found = policy_in(text, Notes("policy.yml"))
    assert found is not None
    return found


def met(found: Policy, path: str) -> str:
    """The value that a path needs, or the status with which it is refused."""
    answer = found.answer("GET", path)
    return str(answer.status or dict(answer.claims).get("c", ("",))[0])


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/a/b", "static"),
        ("/a/x", "named"),
        ("/a/x/y", "wild"),
        ("/a/b/y", "wild"),
        ("/a/b/c", "deep"),
        ("/a/x/c", "wild"),
        ("/a/", "wild"),
        ("/a", "401"),
        ("/A/b", "401"),
    ],
)
def test_static_comes_before_a_name_and_a_name_before_a_wildcard(path: str, entry: str) -> None:
    found = policy("/a/b static", "/a/:n named", "/a/* wild", "/a/b/c deep")

    assert met(found, path) == entry


@pytest.mark.parametrize(
    ("path", "entry"),
    [("/a/x/end", "one"), ("/a/x/y/end", "one"), ("/a/end", "401"), ("/a/x/end/y", "401")],
)
def test_segments_after_a_wildcard_count(path: str, entry: str) -> None:
    assert met(policy("/a/*/end one"), path) == entry


def test_search_goes_back_from_a_name_that_leads_nowhere() -> None:
    found = policy("/a/:n/x :n", "/a/*/y :n", "/:m/b/z :m")

    assert [met(found, path) for path in ("/a/b/x", "/a/b/y", "/a/b/z")] == ["b", "", "a"]


def test_path_with_many_segments_is_refused_soon() -> None:
    found = policy("/*/a/*/b/*/c/*/d")

    assert met(found, "/a/b/c/d" * 15) == ""
    assert met(found, "/a" * 5000) == "401"


def test_deeper_path_below_a_name_is_404() -> None:
    assert met(policy("/v1/packs/:pack"), "/v1/packs/a/b") == "404"


def test_entry_of_the_root_alone_has_no_effect() -> None:
    assert [met(policy(path), "/") for path in ("/", "/*")] == ["401", ""]


def test_methods_of_entries_with_one_path_add_up() -> None:
    text = "- {path: /a, methods: [GET]}\n- {path: /a, methods: [POST], claims: {c: [x]}}\n"
    found = policy_in(text, Notes("policy.yml"))
    assert found is not None

    assert not found.answer("HEAD", "/a").claims
    assert found.answer("POST", "/a").claims == {"c": ("x",)}
    refused, options = found.answer("DELETE", "/a"), found.answer("OPTIONS", "/a")
    assert (refused.status, refused.allow) == (405, "GET, HEAD, POST")
    assert (options.status, options.allow) == (200, "GET, HEAD, POST")


@pytest.mark.parametrize("method", ["TRACE", "BREW", "OPTION", ""])
def test_entry_without_methods_has_the_usual_ones(method: str) -> None:
    answer = policy("/a").answer(method, "/a")

    assert (answer.status, answer.allow) == (405, "GET, HEAD, PUT, POST, PATCH, DELETE, CONNECT")


def test_claims_take_names_and_values_from_the_path() -> None:
    text = "- {path: '/:a/:b', claims: {':a': [':b', ':none', z], c: [':a']}}\n"
    found = policy_in(text, Notes("policy.yml"))
    assert found is not None

    assert found.answer("GET", "/c/y%2Fz").claims == {"c": ("y/z", "", "z", "c")}


@pytest.mark.parametrize(
    ("claim", "is_met"),
    [
        ("dev", True),
        ("Dev", False),
        (["x", "dev"], True),
        (["dev", 1], False),
        ([], False),
        (None, False),
        ({"dev": "dev"}, False),
        (True, True),
        (False, False),
        (7, True),
        (7.0, True),
        (7.5, False),
    ],
)
def test_claim_of_a_token_is_met_by_any_value(claim: Json, is_met: bool) -> None:
    assert claims_met({"c": ("dev", "true", "7")}, {"c": claim}) == is_met


def test_example_of_flyte_is_read() -> None:
    found = read_policy(EXAMPLE)

    asked = found.answer("DELETE", "/flows/ops/deploy")
    assert asked.claims == {"namespaceAdmin": ("ops",)}
    assert found.answer("GET", "/datastore/a/b").claims == {"groups": ("dev",)}


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("a: b", "1:1"),
        ("- /a", "1:3"),
        ("- path: /a\n  method: [GET]", "2:3"),
        ("- methods: [GET]", "1:3"),
        ("- path: v1", "1:9"),
        ("- path: /a/b:c", "1:9"),
        ("- path: /a*", "1:9"),
        ("- path: /a\n  methods: [get]", "2:12"),
        ("- path: /a\n  methods: GET", "2:12"),
        ("- path: /a\n  claims: [dev]", "2:11"),
        ("- path: /a\n  claims: {groups: dev}", "2:20"),
        ("- path: /a\n  claims: {groups: [[dev]]}", "2:21"),
        ("- path: [", "1:"),
    ],
)
def test_mistake_in_a_policy_has_its_line(tmp_path: Path, text: str, finding: str) -> None:
    file = tmp_path / "policy.yml"
    file.write_text(text)

    with pytest.raises(ConfigInvalid) as raised:
        read_policy(file)

    assert f"{file}:{finding}" in str(raised.value)


def test_policy_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="cannot be read: No such file"):
        read_policy(tmp_path / "none.yml")
