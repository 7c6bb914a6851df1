"""`python -m worker.training`: train one recipe by hand.

Exit status: 0 finished, 1 failed, 2 wrong arguments, 3 stopped on request with the state saved.
"""

import argparse
import json
import re
import shlex
import signal
import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import torch
from pydantic import ValidationError

from core.child import die_with_parent
from core.dataset_card import read_dataset_card
from core.errors import DatasetDamaged
from core.files import is_disk_full
from core.recipe import DEFAULT_PRESET, PRESETS, Recipe, with_preset
from core.run_dir import RunDir
from core.validation import explain
from worker.training.arguments import Parser, whole_number
from worker.training.data import EMBEDDED, load_dataset
from worker.training.errors import TrainingError
from worker.training.events import Failed, Finished, Stopped
from worker.training.judging import StoppedWhileJudging, prepare_judge
from worker.training.loop import train
from worker.training.process import is_out_of_memory, keep_freed_memory
from worker.training.reporting import reporter
from worker.training.saving import StoppedWhileFull
from worker.training.scorer import Scorer, can_be_scored
from worker.training.state import newest_step
from worker.training.streams import escape_what_does_not_fit
from worker.training.task import Callbacks, Task

EXIT_FINISHED, EXIT_FAILED, EXIT_USAGE, EXIT_STOPPED = 0, 1, 2, 3


def main() -> int:
    """Parse, train, and say how it ended by the exit status."""
    escape_what_does_not_fit()
    arguments = _parser().parse_args()
    if arguments.die_with is not None and not die_with_parent(arguments.die_with):
        sys.exit(f"the parent process {arguments.die_with} is gone")
    try:
        recipe = _recipe(arguments)
    except DatasetDamaged as error:
        print(f"error: --dataset-folder: {error}", file=sys.stderr)
        return EXIT_USAGE
    except ValidationError as error:
        for details in error.errors():
            fault = explain(details, list(Recipe.model_fields))
            print(f"error: {fault.field} = {fault.value!r}: {fault.detail}", file=sys.stderr)
        return EXIT_USAGE
    except (OSError, ValueError, RecursionError) as error:
        print(f"error: --recipe: not a readable JSON file: {error}", file=sys.stderr)
        return EXIT_USAGE
    device = arguments.device or torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    if device.type == "cuda" and device.index >= torch.cuda.device_count():
        there = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
        print(f"error: --device: torch sees no {device} here; allowed: {', '.join(['cpu', *there])}", file=sys.stderr)
        return EXIT_USAGE
    keep_freed_memory()
    torch.set_flush_denormal(True)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)

    stop_requested = False

    def request_stop(*_: object) -> None:
        nonlocal stop_requested
        stop_requested = True

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as `nohup` has it
        signal.signal(signal.SIGHUP, request_stop)
    report = reporter(request_stop)
    try:
        folder = arguments.dataset_folder or arguments.datasets / recipe.dataset
        if device.type == "cuda":
            Thread(target=torch.cuda.set_device, args=[device]).start()  # it takes as long as the images
        dataset = load_dataset(folder, recipe.num_images, recipe.classes)
        if device.type == "cuda":
            torch.cuda.set_device(device)  # of this thread, when CUDA is there
        prepare_judge(folder, report, lambda: stop_requested)
        scorer = Scorer(folder, dataset, device) if can_be_scored(folder) else None
        by_hand = arguments.die_with is None
        command = f"python -m worker.training {shlex.join(sys.argv[1:])}" if by_hand else None
        task = Task(recipe, dataset, RunDir(arguments.run_dir), device, command, not arguments.no_cuda_graph)
        callbacks = Callbacks(report, lambda: stop_requested)
        if scorer is not None:
            callbacks = replace(callbacks, score=scorer.measure, score_every=scorer.score_every)
        end = train(task, callbacks)
    except (StoppedWhileJudging, StoppedWhileFull):
        report(Stopped(step=newest_step(RunDir(arguments.run_dir))))
        return EXIT_STOPPED
    except TrainingError as error:
        report(Failed(kind=error.kind, detail=str(error)))
        return EXIT_FAILED
    except OSError as error:
        report(Failed(kind="disk-full" if is_disk_full(error) else "io-error", detail=str(error)))
        return EXIT_FAILED
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        report(Failed(kind="oom", detail=f"{device} has too little memory left for this recipe: {error}"))
        return EXIT_FAILED
    return EXIT_FINISHED if isinstance(end, Finished) else EXIT_STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m worker.training", description="Train a DCGAN on images of a data set.")
    parser.add_argument("--run-dir", type=Path, required=True, help="where the run lives; an unfinished one goes on")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--preset", choices=PRESETS, default=DEFAULT_PRESET, help="default: %(default)s")
    source.add_argument("--recipe", type=Path, metavar="FILE", help="a recipe as JSON, instead of a preset")
    parser.add_argument("--datasets", type=Path, default=EMBEDDED, metavar="DIR", help="folder of data set folders")
    parser.add_argument(
        "--dataset-folder", type=Path, metavar="DIR", help="an imported data set, instead of one in --datasets"
    )
    parser.add_argument(
        "--device", type=_device, help="cpu, cuda or cuda:1; default: cuda where there is one, else cpu"
    )
    parser.add_argument(
        "--no-cuda-graph", action="store_true", help="on a GPU: launch the operations of a step one by one"
    )
    parser.add_argument("--die-with", type=int, metavar="PID", help="end when this parent process ends")
    parser.add_argument("--threads", type=whole_number(1, 1024), help="CPU threads; default: one a core")
    knobs = parser.add_argument_group("knobs of the recipe")
    for name, field in Recipe.model_fields.items():
        knobs.add_argument(f"--{name.replace('_', '-')}", dest=f"knob_{name}", metavar="V", help=field.description)
    return parser


def _recipe(arguments: argparse.Namespace) -> Recipe:
    knobs = {
        name: text if field.annotation is str else _json_or_text(text)
        for name, field in Recipe.model_fields.items()
        if (text := getattr(arguments, f"knob_{name}")) is not None
    }
    if arguments.recipe is not None:
        base = json.loads(arguments.recipe.read_bytes())
        return Recipe.model_validate({**base, **knobs} if isinstance(base, dict) else base)
    if arguments.dataset_folder is not None:
        knobs.setdefault("dataset", read_dataset_card(arguments.dataset_folder).name)
    return Recipe.model_validate(with_preset(arguments.preset, knobs))


def _device(text: str) -> torch.device:
    if not re.fullmatch(r"(cpu|cuda)(:\d{1,2})?", text):
        raise argparse.ArgumentTypeError(f"allowed: cpu, cuda, or one of several as cuda:1, not {text!r}")
    return torch.device("cuda:0" if text == "cuda" else text)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    sys.exit(main())
