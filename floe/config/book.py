"""Reads the flows of a host, from its config and from the folders of uTask."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from floe.config.common import digests_of, read_common
from floe.config.conf import read_local
from floe.config.host import HostConfig
from floe.dialects.base import EventFlows
from floe.dialects.notes import Notes
from floe.dialects.registry import dialect
from floe.dialects.utask.surroundings import DIALECT
from floe.hub.flows import FlowBook
from floe.model.errors import ConfigInvalid, FloeError, PlaceHangs
from floe.model.finding import Finding, worst_level
from floe.model.ids import Instant
from floe.nodes.base import Document, Documents
from floe.places import Places

if TYPE_CHECKING:
    from floe.config.utask_installation import UtaskInstallation, UtaskReading

AGAIN: Final = "make it readable, then floe host reload"


class BookReader:
    """Reads the flows of one host, at its start and at each reload."""

    def __init__(
        self,
        config: HostConfig,
        documents: Documents,
        places: Places,
        now: Callable[[], Instant],
        report: Callable[[Sequence[Finding]], None],
    ) -> None:
        """`report` takes the findings of each reading."""
        self._utask = _installation(config) if config.utask.templates else None
        self._config, self._documents, self._places = config, documents, places
        self._now, self._report = now, report

    @property
    def event_flows(self) -> Mapping[str, EventFlows]:
        """What judgements read of this host's settings, by dialect."""
        return {DIALECT: self._utask.current} if self._utask else {}

    async def first(self) -> FlowBook:
        """The flows at start: a broken flow is left out and reported, and never stops the host."""
        try:
            return await self._read(self._config.text, strict=False)
        except ConfigInvalid as error:
            path = self._config.config_path or self._config.origin
            return FlowBook(findings=error.findings, path=path)

    async def again(self) -> FlowBook:
        """The flows of the config as it is now.

        Raises ConfigInvalid if it cannot be read, or for any error in it. Then `common:` is checked
        too, although its values take effect only at the next start.
        """
        return await self._read(read_local(self._config.origin), strict=True)

    async def _read(self, text: str, *, strict: bool) -> FlowBook:
        config, origin = self._config, self._config.origin
        notes = Notes(origin)
        common = read_common(text, notes if strict else Notes(origin))
        if config.config_path:
            document = await self._document()
            text, origin = document.text, document.origin
        compiled = dialect(strict_shell=config.strict_shell).flows(text, origin)
        own = (*config.findings, *notes.findings, *compiled.findings)
        is_refused = strict and worst_level(own) == "error"
        utask = None if is_refused else await self._read_utask()
        all_ = dict.fromkeys((*own, *(utask.findings if utask else ())))
        findings = tuple(sorted(all_, key=lambda one: one.level != "error"))  # errors first
        self._report(findings)
        if is_refused:
            raise ConfigInvalid(findings)
        book = FlowBook(
            flows=compiled.flows,
            findings=findings,
            path=origin,
            digest="sha256:" + sha256(text.encode()).hexdigest(),
            loaded_at=self._now(),
            common=digests_of(common),
            written=compiled.written,
        )
        if utask is None:
            return book
        return replace(
            book,
            flows=(*book.flows, *utask.flows),
            written={**book.written, **utask.written},
            functions=utask.functions,
        )

    async def _read_utask(self) -> "UtaskReading | None":
        """The templates of uTask, in a thread: there may be many, and their disk may hang."""
        if self._utask is None:
            return None
        folder = self._config.utask.templates[0]
        try:
            return await self._places.read(folder, self._utask.read)
        except PlaceHangs as error:
            finding = Finding(file=str(folder), line=0, col=0, what=error.what, hint=AGAIN)
            return self._utask.last(finding)

    async def _document(self) -> Document:
        """The document that `config-path` names. Raises ConfigInvalid, so that it is shown as a
        finding."""
        name = self._config.config_path
        try:
            return await self._documents.read(name, relative_to=self._config.origin)
        except FloeError as error:
            finding = Finding(file=name, line=0, col=0, what=error.what, hint=error.hint or AGAIN)
            self._report((finding,))
            raise ConfigInvalid((finding,)) from error


def _installation(config: HostConfig) -> "UtaskInstallation":
    from floe.config.utask_installation import UtaskInstallation  # many hosts have no templates

    return UtaskInstallation(config.utask)
