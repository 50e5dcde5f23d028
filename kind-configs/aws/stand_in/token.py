"""A token's shape and claims, judged as the node's agent judges them: without looking at its signature.

The words are those of the library that the agent uses (golang-jwt 5.2). What follows a JSON error's first colon is Python's.
"""

import base64
import json
import time

AUDIENCE = "pods.eks.amazonaws.com"

_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_ALGORITHMS = frozenset(
    ["none", "EdDSA"] + [family + size for family in ("HS", "RS", "ES", "PS") for size in ("256", "384", "512")]
)


class NotParsed(Exception):
    """It is no token."""


class ClaimsFail(Exception):
    """It is a token, and its time is over or has not come."""


def parse(text: str) -> dict:
    """The claims of a token, which nobody has vouched for."""
    parts = text.split(".")
    if len(parts) != 3:
        raise NotParsed("token is malformed: token contains an invalid number of segments")
    header = _json(_decode(parts[0], "header"), "header")
    claims = _json(_decode(parts[1], "claim"), "claim")
    for claim in ("exp", "nbf", "iat"):
        value = claims.get(claim)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise NotParsed(f"token is malformed: could not JSON decode claim: {claim} is not a number")
    if not isinstance(header.get("alg"), str):
        raise NotParsed("token is unverifiable: signing method (alg) is unspecified")
    if header["alg"] not in _ALGORITHMS:
        raise NotParsed("token is unverifiable: signing method (alg) is unavailable")
    return claims


def check_times(claims: dict, now: float | None = None) -> None:
    """Both claims are optional, and there is no leeway."""
    now = time.time() if now is None else now
    wrong = []
    if claims.get("exp") is not None and now >= int(claims["exp"]):
        wrong.append("token is expired")
    if claims.get("nbf") is not None and now < int(claims["nbf"]):
        wrong.append("token is not valid yet")
    if wrong:
        raise ClaimsFail(", ".join(wrong))


def _decode(segment: str, name: str) -> bytes:
    for index, letter in enumerate(segment):
        if letter not in _ALPHABET:
            raise NotParsed(_not_base64(name, index))
    if len(segment) % 4 == 1:
        raise NotParsed(_not_base64(name, len(segment) - 1))
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _not_base64(name: str, index: int) -> str:
    return f"token is malformed: could not base64 decode {name}: illegal base64 data at input byte {index}"


def _json(data: bytes, name: str) -> dict:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise NotParsed(f"token is malformed: could not JSON decode {name}: {error}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NotParsed(f"token is malformed: could not JSON decode {name}: it is no object")
    return value
