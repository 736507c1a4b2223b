"""ID tokens of OpenID Connect: signature by the provider's public keys, then every claim that has to be right."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sereno.model import DeniedError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures by keys of which we hold the public half only: neither "none" nor HMAC, whatever the provider says."""
LEEWAY = 60.0
LONGEST_TOKEN = 1 << 16


class IdTokenError(DeniedError):
    """An ID token that does not prove who somebody is."""


class UnknownKeyError(IdTokenError):
    """Signed by a key that is not among those known; they may have been changed."""


def signed_claims(token: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of a token signed by one of `keys` (a JWK set). Raises IdTokenError; needs the extra `oidc`."""
    from joserfc import jwt
    from joserfc.errors import InvalidKeyIdError, JoseError
    from joserfc.jwk import KeySet

    if len(token) > LONGEST_TOKEN:
        raise IdTokenError(f"ID token of {len(token)} characters, expected at most {LONGEST_TOKEN}")
    try:
        known = KeySet.import_key_set({"keys": _signing(keys)})
        return dict(jwt.decode(token, known, algorithms=list(ALGORITHMS)).claims)
    except InvalidKeyIdError as error:
        raise UnknownKeyError("ID token signed by a key that the provider does not publish") from error
    except (JoseError, ValueError, TypeError, KeyError, json.JSONDecodeError) as error:
        raise IdTokenError(f"ID token refused: {error}") from error


def _signing(keys: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Public keys for signatures only; a shared secret among them would let anybody who knows it sign."""
    listed = keys.get("keys", [])
    found = [
        k for k in listed if isinstance(k, dict) and k.get("kty") in ("RSA", "EC") and k.get("use", "sig") == "sig"
    ]
    return [{name: value for name, value in key.items() if name not in ("d", "p", "q")} for key in found]


def check_claims(claims: Mapping[str, Any], *, issuer: str, client: str, nonce: str, now: float) -> str:
    """The subject, if a token with these claims was made by `issuer` for us, just now and for this very sign-in.

    `now` in seconds UTC. Raises IdTokenError with what is wrong.
    """
    audience = claims.get("aud")
    everyone = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    party = claims.get("azp", client if len(everyone) == 1 else None)
    wrong = [
        (claims.get("iss") != issuer, f"iss is {claims.get('iss')!r}, expected {issuer!r}"),
        (client not in everyone, f"aud is {audience!r}, expected {client!r}"),
        (party != client, f"azp is {claims.get('azp')!r}, expected {client!r}"),
        (not nonce or claims.get("nonce") != nonce, "the nonce is not that of this sign-in"),
        (not _after(claims.get("exp"), now - LEEWAY), "it has expired"),
        (not _after(now + LEEWAY, claims.get("iat")), "it was issued in the future"),
        ("nbf" in claims and not _after(now + LEEWAY, claims["nbf"]), "it is not valid yet"),
        (not _text(claims.get("sub")), "it names no subject"),
    ]
    for is_wrong, why in wrong:
        if is_wrong:
            raise IdTokenError(f"ID token refused: {why}")
    return str(claims["sub"])


def claim_values(claims: Mapping[str, Any], path: str) -> Sequence[str]:
    """The texts under a claim such as "groups" or "realm_access.roles"; empty where there are none."""
    found: Any = claims
    for part in [path] if path in claims else path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, str)]


def _after(later: object, earlier: object) -> bool:
    numbers = [one for one in (later, earlier) if isinstance(one, int | float) and not isinstance(one, bool)]
    return len(numbers) == 2 and numbers[0] > numbers[1]


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255
