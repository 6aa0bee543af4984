"""The key of the hash in ids is made once in a cluster."""

from floe.hub.shared.id_key import KEY_BYTES, IdKey
from tests.hands import a_hub


async def test_key_is_made_with_the_first_id_and_stays() -> None:
    async with a_hub() as hub:
        first = await IdKey(hub.shared, "t.key", "t").bytes()
        again = await IdKey(hub.shared, "t.key", "t").bytes()

    assert (len(first), again) == (KEY_BYTES, first)


async def test_keys_of_two_dialects_differ() -> None:
    async with a_hub() as hub:
        one = await IdKey(hub.shared, "t.key", "t").bytes()
        other = await IdKey(hub.shared, "u.key", "u").bytes()

    assert one != other
