"""Brings images: an upload in parts, each to any of the APIs, and an import of it."""

from functools import cache
from random import Random

from tests.chaos.calls import Calls
from tests.chaos.ledger import Accepted
from tests.uploaded import archive

ARCHIVES = ("archive 1", "archive 2")  # what is imported, by the names that the ledger has in place of recipes
PART = {"content-type": "application/offset+octet-stream"}
PARTS = (1, 4)  # of an upload
ARE_LEFT = 0.2  # of all uploads are never imported


@cache
def images_of(name: str) -> bytes:
    """A zip of pictures."""
    return archive(seed=ARCHIVES.index(name))


def bring(calls: Calls, key: str, random: Random) -> Accepted | None:
    """Upload one of the archives and have it imported. None where it was left, was too much, or it is over."""
    name = random.choice(ARCHIVES)
    upload = _upload(calls, images_of(name), random)
    if upload is None or random.random() < ARE_LEFT:
        return None
    path = f"/datasets?upload={upload}&name={name.replace(' ', '-')}"
    answer = calls.insist("POST", path, 202, 429, headers={"Idempotency-Key": key})
    return None if answer is None or answer.status_code == 429 else Accepted(answer.json()["id"], name, key)


def _upload(calls: Calls, data: bytes, random: Random) -> str | None:
    """The id of an upload that has all of the data, or None when it is over."""
    begun = calls.insist("POST", "/uploads", 201, headers={"upload-length": str(len(data))})
    if begun is None:
        return None
    url, most = begun.headers["location"], len(data) // random.randint(*PARTS) + 1
    while (now := calls.insist("HEAD", url, 200, 204)) is not None:
        came = int(now.headers["upload-offset"])
        if came == len(data):
            return str(url.rpartition("/")[2])
        # 409: another part is there, by a call that was given up; 423: such a call is not over yet
        calls.once(
            "PATCH", url, 204, 409, 423, content=data[came : came + most], headers={**PART, "upload-offset": str(came)}
        )
    return None
