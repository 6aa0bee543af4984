"""Reads `common:`: the settings that hosts share, with their bucket and mail server."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from floe.config.flags import absolute
from floe.config.flyte import read_flyte
from floe.config.utask import read_utask
from floe.dialects.floe.dialect import dialect_document, is_broken_document
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
from floe.dialects.section import SectionValues
from floe.dialects.tree import Scalar, Table
from floe.nodes.smtp import PORTS, Smtp
from floe.store.bucket_settings import BucketSettings

BUCKET_TYPES: Final = ("ec2", "s3")
"""The values of `store-type` with a bucket: the document's word, and its meaning."""


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
    read_flyte(common, notes)
    read_utask(common, notes)
    if common[STORE_TYPE] == "postgres":
        what = f"`store-type: {common[STORE_TYPE]}` is not available yet"
        notes.error(common.at_of(STORE_TYPE), what, "store-type: local")
    return common


def read_bucket(common: SectionValues, notes: Notes) -> BucketSettings | None:
    """Read `bucket:` of `common:`; None without `store-type: ec2`, or where it has an error."""
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
    """Read `smtp:` of `common:`; None without it, or where it has an error."""
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
    tree = dialect_document(text, found)
    if tree is None or is_broken_document(tree):
        for finding in found.findings:
            notes.add(finding)
    return tree
