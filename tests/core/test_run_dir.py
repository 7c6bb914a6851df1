from pathlib import Path

from core.run_dir import JobDir, RunDir


def test_epochs_are_listed_by_number_and_other_names_left_out(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert (run.sample_epochs(), run.checkpoint_folders(), run.state_folders()) == ([], [], [])
    for epoch in (10_000, 0, 9_999):
        run.checkpoint(epoch).mkdir(parents=True)
        run.samples.mkdir(exist_ok=True)
        run.sample(epoch).touch()
    for stranger in ("epoch-1.png", ".tmp-epoch-0001.png", "epoch-0001.png.part"):
        (run.samples / stranger).touch()
        (run.checkpoints / stranger).mkdir()
    assert run.sample_epochs() == [0, 9_999, 10_000]
    assert run.checkpoint_folders() == [run.checkpoint(epoch) for epoch in (0, 9_999, 10_000)]


def test_states_are_listed_from_the_newest_on(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    for step in (9, 10, 8):
        run.state(step).mkdir(parents=True)
    assert run.state_folders() == [run.state(step) for step in (10, 9, 8)]


def test_a_path_is_told_as_it_lies_in_the_run(tmp_path: Path) -> None:
    run = JobDir(tmp_path, "a-job").attempt(3)
    assert run.folder == tmp_path / "a-job" / "attempt-003"
    assert run.relative(run.sample(1)) == "samples/epoch-0001.png"
