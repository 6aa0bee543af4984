"""Fills in the templates in a node's work with the values of its run, when the node enters.

What an expression came to is data: no `{{ws}}`, `./` or variable in it is replaced, here or later.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from floe.expr.encodings import (
    Encoding,
    FormEncoding,
    HeaderEncoding,
    JsonEncoding,
    PlainEncoding,
    UrlEncoding,
    encodable,
)
from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.substitute import ARGUMENT_BYTES_MAX, in_text, substituted_value
from floe.expr.template import part_as_written
from floe.expr.values import as_text
from floe.kernel.judge import CALLBACK, NodeScope, code_of, fault_text, value_of_part
from floe.model.call import OutsideWork
from floe.model.callback import ADDRESS, Callback
from floe.model.children import ChildValue, SubFlow
from floe.model.codec import from_text, to_text
from floe.model.http import BodyType, Http
from floe.model.ids import HOST, Json
from floe.model.notify import Notify
from floe.model.nouns import replace
from floe.model.secret import is_secret_name, names_secret, without_secrets
from floe.model.ssh import FileCopy, Ssh
from floe.model.template import Path, Template, TemplatePart, Text, data_of
from floe.model.work import Exec, Fetch, Work

DATA_BYTES_MAX: Final = 1 << 20
"""Of all values in the work of one node."""

_HEXADECIMAL: Final = re.compile("[0-9A-Fa-f]{32,64}")

_MORE: Final = "\0"
"""Stands for the value behind a text, so that a `.` before a value is not the workspace."""


class WorkFault(Exception):
    """Work that cannot be filled in: a sentence with the key, the value and the reason."""


def filled_work(work: Work, scope: NodeScope) -> Work:
    """Work with its templates filled in, and the workspace in these texts. Raises WorkFault."""
    filler = _WorkFiller(scope)
    if isinstance(work, Fetch):
        url = filler.encoded(work.url, "url", UrlEncoding())
        return replace(work, url=url, checksum=filler.checksum(work.checksum))
    if isinstance(work, Http):
        return _filled_request(work, filler)
    if isinstance(work, Callback):
        assert work.request is not None, "without a request it has no templates"
        given = {**scope.given, CALLBACK: ADDRESS}
        told = _filled_request(work.request, _WorkFiller(replace(scope, given=given)))
        return replace(work, request=told)
    if isinstance(work, Notify):
        return replace(
            work,
            text=filler.encoded(work.text, "text", PlainEncoding()),
            subject=filler.encoded(work.subject, "subject", PlainEncoding()),
        )
    if isinstance(work, Ssh):
        return replace(
            work,
            host=filler.far("host", work.host),
            user=filler.far("user", work.user),
            dir=filler.far("dir", work.dir),
            argv=filler.far_arguments(work.argv),
            env=filler.far_entries(work.env),
            upload=filler.far_copies("upload", work.upload),
            download=filler.far_copies("download", work.download),
        )
    if isinstance(work, SubFlow):
        return filler.child(work)
    if isinstance(work, OutsideWork):
        return filler.outside(work)
    assert isinstance(work, Exec), "no other work has templates"
    env = (*scope.flow.filled_env, *work.env)
    return replace(work, argv=filler.arguments(work.argv), env=filler.entries(env))


def filled_or_why(work: Work, scope: NodeScope) -> tuple[Work, str]:
    """Work with its templates filled in, or as it is and why it cannot be filled in."""
    try:
        return filled_work(work, scope), ""
    except WorkFault as fault:
        return work, str(fault)


class _WorkFiller:
    """Fills in the texts of one node's work."""

    def __init__(self, scope: NodeScope) -> None:
        self._scope = scope
        self._left = DATA_BYTES_MAX
        self._has_secret = False

    def arguments(self, texts: Iterable[Text]) -> tuple[Text, ...]:
        """A command line; its program is argument 0."""
        return tuple(self._text(text, f"argument {at}") for at, text in enumerate(texts))

    def entries(self, texts: Iterable[Text]) -> tuple[Text, ...]:
        """Entries of `env`."""
        return tuple(self._text(text, f"env {data_of(text).partition('=')[0]}") for text in texts)

    def far(self, key: str, text: Text) -> Text:
        """A text for a different machine: the workspace is not there."""
        return self._text(text, key, has_workspace=False)

    def far_arguments(self, texts: Iterable[Text]) -> tuple[Text, ...]:
        """A command line for a different machine."""
        return tuple(self.far(f"argument {at}", text) for at, text in enumerate(texts))

    def far_entries(self, texts: Iterable[Text]) -> tuple[Text, ...]:
        """Entries of `env` for a different machine."""
        return tuple(self.far(f"env {data_of(text).partition('=')[0]}", text) for text in texts)

    def far_copies(self, key: str, copies: Iterable[FileCopy]) -> tuple[FileCopy, ...]:
        """Files to copy between the workspace and a different machine."""
        return tuple(
            replace(copy, source=self.far(key, copy.source), target=self.far(key, copy.target))
            for copy in copies
        )

    def child(self, work: SubFlow) -> SubFlow:
        """The work of a child run. A value that is one expression keeps its type."""
        values = {one.name: self._child_value(one) for one in work.texts}
        host = data_of(self.far("host", work.host))
        if not isinstance(work.host, str) and not HOST.fullmatch(host):
            raise WorkFault(f"host: `{host[:60]}` is no name of a host")
        return replace(work, values={**work.values, **values}, texts=(), host=host)

    def outside(self, work: OutsideWork) -> OutsideWork:
        """Outside work with its input and all of its labels. Raises WorkFault for a secret: they
        are in the log of the run."""
        assert work.texts is not None, "else it has no templates"
        asked, known = work.texts.input, work.config if isinstance(work.config, Mapping) else {}
        text = "null" if asked is None else self._open(asked, "input", JsonEncoding())
        config = {**known, "input": from_text(text)}
        labels = [self._open(one, "labels", PlainEncoding()) for one in work.texts.labels]
        return replace(work, config=config, labels=work.labels.union(labels), texts=None)

    def _open(self, text: Text, where: str, encoding: Encoding) -> str:
        filled = self.encoded(text, where, encoding)
        if isinstance(filled, Template) and any(part.is_secret for part in filled.parts):
            raise WorkFault(f"{where}: it may hold a secret, which the log of the run would show")
        return data_of(filled)

    def _child_value(self, given: ChildValue) -> Json:
        where, fuel, parts = f"value {given.name}", Fuel(), given.template.parts
        self._has_secret = False
        if len(parts) > 1:
            filled = [self._put(p, fuel, where) if p.is_value else p for p in parts]
            value: Json = data_of(Template(parts=tuple(filled)))
            is_secret = any(part.is_secret for part in filled)
        else:
            try:
                value = value_of_part(parts[0], self._value_at, fuel)
            except ExpressionError as fault:
                raise WorkFault(f"{where}: {fault_text(code_of(parts[0]), fault)}") from None
            self._spend(len(to_text(value).encode()), where)
            is_secret = self._has_secret
        if is_secret and not is_secret_name(given.name):
            what = "may hold a secret, which a value of this name would show"
            raise WorkFault(f"{where}: it {what}; try: the name {given.name}_token")
        return value

    def _spend(self, size: int, where: str) -> None:
        self._left -= size
        if self._left < 0:
            raise WorkFault(f"{where}: the values of a node's work have more than 1 MiB")

    def _text(self, text: Text, where: str, *, has_workspace: bool = True) -> Text:
        """A text; one without templates stays as it is."""
        if isinstance(text, str):
            return text
        ws, fuel, parts = self._scope.run.workspace, Fuel(), list[TemplatePart]()
        for part in text.parts:
            if part.is_value:
                parts.append(self._put(part, fuel, where))
            elif not has_workspace:
                parts.append(part)
            else:
                put = in_text(part.text, ws) if parts else substituted_value(part.text + _MORE, ws)
                parts.append(replace(part, text=put.removesuffix(_MORE)))
        filled = Template(parts=tuple(parts))
        if (size := len(data_of(filled).encode())) > ARGUMENT_BYTES_MAX:
            what = f"{where} has {size} bytes; Linux takes at most {ARGUMENT_BYTES_MAX} for one"
            raise WorkFault(f"{what}; try: read it from the file $FLOE_INPUT")
        return filled

    def encoded(self, text: Text, where: str, encoding: Encoding) -> Text:
        """A text in which each value stays inside its place; without templates as it is."""
        if isinstance(text, str):
            return text
        fuel, parts = Fuel(), list[TemplatePart]()
        for part in text.parts:
            if part.is_value:
                parts.append(self._put(part, fuel, where, encoding.value))
            else:
                put = in_text(part.text, self._scope.run.workspace)
                encoding.text(put)
                parts.append(replace(part, text=put))
        return Template(parts=tuple(parts))

    def checksum(self, text: Text) -> Text:
        """A checksum as plain text; its value may be a line `HASH  filename`."""
        if isinstance(text, str):
            return text
        words = data_of(self._text(text, "checksum")).split()
        if not words or not _HEXADECIMAL.fullmatch(words[0]):
            written = "".join(map(part_as_written, text.parts))
            raise WorkFault(f"checksum: `{written}` is not hexadecimal; try: the HASH alone")
        return words[0].lower()

    def _put(
        self,
        part: TemplatePart,
        fuel: Fuel,
        where: str,
        put: Callable[[Json, Fuel], str] = as_text,
    ) -> TemplatePart:
        """The part with what it came to."""
        self._has_secret = False
        try:
            data = encodable(put(value_of_part(part, self._value_at, fuel), fuel))
        except ExpressionError as fault:
            raise WorkFault(f"{where}: {fault_text(code_of(part), fault)}") from None
        self._spend(len(data.encode()), where)
        return replace(part, data=data, is_secret=self._has_secret)

    def _value_at(self, path: Path) -> Json:
        found = self._scope.value(path)
        self._has_secret |= names_secret(path) or without_secrets(found) != found
        return found


def _filled_request(work: Http, filler: _WorkFiller) -> Http:
    body, encoding, auth = work.body, _BODIES[work.body_type](), work.auth
    return replace(
        work,
        url=filler.encoded(work.url, "url", UrlEncoding()),
        headers=tuple(
            replace(one, value=filler.encoded(one.value, f"header {one.name}", HeaderEncoding()))
            for one in work.headers
        ),
        body=None if body is None else filler.encoded(body, work.body_type, encoding),
        auth=auth and replace(auth, user=filler.encoded(auth.user, "user", PlainEncoding())),
    )


_BODIES: Final[Mapping[BodyType, Callable[[], Encoding]]] = {
    "text": PlainEncoding,
    "json": JsonEncoding,
    "form": FormEncoding,
}
