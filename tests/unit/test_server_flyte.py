"""Parts of flyte's API: times, presence of packs, YAML, forms, decoding as Go does it."""

from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from floe.dialects.flyte.audit import go_time
from floe.model.codec import to_text
from floe.model.errors import Yours
from floe.model.ids import Instant, Json
from floe.model.named_row import row_key
from floe.server.flyte.flow_documents import flow_document
from floe.server.flyte.forms import form_parts
from floe.server.flyte.go_json import GoObject, parse_go, written_numbers
from floe.server.flyte.go_times import checked_time
from floe.server.flyte.pack_documents import pack_document
from floe.server.flyte.presence import Presence, status_after
from floe.server.flyte.site import FlyteSite
from floe.server.go_yaml_text import yaml_text
from tests.hands import HandClock, a_hub

TEN_MINUTES = 10 * 60 * 1000
A_DAY = 24 * 3600 * 1000


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (120, "1970-01-01T00:00:00.12Z"),
        (1000, "1970-01-01T00:00:01Z"),
    ],
)
def test_time_is_written_without_trailing_zeros(ms: int, text: str) -> None:
    assert go_time(Instant(ms)) == text


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (None, ""),
        ("0001-01-01T00:00:00Z", ""),
        ("2022-01-02T15:04:05.123456789Z", "2022-01-02T15:04:05.123456789Z"),
        ("2022-01-02T15:04:05.100+02:30", "2022-01-02T12:34:05.1Z"),
        ("2022-01-02T15:04:05-00:00", "2022-01-02T15:04:05Z"),
    ],
)
def test_time_of_a_client_is_kept_in_utc(sent: str | None, text: str) -> None:
    assert checked_time(sent, "createdAt") == text


@pytest.mark.parametrize(
    "sent",
    [
        5.0,
        "",
        "now",
        "2022-01-02",
        "2022-01-02 15:04:05Z",
        "2022-01-02T15:04:05",
        "2022-02-30T15:04:05Z",
        "2022-01-02T24:04:05Z",
        "0001-01-01T00:00:00+01:00",
        "2022-01-02T15:04:05+25:00",
        "٢٠٢٢-01-02T15:04:05Z",
    ],
)
def test_what_is_no_time_is_refused(sent: object) -> None:
    with pytest.raises(Yours, match="createdAt is not a time"):
        checked_time(sent, "createdAt")  # type: ignore[arg-type]


def test_keys_count_in_any_case_and_the_last_one_wins() -> None:
    members = GoObject(parse_go(b'{"name": "a", "NAME": "b", "x": 1, "name": "c"}'), "it")

    assert members.text("Name") == "c"


def test_numbers_are_floats_and_whole_ones_are_written_as_integers() -> None:
    value = parse_go(b"[1, 1.5, 9007199254740993, 1e21, -0, true]")

    assert value == [1.0, 1.5, 9007199254740992.0, 1e21, 0.0, True]
    assert str(written_numbers(value)) == "[1, 1.5, 9007199254740992, 1e+21, 0, True]"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a", "a"),
        ("yes", '"yes"'),
        ("5", '"5"'),
        ("1:30", '"1:30"'),
        ("", '""'),
        ("~", '"~"'),
        ("a: b", "'a: b'"),
        ("2020-01-01", "2020-01-01"),
        ("x\ny", "|-\n  x\n  y"),
    ],
)
def test_text_is_quoted_in_yaml_where_go_would_read_something_else(text: str, written: str) -> None:
    assert yaml_text({"v": text}) == f"v: {written}\n"


def test_yaml_is_what_other_readers_read() -> None:
    shape: object = {"b": [1, 1.5, True, None, "é😀", {"a": {}}], "a": []}

    assert yaml.safe_load(yaml_text(shape)) == shape


def test_form_without_its_end_is_refused() -> None:
    with pytest.raises(Yours, match="not complete"):
        form_parts("multipart/form-data; boundary=b", b"--b\r\nA: b\r\n\r\nx\r\n--")


def test_status_is_that_of_the_silence() -> None:
    silences = (0, TEN_MINUTES - 1, TEN_MINUTES, A_DAY - 1, A_DAY)

    found = [status_after(silence) for silence in silences]

    assert found == ["live", "live", "warning", "warning", "critical"]


async def test_calls_of_all_packs_of_a_minute_are_one_row() -> None:
    async with a_hub() as hub:
        presence = Presence(hub)
        for pack in ("a", "b"):
            await hub.shared.write("flyte.pack", row_key(pack), {}, by="t", expected=0)
            presence.see(pack)
        presence.see("deleted")
        await presence.write()
        (row,) = hub.shared.of_kind("flyte.seen")

    assert isinstance(row.value, dict)
    assert len(row.value) == 2


async def test_packs_that_no_host_has_seen_for_long_are_removed() -> None:
    clock = HandClock()
    async with a_hub(clock=clock) as hub:
        site = FlyteSite(hub)
        for pack in ("silent", "calls"):
            await site.packs.write(pack, {"name": pack}, by="t")
        clock.set(10)
        site.presence.see("calls")
        await site.remove_silent(5000)

        assert [row.name for row in site.packs.all()] == ["calls"]


async def test_versions_that_no_flow_has_are_removed_after_a_while() -> None:
    clock = HandClock()
    async with a_hub(clock=clock) as hub:
        site = FlyteSite(hub)
        for version in ("old", "new", "deleted"):
            await site.versions.write(version, {"name": "f"}, by="t")
        await site.flows.write("f", "new", by="t")
        clock.set(10)
        await site.versions.write("coming", {"name": "f"}, by="t")

        await site.remove_replaced(5000)

        assert sorted(row.name for row in site.versions.all()) == ["coming", "new"]


async def test_host_that_starts_again_knows_when_it_saw_a_pack() -> None:
    async with a_hub() as hub:
        await hub.shared.write("flyte.pack", row_key("a"), {}, by="t", expected=0)
        before = Presence(hub)
        before.see("a")
        await before.write()

        assert Presence(hub).last_seen("a", Instant(0)) == before.last_seen("a", Instant(0)) > 0


NAMES = ["name", "Name", "steps", "event", "command", "packName", "labels", "links"]
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | FLOATS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=20,
)
JSON_CHARS = '{}[]",:\\u0dD8 1e-.x'


@given(JSON)
def test_what_is_kept_of_any_document_reads_as_itself(value: Json) -> None:
    for read in (pack_document, flow_document):
        with suppress(Yours):
            kept = read(value)
            assert read(kept) == kept


@given(st.binary(max_size=60) | st.text(alphabet=JSON_CHARS, max_size=30).map(str.encode))
def test_any_bytes_are_json_that_can_be_written_or_refused(body: bytes) -> None:
    try:
        value = parse_go(body)
    except Yours:
        return
    to_text(written_numbers(value)).encode()


@given(
    st.lists(
        st.sampled_from(
            [
                b"--b",
                b"--",
                b"\r\n",
                b"\n",
                b"Content-Disposition: form-data",
                b'; name="value"',
                b"; filename*=x''%ff",
                b"Content-Type: text/html",
                b"\xff\x00",
            ]
        ),
        max_size=20,
    ).map(b"".join)
)
def test_any_bytes_are_a_form_or_refused(body: bytes) -> None:
    try:
        parts = form_parts("multipart/form-data; boundary=b", body)
    except Yours:
        return
    assert all(part.content_type.isprintable() for part in parts)
