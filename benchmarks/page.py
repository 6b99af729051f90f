"""How fast the page is in a browser, beside bare pages of Gradio, and how fast it starts.

python -m benchmarks.page
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import WARM_UP, Effort, Finding, Row, Spread, run_rows
from benchmarks.serving import EMPTY, OURS, PICTURES, Server, chromium, served
from dcgan.cli import command

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FACES, STYLES = "#gallery img", "#checkpoint label"
FIRST_FACES = "#first-faces img, #gallery img"  # in the document itself, then in the gallery
BARE_IS_THERE = "footer"
PAUSE_MS = 600  # between two clicks, so that the page has told the server all it has to
TIMEOUT_MS = 60_000
MAX_MS = {"pick a face": 120, "add to a walk": 80, "another style for the first time": 400}
# Of a slow phone: 1.6 Mbit/s, 150 ms to the server and back, a processor of a quarter
SLOW_NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 100_000}
SLOW_PROCESSOR = 4
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
# Clicks, and waits until something else is shown, all of it loaded: the milliseconds in between
CLICK = """async ([button, index, shown, count]) => {
  const all = () => [...document.querySelectorAll(shown)];
  const told = () => all().map((each) => each.src ?? each.innerText).join();
  const loaded = (each) => each.complete !== false && each.naturalWidth !== 0;
  const before = told(), began = performance.now();
  document.querySelectorAll(button)[index].click();
  return await new Promise((done, fail) => {
    setTimeout(() => fail(new Error(`after 30 s ${button || 'a choice'} has shown nothing new`)), 30000);
    const look = () => told() != before && (!count || all().length == count) && all().every(loaded)
      ? done(performance.now() - began) : requestAnimationFrame(look);
    look();
  });
}"""
LOADED = """([shown, count]) => {
  const all = [...document.querySelectorAll(shown)];
  return all.length >= count && all.every((each) => each.complete !== false && each.naturalWidth !== 0);
}"""


def click_to_picture(effort: Effort) -> Finding:
    """Click for 16 faces on ours, and for 16 ready pictures on a bare page, in turns."""
    with ExitStack() as at_the_end:
        browser = at_the_end.enter_context(chromium())
        ours, bare = (_opened(browser, at_the_end.enter_context(served(words))) for words in (OURS, PICTURES))
        _wait(ours, FACES, 16)
        milliseconds = _in_turns(effort, {"ours": lambda: _clicked(ours), "bare": lambda: _clicked(bare)})
    ratio = Spread.of_ratios(milliseconds["ours"], milliseconds["bare"])
    times = ", ".join(f"{name} {Spread.of(each).median:.0f} ms" for name, each in milliseconds.items())
    return Finding(f"{ratio.words()} of the bare page's time: {times}", ratio.median <= 1.3)


def small_actions(effort: Effort) -> Finding:
    """Pick faces, add them to a walk, and choose styles that nobody chose before."""
    with ExitStack() as at_the_end:
        browser = at_the_end.enter_context(chromium())
        page = _opened(browser, at_the_end.enter_context(served(OURS)))
        _wait(page, FACES, 16)
        tabs = page.get_by_role("tab")
        for place in (1, 0):  # what was never seen isn't there
            tabs.nth(place).click()
            page.wait_for_timeout(PAUSE_MS)
        places = iter(range(1, 16))
        actions = {
            "pick a face": lambda: _clicked(page, "#gallery .face", next(places), "#face img", 0),
            "add to a walk": lambda: _clicked(page, "#use-as-keyframe", 0, "#keyframes .seed", 0),
        }
        milliseconds = _in_turns(effort, actions)
        milliseconds["another style for the first time"] = _first_choices(browser, effort.rounds)
    found = {name: Spread.of(each) for name, each in milliseconds.items()}
    words = ", ".join(f"{name} {spread.words(' ms', 0)}" for name, spread in found.items())
    return Finding(words, all(spread.median <= MAX_MS[name] for name, spread in found.items()))


def _in_turns(effort: Effort, actions: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    milliseconds: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(WARM_UP + effort.rounds):
        for name, act in actions.items():
            took = act()
            if turn >= WARM_UP:
                milliseconds[name].append(took)
    return milliseconds


def _opened(browser: Browser, server: Server) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(server.address)
    _wait(page, BARE_IS_THERE, 1)
    page.wait_for_timeout(PAUSE_MS)
    return page


def _wait(page: Page, shown: str, count: int) -> None:
    page.wait_for_function(LOADED, arg=[shown, count])


def _clicked(page: Page, button: str = "#generate", index: int = 0, shown: str = FACES, count: int = 16) -> float:
    took: float = page.evaluate(CLICK, [button, index, shown, count])
    page.wait_for_timeout(PAUSE_MS)
    return took


def _first_choices(browser: Browser, times: int) -> list[float]:
    """Choose each style but the one that is shown at first, on pages started anew, until so many were timed."""
    milliseconds: list[float] = []
    while len(milliseconds) < times:
        with served(OURS) as server:
            page = _opened(browser, server)
            _wait(page, FACES, 16)
            styles = page.locator(STYLES).count()
            milliseconds += [_clicked(page, STYLES, style) for style in range(1, styles)]
    return milliseconds


@dataclass
class Load:
    """What the first load of a page took."""

    requests: int = 0
    bytes: int = 0
    milliseconds: float = 0.0


def first_load(effort: Effort) -> Finding:
    """Load ours and an empty page with nothing cached, and both once as on a slow phone."""
    with ExitStack() as at_the_end:
        browser = at_the_end.enter_context(chromium())
        ours, empty = (at_the_end.enter_context(served(words)) for words in (OURS, EMPTY))
        pages = {"ours": (ours.address, FACES), "empty": (empty.address, BARE_IS_THERE)}
        loads: dict[str, list[Load]] = {name: [] for name in pages}
        for turn in range(WARM_UP + effort.rounds):
            for name, (address, shown) in pages.items():
                load = _load(browser, address, shown)
                if turn >= WARM_UP:
                    loads[name].append(load)
        pages["seen"] = (ours.address, FIRST_FACES)
        slow = {name: _load(browser, *page, slow=True).milliseconds / 1000 for name, page in pages.items()}
    larger = loads["ours"][0].bytes / loads["empty"][0].bytes
    times = {name: [each.milliseconds for each in of_page] for name, of_page in loads.items()}
    ratio = Spread.of_ratios(times["ours"], times["empty"])
    each = ", ".join(
        f"{name} {first.requests} requests, {first.bytes / 1000:,.0f} kB, {Spread.of(times[name]).median:,.0f} ms"
        for name, (first, *_) in loads.items()
    )
    words = (
        f"{larger:.2f}x the bytes of an empty page, {ratio.words()} its time ({each}); on a slow phone first faces are "
        f"seen after {slow['seen']:.1f} s and in the gallery after {slow['ours']:.1f} s, an empty page after "
        f"{slow['empty']:.1f} s"
    )
    return Finding(words, larger <= 1.25 and ratio.median <= 1.25 and slow["seen"] <= 3)


def _load(browser: Browser, address: str, shown: str, slow: bool = False) -> Load:
    """Load a page in a browser without a memory, until the first of what it shows is there."""
    context = browser.new_context(**PHONE if slow else {"viewport": {"width": 1280, "height": 800}})
    try:
        return _load_in(context, address, shown, slow)
    finally:
        context.close()


def _load_in(context: BrowserContext, address: str, shown: str, slow: bool) -> Load:
    page, load = context.new_page(), Load()
    page.set_default_timeout(TIMEOUT_MS)
    client = context.new_cdp_session(page)
    client.send("Network.enable")
    if slow:
        client.send("Network.emulateNetworkConditions", SLOW_NETWORK)
        client.send("Emulation.setCPUThrottlingRate", {"rate": SLOW_PROCESSOR})

    def count(event: dict[str, Any]) -> None:
        load.requests += 1
        load.bytes += int(event["encodedDataLength"])

    client.on("Network.loadingFinished", count)
    page.goto(address, wait_until="commit")
    _wait(page, shown, 1)
    load.milliseconds = page.evaluate("performance.now()")
    if not slow:
        page.wait_for_timeout(3 * PAUSE_MS)  # for what comes after
    return load


def first_answer(effort: Effort) -> Finding:
    """Start `python app.py` and an empty page of Gradio until they answer, in turns."""
    seconds: dict[str, list[float]] = {"ours": [], "empty": []}
    for turn in range(WARM_UP + effort.rounds):
        for name, words in (("ours", OURS), ("empty", EMPTY)):
            with served(words) as server:
                if turn >= WARM_UP:
                    seconds[name].append(server.seconds)
    ratio = Spread.of_ratios(seconds["ours"], seconds["empty"])
    times = ", ".join(f"{name} {Spread.of(each).median:.1f} s" for name, each in seconds.items())
    return Finding(f"{ratio.words()} of an empty page's time: {times}", ratio.median <= 1.15)


ROWS = [
    Row(
        "click",
        "click to picture, 16 faces, in Chromium, beside a bare Gradio page that returns 16 ready PNGs",
        "<= 1.3x",
        click_to_picture,
    ),
    Row("actions", "pick a face, add to a walk, another style for the first time", "<= 120, 80, 400 ms", small_actions),
    Row(
        "first-load",
        "first load of the page, beside an empty Gradio page; on a slow phone (1.6 Mbit/s, a quarter of the processor)",
        "<= 1.25x of bytes and time; first face by 3 s",
        first_load,
    ),
    Row(
        "first-answer",
        "`python app.py` to its first answer, beside torch, gradio and an empty page",
        "<= 1.15x",
        first_answer,
    ),
]


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Measure the rows that are named, or all."""
    return run_rows(ROWS, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
