"""Which models become active when a job ends: those of its data set, and the shelf's where that shows its data set."""

from pathlib import Path

import pytest

from jobs.store import JobStore
from models.shelf import Shelf
from tests.jobs.claims import SPEC
from tests.tiny import save_tiny, score_sheet
from worker.publishing import publish


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def ended(store: JobStore, shelf: Shelf, folder: Path, seed: int, asked: str, frechet: float) -> str:
    """The model of a job on the data set `icons` that has ended."""
    save_tiny(folder / str(seed), seed, scores=score_sheet(frechet=frechet), dataset="icons")
    model = shelf.add(folder / str(seed)).model_id
    claim = store.claim(store.create(SPEC.model_copy(update={"publish": asked})).job.id)
    assert claim is not None
    assert store.commit(claim, model) == "ok"
    publish(store, shelf, claim.job.id)
    publish(store, shelf, claim.job.id)  # once more changes nothing
    assert (job := store.get(claim.job.id)).publication is not None
    assert job.status == "succeeded"
    assert job.publication.active == (shelf.actives().get("icons") == model)
    return model


def test_a_job_publishes_within_its_data_set(store: JobStore, shelf: Shelf, tmp_path: Path) -> None:
    shipped = shelf.active()
    for seed, asked, frechet, is_active in ((1, "never", 9, False), (2, "auto", 50, True), (3, "auto", 90, False)):
        model = ended(store, shelf, tmp_path, seed, asked, frechet)
        assert (shelf.actives().get("icons") == model) is is_active
        assert shelf.active() == shelf.active("mnist") == shipped
    forced = ended(store, shelf, tmp_path, 4, "always", 90)
    assert (shelf.active("icons"), shelf.active(), shelf.active("mnist")) == (forced, forced, shipped)
    better = ended(store, shelf, tmp_path, 5, "auto", 10)
    assert (shelf.active("icons"), shelf.active(), shelf.previous()) == (better, better, forced)
