"""What is planned in the documentation is what the arithmetic says."""

from pathlib import Path

from bench.plan import FOLLOWED, MONTH_S, PLANS, table
from sharing.following import LOOK_S

SCALE = (Path(__file__).resolve().parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")


def test_the_document_has_the_table() -> None:
    assert table() in SCALE


def test_each_plan_has_what_it_is_named_for() -> None:
    cpus, gpus, grids, many = PLANS
    assert cpus.jobs_a_day == gpus.jobs_a_day == 10_000
    assert (cpus.workers > gpus.workers, gpus.workers) == (True, gpus.gpus)
    assert grids.api_cores * 211 > grids.grids_a_s == 1_000
    assert many.workers == many.gpus == 100


def test_apis_ask_the_store_as_often_as_the_plan_counts() -> None:
    assert LOOK_S == 1.0
    grids = PLANS[2]
    assert grids.gets_a_s == FOLLOWED * grids.api_hosts
    assert round(grids.store_usd, 6) == round(grids.gets_a_s * 0.4e-6 * MONTH_S, 6)
