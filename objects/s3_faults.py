"""What an S3 store, or the way to it, answered where it did not do what was asked.

obstore has no field for the status of an answer, so it is read from the text of its errors. That text may hold a URL
with a token in it, and is not passed on.
"""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from core.errors import StoreAway, StoreError, StoreRefused

REQUEST = re.compile(r"Error performing [A-Z]+ (\S+) in ")
STATUS = re.compile(r"non-2xx status code: (\d{3})")
CODE = re.compile(r"<Code>(\w+)</Code>")
UNTRUSTED = re.compile(r"InvalidCertificate\(\s*(\w+)")
REASON = re.compile(r'message: "([^"]*)"|"(dns error)"|kind: (Timeout)|\b(TimedOut)\b')
CERTIFICATE = "InvalidCertificate"
SOON = {"RequestTimeout", "IncompleteBody", "SlowDown", "OperationAborted"}  # codes by which another try may succeed
RIGHTS = (
    "a bucket that is there, in AWS_REGION or at AWS_ENDPOINT_URL, and credentials that may get, put, delete and "
    "list in it: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a web identity, or a role of this machine"
)


class Fault(NamedTuple):
    """An answer: its status, None where none came, its code, and in words."""

    status: int | None
    code: str
    said: str

    @property
    def is_missing_object(self) -> bool:
        """There is no such key. A bucket that is not there is another matter."""
        return self.status == 404 and self.code != "NoSuchBucket"

    @property
    def may_be_written(self) -> bool:
        """After a put: whether it was carried out is not known, or it may be tried again."""
        return self.status == 409 or not self.is_refusal

    @property
    def is_refusal(self) -> bool:
        """Whether another try would be answered the same until somebody changes a setting or a right."""
        if self.status is None:
            return self.code == CERTIFICATE
        return self.status < 500 and self.status != 429 and self.code not in SOON

    @property
    def kind(self) -> type[StoreError]:
        """The error that it is for callers."""
        return StoreRefused if self.is_refusal else StoreAway

    def hint(self, who: str) -> str:
        """Who asked, and what would not have been refused."""
        return f", as {who}; allowed: {RIGHTS}"


def fault_of(error: Exception) -> Fault:
    """What an error of obstore says."""
    text = str(error)
    status = int(found[1]) if (found := STATUS.search(text)) else None
    code = found[1] if (found := CODE.search(text)) else ""
    where = (urlsplit(found[1]).netloc if (found := REQUEST.search(text)) else "") or "what gives credentials"
    if status is not None:
        return Fault(status, code, f"{where} answered {status} {code}".rstrip())
    if found := UNTRUSTED.search(text):
        return Fault(None, CERTIFICATE, f"the certificate of {where} is not trusted ({found[1]}; see AWS_CA_BUNDLE)")
    reason = next((part for part in found.groups() if part), "") if (found := REASON.search(text)) else ""
    return Fault(None, code, f"{where} did not answer{f': {reason}' if reason else ''}")
