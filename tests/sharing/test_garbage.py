"""Garbage in the store: what goes, and what stays."""

import json
import os
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from core.errors import DocumentDamaged
from jobs import keys
from jobs.store import JobStore
from objects.files import FileStore
from objects.probe import SCRATCH
from objects.trees import Tree, file_names, get_list, put_list, put_tree
from sharing.garbage import DEPLOYMENT, Collector, StoreOfAnother
from tests.jobs.claims import ERROR, claimed

GRACE_S = 3600.0
UPLOAD = "ab" * 16


class Bucket:
    """A store in a folder, whose objects can be aged."""

    def __init__(self, root: Path, jobs: JobStore) -> None:
        self.root, self.store, self.jobs = root / "store", FileStore(root / "store"), jobs

    def collector(self, grace_s: float = GRACE_S) -> Collector:
        return Collector(self.store, self.jobs, grace_s)

    def put(self, owner: str, *contents: bytes) -> list[str]:
        made = [f"{owner}/{sha256(content).hexdigest()}" for content in contents]
        assert all(self.store.put_once(key, content) for key, content in zip(made, contents, strict=True))
        return made

    def save(self, owner: str, folder: Path, files: dict[str, bytes]) -> tuple[Tree, str]:
        for name, data in files.items():
            (folder / name).write_bytes(data)
        tree = put_tree(self.store, owner, folder, files)
        return tree, put_list(self.store, owner, tree)

    def document(self, key: str, content: Any) -> None:
        stored = self.store.get(key) if (self.root / key).exists() else None
        body = {"version": 1, "recent": [], "content": content}
        assert self.store.swap(key, json.dumps(body).encode(), stored.tag if stored else None)

    def age(self, s: float = 2 * GRACE_S) -> None:
        for name in file_names(self.root):
            os.utime(self.root / name, (time.time() - s,) * 2)

    def names(self) -> list[str]:
        return sorted(one.key for one in self.store.list("") if one.key != DEPLOYMENT)


@pytest.fixture
def bucket(tmp_path: Path, store: JobStore) -> Bucket:
    return Bucket(tmp_path, store)


def test_owners_that_no_document_names_go_once_they_are_old(bucket: Bucket) -> None:
    named = bucket.put("models/aa.1", b"card", b"weights") + bucket.put("datasets/bb.1", b"images")
    left = bucket.put("models/aa.2", b"card") + bucket.put("datasets/cc.1", b"images")
    bucket.document("shelf.json", {"models": {"aa": {"owner": "models/aa.1", "files": named[:2]}}})
    bucket.document("datasets.json", {"sets": {"bb": {"owner": "datasets/bb.1", "chunks": [named[2]]}}})
    assert (bucket.collector().collect().garbage, len(bucket.collector().survey().young)) == ([], 2)
    bucket.age()
    assert sorted(one.key for one in bucket.collector().survey().garbage) == sorted(left)
    assert sorted(one.key for one in bucket.collector().collect().garbage) == sorted(left)
    assert sorted(bucket.names()) == sorted([*named, "shelf.json", "datasets.json"])
    assert not bucket.collector(0).survey().orphans


def test_a_chunk_that_its_named_owner_does_not_name_any_more_goes(bucket: Bucket) -> None:
    card, weights = bucket.put("models/aa.1", b"card", b"weights")
    bucket.document("shelf.json", {"deleted": {"aa": {"owner": "models/aa.1", "card": card}}})
    bucket.document("datasets.json", {})
    bucket.age()
    assert [one.key for one in bucket.collector().collect().garbage] == [weights]


def test_what_a_newer_version_names_in_another_way_stays(bucket: Bucket) -> None:
    in_a_field, whole = bucket.put("models/aa.1", b"card"), bucket.put("models/bb.1", b"card", b"weights")
    bucket.document("shelf.json", {"tomorrow": [{"anywhere": in_a_field}], "frozen": ["models/bb.1"]})
    bucket.document("datasets.json", {})
    bucket.age()
    assert bucket.collector().collect().garbage == []
    assert set(bucket.names()) > {*in_a_field, *whole}
    assert json.loads(bucket.store.get("shelf.json").data)["content"]["frozen"] == ["models/bb.1"]


def test_the_words_of_users_keep_nothing(bucket: Bucket) -> None:
    left = bucket.put("models/aa.1", b"card")
    bucket.document("shelf.json", {"notes": {"bb": {"note": left[0], "labels": {"x": "models/aa.1"}}}})
    bucket.age()
    survey = bucket.collector().collect()
    assert ([one.key for one in survey.garbage], survey.missing) == (left, [])


def test_without_their_document_models_stay_and_a_damaged_one_ends_the_collection(bucket: Bucket) -> None:
    kept = bucket.put("models/aa.1", b"card")
    bucket.age()
    assert bucket.collector().collect().garbage == []
    bucket.store.put_once("shelf.json", b"{")
    with pytest.raises(DocumentDamaged, match=r"shelf\.json"):
        bucket.collector().collect()
    assert bucket.names() == [*kept, "shelf.json"]


def test_pieces_stay_as_long_as_their_upload(bucket: Bucket) -> None:
    pieces = bucket.put(f"uploads/{UPLOAD}", b"one", b"two")
    bucket.document(f"uploads/{UPLOAD}.json", {"pieces": [pieces[0]]})
    bucket.age()
    assert bucket.collector().collect().orphans == []
    bucket.store.delete(f"uploads/{UPLOAD}.json")
    assert len(bucket.collector().collect().garbage) == 2
    assert bucket.names() == []


def test_a_job_keeps_what_its_newest_list_names_and_what_its_running_attempt_has(
    bucket: Bucket, redis: Redis, tmp_path: Path
) -> None:
    claim = claimed(bucket.jobs)
    owner = f"runs/{claim.job.id}"
    old, old_list = bucket.save(f"{owner}/a001", tmp_path, {"log": b"one", "state": b"s1"})
    redis.hset(keys.job_key(claim.job.id), "saved", old_list)
    bucket.age()
    assert bucket.collector().collect().orphans == []

    bucket.jobs.release(claim)
    assert bucket.jobs.claim(claim.job.id)
    new, new_list = bucket.save(f"{owner}/a002", tmp_path, {"state": b"s2"})
    both = Tree(files={**new.files, "log": old.files["log"]})
    newest = put_list(bucket.store, f"{owner}/a002", both)
    redis.hset(keys.job_key(claim.job.id), "saved", newest)
    bucket.age()
    gone = {one.key for one in bucket.collector().collect().garbage}
    assert gone == {old_list, *old.files["state"].chunks}  # a002 is written at the moment
    assert new_list in bucket.names()
    assert get_list(bucket.store, newest) == both
    assert bucket.collector().survey().missing == []


def test_an_ended_job_keeps_its_last_files_and_a_deleted_one_none(bucket: Bucket, redis: Redis, tmp_path: Path) -> None:
    claim = claimed(bucket.jobs)
    owner = f"runs/{claim.job.id}/a001"
    tree, saved = bucket.save(owner, tmp_path, {"log": b"one"})
    left = bucket.put(owner, b"state")
    redis.hset(keys.job_key(claim.job.id), "saved", saved)
    bucket.jobs.fail(claim, ERROR)
    bucket.age()
    assert [one.key for one in bucket.collector().collect().garbage] == left
    assert set(bucket.names()) == {saved, *tree.chunks()}
    bucket.jobs.delete(claim.job.id)
    assert len(bucket.collector().collect().garbage) == 2
    assert bucket.names() == []


def test_what_is_named_and_not_there_is_told(bucket: Bucket, redis: Redis, tmp_path: Path) -> None:
    claim = claimed(bucket.jobs)
    owner = f"runs/{claim.job.id}/a001"
    tree, saved = bucket.save(owner, tmp_path, {"log": b"one", "state": b"two"})
    redis.hset(keys.job_key(claim.job.id), "saved", saved)
    model, upload = bucket.put("models/aa.1", b"card")[0], bucket.put(f"uploads/{UPLOAD}", b"one")[0]
    bucket.document("shelf.json", {"models": [model]})
    bucket.document(f"uploads/{UPLOAD}.json", {"pieces": [upload]})
    (state,) = tree.files["state"].chunks
    for key in (model, upload, state):
        bucket.store.delete(key)
    assert sorted(bucket.collector().survey().missing) == sorted([model, upload, state])
    bucket.store.delete(saved)
    bucket.age()
    assert saved in bucket.collector().collect().missing
    assert [one.key for one in bucket.store.list("runs/")] == list(tree.files["log"].chunks)


def test_other_keys_are_left_and_counted_and_left_scratch_keys_go(bucket: Bucket) -> None:
    for key in ("README", "backup/models/x", f"{SCRATCH}/1"):
        bucket.store.put_once(key, b"x")
    bucket.age()
    survey = bucket.collector().collect()
    assert survey.unknown == ["README", "backup/models/x"]
    assert bucket.names() == ["README", "backup/models/x"]
    assert survey.objects == {"README": 1, "backup": 1, SCRATCH: 1, DEPLOYMENT: 1}


def test_nothing_is_collected_by_the_records_of_another_redis(bucket: Bucket, redis: Redis) -> None:
    bucket.collector().collect()
    (kept,) = bucket.put("runs/0123456789abcdef/a001", b"log")
    bucket.age()
    for other in ("0123456789abcdef", None):
        redis.delete(keys.DEPLOYMENT)
        if other:
            redis.set(keys.DEPLOYMENT, other)
        with pytest.raises(StoreOfAnother, match="another Redis"):
            bucket.collector().collect()
        assert bucket.names() == [kept]
        assert redis.get(keys.DEPLOYMENT) == other
    bucket.collector().require_ours(adopt=True)
    assert [one.key for one in bucket.collector().collect().garbage] == [kept]
