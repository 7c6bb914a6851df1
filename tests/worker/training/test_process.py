from pathlib import Path

from worker.training.process import CODE, code_digest


def test_the_digest_of_the_code_tells_another_name_and_another_byte(tmp_path: Path) -> None:
    file = tmp_path / "loop.py"
    seen = {code_digest(tmp_path)}
    for text in ("a = 1", "a = 2"):
        file.write_text(text)
        seen.add(code_digest(tmp_path))
    file.rename(tmp_path / "step.py")
    seen.add(code_digest(tmp_path))
    assert len(seen) == 4


def test_the_digest_is_of_networks_and_loop() -> None:
    names = {file.name for folder in CODE for file in folder.glob("*.py")}
    assert {"dcgan.py", "loop.py", "gan.py"} <= names
