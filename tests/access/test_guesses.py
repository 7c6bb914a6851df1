"""Wrong keys, by where they come from."""

import pytest

from access.guesses import MOST_A_MINUTE, Guesses
from access.shared_buckets import SharedBuckets


@pytest.fixture
def guesses() -> Guesses:
    return Guesses(SharedBuckets())


def guess(guesses: Guesses, address: str) -> None:
    for _ in range(MOST_A_MINUTE):
        assert guesses.wait_s(address) == 0
        guesses.add(address)


def test_an_address_that_guesses_has_to_wait_and_no_other_has(guesses: Guesses) -> None:
    guess(guesses, "192.0.2.1")
    assert guesses.wait_s("192.0.2.1") in (1, 2, 3)
    assert guesses.wait_s("192.0.2.2") == 0
    assert guesses.wait_s("") == 0


@pytest.mark.parametrize(
    ("one", "other", "are_the_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("a-socket", "another", False),
    ],
)
def test_addresses_of_one_ipv6_network_share_a_bucket(
    guesses: Guesses, one: str, other: str, are_the_same: bool
) -> None:
    guess(guesses, one)
    assert (guesses.wait_s(other) > 0) == are_the_same
