"""The keys of the clients, and those that must open nothing."""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from access.key_file import write_keys
from access.key_record import NewKey
from access.key_store import KeyStore
from core.access import Scope
from core.settings import Settings
from core.startup import open_data_dir

Headers = dict[str, str]
OF_JOBS = (Scope.JOBS_READ, Scope.JOBS_WRITE, Scope.DATASETS_WRITE)
MOMENT = timedelta(milliseconds=1)


class Refused(NamedTuple):
    """A wrong key, and with what status it is to be answered."""

    headers: Headers
    status: int


class Keys(NamedTuple):
    """What each of them sends."""

    artist: Headers  # draws; its key stands in the file, so that it needs no Redis
    client: Headers  # submits and steers the jobs, and brings images
    stranger: Headers  # may do the same, with jobs of its own
    refused: dict[str, Refused]


def write_key_file(path: Path) -> Headers:
    """The file of keys, with that of the artist."""
    new = NewKey.make("artist", [Scope.GENERATE])
    write_keys(path, [new.record])
    return _headers(new)


def make_keys(settings: Settings, artist: Headers) -> Keys:
    """Make the others, in a Redis that answers."""
    open_data_dir(settings)
    store = KeyStore.of(settings)
    client, stranger = NewKey.make("client", OF_JOBS), NewKey.make("stranger", OF_JOBS)
    weak, expired = NewKey.make("weak", []), NewKey.make("expired", Scope, life=MOMENT)
    revoked, never = NewKey.make("revoked", Scope), NewKey.make("never", Scope)
    for new in (client, stranger, weak, expired, revoked):
        store.add(new.record)
    store.revoke(revoked.record.id)
    store.close()
    refused = {
        "none": Refused({}, 401),
        "malformed": Refused({"Authorization": "Bearer df_nonsense"}, 401),
        "never": Refused(_headers(never), 401),
        "expired": Refused(_headers(expired), 401),
        "revoked": Refused(_headers(revoked), 401),
        "weak": Refused(_headers(weak), 403),
    }
    return Keys(artist, _headers(client), _headers(stranger), refused)


def _headers(new: NewKey) -> Headers:
    return {"Authorization": f"Bearer {new.text}"}
