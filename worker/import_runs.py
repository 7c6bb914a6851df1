"""What is left in the run directory of an attempt at an import."""

from core.files import remove_tree
from core.run_dir import RunDir


def keep_reports(run: RunDir) -> None:
    """Remove what an importer has made, and what it left half written. What it says of the files stays."""
    kept = {run.import_options, run.report, run.problems, run.importer_log}
    for path in set(run.folder.glob("*")) - kept:
        if path.is_dir():
            remove_tree(path)
        else:
            path.unlink(missing_ok=True)
