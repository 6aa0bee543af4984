"""What a text may show: no password of any URL that people write, and all else as it is."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe.model.errors import FloeError, ValuesInvalid
from floe.model.finding import Finding
from floe.model.secret import masked, without_password, without_secrets

SECRET = "s3cretpw"
SCHEMES = ("http", "HTTPS", "ssh", "git", "ftp", "file", "wss", "git+https", "postgres", "x-y.z")
HOSTS = ("host", "h.example.org:8443", "[::1]:9", "127.0.0.1", "")
AROUND = (
    "{}",
    "fatal: Authentication failed for '{}'",
    'see "{}", then go on',
    "({})",
    "a={} b",
    "<{}>",
    "line\n{}\nline",
)


PASSWORDS = st.text("@:%!$&'()*+,;=~#?/\"\\x1", max_size=5)


def is_one_password(parts: tuple[str, str]) -> bool:
    """Not so with `@` before a slash: what comes between is a host to whoever reads the URL."""
    whole = "".join(parts)
    return "@" not in whole or not set("/?#\\") & set(whole)


@given(
    scheme=st.sampled_from(SCHEMES),
    user=st.sampled_from(["bob", "", "a.b", "x%40y", "b-b"]),
    password=st.tuples(PASSWORDS, PASSWORDS).filter(is_one_password),
    host=st.sampled_from(HOSTS),
    path=st.sampled_from(["", "/", "/x.git", "/a@b/c:d", "?q=1", "//x"]),
    around=st.sampled_from(AROUND),
)
def test_password_of_a_url_is_never_shown(
    scheme: str, user: str, password: tuple[str, str], host: str, path: str, around: str
) -> None:
    text = around.format(f"{scheme}://{user}:x{SECRET.join(password)}@{host}{path}")

    assert SECRET not in without_password(text)


@given(st.text(min_size=1), st.sampled_from(SCHEMES))
def test_percent_encoded_password_is_never_shown(text: str, scheme: str) -> None:
    secret = SECRET + quote(text.encode(errors="replace"), safe="")

    assert SECRET not in without_password(f"{scheme}://bob:{secret}@host/x")


@given(
    st.lists(st.sampled_from(["http://a:s3cretpw@b/c", "ssh://a:s3cretpw@b", "x@y", "a:b", "/"]))
)
def test_each_of_several_urls_hides_its_password(urls: list[str]) -> None:
    assert SECRET not in without_password(",".join(urls))
    assert SECRET not in without_password(" ".join(urls))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://s3cretpw@host/r.git", "https://***@host/r.git"),
        ("https://bob:s3@cretpw@host/r@2", "https://***@host/r@2"),
        ("https://bob:s3/cretpw@host/r", "https://***@host/r"),
        ("ssh://bob:s3cretpw@host/r", "ssh://bob:***@host/r"),
        ("ssh://bob%3As3cretpw@host/r", "ssh://bob%3A***@host/r"),
        ("bob:s3cretpw@host:r.git", "bob:***@host:r.git"),
        ("proxy=bob:s3cretpw@[::1]:3128", "proxy=bob:***@[::1]:3128"),
        ("//bob:s3cretpw@host/r", "//bob:***@host/r"),
        ("http:\\\\bob:s3cretpw@host\\r", "http:\\\\***@host\\r"),
        ("https://h/x?token=s3cretpw&page=2", "https://h/x?token=***&page=2"),
        ("https://h/x?a=1&Access_Token=s3cretpw'", "https://h/x?a=1&Access_Token=***'"),
        ("/x?X-Amz-Signature=s3cretpw", "/x?X-Amz-Signature=***"),
        ("https://h/x?sv=1&sig=s3cretpw", "https://h/x?sv=1&sig=***"),
    ],
)
def test_only_the_password_is_hidden(text: str, shown: str) -> None:
    assert without_password(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "ssh://git@host:22/r.git",
        "git@github.com:org/repo.git",
        "http://host:8080/a@v1",
        "http://[::1]:80/@scope/x",
        "https://host/a%3Ab@c:d",
        "https://host?to=me@example.org",
        "mailto:me@example.org:x",
        "image:tag@sha256:0123",
        "h1-12@k3f9: held",
        "k3f9:120,ab12:55",
        "https://host/?page=2&keyed=1&signal=x",
        "a=b, 10:30@noon",
    ],
)
def test_text_without_a_password_stays_as_it_is(text: str) -> None:
    assert without_password(text) == text


def test_passwords_are_hidden_at_every_depth_of_a_shape() -> None:
    url = "http://bob:s3cretpw@h"

    shape = masked({"a": [{"b": url}, (url, 1)], "c": None, "d": True, "e": 1.5})

    assert shape == {
        "a": [{"b": "http://***@h"}, ["http://***@h", 1]],
        "c": None,
        "d": True,
        "e": 1.5,
    }


@pytest.mark.parametrize(
    "text", ["://a:b" * 50_000, "a:" * 100_000, "@" * 300_000, "&x-token" * 40_000, "//@" * 90_000]
)
def test_text_made_to_be_slow_is_searched_in_one_pass(text: str) -> None:
    for _ in range(3):  # quadratic work would take minutes: the suite's time limit finds it
        without_password(f"{text}@=")


def test_error_is_made_without_the_password() -> None:
    error = FloeError("http://bob:s3cretpw@h: no", "try ssh://bob:s3cretpw@h")
    finding = Finding(file="http://bob:s3cretpw@h/x.yml", line=1, col=1, what="x", hint="x")
    wrong = ValuesInvalid({"url": "not http://bob:s3cretpw@h"})

    assert SECRET not in f"{error} {error.what} {error.hint} {finding} {wrong} {wrong.fields}"


def test_value_without_secrets_stays_equal_to_itself() -> None:
    value = {"places": ("eu", ["us"]), "count": 1}

    assert without_secrets(value) == value
