"""The list of servers that tasks may reach: what each kind of entry allows, and what none does."""

import pytest

from onceflow.engine.egress import parse_egress


@pytest.mark.parametrize(
    ("entries", "host", "port", "address", "allowed"),
    [
        ("", "a.example", 80, "10.0.0.1", True),
        ("", "a.example", 80, "::1", True),
        ("", "metadata.google.internal", 80, "169.254.169.254", False),
        ("*", "a.example", 80, "fe80::1%2", False),
        ("*:443", "a.example", 443, "93.184.216.34", True),
        ("*:443", "a.example", 80, "93.184.216.34", False),
        ("shop.example", "SHOP.example.", 80, "10.0.0.1", True),
        ("shop.example", "shop.example", 80, "169.254.1.1", False),
        ("shop.example", "a.shop.example", 80, "10.0.0.1", False),
        ("*.shop.example", "a.shop.example", 80, "10.0.0.1", True),
        ("*.shop.example", "shop.example", 80, "10.0.0.1", False),
        ("*.shop.example", "eshop.example", 80, "10.0.0.1", False),
        ("10.0.0.0/8:80", "x", 80, "::ffff:10.1.1.1", True),
        ("10.0.0.0/8:80", "x", 81, "10.1.1.1", False),
        ("[fd00::/8]:443", "x", 443, "fd12::1", True),
        ("[fd00::/8]:443", "x", 443, "10.0.0.1", False),
        ("fd00:ec2::254", "x", 80, "fd00:ec2::254", True),
        ("fd00::/8", "x", 80, "fe80::1", False),
        ("169.254.169.254", "x", 80, "169.254.169.254", True),
        ("8.8.8.8", "x", 80, "2001:0:808:808::1", False),
        ("*", "x", 80, "2001:0:a9fe:a9fe::1", False),
    ],
)
def test_an_entry_allows(entries: str, host: str, port: int, address: str, allowed: bool) -> None:
    egress = parse_egress(entries)
    assert egress.allows(host, port, address) is allowed
    assert egress.may_resolve(host, port) or not allowed
