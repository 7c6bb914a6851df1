"""Secrets in a text that is going to be logged: masked, whoever wrote them there."""

import re

MASK = "***"

_SECRETS = re.compile(
    r"(?P<key>df_[0-9A-Za-z]{8}_)[0-9A-Za-z_]{16,}"  # one of our keys; its id is none
    r"|(?P<like_a_key>df_)[0-9A-Za-z_]{16,}"  # mistyped
    r"|(?P<webhook>whsec_)[0-9A-Za-z+/=_-]+"
    r"|(?P<url>\b[a-z][a-z0-9+.-]*://[^\s:/?#@]*:)[^\s/?#]+(?=@)"  # a password in a URL
    r"|(?P<header>\b(?i:authorization|cookie)[\"']?\s*[:=,]\s*b?[\"']?)[^\r\n\"']+"
    r"|(?P<bearer>\b(?i:bearer)\s+)[^\s\"',]+"
    r"|(?P<query>[?&](?i:key|api[_-]?key|token|access[_-]?token|password|secret)=)[^\s&\"']+"
)


def masked(text: str) -> str:
    """The text without the keys, passwords and signing secrets in it."""
    return _SECRETS.sub(lambda found: f"{found[found.lastgroup or 0]}{MASK}", text)
