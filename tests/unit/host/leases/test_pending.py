"""Which grants a claim that waits for a host has already given back."""

import pytest

from floe.host.leases.pending import PendingClaim


@pytest.mark.parametrize(
    ("fence", "is_old"), [("1.7", True), ("1.6", True), ("1.8", False), ("2.1", False)]
)
def test_grant_is_old_up_to_the_fence_that_was_given_back(fence: str, is_old: bool) -> None:
    claim = PendingClaim(number=1, state="parked", passed={"db": "1.7"})

    assert claim.has_passed({"db": fence}) is is_old


def test_grant_of_a_resource_that_was_never_given_back_is_new() -> None:
    claim = PendingClaim(number=1, state="parked", passed={"db": "1.7"})

    assert not claim.has_passed({"lab": "1.1"})
