"""How a request is written, and what it is compiled to."""

import pytest

from floe.dialects.floe.dialect import FloeDialect
from floe.model.http import Http, HttpAuth, HttpHeader, HttpOutput
from floe.model.secret_name import SecretName, SecretRef
from floe.model.template import Template, TemplatePart

DOCUMENT = """
id: a
triggers: [{{id: start, type: data, opts: {{form: {{fields: [{{id: v}}]}}}}}}]
tasks: [{{id: t, type: http, listen: trigger.good, opts: {{url: 'http://h/', {opts}}}}}]
"""
V = TemplatePart(path=("values", "v"))


def said(opts: str) -> list[str]:
    """The findings about a request with these opts."""
    findings = FloeDialect().flows(DOCUMENT.format(opts=opts), "f.yml").findings
    return [f"{f.line}:{f.col} {f.what}" for f in findings]


def work(opts: str) -> Http:
    """The request, which has no findings."""
    compiled = FloeDialect().flows(DOCUMENT.format(opts=opts), "f.yml")
    assert compiled.findings == ()
    found = compiled.flows[0].nodes[0].work
    assert isinstance(found, Http)
    return found


def t(text: str) -> TemplatePart:
    return TemplatePart(text=text)


@pytest.mark.parametrize(
    ("opts", "method"),
    [("", "GET"), ("body: x", "POST"), ("json: {}", "POST"), ("method: PURGE, body: x", "PURGE")],
)
def test_request_with_a_body_is_a_post_unless_it_says_otherwise(opts: str, method: str) -> None:
    assert work(opts).method == method


@pytest.mark.parametrize(
    ("json", "body"),
    [
        ("{a: 1, b: [true, null, 1.5]}", '{"a":1,"b":[true,null,1.5]}'),
        ("'a \"b\"'", r'"a \"b\""'),
        ("{a: \"{{ '{{' }}x\"}", '{"a":"{{x"}'),
        ("[]", "[]"),
    ],
)
def test_json_without_values_is_one_text(json: str, body: str) -> None:
    assert work(f"json: {json}").body == body


def test_text_that_is_one_expression_stands_in_json_without_quotes() -> None:
    found = work("json: {a: '{{ values.v }}', b: 'x \"{{ values.v }}'}")

    parts = (t('{"a":'), V, t(r',"b":"x \""'[:-1]), V, t('"}'))
    assert found.body == Template(parts=parts)


def test_form_is_percent_encoded_around_its_values() -> None:
    found = work("form: {'a b': 'x&{{ values.v }}', c: [1, true]}")

    assert found.body == Template(parts=(t("a+b=x%26"), V, t("&c=1&c=true")))


def test_values_stand_in_headers() -> None:
    found = work("headers: {X-A: 'v{{ values.v }}', X-B: 2}")

    value = Template(parts=(t("v"), V))
    assert found.headers == (HttpHeader(name="X-A", value=value), HttpHeader(name="X-B", value="2"))


@pytest.mark.parametrize(
    ("opts", "what"),
    [
        ("json: {}, body: x", "4:92 `json` and `body` are both given"),
        ("headers: {'a b': x}", "4:86 a header cannot have the name `a b`"),
        ("headers: {A: x, a: y}", "4:92 the header `a` is given twice"),
        ("headers: {content-length: 1}", "4:86 floe writes the header `content-length` itself"),
        ('headers: {A: "x\\nB: y"}', "4:89 a header cannot have a line break"),
        ("headers: {A: ä}", "4:89 a header cannot have the character '\\xe4'"),
        ("headers: {A: {sekret: B}}", "4:89 `A` takes the name of a secret"),
        ("headers: {Authorization: x}", "4:101 this header is stored and shown as it is"),
        ("auth: {bearer: {secret: A}, user: b}", "4:82 `auth` needs either `bearer`, or `user`"),
        ("auth: {user: b}", "4:82 `auth` needs either `bearer`, or `user`"),
        ("auth: {bearer: abc}", "4:91 `bearer` takes the name of a secret, not this"),
        ("expect: 600", "4:84 `expect` takes a status, not `600`"),
        ("retry-on: []", "4:86 `retry-on` is an empty list"),
        ("outputs: {}", "4:85 `outputs` takes a map"),
        ("outputs: {1a: '{{ body }}'}", "4:86 an output cannot have the name `1a`"),
        (
            "outputs: {a: '{{ body.id ~ run.id }}'}",
            "4:103 an output of a request does not see",
        ),
        ("body-max: 11MiB", "4:86 `body-max` cannot be `11MiB`"),
        ("redirects: 11", "4:87 `redirects` cannot be 11"),
        ("ca-file: ca.pem", "4:85 `ca-file` cannot be `ca.pem`"),
        ("verify: false", "4:84 the certificate of the server is not checked"),
        ("headers: [a]", "4:85 `headers` takes a map"),
        ("form: [a]", "4:82 `form` takes a map"),
        ("json: {a: 2026-01-01}", "4:86 YAML reads `2026-01-01` in `a` as a date"),
        ("method: CONNECT", "4:84 `method` cannot be `CONNECT`"),
        (
            "method: '{{ values.v }}'",
            "4:85 `method` takes no values, and `{{ values.v }}` would be one",
        ),
        ("headers: {A: '{{ values.w }}'}", "4:93 no trigger of this flow gives the value `w`"),
        ("json: [{a: '{{ task.b.outputs.c }}'}]", "4:91 the flow has no task `b`"),
    ],
)
def test_shows_what_is_wrong_and_where(opts: str, what: str) -> None:
    assert said(opts)[0].startswith(what)


def test_header_and_credentials_name_secrets() -> None:
    found = work("headers: {X-Key: {secret: KEY}}, auth: {user: me, password: {secret: PASSWORD}}")

    assert found.headers == (HttpHeader(name="X-Key", secret=SecretRef(SecretName("KEY"))),)
    assert found.auth == HttpAuth(user="me", password=SecretRef(SecretName("PASSWORD")))


@pytest.mark.parametrize(
    ("expect", "status", "good"),
    [
        ("2xx", 204, True),
        ("2xx", 304, False),
        ("404", 404, True),
        ("[2xx, 404]", 404, True),
        ("[200, 201]", 204, False),
    ],
)
def test_expected_statuses_are_good(expect: str, status: int, good: bool) -> None:
    assert work(f"expect: {expect}").expects(status) == good


def test_output_of_a_reply_is_an_expression_of_its_own() -> None:
    [found] = work("outputs: {id: '{{ body.id }}'}").outputs

    assert found == HttpOutput(id="id", value=Template(parts=(TemplatePart(path=("body", "id")),)))


@pytest.mark.parametrize("key", ["good: [0, 3]", "use-status: true"])
def test_request_has_no_exit_status(key: str) -> None:
    text = DOCUMENT.format(opts="").replace("type: http", f"type: http, {key}")

    [found] = FloeDialect().flows(text, "f.yml").findings

    name = key.partition(":")[0]
    assert found.what == f"`{name}` is about exit statuses, which `http` has none of"
    assert found.hint == "use `expect` in `opts`"
