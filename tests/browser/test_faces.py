"""What can be done with a face on the first tab."""

import os
import re
from urllib.parse import parse_qs, urlsplit

import numpy as np

from dcgan.gallery import from_file
from support import warm
from support.page import (
    LAPTOP,
    PHONE,
    captions,
    copied,
    download,
    faces_shown,
    open_tab,
    pick,
    reload,
    shown_in,
    wait_for_faces,
    wait_for_first,
    wait_for_keyframes,
    wait_until_quiet,
)
from support.paths import ROOT
from support.served import served


def more_like_this(page, parent):
    """Press the button until nine others than before are there; gives their expressions."""
    before = captions(page)
    page.locator("#more-like-this").click()
    page.wait_for_function("before => document.querySelector('#gallery .face').dataset.face != before", arg=before[0])
    wait_for_faces(page, 9)
    assert all(re.fullmatch(rf"{re.escape(parent)}:[0-9]+@0.2", caption) for caption in captions(page))
    return captions(page)


def pick_variation(page, index):
    face = captions(page)[index]
    page.locator("#gallery .face").nth(index).click()
    page.locator("#face-title", has_text=face).wait_for()
    return face


def test_more_like_a_face_again_and_again_each_of_them_a_face_like_any(open_page, screenshot, tmp_path):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    assert 'id="first-faces"' in page.request.get(page.url).text()
    assert not page.locator("#first-faces").count()  # as the gallery is there
    parent = faces_shown(page)[2].astype(float)
    unanswered = []
    page.route("**/queue/join*", lambda route: unanswered.append(route))
    page.locator("#gallery .face").nth(2).click()
    at_once = "document.querySelector('#face img').src == document.querySelectorAll('#gallery img')[2].src"
    page.wait_for_function(at_once)
    for route in unanswered:
        route.continue_()
    page.unroute("**/queue/join*")
    page.wait_for_function(f"!({at_once})")
    pick(page, 2)
    first = more_like_this(page, "2")
    assert page.locator("#face-title").inner_text() == "Seed 2"
    drawn = faces_shown(page)
    assert len({face.tobytes() for face in drawn}) == 9
    assert all(2 < np.sqrt(np.square(face - parent).mean()) < 45 for face in drawn)
    assert not set(more_like_this(page, "2")) & set(first)
    assert page.evaluate("document.documentElement.scrollHeight") == 720
    screenshot(page, "more-like-this")

    face = pick_variation(page, 4)
    page.locator("#use-as-keyframe").click()
    page.get_by_text(f"Face {face} is in the walk").wait_for()
    page.locator("#keep").click()
    page.get_by_text(f"Face {face} is kept").wait_for()
    assert from_file(download(page, "#face-downloads > :first-child", tmp_path)).face == face
    assert parse_qs(urlsplit(copied(page, "#copy-link")).query)["face"] == [face]
    seen = [one.tobytes() for one in faces_shown(page)]
    again = open_page(url=copied(page, "#copy-faces-link"))
    wait_for_faces(again, 9)
    assert [one.tobytes() for one in faces_shown(again)] == seen

    more_like_this(page, face)
    open_tab(page, "walk")
    wait_for_keyframes(page, face)


def test_more_like_a_face_on_a_phone_in_chinese_and_dark(open_page, screenshot):
    page = open_page("?__theme=dark", locale="zh-CN", **PHONE)
    wait_for_faces(page, 16)
    assert page.locator("#more-like-this").inner_text() == "更多类似的脸"
    page.locator("#more-like-this").tap()
    wait_for_faces(page, 9)
    page.wait_for_function("document.querySelector('#gallery').getBoundingClientRect().top < 300")
    edges = page.eval_on_selector_all("#gallery button", "all => all.map(e => e.getBoundingClientRect().right)")
    assert max(edges) <= 390
    screenshot(page, "more-like-this-phone")

    page.locator("#keep").tap()
    assert_said_above_the_main_button(page, "已保存在这个浏览器里")
    page.wait_for_function("location.search.includes('seeds=')")
    page.context.set_offline(True)
    page.locator("#more-like-this").tap()
    assert_said_above_the_main_button(page, "连接断开了")
    page.context.set_offline(False)
    page.get_by_text("连接断开了").wait_for(state="detached")
    wait_for_faces(page, 9)


def assert_said_above_the_main_button(page, words):
    toast = page.locator(".toast-body", has_text=words)
    toast.wait_for()
    page.wait_for_function(IS_SEEN, arg=words)
    assert re.search("[A-Za-z]", toast.inner_text()) is None
    assert toast.get_by_role("button").get_attribute("aria-label") == "关闭"
    box, button = toast.bounding_box(), page.locator("#generate").bounding_box()
    assert box["y"] > 422
    assert box["y"] + box["height"] <= button["y"]


def test_back_leads_to_what_was_drawn_before_and_leaves_the_walk_as_it_is(open_page, screenshot):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    assert not page.locator("#back").is_visible()
    for seed in ("100", "200"):
        page.locator("#seed input").fill(seed)
        page.locator("#generate").click()
        wait_for_first(page, seed)
        page.wait_for_function("seed => location.search.includes(`seed=${seed}`)", arg=seed)
    seen = [one.tobytes() for one in faces_shown(page)]
    pick(page, 1)
    page.locator("#use-as-keyframe").click()
    page.get_by_text("Face 201 is in the walk").wait_for()
    variations = more_like_this(page, "201")
    page.wait_for_function("location.search.includes('seeds=')")
    screenshot(page, "back")

    page.locator("#earlier button").nth(3).wait_for()
    page.locator("#back").click()
    wait_for_first(page, "200")
    wait_for_faces(page, 16)
    page.locator("#face-title", has_text="Seed 201").wait_for()
    assert page.locator("#gallery [aria-current=true]").get_attribute("data-face") == "201"
    assert [one.tobytes() for one in faces_shown(page)] == seen
    assert page.locator("#seed input").input_value() == "200"
    page.go_back()
    wait_for_first(page, "100")
    open_tab(page, "walk")
    wait_for_keyframes(page, "201")
    open_tab(page, "generate")
    reload(page)
    wait_for_first(page, "100")
    page.go_forward()
    wait_for_first(page, "200")
    page.go_forward()
    wait_for_first(page, variations[0])
    page.go_back()
    page.go_back()
    wait_for_first(page, "100")
    page.locator("#earlier button").first.click()
    wait_for_first(page, "0")
    page.locator("#back").wait_for(state="hidden")


def test_back_leads_from_a_walk_to_faces_and_again_to_the_walk(open_page, tiny_page):
    page = open_page("?seed=5&count=4&__theme=dark", url=tiny_page.url, locale="zh-CN", **PHONE)
    wait_for_faces(page, 4)
    page.locator("#use-as-keyframe").tap()
    open_tab(page, "walk")
    wait_for_keyframes(page, "5")
    page.locator("#add").tap()
    wait_for_keyframes(page, "5", "99")
    page.wait_for_function("location.search.includes('kind=walk')")
    page.go_back()
    page.locator("#gallery").wait_for()
    wait_for_faces(page, 4)
    open_tab(page, "walk")
    wait_for_keyframes(page, "5", "99")
    page.go_forward()
    page.wait_for_function("location.search.includes('kind=walk')")
    assert "__theme=dark" in page.url
    page.locator("#walk img").wait_for()


def test_back_works_after_the_server_has_started_anew(browser, trained_run, tmp_path):
    program, page = [*warm.python(str(ROOT / "app.py")), "--model", str(trained_run)], browser.new_page(**LAPTOP)
    with served(tmp_path, program, os.environ) as first:
        page.goto(first.url)
        wait_for_faces(page, 16)
        seen = [face.tobytes() for face in faces_shown(page)]
        page.locator("#seed input").fill("100")
        page.locator("#generate").click()
        page.wait_for_function("location.search.includes('seed=100')")
        wait_for_faces(page, 16)
        page.locator("#earlier button").nth(1).wait_for()
    with served(tmp_path, program, os.environ, first.port):
        page.locator("#back").click()
        wait_for_first(page, "0")
        wait_for_faces(page, 16)
        assert [face.tobytes() for face in faces_shown(page)] == seen
        page.locator("#earlier button").nth(1).click()
        wait_for_first(page, "100")
        page.close()


IS_SEEN = """(words) => [...document.querySelectorAll('.toast-body')].some((toast) => toast.innerText.includes(words)
  && Number(getComputedStyle(toast).opacity) === 1)"""
LAID_OUT = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
ROWS = """() => {
  const rows = {};
  for (const face of document.querySelectorAll('#gallery .face')) {
    const { top, width } = face.getBoundingClientRect();
    (rows[Math.round(top)] ??= []).push(width);
  }
  return [Object.values(rows).map((row) => row.length), Math.min(...Object.values(rows).flat())];
}"""


def test_the_grid_is_full_at_any_width_and_two_tabs_draw_each_for_themselves(open_page, tiny_page):
    page = open_page("?seed=50", url=tiny_page.url, **LAPTOP)
    wait_for_faces(page, 16)
    other = page.context.new_page()
    other.goto(page.url.split("?")[0] + "?seed=7&count=12")
    wait_for_faces(other, 12)
    for shown, count in ((page, 16), (other, 12)):
        for width in (320, 390, 600, 768, 1024, 1280, 1920):
            shown.set_viewport_size({"width": width, "height": 800})
            shown.evaluate(LAID_OUT)
            rows, narrowest = shown.evaluate(ROWS)
            assert sum(rows) == count
            assert len(set(rows)) == 1, f"{rows} at {width}"
            assert narrowest >= 60
    page.locator("#gallery .face").nth(3).click()
    page.locator("#face-title", has_text="Seed 53").wait_for()
    other.locator("#gallery .face").nth(3).click()
    other.locator("#face-title", has_text="Seed 10").wait_for()
    assert page.locator("#face-title").inner_text() == "Seed 53"


def mixed_face(page):
    """Pixels of the face that the mix shows."""
    return shown_in(page, "#mix-slider canvas")


MOVE = """place => {
  const slider = document.querySelector('#mix-slider input'), began = performance.now();
  slider.value = place;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  return performance.now() - began;
}"""


def test_a_slider_shows_the_faces_between_two_without_asking_the_server(open_page, screenshot):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    faces = faces_shown(page)
    pick(page, 2)
    page.locator("#mix").click()
    page.locator("#mix-slider h2", has_text="Between 2 and 3").wait_for()
    page.locator("#gallery .face").nth(10).click()
    page.locator("#mix-slider h2", has_text="Between 2 and 10").wait_for()
    wait_until_quiet(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    seen = set()
    for place in range(4, 24):
        assert page.evaluate(MOVE, place) < 100
        seen.add(mixed_face(page).tobytes())
    assert len(seen) == 20
    for place, face in ((0, faces[2]), (32, faces[10])):
        page.evaluate(MOVE, place)
        assert np.array_equal(mixed_face(page), face)
    page.locator("#mix-slider input").focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    assert page.locator("#mix-slider input").get_attribute("aria-valuetext") == "75 %"
    shown = mixed_face(page)
    page.wait_for_timeout(500)
    assert not [url for url in asked if not url.startswith("data:")]
    assert page.evaluate("document.documentElement.scrollHeight") == 720
    screenshot(page, "mix")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#face-title", has_text="Face 2:10@0.75").wait_for()
    one = open_page(url=copied(page, "#copy-link"))
    wait_for_faces(one, 1)
    assert np.array_equal(faces_shown(one)[0], shown)


def test_a_face_is_mixed_on_a_phone_in_chinese_and_bad_ones_get_a_sentence(open_page, screenshot):
    page = open_page("?__theme=dark", locale="zh-CN", **PHONE)
    wait_for_faces(page, 16)
    page.locator("#mix").tap()
    page.locator("#mix-slider h2", has_text="在 0 与 1 之间").wait_for()
    for typed, sentence in (("0", "这两张都是 0"), ("-1", "种子是 -1"), ("7:42", "is no face")):
        page.locator("#mix-with textarea, #mix-with input").fill(typed)
        page.keyboard.press("Enter")
        page.locator("#mix-message [role=alert]", has_text=sentence).wait_for()
    page.locator("#mix-with textarea, #mix-with input").fill("7:42@0.5")
    page.keyboard.press("Enter")
    page.locator("#mix-slider h2", has_text="在 0 与 7:42@0.5 之间").wait_for()
    page.locator("#mix-message").wait_for(state="hidden")
    box = page.locator("#mix-slider input").bounding_box()
    before = mixed_face(page)
    page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    assert not np.array_equal(mixed_face(page), before)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    screenshot(page, "mix-phone")
    page.locator("#mix-close").tap()
    page.locator("#face-title", has_text="种子 0").wait_for()
    page.locator("#mix-panel").wait_for(state="hidden")
    pick(page, 1)
