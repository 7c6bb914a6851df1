"""Digests of a body that a client sends along (RFC 9530): what came is what was sent, or it is refused."""

import re
from base64 import b64decode
from collections.abc import Iterator

from fastapi import Request

from app.http.problem_types import ProblemType
from app.http.problems import ProblemError

HEADERS = ("Content-Digest", "Repr-Digest")  # of a body without an encoding they are the same
ALGORITHM = "sha-256"
_ENTRY = re.compile(r"\s*([a-z0-9*_.-]+)=:([A-Za-z0-9+/]*={0,2}):\s*")


def announced_digests(request: Request) -> dict[str, str]:
    """The hex SHA-256 that each header announces. Raises ProblemError (400) for one without such a digest."""
    return {name: _sha256_in(name, text) for name, text in _given(request)}


def check_digest(announced: dict[str, str], sha256: str) -> None:
    """Raise ProblemError (400) unless a file with this hex SHA-256 is what was announced."""
    for name, wanted in announced.items():
        if wanted != sha256:
            detail = f"{name} announces a file with the SHA-256 {wanted}, and {sha256} has come; nothing was imported"
            raise ProblemError(ProblemType.DIGEST_MISMATCH, detail)


def _given(request: Request) -> Iterator[tuple[str, str]]:
    for name in HEADERS:
        if name in request.headers:
            yield name, ",".join(request.headers.getlist(name))


def _sha256_in(name: str, text: str) -> str:
    matches = filter(None, map(_ENTRY.fullmatch, text.split(",")))
    entries: dict[str, str] = {match[1]: match[2] for match in matches}
    try:
        digest = b64decode(entries[ALGORITHM], validate=True)
    except (KeyError, ValueError):
        digest = b""
    if len(digest) != 32:
        detail = f"{name} is {text}; allowed: {ALGORITHM}=:<32 bytes in base64>:"
        raise ProblemError(ProblemType.BAD_REQUEST, detail, headers={f"Want-{name}": f"{ALGORITHM}=10"})
    return digest.hex()
