"""What a visitor does on the page, and what is seen there, in words that browser tests share."""

import base64
import io
import time
from collections import deque
from weakref import WeakKeyDictionary

import numpy as np
from PIL import Image
from playwright.sync_api import TimeoutError

TABS = ("generate", "walk", "studio", "training", "about")
LAPTOP = {"viewport": {"width": 1280, "height": 720}}
PHONE = {
    "viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2,
}  # fmt: skip
DROP = """async ([name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name));
  for (const kind of ['dragover', 'drop'])
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
MAX_WAIT_SECONDS = 60  # for anything the page owes; a machine that has much else to do takes tens of seconds
EVENTS = "**/queue/join**"  # where the page sends them
QUIET_SECONDS = 0.3
MAX_TOLD = 30  # requests in the account of a page that owes something
SILENT_SECONDS = 5  # without a request: longer than any event takes that isn't seen to be under way
AT_REST = "() => ![...document.querySelectorAll('.pending, .generating')].some((each) => each.checkVisibility())"
NAMELESS = """() => [...document.querySelectorAll('input, select, textarea, button, [role=slider], [role=tab]')]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && e.type !== 'file')
  .filter((e) => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.labels?.length
    || e.innerText?.trim() || e.title || e.querySelector('img[alt]')?.alt))
  .map((e) => e.outerHTML.slice(0, 120))"""


SIGHT = """() => {
  const shown = (places) => [...document.querySelectorAll(places)].filter((place) => place.checkVisibility());
  const faces = [...document.querySelectorAll('#gallery img')];
  return {
    faces: faces.length, 'without a picture': faces.filter((face) => !face.naturalWidth).map((face) => face.src),
    said: shown('[role=alert], [data-testid=toast-text]').map((place) => place.innerText),
    waiting: shown('.pending, .generating').map((place) => place.closest('[id]')?.id),
  };
}"""


def wait_for_faces(page, count):
    wait_until(
        page,
        "count => { const faces = [...document.querySelectorAll('#gallery img')];"
        " return faces.length == count && faces.every(face => face.complete && face.naturalWidth) }",
        count,
    )
    wait_until(page, "() => document.querySelector('#face img')?.naturalWidth > 0")


def wait_until(page, condition, arg=None):
    """Wait for what the page owes; where it doesn't come, fail with an account of the page."""
    try:
        page.wait_for_function(condition, arg=arg)
    except TimeoutError as error:
        raise AssertionError(f"{error.message}\n{account(page)}") from None


def account(page):
    """Tell what can be seen of faces and waiting, and how it stands with the last requests."""
    lines = [f"{what}: {told}" for what, told in page.evaluate(SIGHT).items()]
    return "\n".join([*lines, "the last requests:", *map(_state_of, requests_of.get(page, ()))])


def _state_of(request):
    answer = request.existing_response
    state = request.failure or (answer and answer.status) or "no answer"
    unfinished = ", under way" if request in under_way[request.frame.page] else ""
    sent = (request.post_data or "")[:200]
    return f"  {request.method} {request.url}: {state}{unfinished} {sent}"


def captions(page):
    """Names of the faces in the gallery, whole."""
    return page.eval_on_selector_all("#gallery .face", "all => all.map(one => one.dataset.face)")


def assert_speaks(page, title, button):
    """See that what the browser writes and what the server writes are of one language."""
    assert page.locator("#face-title").inner_text() == title
    assert page.locator("#generate").inner_text() == button


def wait_for_first(page, caption):
    wait_until(page, "caption => document.querySelector('#gallery .face')?.dataset.face == caption", arg=caption)


def draw_from(page, seed):
    """Draw the faces from this seed on."""
    page.locator("#seed input").fill(str(seed))
    page.locator("#generate").click()
    wait_for_first(page, str(seed))


def draw_others(page):
    """Draw faces from a seed that the page makes up."""
    before = captions(page)[0]
    page.locator("#generate").click()
    page.wait_for_function("before => document.querySelector('#gallery .face').dataset.face != before", arg=before)


def picture(page, address):
    return np.asarray(Image.open(io.BytesIO(page.request.get(address).body())).convert("RGB"))


def shown_in(page, canvas):
    """Pixels of a canvas."""
    address = page.locator(canvas).evaluate("canvas => canvas.toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB"))


def faces_shown(page):
    """Pixels of every face in the gallery, as the server sent them."""
    addresses = page.eval_on_selector_all("#gallery img", "all => all.map(one => one.src)")
    return [picture(page, address) for address in addresses]


def pick(page, index):
    face = page.locator("#gallery .face").nth(index)
    seed = face.inner_text().strip()
    face.click()
    wait_until(
        page, "seed => document.querySelector('#face img')?.alt.split(' ').includes(seed)", arg=seed.split(" ")[0]
    )
    return seed


def download(page, selector, folder):
    with page.expect_download() as waiting:
        page.locator(selector).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def copied(page, button):
    page.locator(button).click()
    page.locator(f"{button}.done").wait_for()
    return page.evaluate("navigator.clipboard.readText()")


def copied_picture(page):
    """Pixels of the PNG that the clipboard has."""
    content = page.evaluate(
        """async () => {
          const [item] = await navigator.clipboard.read();
          return [...new Uint8Array(await (await item.getType('image/png')).arrayBuffer())];
        }"""
    )
    return np.asarray(Image.open(io.BytesIO(bytes(content))).convert("RGB"))


def keyframes(page):
    return page.locator("#keyframes .seed").all_inner_texts()


def wait_for_keyframes(page, *seeds):
    wait_until(
        page,
        "seeds => [...document.querySelectorAll('#keyframes .seed')].map(e => e.innerText).join() == seeds",
        arg=",".join(seeds),
    )


def open_tab(page, tab):
    page.locator(f"[role=tab][data-tab-id={tab}]").click()


def choose(page, checkpoint):
    page.locator("#checkpoint").get_by_label(checkpoint, exact=True).click(force=True)


def assert_moves(page, picture):
    """Look at an animation until it shows something else."""
    first, give_up = page.locator(picture).screenshot(), time.monotonic() + 10
    while page.locator(picture).screenshot() == first:
        assert time.monotonic() < give_up, f"{picture} doesn't move"


def wait_for_walk(page):
    wait_until(page, "document.querySelector('#walk img')?.naturalWidth > 0")


def open_walk(page, *seeds):
    """Open the tab and wait for its walk, which is drawn by itself."""
    open_tab(page, "walk")
    wait_for_keyframes(page, *seeds)
    wait_for_walk(page)


def make_walk(page):
    """Press the button and wait for another walk than was there; gives its address."""
    before = page.evaluate("document.querySelector('#walk img')?.src ?? ''")
    page.locator("#make-walk").click()
    wait_until(
        page,
        "before => { const walk = document.querySelector('#walk img');"
        " return walk?.src != before && walk?.naturalWidth > 0 }",
        arg=before,
    )
    return page.locator("#walk img").get_attribute("src")


under_way = WeakKeyDictionary()  # of each page, the requests that have no answer yet
asked_last = WeakKeyDictionary()  # of each page, when it made its last request
requests_of = WeakKeyDictionary()  # of each page, the last ones but Gradio's own scripts


def note_requests(page):
    """Keep count of what the page has asked for and not got. An answer of Gradio's streams until its event is over."""
    requests = under_way[page] = set()
    last = requests_of[page] = deque(maxlen=MAX_TOLD)

    def note(request):
        if "/heartbeat/" not in request.url:
            requests.add(request)
            if "/assets/" not in request.url:
                last.append(request)
            asked_last[page] = time.monotonic()

    page.on("request", note)
    for end in ("requestfinished", "requestfailed"):
        page.on(end, lambda request: requests.discard(request))


def wait_until_quiet(page, seconds=QUIET_SECONDS):
    """Wait until the page has got all that it asked for, and asks for nothing more."""
    wait_until(page, AT_REST)
    give_up, quiet_since = time.monotonic() + MAX_WAIT_SECONDS, time.monotonic()
    while time.monotonic() - quiet_since < seconds:
        assert time.monotonic() < give_up, [request.url for request in under_way[page]]
        page.wait_for_timeout(50)
        if under_way[page] and not _waits_in_vain(page):
            quiet_since = time.monotonic()


def _waits_in_vain(page):
    """Tell whether nothing but a stream of answers is open, which Gradio at times leaves open when all have come."""
    streams = all("/queue/data" in request.url for request in under_way[page])
    return streams and time.monotonic() - asked_last[page] > SILENT_SECONDS


def hold_back(page, nth):
    """Keep the nth event that the page sends from now on, until it is `let_go`."""
    held, sent = [], []

    def send(route):
        sent.append(route)
        held.append(route) if len(sent) == nth else route.continue_()

    page.route(EVENTS, send)
    return held


def let_go(page, held):
    """Send what was held back, once the page has got all else that it asked for."""
    give_up = time.monotonic() + MAX_WAIT_SECONDS
    while not held or under_way[page] - {held[0].request}:
        assert time.monotonic() < give_up, [request.url for request in under_way[page]]
        page.wait_for_timeout(50)
    held.pop().continue_()
    page.unroute(EVENTS)


def reload(page):
    """Once the page has told the server what it had to: a request cut off is a console error."""
    wait_until_quiet(page)
    page.reload()


def drop(page, name, content):
    page.evaluate(DROP, [name, base64.b64encode(content).decode()])
