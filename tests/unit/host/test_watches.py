"""Which repository a URL names."""

import pytest

from floe.host.watches import repository_of


@pytest.mark.parametrize(
    "same",
    [
        ["https://h/r", "https://h/r/", "https://H/r.git", "https://u:p@h:443/r", "HTTPS://t@h/r"],
        ["ssh://git@h/r", "ssh://git@H:22/r/", "ssh://git:p@h/r", "git+ssh://git@h/r"],
        ["git@h:o/r.git", "git@H:o/r.git/"],
        ["/srv/r", "/srv/r/", "file:///srv/r", "file:///srv//r/", "FILE:///srv/./r"],
        ["git://h/r", "git://h:9418/r"],
    ],
)
def test_spellings_of_one_repository_have_one_name(same: list[str]) -> None:
    assert len({repository_of(url) for url in same}) == 1


def test_repositories_that_may_differ_have_names_of_their_own() -> None:
    urls = [
        "https://h/r",
        "https://h/R",
        "https://h:8443/r",
        "ssh://git@h/r",
        "ssh://me@h/r",
        "ssh://git@h:2222/r",
        "git@h:r",
        "me@h:r",
        "git@h:r.git",
        "/srv/r",
        "/srv/r.git",
        "srv/r",
    ]

    assert len({repository_of(url) for url in urls}) == len(urls)


def test_name_of_a_repository_holds_no_password() -> None:
    names = [repository_of(f"{scheme}://me:s3cret@h/r") for scheme in ("http", "https", "ssh", "x")]

    assert not any("s3cret" in name for name in names)
