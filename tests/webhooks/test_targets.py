"""No address but a public one, or one that the operator lists, is ever reached."""

import re
from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.errors import WebhookUnreachable
from core.settings import Settings
from webhooks.targets import Address, Reach, Target, is_public, resolve

PUBLIC = Reach.of(Settings(webhooks="public"))
PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
OPEN = ["8.8.8.8", "193.0.6.139", "2606:4700:4700::1111", "2a00:1450:4001::1"]


def resolving_to(*addresses: str) -> list[Address]:
    return [ip_address(address) for address in addresses]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(WebhookUnreachable):
        PUBLIC.addresses(Target.parse("https://hooks.example/"), lambda _: resolving_to(address))
    written = f"[{address}]" if ":" in address else address
    with pytest.raises(WebhookUnreachable):
        PUBLIC.addresses(Target.parse(f"https://{written}/"), resolve)


@pytest.mark.parametrize("address", OPEN)
def test_a_public_one_is_taken(address: str) -> None:
    assert is_public(ip_address(address))
    found = PUBLIC.addresses(Target.parse("https://hooks.example/"), lambda _: resolving_to(address))
    assert found == resolving_to(address)


def test_the_address_behind_nat64_is_the_one_that_counts() -> None:
    found = PUBLIC.addresses(Target.parse("https://hooks.example/"), lambda _: resolving_to("64:ff9b::8.8.8.8"))
    assert found == resolving_to("64:ff9b::8.8.8.8")


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(WebhookUnreachable):
        PUBLIC.addresses(Target.parse("https://hooks.example/"), lambda _: resolving_to(*OPEN, "10.0.0.1"))


@pytest.mark.parametrize(
    "host", ["localhost", "0", "127.1", "0x7f000001", "2130706433", "017700000001", "127.0.0.1%2F", "１２７.0.0.1"]
)
def test_other_ways_to_write_this_machine_are_refused(host: str) -> None:
    try:
        target = Target.parse(f"http://{host}/")
    except ValueError:
        return
    with pytest.raises(WebhookUnreachable):
        PUBLIC.addresses(target, resolve)


def test_a_name_that_does_not_exist_and_one_that_leads_inside_get_the_same_answer() -> None:
    def nowhere(_: str) -> list[Address]:
        raise OSError("no such name")

    target, said = Target.parse("https://hooks.example/"), set[str]()
    for resolver in (nowhere, lambda _: resolving_to("10.0.0.1"), lambda _: resolving_to()):
        with pytest.raises(WebhookUnreachable) as refused:
            PUBLIC.addresses(target, resolver)
        said.add(str(refused.value))
    assert len(said) == 1


@pytest.mark.parametrize(("port", "taken"), [(80, True), (443, True), (8443, True), (25, False), (6379, False)])
def test_public_addresses_are_reached_on_ports_of_the_web_alone(port: int, taken: bool) -> None:
    target = Target.parse(f"https://hooks.example:{port}/")
    if taken:
        assert PUBLIC.addresses(target, lambda _: resolving_to("8.8.8.8"))
    else:
        with pytest.raises(WebhookUnreachable):
            PUBLIC.addresses(target, lambda _: resolving_to("8.8.8.8"))


def test_what_is_listed_is_reached_and_nothing_else() -> None:
    listed = Reach.of(Settings(webhooks="listed", webhook_hosts=("hooks.internal", "10.1.0.0/16", "fd00::1")))
    inside = Target.parse("http://Hooks.Internal:3000/")
    assert listed.addresses(inside, lambda _: resolving_to("192.168.0.9"))
    other = Target.parse("http://other.example:3000/")
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1"):
        assert listed.addresses(other, lambda _, address=address: resolving_to(address))  # type: ignore[misc]
    for address in ("10.2.0.1", "8.8.8.8", "fd00::2", "127.0.0.1"):
        with pytest.raises(WebhookUnreachable):
            listed.addresses(other, lambda _, address=address: resolving_to(address))  # type: ignore[misc]
    for address in ("0.0.0.0", "224.0.0.1", "ff02::1"):
        with pytest.raises(WebhookUnreachable):
            listed.addresses(inside, lambda _, address=address: resolving_to(address))  # type: ignore[misc]


def test_a_listed_host_is_a_name_or_a_network() -> None:
    assert Settings(webhook_hosts="A.example, 10.1.2.3/8,::1").webhook_hosts == (
        "a.example",
        "10.0.0.0/8",
        "::1/128",
    )
    with pytest.raises(ValidationError, match="allowed: host names, IP addresses and networks"):
        Settings(webhook_hosts=("https://a.example",))


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("hooks.example", "no URL"),
        ("http:hooks.example", "no URL of HTTP"),
        ("ftp://hooks.example/", "no URL of HTTP"),
        ("file:///etc/passwd", "no URL of HTTP"),
        ("gopher://hooks.example:6379/", "no URL of HTTP"),
        ("unix:///run/redis.sock", "no URL of HTTP"),
        ("http:///hook", "no URL of HTTP"),
        ("https://user@hooks.example/", "a user name or a password"),
        ("https://:secret@hooks.example/", "a user name or a password"),
        ("https://8.8.8.8:443@127.0.0.1/", "a user name or a password"),
        ("https://@hooks.example/", "a user name or a password"),
        ("https://hooks.example/#part", "a fragment"),
        ("https://hooks.example./", "ends with a dot"),
        ("https://hooks.example:70000/", "no URL"),
        ("https://" + "a" * 2048, "up to 2048"),
    ],
)
def test_a_url_that_is_none_of_http_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Target.parse(url)


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://Hooks.Example", Target("https", "hooks.example", 443, "/"), "hooks.example"),
        ("http://hooks.example:8080/a?b=@c", Target("http", "hooks.example", 8080, "/a?b=@c"), "hooks.example:8080"),
        ("https://[2606:4700::1]:443/x", Target("https", "2606:4700::1", 443, "/x"), "[2606:4700::1]"),
        ("http://bücher.example/ü", Target("http", "xn--bcher-kva.example", 80, "/%C3%BC"), "xn--bcher-kva.example"),
        ("http://hooks.example/a\r\nX: y", Target("http", "hooks.example", 80, "/aX:%20y"), "hooks.example"),
    ],
)
def test_a_url_is_read_as_browsers_read_it(url: str, target: Target, authority: str) -> None:
    assert Target.parse(url) == target
    assert Target.parse(url).authority == authority


@given(st.text(max_size=60))
@example("hooks.example/a\r\nHost: other\r\n\r\n")
@example("hooks.example\t/?\x7f=\u2028")
def test_whatever_url_is_taken_the_request_has_one_line_of_plain_ascii_for_it(rest: str) -> None:
    try:
        target = Target.parse(f"http://{rest}")
    except ValueError:
        return
    assert re.fullmatch("[!-~]+", target.path)
    assert re.fullmatch("[!-~]+", target.authority)
    assert re.fullmatch("[^/?#@\\\\]+", target.host)
