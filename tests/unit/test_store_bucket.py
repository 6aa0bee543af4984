"""A bucket whose server refuses, is away, or is spoken to: what people read, and what is sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from obstore.store import MemoryStore, S3Store

from floe.model.errors import ArchiveAway, Yours
from floe.model.ids import Key, NodeId
from floe.store import bucket
from floe.store.bucket import Bucket, open_s3
from floe.store.bucket_settings import BucketSettings
from tests.make_bucket import ACCESS_KEY, SECRET_KEY, a_packed_run, an_output
from tests.make_store import a_run
from tests.ports import free_port
from tests.tcp import serving

pytestmark = pytest.mark.slow

TLS = Path(__file__).parents[1] / "data" / "tls"
REFUSALS = {
    "404 NoSuchBucket": "the bucket does not exist (check `name`, `region` and `endpoint`)",
    "403 AccessDenied": "access is denied (allow s3:GetObject, PutObject, DeleteObject, ListBucket"
    " and AbortMultipartUpload)",
    "403 InvalidAccessKeyId": "the access key is unknown (check the credentials)",
    "403 SignatureDoesNotMatch": "the signature does not match (check the secret key, and"
    " `region`)",
    "403 RequestTimeTooSkewed": "the clock of this machine is wrong by more than 15 minutes (set"
    " it)",
    "400 ExpiredToken": "the credentials have expired (renew them; they are read again in 5"
    " minutes)",
    "400 AuthorizationHeaderMalformed": "the bucket is in a different region (set `region`)",
    "301 PermanentRedirect": "the bucket is in a different region (set `region`)",
    "418 Teapot": "it replied 418 Teapot",
    "503 SlowDown": "it replied 503 SlowDown",
}


LISTING = """<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>ci-runs</Name>
<IsTruncated>false</IsTruncated><Contents><Key>{name}</Key><Size>1</Size><ETag>"e"</ETag>
<LastModified>2026-11-29T10:00:00.000Z</LastModified></Contents></ListBucketResult>"""
"""A reply with one object."""


@dataclass
class Replies:
    """A server with one reply, and the heads of the requests that came."""

    url: str = ""
    reply: str = "200 OK"
    more: str = '\r\nETag: "e"'
    """A head of the reply that every S3 server sends."""
    heads: list[str] = field(default_factory=list)

    def bucket(self, **settings: str) -> Bucket:
        known = BucketSettings(bucket="ci-runs", endpoint=self.url, **settings)  # type: ignore[arg-type]  # all texts
        return Bucket(open_s3(known), known.url)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)


@pytest.fixture
async def server() -> AsyncIterator[Replies]:
    """It answers each request with its reply, which quotes the access key."""
    replies = Replies()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        replies.heads.append(head)
        code = replies.reply.partition(" ")[2]
        body = f"<Error><Code>{code}</Code><Message>not {ACCESS_KEY}</Message></Error>"
        length = f"Content-Length: {len(body)}\r\nConnection: close{replies.more}"
        writer.write(f"HTTP/1.1 {replies.reply}\r\n{length}\r\n\r\n{body}".encode())
        await writer.drain()

    async with serving(talk) as replies.url:
        yield replies


@pytest.fixture
async def tls_url() -> AsyncIterator[str]:
    """A server with a certificate that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("reply", REFUSALS)
async def test_refusal_says_what_is_wrong_and_what_to_try(server: Replies, reply: str) -> None:
    server.reply = reply
    there = server.bucket()

    with pytest.raises(ArchiveAway) as refused:
        await there.put(a_packed_run(), ())

    assert refused.value.what == f"this host cannot use its bucket s3://ci-runs: {REFUSALS[reply]}"
    assert there.problem() == f"cannot use its bucket s3://ci-runs: {REFUSALS[reply]}"


async def test_run_that_may_not_be_deleted_does_not_keep_the_others() -> None:
    names = {run.key: f"{run.store}/{run.host}-{run.serial}/1.floe" for run in (a_run(1), a_run(2))}
    deleted: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, path = (await reader.readuntil(b"\r\n\r\n")).decode().split()[:2]
        status, body = "204 No Content", ""
        if method == "GET":
            name = next(
                name for name in names.values() if quote(name.rpartition("/")[0], "") in path
            )
            status, body = "200 OK", LISTING.format(name=name)
        elif names[a_run(1).key] in path:
            status, body = "403 Forbidden", "<Error><Code>AccessDenied</Code></Error>"
        else:
            deleted.append(path)
        length = f"Content-Length: {len(body)}\r\nConnection: close"
        writer.write(f"HTTP/1.1 {status}\r\n{length}\r\n\r\n{body}".encode())
        await writer.drain()

    async with serving(talk) as url:
        there = Replies(url=url).bucket()
        refused = await there.remove([a_run(1), a_run(2)])

    assert refused == {a_run(1): REFUSALS["403 AccessDenied"]}
    assert deleted == [f"/ci-runs/{names[a_run(2).key]}"]
    assert (there.problem(), there.retry_s()) == ("", 0.0)


async def test_server_that_is_not_there_is_named() -> None:
    there = Replies(url=f"http://127.0.0.1:{free_port()}").bucket()

    with pytest.raises(ArchiveAway, match=r"it cannot be reached \(Connection refused\)"):
        await there.put(a_packed_run(), ())


async def test_server_without_a_name_is_named() -> None:
    there = Replies(url="http://nobody.invalid:9000").bucket()

    with pytest.raises(ArchiveAway, match=r"it cannot be reached \(its name is unknown\)"):
        await there.put(a_packed_run(), ())


async def test_server_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "REQUEST_S", 0.2)

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(silent) as url:
        with pytest.raises(ArchiveAway, match="it does not answer"):
            await Replies(url=url).bucket().put(a_packed_run(), ())


async def test_server_with_an_unknown_certificate_is_named(tls_url: str) -> None:
    with pytest.raises(ArchiveAway, match="its certificate is not trusted"):
        await Replies(url=tls_url).bucket().put(a_packed_run(), ())


async def test_missing_credentials_are_named(
    server: Replies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    with pytest.raises(ArchiveAway, match="no credentials were found"):
        await server.bucket().put(a_packed_run(), ())


async def test_credentials_are_read_again(server: Replies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "CREDENTIALS_S", 0.0)
    there = server.bucket()
    await there.put(a_packed_run(), ())

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIARENEWED")
    await there.put(a_packed_run(), ())

    assert [f"Credential={ACCESS_KEY}/" in head for head in server.heads] == [True, False]
    assert "Credential=AKIARENEWED/" in server.heads[1]


async def test_unknown_profile_is_refused_at_the_start() -> None:
    with pytest.raises(Yours, match="profile"):
        open_s3(BucketSettings(bucket="ci-runs", profile="nobody"))


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "/ci-runs/k3f9/h1-1/1.floe"),
        ({"prefix": "ci/floe"}, "/ci-runs/ci/floe/k3f9/h1-1/1.floe"),
    ],
)
async def test_bucket_is_in_the_path_at_an_endpoint(
    server: Replies, settings: dict[str, str], path: str
) -> None:
    await server.bucket(**settings).put(a_packed_run(), ())

    assert server.heads[0].startswith(f"PUT {path} ")


def test_bucket_may_be_in_the_name_of_the_server() -> None:
    settings = BucketSettings(bucket="ci-runs", endpoint="https://minio:9000", addressing="virtual")

    store = open_s3(settings)

    assert isinstance(store, S3Store)
    assert store.config["endpoint"] == "https://ci-runs.minio:9000"


async def test_server_that_is_no_s3_server_is_named(server: Replies) -> None:
    server.more = ""

    with pytest.raises(ArchiveAway, match="its reply is not one of an S3 server"):
        await server.bucket().put(a_packed_run(), ())


async def test_after_a_failure_calls_wait_longer_and_longer(server: Replies) -> None:
    server.reply = "403 AccessDenied"
    now = 0.0
    there = Bucket(open_s3(BucketSettings(bucket="ci-runs", endpoint=server.url)), "s3://x")
    there._seconds = lambda: now
    waits = []

    for _ in range(7):
        with pytest.raises(ArchiveAway):
            await there.check()
        waits.append(there.retry_s())
        now += there.retry_s()

    assert waits == [1, 2, 4, 8, 15, 15, 15]


async def test_call_before_the_next_try_is_refused_at_once(server: Replies) -> None:
    server.reply = "403 AccessDenied"
    there = server.bucket()
    there._seconds = lambda: 0.0
    with pytest.raises(ArchiveAway):
        await there.check()
    sent = len(server.heads)

    with pytest.raises(ArchiveAway, match="access is denied"):
        await there.put(a_packed_run(), ())

    assert len(server.heads) == sent


async def test_error_quotes_no_credential(server: Replies) -> None:
    server.reply = "418 Teapot"

    with pytest.raises(ArchiveAway) as refused:
        await server.bucket().put(a_packed_run(), ())

    assert ACCESS_KEY not in repr(refused.value) + str(refused.value.__context__)


async def test_damaged_object_is_named(tmp_path: Path) -> None:
    objects = MemoryStore()
    there = Bucket(objects, "s3://ci-runs")
    await there.put(a_packed_run(), [an_output(tmp_path, b"x" * 1000)])
    whole = bytes(objects.get("k3f9/h1-1/1.floe").bytes())
    objects.put("k3f9/h1-1/1.floe", whole[: len(whole) // 2])

    with pytest.raises(ArchiveAway, match="an object in it is damaged"):
        await there.fetch(Key(a_run(), 1, NodeId("build"), 1, 1), tmp_path / "to")

    assert not (tmp_path / "to").exists()
