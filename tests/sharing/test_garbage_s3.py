"""Garbage in a real SeaweedFS, by its own clock and lists."""

import time
from hashlib import sha256

from jobs.store import JobStore
from objects.document import Document
from objects.s3 import S3Store
from sharing.garbage import Collector
from tests.object_servers import LentStore
from tests.sharing.test_garbage_races import Shelf

GRACE_S = 1.0


def test_what_is_old_by_the_servers_clock_goes(s3_server: LentStore, store: JobStore) -> None:
    objects = S3Store(s3_server.url, s3_server.environment)
    chunk = sha256(b"x").hexdigest()
    named, left, log = f"models/aa.1/{chunk}", f"models/bb.1/{chunk}", f"runs/0123456789abcdef/a001/{chunk}"
    for key in (named, left, log, "datasets.json.old", f"uploads/{'ab' * 16}/{chunk}"):
        assert objects.put_once(key, b"x")
    Document(objects, "shelf.json", Shelf).change(lambda *_: Shelf(models={"aa": [named]}))
    first = Collector(objects, store, 3600).collect()
    assert (first.garbage, len(first.young), first.missing, first.unknown) == ([], 3, [], ["datasets.json.old"])
    time.sleep(GRACE_S + 1)  # the server tells whole seconds
    collector = Collector(objects, store, GRACE_S)
    assert len(collector.collect().garbage) == 3
    after = collector.survey()
    assert (after.orphans, after.objects["models"], after.objects["runs"], after.missing) == ([], 1, 0, [])
    assert Document(objects, "shelf.json", Shelf).read()[0].models == {"aa": [named]}
