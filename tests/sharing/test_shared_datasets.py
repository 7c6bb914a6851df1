"""Data sets that several machines share: each is a folder of its own over one store."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from core.dataset_arrays import open_dataset
from core.dataset_card import FLOOR, JUDGE
from core.dataset_shelf import Committed
from core.errors import DatasetDamaged, DatasetDeleted, DatasetNotFound, StoreAway
from core.files import write_file
from core.scores import Floor, Scores
from sharing.dataset_copy import SEEN
from sharing.datasets import SharedDatasets
from tests.imported import write_imported
from tests.sharing.faulty_store import Killed, MortalStore
from tests.tiny import digit_like

Host = Callable[[str], SharedDatasets]


@pytest.fixture
def store(tmp_path: Path) -> MortalStore:
    return MortalStore(tmp_path / "store")


@pytest.fixture
def host(tmp_path: Path, store: MortalStore) -> Host:
    return lambda name: SharedDatasets(tmp_path / name, store)


def make(tmp_path: Path, seed: int = 0, name: str = "own", key: str = "job/1") -> Committed:
    made = tmp_path / f"made-{seed}-{name}"
    card = write_imported(made, digit_like(20, seed)[..., np.newaxis], name=name)
    return Committed(key, name, card.dataset_id, made)


def always(one: Committed) -> Callable[[], Committed]:
    return lambda: one


def publish(on: SharedDatasets, one: Committed) -> str:
    on.offer(one.key, one.dataset_id, one.made)
    on.publish(always(one))
    return one.dataset_id


def test_an_import_on_one_machine_is_found_seen_and_read_on_another(host: Host, tmp_path: Path) -> None:
    a, b = host("a"), host("b")
    dataset_id = publish(a, make(tmp_path))
    with pytest.raises(DatasetNotFound):
        b.find("own")
    assert b.find_now("own") == dataset_id
    assert (b.ids(), b.names(), b.newest_first()) == (a.ids(), a.names(), a.newest_first())
    assert b.card(dataset_id) == a.card(dataset_id)
    assert b.has_images(dataset_id)
    assert not (b.folder(dataset_id) / "images.npy").exists(), "only who needs the images fetches them"
    b.fetch(dataset_id)
    for name in ("card.json", "images.npy"):
        assert (b.folder(dataset_id) / name).read_bytes() == (a.folder(dataset_id) / name).read_bytes()


def test_a_machine_that_never_looked_fetches_what_its_job_names(host: Host, tmp_path: Path) -> None:
    dataset_id, b = publish(host("a"), make(tmp_path)), host("b")
    b.fetch(dataset_id)
    assert len(open_dataset(b.folder(dataset_id)).images) == 20


def test_what_was_seen_is_there_while_the_store_is_away_also_after_a_restart(
    host: Host, tmp_path: Path, store: MortalStore
) -> None:
    a, b = host("a"), host("b")
    dataset_id = publish(a, make(tmp_path))
    b.catch_up()
    store.is_away = True
    for machine in (a, b, host("a"), host("b")):
        assert (machine.find("own"), machine.has_images(dataset_id)) == (dataset_id, True)
        assert machine.card(dataset_id).name == "own"
    a.fetch(dataset_id)
    for call in (b.catch_up, lambda: b.fetch(dataset_id), lambda: b.find_now("own"), lambda: b.delete(dataset_id)):
        with pytest.raises(StoreAway):
            call()
    store.is_away = False
    b.fetch(dataset_id)


def test_whoever_waited_for_a_look_that_began_meanwhile_takes_its_outcome(host: Host, store: MortalStore) -> None:
    a, b = host("a"), host("b")
    for machine, fault in ((a, None), (b, StoreAway("as the others were told"))):
        machine._copy._looked_at, machine._copy._fault = time.monotonic() + 3600, fault
        before = store.calls
        with pytest.raises(DatasetNotFound if fault is None else StoreAway):
            machine.find_now("nobody")
        assert store.calls == before
    with pytest.raises(DatasetNotFound):
        host("c").find_now("nobody")
    assert store.calls > before


def test_who_shared_a_look_that_the_disk_refused_is_not_told_that_there_is_no_data_set(host: Host) -> None:
    machine = host("a")
    machine.folder(".lock").mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(IsADirectoryError):
            machine.find_now("new")
        machine._copy._looked_at = time.monotonic() + 3600  # somebody else's look ended meanwhile


def test_a_deletion_is_seen_everywhere_and_the_images_go(host: Host, tmp_path: Path, store: MortalStore) -> None:
    a, b = host("a"), host("b")
    dataset_id = publish(a, make(tmp_path))
    b.fetch(dataset_id)
    b.delete(dataset_id)
    assert a.has_images(dataset_id), "until it looks"
    a.catch_up()
    for machine in (a, b):
        assert (machine.names(), machine.has_images(dataset_id)) == ({}, False)
        assert not (machine.folder(dataset_id) / "images.npy").exists()
        assert machine.card(dataset_id).name == "own"
    assert len(list(store.list("datasets/"))) == 1, "the card is left"


def test_one_that_is_deleted_while_it_is_fetched_is_told_so(host: Host, tmp_path: Path, store: MortalStore) -> None:
    a, b = host("a"), host("b")
    dataset_id = publish(a, make(tmp_path))
    b.catch_up()
    a.delete(dataset_id)
    with pytest.raises(DatasetDeleted):
        b.fetch(dataset_id)
    assert not (b.folder(dataset_id) / "images.npy").exists()


def test_a_chunk_that_is_damaged_or_missing_is_not_read(host: Host, tmp_path: Path, store: MortalStore) -> None:
    dataset_id, b = publish(host("a"), make(tmp_path)), host("b")
    chunk = max(store.list("datasets/"), key=lambda listed: listed.bytes).key
    whole = store.get(chunk).data
    for damage in (lambda path: path.write_bytes(whole[:-1] + b"!"), Path.unlink):
        damage(tmp_path / "store" / chunk)
        with pytest.raises(DatasetDamaged):
            b.fetch(dataset_id)
    assert not list(b.folder(dataset_id).glob("*.npy"))
    store.put_once(chunk, whole)
    b.fetch(dataset_id)


def test_a_publisher_that_is_killed_anywhere_is_followed_by_another_machine(host: Host, tmp_path: Path) -> None:
    """After each number of calls of the store in turn; the job is committed once its offer is there."""
    ended, calls = False, 0
    while not ended:
        root, calls = tmp_path / f"store-{calls}", calls + 1
        mortal, steady = MortalStore(root, calls), MortalStore(root)
        one, machine = make(tmp_path, calls), SharedDatasets(tmp_path / f"a-{calls}", mortal)
        other, is_committed = SharedDatasets(tmp_path / f"b-{calls}", steady), False
        try:
            machine.offer(one.key, one.dataset_id, one.made)
            is_committed = True
            machine.publish(always(one))
            ended = True
        except Killed:
            pass
        if not is_committed:
            other.offer(one.key, one.dataset_id, one.made)
        other.publish(always(one._replace(made=tmp_path / "nowhere")))
        other.catch_up()
        assert other.names() == {"own": one.dataset_id}
        other.fetch(one.dataset_id)
        assert len(open_dataset(other.folder(one.dataset_id)).images) == 20
    assert calls >= 8


def test_two_imports_of_the_same_name_at_once_leave_both_and_one_name(host: Host, tmp_path: Path) -> None:
    ones = [make(tmp_path, seed, key=f"job-{seed}/1") for seed in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda pair: publish(host(f"m{pair[0] % 3}"), pair[1]), enumerate(ones)))
    machines = [host(f"m{k}") for k in range(3)]
    for machine in machines:
        machine.catch_up()
        assert set(machine.ids()) == {one.dataset_id for one in ones}
        assert machine.names() == machines[0].names()
    assert set(machines[0].names()) == {"own"}


def test_a_second_import_of_the_same_images_leaves_no_chunks(host: Host, tmp_path: Path, store: MortalStore) -> None:
    a, b = host("a"), host("b")
    publish(a, make(tmp_path))
    before = [listed.key for listed in store.list("datasets/")]
    publish(b, make(tmp_path, name="again", key="other/1"))
    assert [listed.key for listed in store.list("datasets/")] == before
    assert set(b.names()) == {"own", "again"}
    assert b.card(b.find("again")).name == "own", "as its models have it"


def test_what_attempts_offered_whose_jobs_are_over_is_removed(host: Host, tmp_path: Path, store: MortalStore) -> None:
    a, one = host("a"), make(tmp_path)
    a.offer(one.key, one.dataset_id, one.made)
    a.catch_up()
    assert a.forget_offers(lambda key: False) == []
    assert a.forget_offers(lambda key: key == one.key) == [one.key]
    assert list(store.list("datasets/")) == []


def test_what_was_committed_by_a_worker_that_knew_no_store_is_shared_when_it_is_published(
    host: Host, tmp_path: Path
) -> None:
    one = make(tmp_path)
    host("a").publish(always(one))
    host("a").publish(always(one))
    assert host("b").find_now("own") == one.dataset_id


def test_a_job_and_a_deletion_at_once_never_both_succeed(host: Host, tmp_path: Path) -> None:
    """The deletion looks for jobs after its mark; the job looks for the deletion after it is made."""
    for round_ in range(8):
        a, b, jobs = host("a"), host("b"), list[str]()
        dataset_id = publish(a, make(tmp_path, 1000 + round_, key=f"job-{round_}/1"))
        b.catch_up()

        def train(on: SharedDatasets = b, dataset_id: str = dataset_id, jobs: list[str] = jobs) -> bool:
            try:
                with on.keeping(dataset_id):
                    jobs.append("job")
            except DatasetDeleted:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            kept = pool.submit(train)
            users = pool.submit(a.delete_unless, dataset_id, jobs.copy).result()
        a.catch_up()
        assert kept.result() == a.has_images(dataset_id) == bool(users)


def test_a_deleter_that_was_killed_or_refused_leaves_no_mark_that_matters(host: Host, tmp_path: Path) -> None:
    a, b = host("a"), host("b")
    dataset_id = publish(a, make(tmp_path))
    with pytest.raises(Killed):
        a.delete_unless(dataset_id, _killed)
    b.catch_up()
    with b.keeping(dataset_id):
        pass
    assert b.delete_unless(dataset_id, list) == []


def _killed() -> list[str]:
    raise Killed


def test_the_first_judge_is_everybodys_and_its_floor(host: Host, tmp_path: Path) -> None:
    a, b, c = host("a"), host("b"), host("c")
    dataset_id = publish(a, make(tmp_path))
    for machine, name in ((b, "first"), (c, "second")):
        machine.fetch(dataset_id)
        judge(machine.folder(dataset_id), name)
    b.share_judge(dataset_id)
    c.share_judge(dataset_id)
    a.catch_up()
    assert (a.folder(dataset_id) / JUDGE / "judge.json").read_text() == "first"
    assert (a.folder(dataset_id) / FLOOR).read_bytes() == (b.folder(dataset_id) / FLOOR).read_bytes()
    c.fetch(dataset_id)
    assert (c.folder(dataset_id) / JUDGE / "judge.json").read_text() == "first"
    assert (c.folder(dataset_id) / FLOOR).read_bytes() == (b.folder(dataset_id) / FLOOR).read_bytes()


def judge(folder: Path, name: str) -> None:
    """What a training leaves: a judge, and the floor that it measured with it."""
    (folder / JUDGE).mkdir()
    for file in ("judge.json", "weights.safetensors", "reference.safetensors"):
        (folder / JUDGE / file).write_text(name)
    scores = Scores(frechet=1.0, coverage=1.0, density=1.0)
    floor = Floor(judge=sha256(name.encode()).hexdigest()[:16], images=20, compared_by="frechet", scores=scores)
    write_file(folder / FLOOR, floor.model_dump_json(indent=2).encode() + b"\n")


def test_a_copy_that_cannot_be_read_is_made_anew(host: Host, tmp_path: Path) -> None:
    a = host("a")
    dataset_id = publish(a, make(tmp_path))
    (tmp_path / "a" / SEEN).write_text("{}x")
    a.catch_up()
    assert a.find("own") == dataset_id


def test_a_store_that_is_empty_all_at_once_takes_no_data_sets_away(host: Host, tmp_path: Path) -> None:
    a = host("a")
    dataset_id = publish(a, make(tmp_path))
    (tmp_path / "store").rename(tmp_path / "unmounted")
    a.catch_up()
    assert a.find("own") == dataset_id
    with pytest.raises(StoreAway, match="none of the data sets that this machine has seen"):
        publish(a, make(tmp_path, 2, "other", "other/1"))
    (tmp_path / "store").rename(tmp_path / "wrong")
    (tmp_path / "unmounted").rename(tmp_path / "store")
    publish(a, make(tmp_path, 2, "other", "other/1"))
    assert set(a.names()) == {"own", "other"}
