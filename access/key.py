"""The text of a key: `df_<id>_<secret><check>`.

The id has 8 lower-case letters and digits, and names the key in lists and records. The secret has 32 letters and
digits, 190 random bits: nobody guesses them, so a fast hash is enough to store. The check, the CRC-32 of all before it
in 6 letters and digits, tells a typing error, and a key from any other text, without a look-up.
"""

import re
import secrets
from binascii import crc32
from hashlib import sha256
from string import ascii_letters, ascii_lowercase, digits

SECRET_ALPHABET, ID_ALPHABET = digits + ascii_letters, digits + ascii_lowercase
ID_LENGTH, SECRET_LENGTH, CHECK_LENGTH = 8, 32, 6
PATTERN = re.compile(rb"df_([0-9a-z]{8})_[0-9A-Za-z]{38}")
ID_PATTERN = r"[0-9a-z]{8}"
ID_PLACE = slice(3, 3 + ID_LENGTH)


def new_id() -> str:
    """A random id: 41 bits."""
    return _random(ID_ALPHABET, ID_LENGTH)


def new_key(key_id: str) -> str:
    """A new key with this id."""
    body = f"df_{key_id}_{_random(SECRET_ALPHABET, SECRET_LENGTH)}"
    return body + _check(body.encode())


def is_key(text: bytes) -> bool:
    """Whether a text has the form of a key, and the check that belongs to it."""
    return PATTERN.fullmatch(text) is not None and _check(text[:-CHECK_LENGTH]).encode() == text[-CHECK_LENGTH:]


def holds_key(text: bytes) -> bool:
    """Whether there is something with the form of a key anywhere in a text."""
    return PATTERN.search(text) is not None


def digest(text: bytes) -> bytes:
    """What is stored of a key: its SHA-256, 32 bytes."""
    return sha256(text).digest()


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _check(body: bytes) -> str:
    number, found = crc32(body), ""
    for _ in range(CHECK_LENGTH):
        number, place = divmod(number, len(SECRET_ALPHABET))
        found = SECRET_ALPHABET[place] + found
    return found
