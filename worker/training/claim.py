"""A run directory belongs to one recipe on one data set."""

from pathlib import Path

from pydantic import ValidationError

from core.files import write_file
from core.recipe import Recipe
from worker.training.errors import BadRunDirectory
from worker.training.task import Task


def claim_run_dir(task: Task) -> None:
    """Write recipe and data set's digest into a fresh run directory.

    Raises BadRunDirectory for a used one of another recipe or of other images.
    """
    run_dir, recipe = task.run_dir, task.recipe
    run_dir.folder.mkdir(parents=True, exist_ok=True)
    if run_dir.recipe.exists():
        _check_same_recipe(run_dir.recipe, recipe)
    else:
        write_file(run_dir.recipe, (recipe.model_dump_json(indent=2) + "\n").encode())
    digest = task.dataset.sha256.encode()
    if not run_dir.dataset_sha256.exists():
        write_file(run_dir.dataset_sha256, digest + b"\n")
    elif run_dir.dataset_sha256.read_bytes().strip() != digest:
        raise BadRunDirectory(
            f"{run_dir.folder}: holds a run on other images; dataset {recipe.dataset!r} has changed since"
        )


def _check_same_recipe(path: Path, recipe: Recipe) -> None:
    try:
        found = Recipe.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadRunDirectory(f"{path}: not a recipe") from error
    differing = [name for name in Recipe.model_fields if getattr(found, name) != getattr(recipe, name)]
    if differing:
        raise BadRunDirectory(f"{path.parent}: holds a run of another recipe; they differ in {', '.join(differing)}")
