"""YAML, environment and flags to one host."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from floe.config import (
    PACKAGED,
    Flags,
    HostConfig,
    check_document,
    digests_of,
    load,
    others_of,
    read_common,
    read_local,
    which_conf,
)
from floe.dialects.notes import Notes
from floe.model.errors import ConfigInvalid, NotFound
from floe.model.ids import HostId
from floe.model.secret import Secret
from floe.model.work import Git
from floe.nodes.base import Document
from floe.server.settings import Bind


def given(
    text: str = "flows: []", environ: dict[str, str] | None = None, **flags: str
) -> HostConfig:
    return load(Flags(**flags), environ or {}, text, "c.yml")


def refused(
    text: str = "flows: []", environ: dict[str, str] | None = None, **flags: str
) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        load(Flags(**flags), environ or {}, text, "c.yml")
    return [str(finding).partition("\n")[0] for finding in caught.value.findings]


def test_a_host_that_gets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    config = given()

    assert (config.host_name, config.tags) == (HostId("h1"), frozenset({"master"}))
    assert config.pub.address == "127.0.0.1:8080"
    assert (config.slots, config.grace_s, config.output_max) == (64, 10, 1 << 30)
    assert (config.evaluator_timeout_s, config.evaluator_memory) == (5, 512 << 20)
    assert 1 <= config.evaluators <= 4
    assert (config.store_type, config.base_url, config.prv) == ("local", "/build/api", None)
    root = tmp_path / ".floe" / "h1"
    assert (config.root, config.store_root, config.workspace_root) == (root, root, root)
    assert not root.exists()
    assert not config.admin
    assert config.findings == ()


def test_common_is_compared_by_what_its_keys_mean() -> None:
    texts = (
        "common: {grace: 10s, slots: 2, keeper: h1}",
        "common:\n  slots: 2\n  grace: 10s\nflows: []",
        "common: {grace: 10s, slots: 3}",
    )

    one, same, other = [digests_of(read_common(text, Notes("c.yml"))) for text in texts]

    assert (one, one["grace"]) == (same, other["grace"])
    assert one["slots"] != other["slots"]


def test_yaml_gives_way_to_the_environment_and_that_to_flags() -> None:
    text = "common: {slots: 1, commands: 2, keeper: h9}"
    environ = {"FLOE_SLOTS": "3", "FLOE_HOST_NAME": "h9", "FLOE_TAGS": "a, b"}

    config = given(text, environ, tags="c")

    assert (config.slots, config.commands) == (3, 2)
    assert (config.host_name, config.tags) == (HostId("h9"), frozenset({"c"}))


def test_root_on_the_command_line_goes_before_the_roots_in_yaml(tmp_path: Path) -> None:
    text = "common: {store-root: /var/s, workspace-root: /var/w}"

    in_yaml, by_flag = given(text), given(text, root=str(tmp_path))

    assert (in_yaml.store_root, in_yaml.workspace_root) == (Path("/var/s"), Path("/var/w"))
    assert (by_flag.store_root, by_flag.workspace_root) == (tmp_path, tmp_path)


@pytest.mark.parametrize("key", ["store-root", "workspace-root"])
def test_warning_about_an_overriding_root_names_both_folders(tmp_path: Path, key: str) -> None:
    config = given(f"common: {{{key}: /var/x}}", root=str(tmp_path))

    [finding] = config.findings
    assert (finding.level, finding.line) == ("warning", 1)
    assert finding.what == f"-root {tmp_path} overrides `{key}: /var/x`, which is not used"


def test_root_of_the_environment_overrides_a_folder_with_a_warning_too(tmp_path: Path) -> None:
    config = given("common: {workspace-root: /var/x}", {"FLOE_ROOT": str(tmp_path)})

    assert len(config.findings) == 1


def test_root_that_is_the_same_as_another_is_no_matter(tmp_path: Path) -> None:
    config = given(f"common: {{workspace-root: {tmp_path}}}", root=str(tmp_path))

    assert config.findings == ()


def test_common_is_read_whole() -> None:
    config = given(
        "common: {base-url: /x/, config-path: c.yml, store-type: memory, git-key: /k,"
        " pass-env: [A], grace: 3s, output-max: 1MB, hosts: ['http://127.0.0.1:8080', 'http://localhost:8080']}"
    )

    assert (config.base_url, config.config_path, config.store_type) == ("/x", "c.yml", "memory")
    assert (config.key_file, config.pass_env) == ("/k", ("A",))
    assert (config.grace_s, config.output_max) == (3, 1_000_000)
    assert config.findings == ()


def test_evaluators_have_limits_of_their_own() -> None:
    config = given("common: {evaluators: 3, evaluator-timeout: 10s, evaluator-memory: 1GiB}")

    assert (config.evaluators, config.evaluator_timeout_s) == (3, 10)
    assert config.evaluator_memory == 1 << 30


def test_evaluators_need_memory_for_python() -> None:
    with pytest.raises(ConfigInvalid, match="cannot be `1MB`"):
        given("common: {evaluator-memory: 1MB}")


def test_the_token_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")

    config = given(admin=f"@{tmp_path}/token")

    assert config.admin.reveal() == "s3cret"
    assert config.cluster_token == config.admin


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b" \n", "is empty"),
        (b"\xff", "cannot be read: not text"),
    ],
)
def test_a_token_file_without_a_token_is_refused(
    content: bytes | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)

    assert refused(admin=f"@{path}") == [f"-admin (or FLOE_ADMIN): error: {path} {said}"]


def test_a_token_is_never_printed() -> None:
    config = given(environ={"FLOE_ADMIN": "s3cret"}, cluster_token="t0ken")

    assert config.admin == Secret("s3cret")
    assert "s3cret" not in repr(config)
    assert "t0ken" not in repr(config)


def test_several_hosts_without_a_keeper_are_a_warning() -> None:
    config = given("common:\n  hosts: ['http://127.0.0.1:8080', 'http://127.0.0.1:8090']\n")

    assert config.keeper is None
    assert [str(f).partition("\n")[0] for f in config.findings] == [
        "c.yml:2:10: warning: several hosts but no `keeper`: runs get no resource tags, "
        "and no timer fires"
    ]


def test_a_keeper_that_no_url_leads_to_is_a_warning() -> None:
    config = given("common:\n  keeper: h2\n  hosts: ['http://127.0.0.1:8080']\n")

    assert [str(f).partition("\n")[0] for f in config.findings] == [
        "c.yml:2:11: warning: the keeper is `h2`, but `hosts` names no other host"
    ]


def test_one_host_keeps_its_own() -> None:
    config = given("common: {hosts: ['http://127.0.0.1:8080']}")

    assert (config.keeper, others_of(config)) == (HostId("h1"), ())


def test_hosts_and_keeper_of_the_command_line_go_before_those_of_the_config() -> None:
    text = "common: {keeper: h2, hosts: ['http://127.0.0.1:1']}"

    config = given(
        text, hosts="http://127.0.0.1:2, http://localhost:3,http://127.0.0.1:2", keeper="h3"
    )

    assert config.hosts == ("http://127.0.0.1:2", "http://localhost:3")
    assert config.keeper == HostId("h3")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://127.0.0.1:99999", "its host or port is not valid"),
        ("ftp://other", "it is not an http:// or https:// URL"),
        ("other:8080", "it is not an http:// or https:// URL"),
    ],
)
def test_what_is_no_url_on_the_command_line_is_reported_once(url: str, fault: str) -> None:
    assert refused(hosts=url, keeper="h1") == [
        f"-hosts (or FLOE_HOSTS): error: cannot be `{url}`: {fault}"
    ]


@pytest.mark.parametrize("url", ["http://other:8080", "http://10.0.0.11:8080/build/api"])
def test_another_machine_needs_tls_or_insecure(url: str) -> None:
    text = f"common: {{keeper: h1, hosts: ['{url}']}}"
    said = f"the cluster's token would travel unencrypted to {url}"

    assert refused(text) == [f"c.yml:1:29: error: {said}"]
    assert refused(hosts=url, keeper="h1") == [f"-hosts (or FLOE_HOSTS): error: {said}"]
    assert given(text, insecure="true").hosts == (url,)
    assert given(text.replace("http:", "https:")).findings == ()


def test_whom_to_trust_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    cert = Path(__file__).parents[1] / "data" / "tls" / "cert.pem"

    assert given(peer_ca=str(cert)).peer_ca == cert
    assert refused(peer_ca=str(tmp_path / "empty.pem")) == [
        f"-peer_ca (or FLOE_PEER_CA): error: {tmp_path}/empty.pem has no readable certificate"
    ]


def test_store_that_comes_later_is_not_yet_there() -> None:
    said = "c.yml:1:22: error: `store-type: postgres` is not available yet"

    assert refused("common: {store-type: postgres}") == [said]


def test_everything_wrong_comes_at_once() -> None:
    text = "common:\n  slots: 0\n  hots: []\n"

    assert refused(text, {"FLOE_COMMANDS": "0"}, tags="a b", host_name="-", dev="maybe") == [
        "c.yml:2:10: error: `slots` cannot be 0",
        "c.yml:3:3: error: common has no key `hots`",
        "-host_name (or FLOE_HOST_NAME): error: cannot be `-`",
        "-tags (or FLOE_TAGS): error: `a b` is not a valid tag",
        "-commands (or FLOE_COMMANDS): error: cannot be `0`",
        "-dev (or FLOE_DEV): error: cannot be `maybe`",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("common: 5", "c.yml:1:9: error: `common` takes a map of keys and values, not `5`"),
        ("", "c.yml: error: the document is empty"),
        ("common: {base-url: build}", "c.yml:1:20: error: `base-url` cannot be `build`"),
        ("common: {hosts: [here]}", "c.yml:1:18: error: `hosts` cannot be `here`"),
        (
            "common:\n  hosts:\n    - http://127.0.0.1:1\n    - http://127.0.0.1:99999",
            "c.yml:4:7: error: `hosts` cannot be `http://127.0.0.1:99999`: "
            "its host or port is not valid",
        ),
        (
            "common: {hosts: ['http://me:pw@h:1']}",
            "c.yml:1:18: error: `hosts` cannot be `http://***@h:1`: "
            "hosts use the cluster's token, so remove the user and password",
        ),
        (
            "common: {hosts: ['http://h:1/?a=b']}",
            "c.yml:1:18: error: `hosts` cannot be `http://h:1/?a=b`: "
            "a query or fragment is not allowed",
        ),
    ],
)
def test_refuses_documents(text: str, said: str) -> None:
    assert refused(text) == [said]


def test_no_proxy_is_trusted_unless_the_config_names_it() -> None:
    assert given("common: {slots: 3}").trusted_proxies == ()
    assert given("common: {trusted-proxies: [127.0.0.1, fd00::/8]}").trusted_proxies == (
        "127.0.0.1",
        "fd00::/8",
    )


@pytest.mark.parametrize(
    ("network", "fault"),
    [
        ("proxy.example", ""),
        ("10.0.0.0/33", ""),
        ("10.0.0.1/24", ": its network begins at 10.0.0.0/24"),
        ("0.0.0.0/0", ": it covers every address"),
        ("::/0", ": it covers every address"),
        ("127.0.0.1:8080", ""),
    ],
)
def test_refuses_to_trust_what_is_no_proxys_address(network: str, fault: str) -> None:
    assert refused(f"common: {{trusted-proxies: ['{network}']}}") == [
        f"c.yml:1:28: error: `trusted-proxies` cannot be `{network}`{fault}"
    ]


def test_refuses_what_is_no_yaml_with_its_place() -> None:
    (broken,) = refused("common: [")

    assert broken.startswith("c.yml:1:9: error: not YAML: ")


def test_a_bad_flow_does_not_stop_a_host() -> None:
    assert given("flows: [{id: a, colour: red}]").findings == ()


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:80", "[::1]:8080", "127.9.9.9:1"])
def test_loopback_needs_no_tls(address: str) -> None:
    assert given(pub_bind=address).pub.address == address


@pytest.mark.parametrize("address", [":8080", "0.0.0.0:8080", "[::]:80", "floe.example.com:443"])
def test_an_address_that_others_reach_needs_tls(address: str) -> None:
    (said,) = refused(pub_bind=address)

    assert said.endswith("is open to other machines, and tokens would travel unencrypted")
    assert given(pub_bind=address, insecure="true").pub.address == address


@pytest.mark.parametrize("address", ["8080", "a:b", "127.0.0.1:70000", "::1:80", "a b:1"])
def test_refuses_addresses(address: str) -> None:
    said = f"-prv_bind (or FLOE_PRV_BIND): error: cannot be `{address}`"

    assert refused(prv_bind=address) == [said]


def test_tls_takes_a_certificate_and_its_key(tmp_path: Path) -> None:
    for name in ("cert", "key"):
        (tmp_path / name).touch()
    cert, key = tmp_path / "cert", tmp_path / "key"

    config = given(pub_bind=":443", pub_cert=str(cert), pub_key=str(key))

    assert (config.pub.cert, config.pub.key) == (cert, key)
    assert refused(prv_cert=str(cert), prv_key=str(key)) == [
        "-prv_cert (or FLOE_PRV_CERT): error: needs -prv_bind"
    ]
    missing = tmp_path / "none"
    assert refused(pub_cert=str(cert), pub_key=str(missing)) == [
        f"-pub_key (or FLOE_PUB_KEY): error: the file {missing} does not exist"
    ]
    assert refused(pub_cert=str(cert)) == [
        "-pub_cert (or FLOE_PUB_CERT): error: needs -pub_key too"
    ]


def test_conf_is_the_one_given_else_the_nearest_else_the_packaged(tmp_path: Path) -> None:
    found = [
        which_conf(Flags(conf="x.yml"), {}, tmp_path).name,
        which_conf(Flags(), {}, tmp_path).name,
    ]
    (tmp_path / "config.yml").touch()
    found.append(which_conf(Flags(), {}, tmp_path).name)
    (tmp_path / "default.yml").touch()
    found.append(which_conf(Flags(), {}, tmp_path).name)

    config, default = str(tmp_path / "config.yml"), str(tmp_path / "default.yml")
    assert found == ["x.yml", str(PACKAGED), config, default]


def test_explains_why_it_reads_the_packaged_default(tmp_path: Path) -> None:
    why = which_conf(Flags(), {}, tmp_path).why

    assert why == "the packaged default: no ./default.yml or ./config.yml"


def test_the_packaged_default_loads() -> None:
    assert given(read_local(str(PACKAGED))).findings == ()


def test_what_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"name: caf\xe9")

    for name, what in (("latin", "byte 0xe9 is not UTF-8"), ("none", "No such file")):
        with pytest.raises(ConfigInvalid, match=what):
            read_local(str(tmp_path / name))


NO_GIT = Git()


class OneDocument:
    """Documents of which one can be read."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text

    async def read(self, name: str, *, relative_to: str = "", git: Git = NO_GIT) -> Document:
        if name != self._name:
            raise NotFound(f"no file {name}", "look for it")
        return Document(text=self._text, origin=name, pinned=name)


def checked(text: str, documents: OneDocument | None = None) -> list[str]:
    compiled = asyncio.run(check_document(text, "c.yml", documents))
    return [str(finding).partition("\n")[0] for finding in compiled.findings]


def test_check_shows_what_is_wrong_anywhere_and_once() -> None:
    assert checked("common: {slots: 0}\nflows: [{id: a}]\nflow: x\n") == [
        "c.yml:1:17: error: `slots` cannot be 0",
        "c.yml:2:9: error: a flow needs `tasks` or a `flow-file`",
        "c.yml:3:1: error: a host config has no key `flow`",
    ]
    (broken,) = checked("common: [")
    assert broken.startswith("c.yml:1:9: error: not YAML: ")


def test_check_looks_into_flow_files_that_it_can_read() -> None:
    text = "flows:\n- {id: a, flow-file: a.yml}\n- {id: b, flow-file: b.yml}\n"

    assert checked(text, OneDocument("a.yml", "tasks: []\ncolour: red\n")) == [
        "a.yml:2:1: error: a flow has no key `colour`",
        "c.yml:3:22: warning: the flow-file of `b` cannot be read here: no file b.yml",
    ]


def test_config_is_cheap_to_import() -> None:
    heavy = ["aiohttp", "asyncio", "structlog", "git", "cronsim", "zoneinfo"]
    code = f"import sys, floe.config; print([m for m in {heavy!r} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_flyte_has_the_certificate_of_the_public_address(tmp_path: Path) -> None:
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    for path in (cert, key):
        path.touch()

    config = given("common: {flyte: {bind: ':8443'}}", pub_cert=str(cert), pub_key=str(key))

    assert config.flyte.bind == Bind(address=":8443", cert=cert, key=key)
    assert 8443 in config.own_ports


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{bind: here}", "cannot bind `here`"),
        ("{bind: 'a:b:c'}", "cannot bind `a:b:c`"),
        ("{remove-packs-after: 5m}", "`remove-packs-after` cannot be `5m`"),
        (
            "{bind: ':8443'}",
            ":8443 is open to other machines, and nothing there would be encrypted",
        ),
    ],
)
def test_unsafe_address_of_flyte_is_refused_at_its_place(value: str, said: str) -> None:
    (finding,) = refused(f"common: {{flyte: {value}}}")

    assert finding.startswith("c.yml:1:")
    assert said in finding
