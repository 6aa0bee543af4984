"""An archive in an S3-compatible bucket, one object for each ended run.

The object of `h1-12@k3f9` that ended in epoch 1 is `<prefix>/k3f9/h1-12/1.floe`: every host can
tell the name from the run's row. An object is written at once or, in parts, completed at once, so
that no reader sees half of it.

Rules of this file: the library is imported when a bucket is opened, since no other host needs it;
its calls run in threads of their own, each request with a time limit; no text of the server and no
credential goes into an error.
"""

import io
import os
import re
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar, TypeVarTuple, cast

from floe.model.errors import ArchiveAway, Yours
from floe.model.ids import Key, RunRef
from floe.places import Place
from floe.store.archive import PackedOutput, PackedRun
from floe.store.bucket_settings import BucketSettings
from floe.store.packed_file import Damaged, copy_output, read_packed, write_packed
from floe.store.sealing import Opened, opened_plain

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, S3Config, S3Credential

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

CONNECT_S: Final = 5
REQUEST_S: Final = 30
"""Seconds for one request with its body, of at most `PART_BYTES`."""

RETRIES: Final = 1
"""Further tries of a request; packing itself is tried until it succeeds."""

PART_BYTES: Final = 8 * 1024 * 1024
"""A larger object is sent in parts of this size."""

PARTS_AT_ONCE: Final = 2
READ_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one read of a part of an object."""

MEMORY_BYTES: Final = 4 * 1024 * 1024
"""A packed run up to this size needs no temporary file."""

BACKOFF_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds without a try after each failure in a row; the last value repeats."""

CREDENTIALS_S: Final = 300.0
"""Seconds after which credentials are read again: files and roles change while a host runs."""

CHECKED: Final = "check"
"""A folder without objects, whose listing tells that the bucket answers."""

_CODE: Final = re.compile(r"<Code>\s*(\w{1,80})\s*</Code>")
_STATUS: Final = re.compile(r"non-2xx status code: (\d{3})")
_CAUSE: Final = re.compile(r'message: "([\w ,.-]{1,80})"')

_REASONS: Final[Mapping[str, str]] = {
    "NoSuchBucket": "the bucket does not exist (check `name`, `region` and `endpoint`)",
    "AccessDenied": "access is denied (allow s3:GetObject, PutObject, DeleteObject, ListBucket and"
    " AbortMultipartUpload)",
    "InvalidAccessKeyId": "the access key is unknown (check the credentials)",
    "SignatureDoesNotMatch": "the signature does not match (check the secret key, and `region`)",
    "ExpiredToken": "the credentials have expired (renew them; they are read again in 5 minutes)",
    "InvalidToken": "the session token is not valid (renew the credentials)",
    "TokenRefreshRequired": "the credentials have expired (renew them)",
    "RequestTimeTooSkewed": "the clock of this machine is wrong by more than 15 minutes (set it)",
    "RequestExpired": "the clock of this machine is wrong by more than 15 minutes (set it)",
    "PermanentRedirect": "the bucket is in a different region (set `region`)",
    "AuthorizationHeaderMalformed": "the bucket is in a different region (set `region`)",
    "QuotaExceeded": "the bucket is full",
    "XMinioStorageFull": "the bucket is full",
}
"""What the codes of an S3 server mean, and what to try."""


class Bucket:
    """Archive in an object store."""

    def __init__(
        self,
        store: "ObjectStore",
        name: str,
        *,
        scratch: Path | None = None,
        opened: Opened = opened_plain,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`scratch`: the folder for packed runs that do not fit in memory. `opened`
        decrypts the events of sealed runs."""
        self._store = store
        self._name = name
        self._scratch = scratch
        self._text = opened
        self._seconds = seconds
        self._puts, self._reads = Place(name), Place(name)
        self._problem = ""
        self._failures = 0
        self._next_at = 0.0

    @property
    def name(self) -> str:
        """As in the port."""
        return self._name

    def problem(self) -> str:
        """As in the port."""
        return self._problem

    def retry_s(self) -> float:
        """As in the port."""
        return max(0.0, self._next_at - self._seconds())

    async def check(self) -> None:
        """As in the port."""
        await self._call(self._reads, self._check)

    async def put(self, run: PackedRun, outputs: Sequence[PackedOutput]) -> None:
        """As in the port."""
        await self._call(self._puts, self._put, run, outputs)

    async def read(self, ref: RunRef, epoch: int) -> PackedRun | None:
        """As in the port."""
        return await self._call(self._reads, self._read, ref, epoch)

    async def fetch(self, key: Key, to: Path) -> bool:
        """As in the port."""
        return await self._call(self._reads, self._fetch, key, to)

    async def remove(self, refs: Collection[RunRef]) -> Mapping[RunRef, str]:
        """As in the port."""
        return await self._call(self._puts, self._remove, refs)

    async def _call(self, place: Place, work: Callable[[*Ts], T], *args: *Ts) -> T:
        if self.retry_s():
            raise self._away()
        try:
            result = await place.call(self._spoken, work, *args)
        except ArchiveAway as error:
            if not self.retry_s():  # else a call of the same moment has failed before
                self._failures += 1
                wait_s = BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1]
                self._next_at = self._seconds() + wait_s
            self._problem = str(error)
            raise self._away() from None
        self._problem, self._failures, self._next_at = "", 0, 0.0
        return result

    def _away(self) -> ArchiveAway:
        return ArchiveAway(
            f"this host {self._problem}", "runs go on; packing is tried again by itself"
        )

    def _spoken(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """The result of a call of the library, whose errors become sentences."""
        from obstore.exceptions import BaseError

        try:
            return work(*args)
        except (BaseError, Damaged, NoCredentials) as error:
            raise ArchiveAway(self._sentence(error)) from None
        except FileNotFoundError as error:
            if error.errno is not None:  # a file of this host
                raise
            raise ArchiveAway(self._sentence(error)) from None

    def _sentence(self, error: Exception) -> str:
        return f"cannot use its bucket {self._name}: {reason_of(error)}"

    # --- in a thread ---

    def _check(self) -> None:
        import obstore

        next(iter(obstore.list(self._store, CHECKED, chunk_size=1)), None)

    def _put(self, run: PackedRun, outputs: Sequence[PackedOutput]) -> None:
        import obstore

        scratch = str(self._scratch) if self._scratch else None
        with tempfile.SpooledTemporaryFile(MEMORY_BYTES, dir=scratch) as file:
            write_packed(run, outputs, file)
            file.seek(0)
            obstore.put(
                self._store,
                _path_of(run.ref, run.epoch),
                file,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )

    def _read(self, ref: RunRef, epoch: int) -> PackedRun | None:
        with self._opened(ref, epoch) as file:
            return read_packed(file, self._text) if file else None

    def _fetch(self, key: Key, to: Path) -> bool:
        with self._opened(key.run, key.epoch) as file:
            return copy_output(file, key.name, to) if file else False

    def _remove(self, refs: Collection[RunRef]) -> Mapping[RunRef, str]:
        import obstore
        from obstore.exceptions import PermissionDeniedError

        refused: dict[RunRef, str] = {}
        for ref in refs:
            found = obstore.list(self._store, _folder_of(ref))
            paths = [one["path"] for some in found for one in some]
            try:
                if paths:
                    obstore.delete(self._store, paths)
            except PermissionDeniedError as error:  # the bucket answers: others may be deleted
                refused[ref] = reason_of(error)
        return refused

    @contextmanager
    def _opened(self, ref: RunRef, epoch: int) -> Iterator[IO[bytes] | None]:
        """An object, of which only what is used is read; None if it does not exist."""
        import obstore

        path = _path_of(ref, epoch)
        try:
            size = obstore.head(self._store, path)["size"]
        except FileNotFoundError as error:
            # A reply to HEAD has no body: a missing bucket looks the same. A listing does not.
            if "NoSuchBucket" in str(error):
                raise
            self._check()
            yield None
            return
        yield io.BufferedReader(cast(io.RawIOBase, _Object(self._store, path, size)), READ_BYTES)


class _Object(io.RawIOBase):
    """An object as a file."""

    def __init__(self, store: "ObjectStore", path: str, size: int) -> None:
        self._store = store
        self._path = path
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # what io gives
        import obstore

        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        data = obstore.get_range(self._store, self._path, start=self._at, end=end)
        count = len(data)
        buffer[:count] = memoryview(data)
        self._at += count
        return count


class NoCredentials(Exception):
    """The bucket has no credentials by the usual chain."""


def open_s3(settings: BucketSettings) -> "ObjectStore":
    """The object store of a bucket. Opens no connection. Raises Yours."""
    try:
        from obstore.store import S3Store

        session_class = import_module("botocore.session").Session  # it has no types
        unusable = import_module("botocore.exceptions").BotoCoreError
    except ImportError as error:
        hint = "pip install 'floe[s3]', into the environment that floe runs in"
        raise Yours(f"`store-type: ec2` needs the package {error.name}", hint) from None

    def session() -> Any:
        return session_class(profile=settings.profile or None)

    def credentials() -> "S3Credential":
        # The chain: environment, profile, container, instance role. A new session each time, since
        # a session keeps what it has once read from a file.
        try:
            found = session().get_credentials()
        except unusable as error:
            raise NoCredentials(str(error)) from None
        if found is None:
            raise NoCredentials("no credentials were found")
        frozen = found.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + timedelta(seconds=CREDENTIALS_S),
        }

    try:
        region = settings.region or session().get_config_variable("region") or "us-east-1"
        ca = Path(settings.ca).read_bytes() if settings.ca else None
    except unusable as error:
        raise Yours(f"the profile for the bucket cannot be used: {error}", "check ~/.aws") from None
    except OSError as error:
        raise Yours(f"{settings.ca} cannot be read: {error.strerror}", "a PEM file") from None
    addressing = settings.addressing or ("path" if settings.endpoint else "virtual")
    config: S3Config = {
        "region": region,
        "virtual_hosted_style_request": addressing == "virtual",
        "disable_bulk_delete": True,  # not every server knows the request for many objects
    }
    if settings.endpoint:  # the library wants the bucket in a virtual one
        host = f"://{settings.bucket}." if addressing == "virtual" else "://"
        config["endpoint"] = settings.endpoint.replace("://", host, 1)
    options: ClientConfig = {
        "allow_http": settings.endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=CONNECT_S),
        "timeout": timedelta(seconds=REQUEST_S),
    }
    if ca is not None:
        options["root_certificate"] = ca
    return S3Store(
        settings.bucket,
        prefix=settings.prefix or None,
        config=config,
        client_options=options,
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=REQUEST_S)},
        credential_provider=credentials,
    )


def reason_of(error: Exception) -> str:
    """Why a call to the bucket failed, without text of the server: it may quote a credential."""
    if isinstance(error, Damaged):
        return "an object in it is damaged (restore an earlier version of it)"
    text = str(error)
    if isinstance(error, NoCredentials) or "NoCredentials" in text:
        return "no credentials were found (set AWS_ACCESS_KEY_ID, a profile, or a role)"
    code = match[1] if (match := _CODE.search(text)) else ""
    if code in _REASONS:
        return _REASONS[code]
    status = match[1] if (match := _STATUS.search(text)) else ""
    if "redirect without LOCATION" in text:
        return _REASONS["PermanentRedirect"]
    if code or status:
        return f"it replied {' '.join(filter(None, (status, code)))}"
    if "kind: Timeout" in text:
        return "it does not answer"
    if "InvalidCertificate" in text:
        return "its certificate is not trusted (set `ca` to a file with the certificate)"
    if "HTTP error" not in text:
        return "its reply is not one of an S3 server (check `endpoint`)"
    cause = match[1] if (match := _CAUSE.search(text)) else ""
    cause = cause or ("its name is unknown" if "dns error" in text else "")
    return f"it cannot be reached{cause and f' ({cause})'}"


def _folder_of(ref: RunRef) -> str:
    return f"{ref.store}/{ref}"


def _path_of(ref: RunRef, epoch: int) -> str:
    return f"{_folder_of(ref)}/{epoch}.floe"
