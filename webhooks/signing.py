"""Secrets and signatures, as in Standard Webhooks 1.0.0, "Signature scheme": HMAC-SHA256 of id, time and body."""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable

PREFIX = "whsec_"
SECRET_BYTES = 32  # the standard takes 24 to 64


def new_secret() -> str:
    """A random secret, as it is given to its owner."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed(message_id: str, at_s: int, body: bytes, with_secrets: Iterable[str]) -> dict[str, str]:
    """The headers of a message, with one signature for each secret. `at_s` is when it is sent, in Unix seconds."""
    content = f"{message_id}.{at_s}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{_signature(secret, content)}" for secret in with_secrets),
    }


def _signature(secret: str, content: bytes) -> str:
    key = b64decode(secret.removeprefix(PREFIX))
    return b64encode(hmac.digest(key, content, "sha256")).decode()
