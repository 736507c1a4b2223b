"""Claims of ID tokens, one by one: what is not right is refused with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.access.id_token import LEEWAY, IdTokenError, check_claims, claim_values
from sereno.access.oidc import check_issuer

NOW = 1_800_000_000.0
GOOD: dict[str, Any] = {
    "iss": "https://id.example.org/plant",
    "aud": "sereno",
    "sub": "u-17",
    "nonce": "n-1",
    "iat": NOW - 5,
    "exp": NOW + 300,
}


def _subject(claims: dict[str, Any], nonce: str = "n-1") -> str:
    return check_claims(claims, issuer=GOOD["iss"], client="sereno", nonce=nonce, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"aud": ["sereno"]},
        {"aud": ["sereno", "other"], "azp": "sereno"},
        {"exp": NOW - LEEWAY + 1},
        {"iat": NOW + LEEWAY - 1},
        {"nbf": NOW},
    ],
)
def test_what_is_right(change: dict[str, Any]) -> None:
    assert _subject({**GOOD, **change}) == "u-17"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iss": "https://id.example.org/other"}, "iss is"),
        ({"iss": "https://id.example.org/plant/"}, "iss is"),
        ({"aud": "other"}, "aud is 'other'"),
        ({"aud": []}, "aud is"),
        ({"aud": ["sereno", "other"]}, "azp is None"),
        ({"azp": "other"}, "azp is 'other'"),
        ({"nonce": "n-2"}, "nonce"),
        ({"exp": NOW - LEEWAY - 1}, "expired"),
        ({"exp": str(NOW + 300)}, "expired"),
        ({"exp": True}, "expired"),
        ({"iat": NOW + LEEWAY + 1}, "future"),
        ({"nbf": NOW + 3600}, "not valid yet"),
        ({"sub": ""}, "no subject"),
        ({"sub": 17}, "no subject"),
        ({"sub": "x" * 256}, "no subject"),
    ],
)
def test_what_is_wrong(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(IdTokenError, match=reason):
        _subject({**GOOD, **change})


@pytest.mark.parametrize("name", sorted(GOOD))
def test_no_claim_may_be_missing(name: str) -> None:
    with pytest.raises(IdTokenError):
        _subject({key: value for key, value in GOOD.items() if key != name})


def test_an_empty_nonce_is_none() -> None:
    with pytest.raises(IdTokenError, match="nonce"):
        _subject({**GOOD, "nonce": ""}, nonce="")


@pytest.mark.parametrize(
    ("claims", "path", "values"),
    [
        ({"groups": ["a", "b", 3]}, "groups", ["a", "b"]),
        ({"groups": "a"}, "groups", ["a"]),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", ["a"]),
        ({"https://example.org/groups": ["a"]}, "https://example.org/groups", ["a"]),
        ({"realm_access": "a"}, "realm_access.roles", []),
        ({}, "groups", []),
    ],
)
def test_values_of_a_claim(claims: dict[str, Any], path: str, values: list[str]) -> None:
    assert list(claim_values(claims, path)) == values


@pytest.mark.parametrize("url", ["https://id.example.org", "https://id.example.org/realms/x", "http://127.0.0.1:9000"])
def test_issuers_that_may_be(url: str) -> None:
    assert check_issuer(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.org",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://",
        "https://user:pw@id.example.org",
        "https://id.example.org?x=1",
        "https://id.example.org#",
        "gopher://127.0.0.1",
    ],
)
def test_issuers_that_may_not_be(url: str) -> None:
    with pytest.raises(ValueError, match="expected https"):
        check_issuer(url)
