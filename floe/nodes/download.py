"""Downloads one file over http(s), and resumes after a broken connection.

Rules of this file: all parts of a download are of one version of the file. It resumes only if the
server names that version (by a strong ETag, or a time that is as reliable), confirms it, and sends
from exactly the missing byte. Otherwise the download starts again.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp

from floe.model.nouns import dataclass
from floe.model.secret import without_password
from floe.nodes.connection_faults import connection_fault
from floe.nodes.http import get, http_session, status_text
from floe.nodes.partial_file import DownloadRefused, PartialFile

CONNECTIONS_MAX: Final = 5
"""How many connections one download may use before it has failed."""
PROGRESS_S: Final = 5.0
"""Seconds between two progress lines."""

_BATCH: Final = 256 * 1024
_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


@dataclass(frozen=True, slots=True)
class DownloadVersion:
    """Identifies one version of a file."""

    validator: str
    """For If-Range; empty if the server sends no reliable one."""
    size: int | None

    @classmethod
    def of(cls, response: aiohttp.ClientResponse) -> "DownloadVersion":
        """The version that a complete response carries."""
        return cls(_validator(response), response.content_length)


class Download:
    """Downloads one URL into a partial file."""

    def __init__(
        self,
        url: str,
        part: PartialFile,
        print_line: Callable[[str], None],
        *,
        bytes_max: int,
        again_s: float,
    ) -> None:
        self._url = url
        self._part = part
        self._print_line = print_line
        self._bytes_max = bytes_max
        self._again_s = again_s
        self._version: DownloadVersion | None = None
        self._reported_at = self._begun_at = asyncio.get_running_loop().time()

    async def load(self) -> None:
        """Download the whole file. Raises DownloadRefused."""
        self._print_line(f"fetching {without_password(self._url)}")
        async with http_session() as own:
            for again in range(CONNECTIONS_MAX):
                if again:
                    await asyncio.sleep(self._again_s * 2 ** (again - 1))
                try:
                    await self._try(own)
                    return
                except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
                    why = connection_fault(error)
                    if self._version is None:
                        raise DownloadRefused(
                            why
                        ) from None  # nothing was received yet: `retry` covers that
                    self._print_line(f"{why} after {self._part.size} bytes")
        raise DownloadRefused(f"the connection broke {CONNECTIONS_MAX} times")

    def summary(self) -> str:
        """The size, digest, duration and rate of the download."""
        seconds = asyncio.get_running_loop().time() - self._begun_at
        took = f"{seconds:.1f} s, {_amount(self._part.size / max(seconds, 0.001))}/s"
        digest = self._part.digest
        return f"{self._part.size} bytes, {digest.name} {digest.hexdigest()} ({took})"

    async def _try(self, own: aiohttp.ClientSession) -> None:
        async with get(own, self._url, self._print_line, self._rest()) as response:
            if response.status == 206 and self._goes_on(response):
                self._print_line(f"resuming at byte {self._part.size}")
            elif response.status in (206, 416) and self._version:
                self._version = DownloadVersion("", None)  # the next try starts from the beginning
                raise aiohttp.ClientPayloadError(
                    "the server does not resume where the connection broke"
                )
            elif response.status >= 500 and self._version:
                raise aiohttp.ClientPayloadError(f"the server answered {status_text(response)}")
            else:
                self._begin(response)
                await self._part.run(self._part.begin)
            await self._receive(response)

    def _rest(self) -> Mapping[str, str] | None:
        """The headers that request the missing bytes of the version received so far."""
        if not self._version or not self._version.validator or not self._part.size:
            return None
        return {"Range": f"bytes={self._part.size}-", "If-Range": self._version.validator}

    def _goes_on(self, response: aiohttp.ClientResponse) -> bool:
        found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        if not found or self._version is None:
            return False
        first, last, size = map(int, found.groups())
        known = self._version
        return (
            first == self._part.size
            and last == size - 1
            and known.size in (None, size)
            and response.content_length in (None, size - first)
            and _validator(response) in ("", known.validator)
        )

    def _begin(self, response: aiohttp.ClientResponse) -> None:
        """Check the response that should carry the whole file. Raises DownloadRefused."""
        if response.status >= 400:
            raise DownloadRefused(f"the server answered {status_text(response)}")
        if response.status not in (200, 203):
            raise DownloadRefused(
                f"the server answered {status_text(response)}, which is not a file"
            )
        if coding := response.headers.get("Content-Encoding"):
            self._print_line(
                f"Content-Encoding is {coding[:80]}: the file is saved without decoding"
            )
        self._version = DownloadVersion.of(response)
        self._check_size(response.content_length or 0)

    async def _receive(self, response: aiohttp.ClientResponse) -> None:
        """Write the body in batches: switching to the thread costs more than a small write."""
        batch = bytearray()
        try:
            async for chunk in response.content.iter_any():
                batch += chunk
                self._check_size(self._part.size + len(batch))
                if len(batch) >= _BATCH:
                    data, batch = bytes(batch), bytearray()
                    await self._part.run(self._part.write, data)
                    self._report_progress()
        finally:
            await self._part.run(self._part.write, bytes(batch))
        known = self._version.size if self._version else None
        if known is not None and self._part.size != known:
            raise aiohttp.ClientPayloadError(f"the server announced {known} bytes")

    def _report_progress(self) -> None:
        """Print a progress line, at most every `PROGRESS_S`."""
        now = asyncio.get_running_loop().time()
        if now - self._reported_at < PROGRESS_S:
            return
        self._reported_at = now
        size, whole = self._part.size, self._version.size if self._version else None
        far = f"{size * 100 // whole} % of {_amount(whole)}" if whole else _amount(size)
        self._print_line(f"{far}, {_amount(size / (now - self._begun_at))}/s")

    def _check_size(self, size: int) -> None:
        if self._bytes_max and size > self._bytes_max:
            raise DownloadRefused(f"larger than {self._bytes_max} bytes")


def _validator(response: aiohttp.ClientResponse) -> str:
    """A strong validator: an ETag, or a Last-Modified at least a second before the Date.

    Source: RFC 9110, 8.8.2.2 and 13.1.5.
    """
    tag = response.headers.get("ETag", "")
    if tag.startswith('"'):
        return tag
    changed, sent = response.headers.get("Last-Modified", ""), response.headers.get("Date", "")
    try:
        is_strong = (parsedate_to_datetime(sent) - parsedate_to_datetime(changed)).total_seconds()
    except (ValueError, TypeError):
        return ""
    return changed if is_strong >= 1 and not tag else ""


def _amount(count: float) -> str:
    """Bytes, rounded for people: `12 kB`, `1.4 GB`."""
    power = sum(count >= 1000**n for n in (1, 2, 3))
    amount = count / 1000**power
    digits = 1 if power and amount < 10 else 0
    return f"{amount:.{digits}f} {('B', 'kB', 'MB', 'GB')[power]}"
