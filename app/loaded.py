"""The models in memory, up to a bound: the one that was not used for the longest time goes first."""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from models.checkpoint import load_generator
from models.folding import FoldedGenerator
from models.judge import FOLDER, Judge, load_judge
from models.shelf import Shelf


class Loaded:
    """A model in memory, ready to draw."""

    def __init__(self, G: FoldedGenerator, judge: Judge | None) -> None:
        """`judge` is that of a model without classes, where its data set has one."""
        self.G, self.judge = G, judge

    @property
    def digits(self) -> int:
        """How many digits can be asked for: those from 0 to one less."""
        return self.judge.classes if self.judge else self.G.classes

    @property
    def size(self) -> int:
        """Bytes of weights."""
        return self.G.size + (sum(tensor.nbytes for tensor in self.judge.state_dict().values()) if self.judge else 0)


class LoadedModels:
    """Loads models from the shelf, in a thread of its own, so that drawing goes on. For use on the event loop."""

    def __init__(self, shelf: Shelf, datasets_dir: Path, max_bytes: int) -> None:
        self._shelf = shelf
        self._datasets_dir = datasets_dir
        self._max_bytes = max_bytes
        self._held: OrderedDict[str, Loaded] = OrderedDict()  # least recently used first
        self._loading: dict[str, asyncio.Future[Loaded]] = {}
        self._loader = ThreadPoolExecutor(1, "loader")

    async def get(self, model_id: str) -> Loaded:
        """A model, loaded where it is not in memory, once for all who wait. Raises ModelNotFound or CheckpointError."""
        if model_id in self._held:
            self._held.move_to_end(model_id)
            return self._held[model_id]
        if model_id not in self._loading:
            loading = asyncio.get_running_loop().run_in_executor(self._loader, self._load, model_id)
            self._loading[model_id] = loading
            loading.add_done_callback(lambda done: self._keep(model_id, done))
        return await asyncio.shield(self._loading[model_id])

    def ids(self) -> list[str]:
        """The ids of the models in memory, the one that was used last at the end."""
        return list(self._held)

    def close(self) -> None:
        """End the thread."""
        self._loader.shutdown()

    def _load(self, model_id: str) -> Loaded:
        G = load_generator(self._shelf.folder(model_id))
        judge_folder = self._datasets_dir / self._shelf.card(model_id).recipe.dataset / FOLDER
        judge = load_judge(judge_folder) if not G.classes and judge_folder.is_dir() else None
        return Loaded(FoldedGenerator(G), judge)

    def _keep(self, model_id: str, loading: asyncio.Future[Loaded]) -> None:
        """Hold what was loaded, and let go what has no more room."""
        del self._loading[model_id]
        if loading.cancelled() or loading.exception():
            return
        self._held[model_id] = loading.result()
        while len(self._held) > 1 and sum(model.size for model in self._held.values()) > self._max_bytes:
            self._held.popitem(last=False)
