"""Small things that a visitor, or whoever gets a link, takes for granted."""

from axe_playwright_python.sync_playwright import Axe

from support.page import AT_REST, LAPTOP, PHONE, open_tab, open_walk, wait_for_faces, wait_for_keyframes

FILM = """() => {
  const film = document.querySelector('#walk-video video');
  return film?.readyState >= 2 && { muted: film.muted, inline: film.playsInline, paused: film.paused };
}"""
QUIET = "(({ muted, playsInline }) => muted && playsInline)(document.querySelector('#walk-video video'))"
HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4')].filter((e) => e.checkVisibility())
  .map((e) => Number(e.tagName[1]))"""


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


def test_the_page_and_its_link_are_ours_and_a_film_plays_without_a_sound(open_page):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    assert page.title() == "Faces by a DCGAN"
    assert page.locator('meta[property="og:title"]').get_attribute("content") == "Faces by a DCGAN"
    card = page.locator('meta[property="og:image"]').get_attribute("content")
    assert page.request.get(card).headers["content-type"] == "image/png"
    assert page.request.get(page.url + "favicon.ico").headers["content-type"] == "image/svg+xml"
    assert page.evaluate(HEADINGS) == [1, 2]
    open_tab(page, "training")
    page.locator("#film h3").wait_for()
    assert page.evaluate(HEADINGS) == [1, 2, 3, 3, 3, 2]
    film_of_a_walk(page)
    page.wait_for_function(QUIET)  # Gradio sets some of it after the film is there
    page.wait_for_timeout(1000)
    assert page.evaluate(QUIET)


def violations(page, rules):
    """What axe-core finds of a tab that has come to rest."""
    for _ in range(40):
        page.wait_for_function(AT_REST)
        found = page.evaluate(VIOLATIONS, rules)
        if not found:
            break
        page.wait_for_timeout(250)
    return found


def test_axe_finds_nothing_on_any_tab_in_light_or_dark(open_page):
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
        assert violations(page, {}) == [], tab
        assert page.locator("[aria-label*=__i18n__], [title*=__i18n__]").count() == 0, tab
        page.evaluate("document.body.classList.add('dark')")
        assert violations(page, CONTRAST) == [], tab
        page.evaluate("document.body.classList.remove('dark')")


def test_keys_lead_through_tabs_and_gallery(open_page):
    page = open_page(viewport={"width": 640, "height": 360})  # a laptop at 200 %
    wait_for_faces(page, 16)
    assert page.evaluate("document.documentElement.scrollWidth") == 640
    page.locator("#gallery .face").first.focus()
    for key, face in (("ArrowRight", "1"), ("ArrowDown", None), ("End", "15"), ("ArrowRight", "15"), ("Home", "0")):
        page.keyboard.press(key)
        assert face is None or page.evaluate(FOCUSED) == face
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#gallery .add[aria-pressed=true]").wait_for()
    page.locator("[role=tab][data-tab-id=generate]").focus()
    for key, tab in (("ArrowRight", "walk"), ("End", "about"), ("Home", "generate")):
        page.keyboard.press(key)
        page.locator(f"[role=tab][data-tab-id={tab}][aria-selected=true]").wait_for()
        assert page.evaluate("document.activeElement.dataset.tabId") == tab
    page.evaluate(BRINGS_FILE, "dragover")
    assert page.locator("#drop-here", has_text="opens again").is_visible()
    page.evaluate(BRINGS_FILE, "dragleave")
    assert page.locator("#drop-here").is_hidden()


def test_fingers_find_everything_and_the_page_turns_with_the_phone(open_page, screenshot):
    page = open_page(**PHONE)
    wait_for_faces(page, 16)
    assert page.evaluate(TOO_SMALL) == []
    screenshot(page, "touch-phone")
    page.locator("#generate").tap()
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_function("document.querySelector('#gallery .face').dataset.face != '0'")
    wait_for_faces(page, 16)
    assert page.evaluate("document.documentElement.scrollWidth") == 844
    page.set_viewport_size({"width": 390, "height": 844})
    open_walk(page, *page.eval_on_selector_all("#gallery .face", "all => all.slice(0, 3).map(e => e.dataset.face)"))
    assert page.evaluate(TOO_SMALL) == []


def test_nothing_moves_by_itself_for_who_wants_it_calm(open_page, tiny_page):
    page = open_page(url=tiny_page.url, reduced_motion="reduce", **LAPTOP)
    wait_for_faces(page, 16)
    open_walk(page, "0", "1", "2")
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
