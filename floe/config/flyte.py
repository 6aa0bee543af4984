"""The settings of flyte's API: `flyte:` of `common:`, and the flags that replace its values."""

from pathlib import Path
from typing import Final, NamedTuple

from floe.config.flags import GivenFlags, absolute
from floe.dialects.floe.vocabulary import (
    COMMON_FLYTE,
    FLYTE_BIND,
    FLYTE_CLIENT_ID,
    FLYTE_ISSUER,
    FLYTE_KEEP,
    FLYTE_MAP,
    FLYTE_POLICY,
    FLYTE_REMOVE,
)
from floe.dialects.flyte.compiled import DIALECT, FLOW_IDS
from floe.dialects.notes import Notes
from floe.dialects.section import SectionValues
from floe.host.retention import KeepShare
from floe.model.keep import Keep
from floe.model.nouns import dataclass
from floe.server.flyte.policy import Issuer
from floe.server.settings import Bind, is_loopback, split_address

GUARD: Final = ("flyte_policy", "flyte_issuer", "flyte_client_id")
"""The flags that say who may use the address; all three or none."""

KEEP: Final = Keep(runs=0, age_s=183 * 86_400.0, bytes=10 << 30)
"""The defaults of `keep` of `flyte`: the age is that of flyte's audit. The bytes are half of what a
host keeps of all runs, so that a stream of events does not displace the runs of other flows."""

NEED_ADDRESS: Final = ("flyte_cert", "flyte_key", *GUARD)
"""The flags that need an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlyteSettings:
    """In the settings of a host: flyte's API."""

    bind: Bind | None = None
    """An address for it alone. Its certificate is by default that of `pub`. Default: none."""
    policy: Path | None = None
    """The file that says who may use the API there. Default: each caller that reaches it."""
    issuer: Issuer | None = None
    """Who signs the tokens for it. Needed with a policy, and only then."""
    remove_packs_s: float | None = None
    """Seconds until a silent pack is deleted; None for never, the default."""
    keep: Keep = KEEP
    """How long ended correlations stay."""

    @property
    def share(self) -> KeepShare:
        """The limits of all its flows together."""
        return KeepShare(name=DIALECT, flows=FLOW_IDS, keep=self.keep)


class FlyteSection(NamedTuple):
    """What `flyte:` in `common:` says."""

    bind: str = ""
    """Empty without the section, or where it has an error."""
    policy: str = ""
    issuer: str = ""
    client_id: str = ""
    remove_packs_s: float | None = None
    keep: Keep = KEEP


def read_flyte(common: SectionValues, notes: Notes) -> FlyteSection:
    """Read `flyte:` in `common:`."""
    if not (table := common[COMMON_FLYTE]):
        return FlyteSection()
    values = FLYTE_MAP.read(table, notes)
    found = FlyteSection(
        bind=values[FLYTE_BIND],
        policy=values[FLYTE_POLICY],
        issuer=values[FLYTE_ISSUER],
        client_id=values[FLYTE_CLIENT_ID],
        remove_packs_s=values[FLYTE_REMOVE],
        keep=values[FLYTE_KEEP].over(KEEP, bytes=True),
    )
    at = common.at_of(COMMON_FLYTE)
    try:
        split_address(found.bind or ":0")
    except ValueError:
        notes.error(at, f"cannot bind `{found.bind[:70]}`", "host:port")
        return FlyteSection()
    guard = (found.policy, found.issuer, found.client_id)
    if any(guard) and not all(guard):
        what = "`policy`, `issuer` and `client-id` of `flyte` belong together"
        notes.error(at, what, "give all three, or none")
    return found


def flyte_settings(section: FlyteSection, given: GivenFlags, pub: Bind) -> FlyteSettings:
    """The settings of `flyte:`, with the values that flags replace."""
    address = given.text("flyte_bind") or section.bind
    cert, key = given.key_pair("flyte")
    if not address:
        for name in filter(given.has, NEED_ADDRESS):
            given.wrong(name, "needs -flyte_bind", "give the address to serve on")
        return FlyteSettings(remove_packs_s=section.remove_packs_s, keep=section.keep)
    try:
        split_address(address)
    except ValueError:
        given.wrong("flyte_bind", f"cannot be `{address[:70]}`", "host:port, such as :8443")
        address = "127.0.0.1:0"
    policy = given.text("flyte_policy") or section.policy
    issuer = given.text("flyte_issuer") or section.issuer
    client_id = given.text("flyte_client_id") or section.client_id
    if not all((policy, issuer, client_id)):
        for name in filter(given.has, GUARD):
            what = "belongs together with the others of -flyte_policy, -flyte_issuer and "
            given.wrong(name, f"{what}-flyte_client_id", "give all three, or none")
    return FlyteSettings(
        bind=Bind(address=address, cert=cert or pub.cert, key=key or pub.key),
        policy=absolute(policy),
        issuer=Issuer(url=issuer, client_id=client_id) if policy else None,
        remove_packs_s=section.remove_packs_s,
        keep=section.keep,
    )


def check_bind(bind: Bind, common: SectionValues, given: GivenFlags, notes: Notes) -> None:
    """Refuse an address at which other machines would use flyte's API unencrypted."""
    if bind.cert or given.flag("insecure") or is_loopback(split_address(bind.address)[0]):
        return
    what = f"{bind.address} is open to other machines, and nothing there would be encrypted"
    hint = "give -flyte_cert and -flyte_key; --insecure if the network is trusted"
    if given.has("flyte_bind"):
        given.wrong("flyte_bind", what, hint)
    else:
        notes.error(common.at_of(COMMON_FLYTE), what, hint)
