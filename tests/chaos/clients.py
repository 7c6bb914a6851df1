"""The clients: they submit, pause, resume, cancel, read and draw, while the service is being hurt."""

import threading
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from random import Random
from types import TracebackType
from typing import Any, Self

import httpx

from tests.chaos.calls import Calls
from tests.chaos.follower import follow
from tests.chaos.golden import RECIPES
from tests.chaos.importer import bring
from tests.chaos.intruder import intrude
from tests.chaos.keys import Keys
from tests.chaos.ledger import Accepted, Drawing, Ledger
from tests.chaos.watcher import Watcher

SUBMIT_S, IMPORT_S, READ_S, DRAW_S = (1.0, 5.0), (2.0, 8.0), (0.1, 0.8), 0.3
STEER_S = (0.2, 8.0)  # after the answer to the submission
PLANS = {"leave": 6, "pause": 3, "cancel": 2}
ASK_AGAIN = 0.4  # of all submissions
DRAW_TIMEOUT_S = 60.0
SEEDS = 3  # so few that both hosts are asked for the same picture
CEASE_S = 90.0
PUBLISH = ("auto", "always", "never")


class Clients:
    """Threads that use the service until they are told to stop. None of them outlives the `with` block."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self._ledger, self._seed = ledger, seed
        self._no_more = threading.Event()  # nothing new
        self._over = threading.Event()  # and nothing at all
        self._steady: list[threading.Thread] = []
        self._to_the_end: list[threading.Thread] = []

    def start(self, apis: Mapping[str, str], keys: Keys) -> None:
        """Begin, each with its key. `apis` says where each of them answers."""
        self._apis, self._keys = apis, keys
        self._bases = list(apis.values())
        steady = [threading.Thread(target=work) for work in (self._submit, self._import, self._read, self._intrude)]
        self._steady = [*steady, *(threading.Thread(target=self._draw, args=(api,)) for api in apis)]
        for thread in self._steady:
            thread.start()
        self._begin(self._watch)

    def cease(self) -> None:
        """Submit, read and draw no more."""
        self._no_more.set()
        for thread in self._steady:
            thread.join(CEASE_S)

    def finish(self, timeout_s: float) -> None:
        """Follow what was accepted to its end, for so long at most."""
        deadline = time.monotonic() + timeout_s
        for thread in self._to_the_end:
            thread.join(max(0.0, deadline - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Stop, whatever was begun."""
        self._no_more.set()
        self._over.set()
        for thread in (*self._steady, *self._to_the_end):
            thread.join()

    def _submit(self) -> None:
        random = self._random("submit")
        calls = self._calls(random)
        number = 0
        while not self._no_more.wait(random.uniform(*SUBMIT_S)):
            number += 1
            key, recipe = f"chaos-{self._seed}-{number}", random.choice(list(RECIPES))
            body = {**RECIPES[recipe].model_dump(), "preset": "smoke", "publish": random.choice(PUBLISH)}
            answer = self._ask(calls, key, body)
            if answer is None:
                self._ledger.unanswered_keys.append(key)
            elif answer.status_code == 429:
                self._ledger.refused_keys.append(key)
            else:
                job = Accepted(answer.json()["id"], recipe, key)
                self._ledger.accept(job)
                self._begin(self._steer, job)
                self._begin(self._follow, job)
                if random.random() < ASK_AGAIN:
                    self._ask_again(calls, job, body)

    def _import(self) -> None:
        random = self._random("import")
        calls = self._calls(random)
        number = 0
        while not self._no_more.wait(random.uniform(*IMPORT_S)):
            number += 1
            if job := bring(calls, f"chaos-import-{self._seed}-{number}", random):
                self._ledger.accept(job)
                self._begin(self._follow, job)

    def _begin(self, work: Callable[..., None], *of: Accepted) -> None:
        thread = threading.Thread(target=work, name=" ".join([work.__name__, *(job.id for job in of)]), args=of)
        thread.start()
        self._to_the_end.append(thread)

    def _ask(self, calls: Calls, key: str, body: dict[str, Any]) -> httpx.Response | None:
        return calls.insist("POST", "/train", 202, 429, json=body, headers={"Idempotency-Key": key})

    def _ask_again(self, calls: Calls, job: Accepted, body: dict[str, Any]) -> None:
        again = self._ask(calls, job.key, body)
        if again is not None and (again.status_code != 202 or again.json()["id"] != job.id):
            self._ledger.violate(f"key {job.key}: was answered with job {job.id}, and later with {again.text[:300]}")

    def _steer(self, job: Accepted) -> None:
        """What the client of one job does with it."""
        random = self._random(f"steer {job.key}")
        calls = self._calls(random)
        plan = random.choices(list(PLANS), list(PLANS.values()))[0]
        before_s, between_s = random.uniform(*STEER_S), random.uniform(*STEER_S)
        if plan == "leave" or self._over.wait(before_s):
            return
        if plan == "cancel":
            job.cancel_asked = True
            calls.insist("POST", f"/jobs/{job.id}/cancel", 202, 409)
        elif plan == "pause":
            calls.insist("POST", f"/jobs/{job.id}/pause", 202, 409)
            self._over.wait(between_s)
            calls.insist("POST", f"/jobs/{job.id}/resume", 202, 409)

    def _follow(self, job: Accepted) -> None:
        follow(self._bases, self._keys.client, job, self._ledger, self._random(f"follow {job.key}"), self._over)

    def _watch(self) -> None:
        Watcher(self._bases, self._keys.client, self._ledger, self._random("watch"), self._over).watch(self._no_more)

    def _read(self) -> None:
        random = self._random("read")
        calls = self._calls(random)
        while not self._no_more.wait(random.uniform(*READ_S)):
            jobs = self._ledger.known()
            if not jobs:
                continue
            job = random.choice(jobs)
            end = job.end_seen
            match random.choice(["job", "page", "samples", "checkpoints"]):
                case "job":
                    if answer := calls.once("GET", f"/jobs/{job.id}", 200):
                        self._ledger.saw(job, answer.json()["status"], end)
                case "page":
                    calls.once("GET", f"/jobs/{job.id}/events?format=json&limit=5", 200)
                case "samples":
                    if answer := calls.once("GET", f"/jobs/{job.id}/samples", 200):
                        self._look(calls, answer.json()["data"], random)
                case "checkpoints":
                    if answer := calls.once("GET", f"/jobs/{job.id}/checkpoints", 200):
                        self._download(calls, answer.json()["data"], random)

    def _look(self, calls: Calls, samples: list[dict[str, Any]], random: Random) -> None:
        """A sample may be gone with its attempt, and drawn again: the same one, by the next attempt on any host."""
        if not samples:
            return
        href = random.choice(samples)["href"]
        answer = calls.once("GET", href, 200, 404)
        if answer is not None and answer.status_code == 200:
            self._ledger.read(href, sha256(answer.content).hexdigest())

    def _download(self, calls: Calls, checkpoints: list[dict[str, Any]], random: Random) -> None:
        """A checkpoint that was listed may be gone a moment later, but what is read of it is whole."""
        if not checkpoints:
            return
        part = random.choice(checkpoints)["files"][random.choice(["generator", "discriminator"])]
        answer = calls.once("GET", part["href"], 200, 404)
        if answer is not None and answer.status_code == 200 and sha256(answer.content).hexdigest() != part["sha256"]:
            self._ledger.violate(f"GET {part['href']}: not the bytes that its digest names")

    def _draw(self, api: str) -> None:
        """Draw all the time; the checker knows when the API was away. A picture has the same bytes wherever drawn."""
        random = self._random(f"draw {api}")
        fresh = {"Connection": "close", **self._keys.artist}  # or a connection to an earlier process could be taken
        with httpx.Client(base_url=self._apis[api], timeout=DRAW_TIMEOUT_S, headers=fresh) as http:
            while not self._no_more.wait(DRAW_S):
                drawing = Drawing(api, time.monotonic(), 0.0, None)
                try:
                    answer = http.get("/generate", params={"n": random.randint(1, 9), "seed": random.randint(1, SEEDS)})
                    drawing.status = answer.status_code
                    if answer.status_code == 200:
                        self._ledger.read(answer.headers["content-location"], sha256(answer.content).hexdigest())
                except httpx.HTTPError as error:
                    drawing.error = repr(error)
                drawing.end = time.monotonic()
                self._ledger.drawings.append(drawing)

    def _intrude(self) -> None:
        intrude(self._bases, self._keys, self._ledger, self._random("intrude"), self._no_more)

    def _calls(self, random: Random) -> Calls:
        return Calls(self._bases, self._keys.client, self._ledger, random, self._over)

    def _random(self, purpose: str) -> Random:
        return Random(f"{self._seed} {purpose}")
