"""What visitors take for granted: on a phone, in the dark, in Chinese, by keyboard, in calm."""

import io
import re
from urllib.parse import parse_qs, urlsplit

from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from support.page import (
    AT_REST,
    LAPTOP,
    NAMELESS,
    PHONE,
    TABS,
    assert_speaks,
    captions,
    open_tab,
    open_walk,
    wait_for_faces,
    wait_for_first,
    wait_for_keyframes,
    wait_for_walk,
    wait_until_quiet,
)

FILM = """() => {
  const film = document.querySelector('#walk-video video');
  return film?.readyState >= 2 && { muted: film.muted, inline: film.playsInline, paused: film.paused };
}"""
VIOLATIONS = """(rules) => axe.run(document, { resultTypes: ['violations'], ...rules }).then(({ violations }) =>
  violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => [id, html, failureSummary])))"""
CONTRAST = {"runOnly": ["color-contrast"]}  # what darkness can change
TOO_SMALL = """() => [...document.querySelectorAll('button, [role=tab], input, textarea')]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && e.type !== 'file' && !e.closest('footer'))
  .map((e) => [e.outerHTML.slice(0, 120), e.closest('label:has(> input), .wrap-inner') ?? e])
  .map(([html, e]) => [html, e.getBoundingClientRect().toJSON()])
  .filter(([, { width, height }]) => width < 44 || height < 44)"""
STILL = "document.querySelector('#walk-result.still')"
FOCUSED = "document.activeElement.dataset.face"
BRINGS_FILE = """(kind) => document.body.dispatchEvent(new DragEvent(kind,
  { dataTransfer: (() => { const data = new DataTransfer(); data.items.add(new File(['x'], 'a.gif')); return data; })(),
    bubbles: true, cancelable: true }))"""


def film_of_a_walk(page):
    open_tab(page, "walk")
    wait_for_keyframes(page, "0", "1", "2")
    page.locator("#format").get_by_label("MP4").check()
    page.locator("#make-walk").click()
    return page.wait_for_function(FILM).json_value()


def violations(page, rules):
    """What axe-core finds of a tab that has come to rest."""
    for _ in range(40):
        page.wait_for_function(AT_REST)
        found = page.evaluate(VIOLATIONS, rules)
        if not found:
            break
        page.wait_for_timeout(250)
    return found


def assert_axe_finds_nothing(page, tab):
    assert violations(page, {}) == [], tab
    assert page.locator("[aria-label*=__i18n__], [title*=__i18n__]").count() == 0, tab
    page.evaluate("document.body.classList.add('dark')")
    assert violations(page, CONTRAST) == [], tab
    page.evaluate("document.body.classList.remove('dark')")


def assert_nothing_moves_until_it_is_asked_to(page):
    open_tab(page, "walk")
    page.wait_for_function(STILL)
    moments = [page.locator("#walk-result").screenshot() for _ in range(2) if page.wait_for_timeout(450) is None]
    assert len(set(moments)) == 1
    page.get_by_role("button", name="Play the walk").click()
    assert page.locator("#walk img").is_visible()
    film = film_of_a_walk(page)
    page.wait_for_timeout(1000)
    assert page.evaluate(FILM)["paused"], film
    page.evaluate("document.querySelector('#walk-video video').play()")
    page.wait_for_function("!document.querySelector('#walk-video video').paused")


def test_axe_finds_nothing_on_any_tab_in_light_or_dark_and_nothing_moves_by_itself_for_who_wants_it_calm(open_page):
    page = open_page(reduced_motion="reduce", **LAPTOP)
    wait_for_faces(page, 16)
    page.evaluate(Axe().axe_script)
    page.locator("#keep").click()
    page.locator(".toast-body").wait_for()
    assert page.evaluate(VIOLATIONS, {"runOnly": ["nested-interactive", "button-name"]}) == []
    places = {"generate": "#gallery", "walk": "#walk img", "studio": "#add-up", "training": "#film .large"}
    for tab, wanted in (places | {"about": "#licence a"}).items():
        open_tab(page, tab)
        page.locator(wanted).first.wait_for(state="attached")
        assert_axe_finds_nothing(page, tab)
    assert_nothing_moves_until_it_is_asked_to(page)


# By keyboard


def assert_arrows_lead_through_the_gallery(page):
    page.locator("#gallery .face").first.focus()
    for key, face in (("ArrowRight", "1"), ("ArrowDown", None), ("End", "15"), ("ArrowRight", "15"), ("Home", "0")):
        page.keyboard.press(key)
        assert face is None or page.evaluate(FOCUSED) == face
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#gallery .add[aria-pressed=true]").wait_for()


def assert_arrows_lead_through_the_tabs(page):
    page.locator("[role=tab][data-tab-id=generate]").focus()
    for key, tab in (("ArrowRight", "walk"), ("End", "about"), ("Home", "generate")):
        page.keyboard.press(key)
        page.locator(f"[role=tab][data-tab-id={tab}][aria-selected=true]").wait_for()
        assert page.evaluate("document.activeElement.dataset.tabId") == tab


def assert_everything_has_a_name(page):
    for tab in TABS:
        open_tab(page, tab)
        wait_until_quiet(page)
        assert page.evaluate(NAMELESS) == [], tab
    open_tab(page, "generate")


def assert_faces_are_drawn_and_picked_by_keyboard(page):
    page.locator("#seed input").focus()
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('[id]')?.id"))
    assert {"generate", "copy-faces-link", "use-as-keyframe", "keep", "copy-link"} <= reached
    page.locator("#seed input").focus()
    page.locator("#seed input").fill("77")
    page.keyboard.press("Enter")
    wait_for_first(page, "77")
    page.locator("#gallery .face").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#face img')?.alt == 'Face of seed 78'")


def test_everything_that_can_be_used_has_a_name_and_is_reached_by_keys_and_a_file_that_comes_is_told_where_to(
    open_page,
):
    page = open_page(viewport={"width": 640, "height": 360})  # a laptop at 200 %
    wait_for_faces(page, 16)
    assert page.evaluate("document.documentElement.scrollWidth") == 640
    assert_arrows_lead_through_the_gallery(page)
    assert_arrows_lead_through_the_tabs(page)
    page.evaluate(BRINGS_FILE, "dragover")
    assert page.locator("#drop-here", has_text="opens again").is_visible()
    page.evaluate(BRINGS_FILE, "dragleave")
    assert page.locator("#drop-here").is_hidden()
    page.set_viewport_size({"width": 1280, "height": 800})
    assert_everything_has_a_name(page)
    assert_faces_are_drawn_and_picked_by_keyboard(page)


# On a phone


def assert_nothing_overflows(page, width):
    assert page.evaluate("document.documentElement.scrollWidth") == width
    edges = page.eval_on_selector_all(
        "img, button, input", "all => all.filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect().right)"
    )
    assert max(edges) <= width + 1


# As a phone's own sheet, whose user closes it each time
SHEET = """
window.shared = [];
navigator.canShare = ({ files }) => files.every((file) => file instanceof File);
navigator.share = async (told) => { window.shared.push(told); throw new DOMException('', 'AbortError'); };
"""


def shared(page):
    """What the sheet was told last: the file's name and type, and the seed in the link."""
    page.wait_for_function("window.shared.length")
    name, kind, link = page.evaluate("(({ files: [file], url }) => [file.name, file.type, url])(window.shared.pop())")
    return [name, kind, parse_qs(urlsplit(link).query).get("seed", [""])[0]]


def turn_the_phone_while_others_are_drawn(page):
    page.locator("#generate").tap()
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_function("document.querySelector('#gallery .face').dataset.face != '0'")
    wait_for_faces(page, 16)
    assert page.evaluate("document.documentElement.scrollWidth") == 844
    page.set_viewport_size({"width": 390, "height": 844})


def share_a_face(page):
    """Go to a face and share it."""
    page.locator("#gallery .face").nth(3).tap()
    page.wait_for_function(
        "() => { const face = document.querySelector('#face-panel').getBoundingClientRect();"
        " return face.top >= -5 && face.top < 400 }"
    )
    face = page.locator("#face-title [data-shown-face]").get_attribute("data-shown-face")
    page.locator("#share-face").tap()
    assert shared(page) == [f"portraits-96_seed-{face}_768px.png", "image/png", face]


def assert_the_other_tabs_fit(page, screenshot):
    for tab, wanted in (("studio", "#add-up"), ("training", "#run-facts table"), ("about", "#networks svg")):
        open_tab(page, tab)
        page.locator(wanted).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        screenshot(page, f"{tab}-phone")


def test_the_page_fits_a_phone_and_turns_with_it_fingers_find_everything_and_what_is_shown_is_shared(
    open_page, screenshot
):
    page = open_page(script=SHEET, locale="de", **PHONE)
    wait_for_faces(page, 16)
    assert_speaks(page, "Seed 0", "Generate")
    assert_nothing_overflows(page, 390)
    assert page.evaluate(TOO_SMALL) == []
    button = page.locator("#generate").bounding_box()
    assert 600 < button["y"] < button["y"] + button["height"] <= 844
    screenshot(page, "generate-phone")
    screenshot(page, "touch-phone")
    turn_the_phone_while_others_are_drawn(page)
    share_a_face(page)
    open_walk(page, *captions(page)[:3])
    assert page.evaluate(TOO_SMALL) == []
    assert_nothing_overflows(page, 390)
    page.locator("#share-walk").tap()
    name, kind, _ = shared(page)
    assert (name.endswith("_48f.gif"), kind) == (True, "image/gif")
    screenshot(page, "walk-phone")
    assert_the_other_tabs_fit(page, screenshot)


# In the dark, and in Chinese


def test_the_page_is_dark_where_the_visitor_wants_it_and_stays_so_and_english_for_what_it_does_not_speak(
    open_page, screenshot
):
    page = open_page("?__theme=dark", locale="zh-Hans-CN")
    wait_for_faces(page, 16)
    assert_speaks(page, "Seed 0", "Generate")
    corner = Image.open(io.BytesIO(page.screenshot())).convert("RGB").getpixel((2, 2))
    assert max(corner) < 60
    screenshot(page, "generate-dark")
    page.locator("#generate").click()
    page.wait_for_function("location.search.includes('seed=')")
    assert "__theme=dark" in page.url
    open_tab(page, "walk")
    wait_for_walk(page)
    screenshot(page, "walk-dark")


NOTE_WHAT_IS_SAID_WHILE_WAITING = """() => {
  window.said = [];
  const places = () => [...document.querySelectorAll('.meta-text, .meta-text-center')];
  const note = () => window.said.push(...places().map((place) => place.innerText));
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def test_the_page_is_chinese_where_the_browser_is(open_page, screenshot):
    page = open_page(locale="zh-CN")
    wait_for_faces(page, 16)
    assert page.get_by_role("tab").all_inner_texts() == ["生成", "漫步", "工作室", "训练", "关于"]
    assert_speaks(page, "种子 0", "生成")
    screenshot(page, "generate-chinese")
    page.locator("#seed input").fill("-1")
    page.locator("#generate").click()
    page.locator("#generate-message", has_text="种子是 -1").wait_for()
    page.evaluate(NOTE_WHAT_IS_SAID_WHILE_WAITING)
    open_tab(page, "walk")
    wait_for_walk(page)
    page.locator("#make-walk").click()
    page.wait_for_function("/处理中|排队/.test(window.said.join())")
    said = page.evaluate("window.said.join('\\n')")
    assert not re.search("[a-z]{2}", said), said
    assert page.locator("#walk-facts").inner_text().startswith("48 帧")
    screenshot(page, "walk-chinese")
    for tab, wanted in (("training", "#run-facts table"), ("about", "#networks svg")):
        open_tab(page, tab)
        page.locator(wanted).wait_for()
    text = page.locator("body").inner_text()
    assert "__i18n__" not in text
    screenshot(page, "about-chinese")
