"""Finds the host config, reads its `common:`, and checks whole documents."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from floe.config.flags import Flags, absolute, merged
from floe.dialects.base import Compiled, Dialect
from floe.dialects.floe.dialect import is_broken, parse_map
from floe.dialects.floe.notices import NoticeTexts, check_sending
from floe.dialects.floe.vocabulary import (
    BUCKET_ADDRESSING,
    BUCKET_CA,
    BUCKET_COPIES,
    BUCKET_ENDPOINT,
    BUCKET_MAP,
    BUCKET_NAME,
    BUCKET_PREFIX,
    BUCKET_PROFILE,
    BUCKET_REGION,
    COMMON,
    COMMON_BUCKET,
    COMMON_MAP,
    COMMON_ON_END,
    COMMON_SMTP,
    COMMON_STRICT_SHELL,
    HOSTS,
    KEEPER,
    SMTP_FROM,
    SMTP_HOST,
    SMTP_MAP,
    SMTP_PASSWORD,
    SMTP_PORT,
    SMTP_TLS,
    SMTP_USER,
    STORE_TYPE,
)
from floe.dialects.kinds import AnyMap, Unfit
from floe.dialects.notes import Notes, Position
from floe.dialects.registry import dialect
from floe.dialects.section import SectionValues
from floe.dialects.tree import DOCUMENT_BYTES_MAX, Scalar, Table, decoded
from floe.files import read_named, reason_of
from floe.model.errors import ConfigInvalid, Finding, FloeError
from floe.model.flow import Flow, Git
from floe.model.nouns import dataclass
from floe.nodes.base import Documents
from floe.nodes.smtp import PORTS, Smtp
from floe.store.bucket_settings import BucketSettings

NO_KEEPER: Final = "several hosts but no `keeper`: runs get no resource tags, and no timer fires"

BUCKET_TYPES: Final = ("ec2", "s3")
"""The values of `store-type` with a bucket: the document's word, and its meaning."""

PACKAGED: Final = Path(__file__).parents[1] / "configs" / "default.yml"


@dataclass(frozen=True, slots=True)
class Conf:
    """The document to read, and the reason for that choice."""

    name: str
    why: str


def which_conf(flags: Flags, environ: Mapping[str, str], cwd: Path) -> Conf:
    """Choose the host config: `-conf`, else ./default.yml, else ./config.yml, else the packaged."""
    given = merged(flags, environ).conf
    if given:
        return Conf(given, "given by -conf")
    for name in ("default.yml", "config.yml"):
        if (cwd / name).is_file():
            return Conf(str(cwd / name), f"found ./{name}")
    return Conf(str(PACKAGED), "the packaged default: no ./default.yml or ./config.yml")


def read_local(path: str) -> str:
    """The text of a local document, at most 1 MiB. Raises ConfigInvalid if it cannot be read."""
    notes = Notes(path)
    try:
        text = decoded(read_named(Path(path), DOCUMENT_BYTES_MAX), notes)
    except (OSError, ValueError) as e:
        reason = reason_of(e) if isinstance(e, OSError) else str(e)
        notes.error(Position(), f"cannot be read: {reason}", "check the path")
        text = None
    if text is None:
        raise ConfigInvalid(notes.findings)
    return text


def digests_of(common: SectionValues) -> Mapping[str, str]:
    """A digest for each key of `common:`, so that hosts can compare their settings.

    `hosts` is left out, since a host may omit its own URL, and so is `keeper`, which hosts compare
    by themselves.
    """
    keys = [key for key in COMMON_MAP.keys if key in common and key not in (HOSTS, KEEPER)]
    return {key.name: sha256(repr(common[key]).encode()).hexdigest()[:16] for key in keys}


def read_common(text: str, notes: Notes) -> SectionValues:
    """Read `common:`; it is empty if the document is one flow."""
    tree = _parsed(text, notes)
    entry = tree.entries.get(COMMON.name) if tree else None
    table = Table(Position(), {})
    if entry and not (isinstance(entry.value, Scalar) and entry.value.is_empty):
        try:
            table = AnyMap().read(entry.value, COMMON.name, notes)
        except Unfit as e:
            notes.error(e.at, e.what, e.hint)
    common = COMMON_MAP.read(table, notes)
    check_sending((NoticeTexts(common[COMMON_ON_END], notes),), table, notes)
    read_smtp(common[COMMON_SMTP], notes)
    read_bucket(common, notes)
    if common[STORE_TYPE] == "postgres":
        what = f"`store-type: {common[STORE_TYPE]}` is not available yet"
        notes.error(common.at_of(STORE_TYPE), what, "store-type: local")
    return common


def read_bucket(common: SectionValues, notes: Notes) -> BucketSettings | None:
    """Read `bucket:`; None without `store-type: ec2`, or where it has an error."""
    table, is_used = common[COMMON_BUCKET], common[STORE_TYPE] in BUCKET_TYPES
    if table is None:
        if is_used and not common.is_wrong(COMMON_BUCKET):
            what = f"`store-type: {common[STORE_TYPE]}` needs a `bucket`"
            notes.error(common.at_of(STORE_TYPE), what, COMMON_BUCKET.example)
        return None
    before = notes.errors
    part = BUCKET_MAP.read(table, notes)
    if notes.errors > before:
        return None
    if not is_used:
        what = f"`bucket` is not used with `store-type: {common[STORE_TYPE]}`"
        notes.warning(common.at_of(COMMON_BUCKET), what, "store-type: ec2")
        return None
    return BucketSettings(
        bucket=part[BUCKET_NAME],
        prefix="/".join(filter(None, part[BUCKET_PREFIX].split("/"))),
        endpoint=part[BUCKET_ENDPOINT].rstrip("/"),
        region=part[BUCKET_REGION],
        profile=part[BUCKET_PROFILE],
        addressing=part[BUCKET_ADDRESSING],
        ca=str(absolute(part[BUCKET_CA]) or ""),
        copies_bytes=part[BUCKET_COPIES],
    )


def read_smtp(table: Table | None, notes: Notes) -> Smtp | None:
    """Read `smtp:`; None without it, or where it has an error."""
    if table is None:
        return None
    before = notes.errors
    part = SMTP_MAP.read(table, notes)
    if part[SMTP_PASSWORD] and not part[SMTP_USER]:
        notes.error(part.at_of(SMTP_PASSWORD), "`password-file` needs a `user`", SMTP_USER.example)
    if notes.errors > before:
        return None
    return Smtp(
        host=part[SMTP_HOST],
        port=part[SMTP_PORT] or PORTS[part[SMTP_TLS]],
        tls=part[SMTP_TLS],
        user=part[SMTP_USER],
        password_file=str(absolute(part[SMTP_PASSWORD]) or ""),
        sender=part[SMTP_FROM],
    )


def _parsed(text: str, notes: Notes) -> Table | None:
    """The document as a map; errors in single flows are left to the dialect."""
    found = Notes(notes.file)
    tree = parse_map(text, found)
    if tree is None or is_broken(tree):
        for finding in found.findings:
            notes.add(finding)
    return tree


async def check_document(text: str, origin: str, documents: Documents | None = None) -> Compiled:
    """Check a whole document: `common:`, flows and, through `documents`, their flow-files.

    A flow-file that cannot be read here is a warning.
    """
    notes = Notes(origin)
    common = read_common(text, notes)
    if common[HOSTS] and not common[KEEPER]:
        notes.warning(common.at_of(HOSTS), NO_KEEPER, "keeper: the name of one of the hosts")
    reader = dialect(strict_shell=common[COMMON_STRICT_SHELL])
    compiled = reader.flows(text, origin)
    findings = [*notes.findings, *compiled.findings]
    if documents is not None:
        for flow in compiled.flows:
            if flow.flow_file:
                findings += await _flow_file_findings(flow, compiled, reader, documents)
    return Compiled(flows=compiled.flows, findings=tuple(dict.fromkeys(findings)))


async def _flow_file_findings(
    flow: Flow, compiled: Compiled, reader: Dialect, documents: Documents
) -> Sequence[Finding]:
    try:
        compiled_file = await read_flow_file(flow, reader, documents)
    except FloeError as e:
        line, col = compiled.flow_file_at[flow.id, flow.ver]
        what = f"the flow-file of `{flow.id}` cannot be read here: {e.what}"
        finding = Finding(
            file=flow.origin, line=line, col=col, what=what, hint=e.hint, level="warning"
        )
        return (finding,)
    return compiled_file.findings


async def read_flow_file(flow: Flow, reader: Dialect, documents: Documents) -> Compiled:
    """The flow with the nodes of its flow-file, outside of a run. Raises FloeError."""
    git = next((trigger.git for trigger in flow.triggers if trigger.git.url), Git())
    found = await documents.read(flow.flow_file, relative_to=flow.origin, git=git)
    return reader.flow_file(found.text, found.origin, flow)
