"""Many visitors at once: each gets his own faces or is told to wait, who leaves costs nothing, and no file stays."""

import io
import os
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import httpx2
import numpy as np
import pytest
from PIL import Image

from app import BUNDLED_FOLDERS
from benchmarks import promises
from benchmarks.machine import now
from dcgan import faces
from dcgan.checkpoints import load_generator
from dcgan.limits import MAX_UNFINISHED, MAX_UNHEARD, MAX_WAITING
from dcgan.ui.texts import ENGLISH, say
from support import warm
from support.odd_inputs import Asker
from support.paths import ROOT
from support.served import Served, served
from support.slow import FIELD, HEAD, MOST_OPEN, SLOW, Slow, others_are_served, wait_until
from support.visitors import PATIENCE, Seen, Visitor

MEGABYTE = 2**20
SECONDS_TO_STOP = 4  # for work that nobody waits for any more
MAX_WAKES = 300  # a second, of a page at rest
LONG_WALK = ["1,2,3,4,5,6,7,8,9,10,11,12", 240, "GIF", 96, "", 20, "loop", "slerp", 16, 1, 0, "pixels"]


def events_of(page: Served) -> dict[str, int]:
    """Give what the page has for clients of its API, by name."""
    asker = Asker(page)
    with asker.client:
        return {each.name: each.index for each in asker.endpoints() if each.name}


def let_come(page: Served, visitors: int, seconds: float, pause: float) -> tuple[Seen, int]:
    """Let so many visitors come and go; gives what they saw, and how long the queue was at most."""
    seen, avatar, until = Seen(), events_of(page)["avatar"], time.monotonic() + seconds
    threads = [
        threading.Thread(target=Visitor(page.url, number, seen).come_and_go, args=(until, avatar, pause))
        for number in range(1, visitors + 1)
    ]
    for thread in threads:
        thread.start()
    longest = 0
    with httpx2.Client(base_url=page.url, timeout=PATIENCE, trust_env=False) as client:
        while any(thread.is_alive() for thread in threads):
            longest = max(longest, client.get("gradio_api/queue/status").json()["queue_size"])
            time.sleep(0.5)
    return seen, longest


def wrong_faces(seen: Seen, folder: Path) -> int:
    """Count the pictures that show another face than the visitor asked for."""
    wanted = faces(load_generator(folder), list(seen.drawn))
    shown = (np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")) for picture in seen.drawn.values())
    return sum(not np.array_equal(*pair) for pair in zip(shown, wanted, strict=True))


def test_twenty_visitors_get_their_own_faces(tiny_page, trained_run):
    log = tiny_page.log
    seen, longest = let_come(tiny_page, 20, seconds=3, pause=0.3)
    assert not seen.problems
    assert wrong_faces(seen, trained_run) == 0
    assert seen.counts["faces"] >= 20
    assert longest <= MAX_WAITING
    assert "Traceback" not in tiny_page.log.removeprefix(log)


@pytest.mark.parametrize("sessions", [1, MAX_WAITING + 10])
def test_more_than_can_wait_are_told_so_in_their_language(sessions, tiny_page):
    walk, told = events_of(tiny_page)["interpolate"], []
    with httpx2.Client(base_url=tiny_page.url, headers={"x-gradio-user": "app", "accept-language": "zh-CN"}) as client:
        for number in range(MAX_WAITING + 10):
            body = {"data": LONG_WALK, "fn_index": walk, "session_hash": f"crowd-{number % sessions}"}
            answer = client.post("gradio_api/queue/join", json=body)
            told += [answer.json()["detail"]] if answer.status_code != 200 else []
        assert 0 < len(told) <= 10
        assert set(told) == {"现在生成的人太多了；请过几秒再试。"}
        for number in range(sessions):  # who leaves, leaves the queue
            with client.stream("GET", "gradio_api/queue/data", params={"session_hash": f"crowd-{number}"}):
                pass
        wait_until(lambda: client.get("gradio_api/queue/status").json()["queue_size"] == 0, 60)


def test_who_never_fetches_his_answers_fills_no_memory_with_them(tiny_page):
    listing = events_of(tiny_page)["list_checkpoints"]
    with httpx2.Client(base_url=tiny_page.url) as client:

        def ask() -> httpx2.Response:
            body = {"data": [], "fn_index": listing, "session_hash": "deaf"}
            answer = client.post("gradio_api/queue/join", json=body)
            wait_until(lambda: client.get("gradio_api/queue/status").json()["queue_size"] == 0, 60)
            return answer

        answers = [ask() for _ in range(MAX_UNHEARD + 10)]
        assert answers[MAX_UNHEARD].status_code == 200
        assert answers[-1].json()["detail"] == say(ENGLISH, "unheard")
        with client.stream("GET", "gradio_api/queue/data", params={"session_hash": "deaf"}) as events:
            heard = "".join(events.iter_lines())
        assert MAX_UNHEARD < heard.count('"process_completed"') < MAX_UNHEARD + 10
        assert ask().status_code == 200


def test_what_is_sent_without_end_or_never_keeps_nobody_from_the_page(serve, trained_run):
    page = serve("--model", str(trained_run))
    files = page.open_files()
    with ExitStack() as slow, others_are_served(page) as took:
        for number in range(2 * MAX_UNFINISHED):
            slow.enter_context(Slow(page, SLOW[number % len(SLOW)]))
        memory = page.memory()
        head, field = [slow.enter_context(Slow(page, begun)) for begun in (HEAD + b"X-Long: ", FIELD)]
        assert head.send_much(100 * MEGABYTE) < 10 * MEGABYTE
        field.send_much(200 * MEGABYTE)
        assert page.memory() - memory < 100 * MEGABYTE
        assert page.open_files() <= MOST_OPEN
        wait_until(lambda: len(took) > 3, 30)
    assert max(took) < 5
    wait_until(lambda: page.open_files() <= files + 8, 10)
    assert not list(page.folder.glob("dcgan-app-*/gradio/tmp*"))
    assert "Traceback" not in page.log


def test_work_that_nobody_waits_for_any_more_stops_and_the_page_comes_to_rest(serve):
    page = serve("--model", str(BUNDLED_FOLDERS[0]))
    walk = events_of(page)["interpolate"]
    with httpx2.Client(base_url=page.url) as client:
        body = {"data": LONG_WALK, "fn_index": walk, "session_hash": "leaves"}
        client.post("gradio_api/queue/join", json=body).raise_for_status()
        with client.stream("GET", "gradio_api/queue/data", params={"session_hash": "leaves"}) as events:
            next(line for line in events.iter_lines() if '"progress"' in line)
    give_up = time.monotonic() + SECONDS_TO_STOP
    began = 0.0
    while work_within(page, seconds=1.5) > 0.3:
        assert began < give_up
        began = time.monotonic()
    give_up = time.monotonic() + SECONDS_TO_STOP
    while wakes_within(page, seconds=1) > MAX_WAKES:
        assert time.monotonic() < give_up


def wakes_within(page: Served, seconds: float) -> int:
    before = page.wakes()
    time.sleep(seconds)
    return page.wakes() - before


def work_within(page: Served, seconds: float) -> float:
    before = page.seconds_of_work()
    time.sleep(seconds)
    return page.seconds_of_work() - before


@pytest.mark.slow
def test_files_go_after_their_time_and_all_of_them_with_the_page(trained_run, tmp_path):
    with served(tmp_path, [*warm.python(str(ROOT / "app.py")), "--model", str(trained_run)], os.environ) as page:
        [folder] = tmp_path.glob("dcgan-app-*")

        def draw() -> str:
            asker, avatar = Asker(page), events_of(page)["avatar"]
            with asker.client as client:
                body = {"data": [7, "", 1, ""], "fn_index": avatar, "session_hash": "a"}
                client.post("gradio_api/queue/join", json=body).raise_for_status()
                with client.stream("GET", "gradio_api/queue/data", params={"session_hash": "a"}) as events:
                    return next(line for line in events.iter_lines() if "process_completed" in line)

        def drawn() -> set[Path]:
            return set((folder / "drawn").iterdir())

        draw()
        first, served_from = drawn(), folder / "gradio"
        two_hours_ago = time.time() - 7200
        for old in (*first, served_from):
            os.utime(old, (two_hours_ago, two_hours_ago))
        kept = set(served_from.rglob("*.png"))
        draw()
        assert first.isdisjoint(drawn())
        assert kept <= set(served_from.rglob("*.png"))  # which others may still look at
    assert not list(tmp_path.glob("dcgan-app-*"))


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_200_visitors_over_5_minutes_get_their_own_faces_or_are_told_to_wait(serve):
    page, began = serve("--model", str(BUNDLED_FOLDERS[0])), now()
    seen, longest = let_come(page, 200, seconds=60, pause=10)
    memory, files = page.memory(), page.open_files()
    more, longest_then = let_come(page, 200, seconds=240, pause=10)
    assert not seen.problems + more.problems
    wrong = sum(wrong_faces(each, BUNDLED_FOLDERS[0]) for each in (seen, more))
    assert wrong == 0
    assert max(longest, longest_then) <= MAX_WAITING
    grown = page.memory() - memory
    assert grown < 128 * MEGABYTE
    assert page.open_files() <= files + 8
    assert "Traceback" not in page.log
    counts = seen.counts + more.counts
    promises.leave(
        "visitors", command="python -m pytest tests/test_visitors.py -m long", seed=1, began=began,
        counts={
            "visitors": 200, "seconds": 300, "faces": counts["faces"], "told to wait": counts["told to wait"],
            "longest queue": max(longest, longest_then), "MB grown": max(0, grown // MEGABYTE), "wrong faces": wrong,
        },
    )  # fmt: skip
