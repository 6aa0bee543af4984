"""An address may be wrong so often and no more."""

from floe.server.throttle import ADDRESSES_MAX, Throttle


def a_throttle(*failures: float) -> Throttle:
    throttle = Throttle(tries=2, window_s=60)
    for at in failures:
        throttle.failed("10.0.0.1", at)
    return throttle


def test_below_the_limit_nobody_waits() -> None:
    assert a_throttle(0.0).wait_s("10.0.0.1", 0.0) == 0


def test_at_the_limit_the_address_waits_until_the_window_is_over() -> None:
    assert a_throttle(0.0, 10.0).wait_s("10.0.0.1", 20.0) == 40


def test_after_the_window_it_may_try_again() -> None:
    assert a_throttle(0.0, 10.0).wait_s("10.0.0.1", 60.0) == 0


def test_other_addresses_do_not_wait() -> None:
    assert a_throttle(0.0, 0.0).wait_s("10.0.0.2", 0.0) == 0


def test_being_right_is_forgiven() -> None:
    throttle = a_throttle(0.0, 0.0)

    throttle.passed("10.0.0.1")

    assert throttle.wait_s("10.0.0.1", 0.0) == 0


def test_an_ipv6_network_is_one_address() -> None:
    throttle = Throttle(tries=2, window_s=60)
    throttle.failed("2001:db8::1", 0.0)
    throttle.failed("2001:db8::2", 0.0)

    assert throttle.wait_s("2001:db8::3", 0.0) == 60
    assert throttle.wait_s("2001:db8:0:1::3", 0.0) == 0


def test_memory_is_bounded_by_forgetting_who_has_been_quiet_longest() -> None:
    throttle = Throttle(tries=1, window_s=60)
    for number in range(ADDRESSES_MAX + 1):
        throttle.failed(f"host-{number}", 0.0)

    assert throttle.wait_s("host-0", 0.0) == 0
    assert throttle.wait_s("host-1", 0.0) == 60
