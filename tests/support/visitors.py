"""Visitors of the page, who do as it does in a browser: join the queue, hear of their event, fetch the pictures."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import httpx2

from dcgan.ui.texts import TEXTS

LANGUAGES = {"en-US": "en", "zh-CN": "zh-CN"}
PATIENCE = 180  # seconds


@dataclass
class Seen:
    """What all visitors came to."""

    drawn: dict[int, bytes] = field(default_factory=dict)  # of each seed, the PNG
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def note(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1

    def note_picture(self, seed: int, picture: bytes) -> None:
        with self.lock:
            self.counts["faces"] += 1
            self.drawn[seed] = picture


class Visitor:
    """One of many, with seeds of his own."""

    def __init__(self, url: str, number: int, seen: Seen):
        self.number, self.seen, self.rng = number, seen, random.Random(number)
        self.language = list(LANGUAGES)[number % 2]
        headers = {"accept-language": self.language, "x-gradio-user": "app"}
        self.client = httpx2.Client(base_url=url, timeout=PATIENCE, headers=headers, trust_env=False)
        self.next_seed = 1_000_000 * number

    def come_and_go(self, until: float, avatar: int, pause: float) -> None:
        """Ask for one face after another, of the event `avatar`, with pauses: two at least, and more until then."""
        try:
            time.sleep(self.rng.uniform(0, pause))
            self.client.get("").raise_for_status()
            asked = 0
            while asked < 2 or time.monotonic() < until:
                self._ask(avatar)
                asked += 1
                time.sleep(self.rng.uniform(0, 2 * pause))
        except Exception as problem:
            self.seen.problems.append(f"visitor {self.number}: {problem!r}")
        finally:
            self.client.close()

    def _ask(self, avatar: int) -> None:
        seed, session = self.next_seed, f"visitor-{self.number}"
        body = {"data": [seed, "", 1, ""], "fn_index": avatar, "session_hash": session}
        answer = self.client.post("gradio_api/queue/join", json=body)
        if answer.status_code == 429:
            self.seen.note("told to wait")
            assert answer.json()["detail"] == TEXTS[LANGUAGES[self.language]]["queue-full"]
            return
        answer.raise_for_status()
        said = self._hear(session)
        assert said["success"], said
        self.next_seed += 1
        self.seen.note_picture(seed, self.client.get(said["output"]["data"][0]["url"]).content)

    def _hear(self, session: str) -> dict[str, Any]:
        with self.client.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as events:
            for line in events.iter_lines():
                if "process_completed" in line:
                    return dict(json.loads(line.removeprefix("data:")))
        raise AssertionError("the stream ended without an answer")
