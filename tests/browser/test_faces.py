"""What can be done with a face on the first tab: others like it, faces between two, and sliders with a meaning."""

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np

from dcgan.gallery import from_file
from support.page import (
    LAPTOP,
    PHONE,
    assert_speaks,
    captions,
    copied,
    download,
    draw_from,
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
        draw_from(page, seed)
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


# What the first stream of answers says is read only after the third event, which asks for the faces, was taken
READ_LATE = """
const answerTo = window.fetch, [isRead, isTaken] = [Promise.withResolvers(), Promise.withResolvers()];
let events = 0, streams = 0;
window.fetch = async (...asked) => {
  const address = String(asked[0].url ?? asked[0]), nth = address.includes('/queue/join') && ++events;
  if (nth === 3) await isRead.promise;
  const answer = await answerTo(...asked);
  if (nth === 3) setTimeout(isTaken.resolve, 300);
  if (!address.includes('/queue/data') || streams++) return answer;
  const said = await answer.text();
  isRead.resolve();
  await isTaken.promise;
  return new Response(said);
};
"""


def test_two_tabs_draw_each_for_themselves_into_full_grids_even_where_an_answer_comes_as_the_stream_of_answers_ends(
    open_page, tiny_page
):
    page = open_page(url=tiny_page.url, script=READ_LATE, **LAPTOP)
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
    page.locator("#face-title", has_text="Seed 3").wait_for()
    other.locator("#gallery .face").nth(3).click()
    other.locator("#face-title", has_text="Seed 10").wait_for()
    assert page.locator("#face-title").inner_text() == "Seed 3"


MOVE = """([sliders, index, place]) => {
  const slider = document.querySelectorAll(`${sliders} input`)[index], began = performance.now();
  slider.value = place;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  return performance.now() - began;
}"""


DRAWN = "name => document.querySelector('#steer-frames img')?.dataset.name == name"


def mixed(page):
    """Pixels of the face that the mix shows."""
    return shown_in(page, "#mix-slider canvas")


def steered(page):
    """Pixels of the face that the sliders of Steer show."""
    return shown_in(page, "#steer-sliders canvas")


def touch(page, index):
    slider = page.locator("#steer-sliders input").nth(index)
    slider.focus()
    page.wait_for_function(DRAWN, arg=slider.get_attribute("data-name"))
    wait_until_quiet(page)
    return slider.get_attribute("data-name")


def assert_twenty_places_show_faces_without_asking_the_server(page, sliders, places):
    asked, seen = [], set()
    page.on("request", lambda request: asked.append(request.url))
    for place in places:
        assert page.evaluate(MOVE, [sliders, 0, place]) < 100
        seen.add(shown_in(page, f"{sliders} canvas").tobytes())
    assert len(seen) == 20
    page.wait_for_timeout(300)
    assert not [url for url in asked if not url.startswith("data:")]


def mix_with_another(page):
    """Mix face 2 with others of the gallery, and take what is three quarters face 2; gives its pixels."""
    faces = faces_shown(page)
    pick(page, 2)
    page.locator("#mix").click()
    page.locator("#mix-slider h2", has_text="Between 2 and 3").wait_for()
    page.locator("#gallery .face").nth(10).click()
    page.locator("#mix-slider h2", has_text="Between 2 and 10").wait_for()
    wait_until_quiet(page)
    assert_twenty_places_show_faces_without_asking_the_server(page, "#mix-slider", range(4, 24))
    for place, face in ((0, faces[2]), (32, faces[10])):
        page.evaluate(MOVE, ["#mix-slider", 0, place])
        assert np.array_equal(mixed(page), face)
    page.locator("#mix-slider input").focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    assert page.locator("#mix-slider input").get_attribute("aria-valuetext") == "75 %"
    assert page.evaluate("document.documentElement.scrollHeight") == 720
    return mixed(page)


def steer_by_two_sliders(page, face):
    """Steer the face that is shown, whose pixels are given; gives the names of both sliders."""
    wait_until_quiet(page)
    assert np.array_equal(steered(page), face)
    assert page.locator("#steer-sliders input").count() >= 6
    assert page.evaluate("document.documentElement.scrollHeight") == 720
    first = touch(page, 0)
    assert np.array_equal(steered(page), face)
    assert_twenty_places_show_faces_without_asking_the_server(page, "#steer-sliders", (*range(2, 16), *range(17, 23)))
    moved = steered(page)
    second = touch(page, 1)
    assert np.array_equal(steered(page), moved), "another slider begins where the first one left the face"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#steer-sliders input").nth(1).get_attribute("aria-valuetext") == "-0.4"
    assert not np.array_equal(steered(page), moved)
    return first, second


def assert_link_shows(open_page, page, shown):
    """Open the link of the face that is shown large, and see the same."""
    linked = open_page(url=copied(page, "#copy-link"))
    wait_for_faces(linked, 1)
    assert np.array_equal(faces_shown(linked)[0], shown)


def test_sliders_show_faces_between_two_and_steer_the_one_that_is_taken_without_asking_the_server(
    open_page, screenshot
):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    mixture = mix_with_another(page)
    screenshot(page, "mix")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#face-title", has_text="Face 2:10@0.75").wait_for()
    assert_link_shows(open_page, page, mixture)

    page.locator("#steer").click()
    page.locator("#steer-sliders h2", has_text="2:10@0.75").wait_for()
    first, second = steer_by_two_sliders(page, mixture)
    shown = steered(page)
    screenshot(page, "steer")
    page.locator("#steer-sliders .take").click()
    page.locator(f'[data-shown-face="2:10@0.75~{first}=1.125~{second}=-0.375"]').wait_for()
    assert_link_shows(open_page, page, shown)


# On a phone, in Chinese and in the dark


def mix_by_finger(page, screenshot):
    """Mix face 0 with another, after some that can't be mixed with, and close the mix."""
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
    before = mixed(page)
    tap_near_the_end(page, page.locator("#mix-slider input"))
    assert not np.array_equal(mixed(page), before)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    screenshot(page, "mix-phone")
    page.locator("#mix-close").tap()
    page.locator("#face-title", has_text="种子 0").wait_for()
    page.locator("#mix-panel").wait_for(state="hidden")


def tap_near_the_end(page, slider):
    box = slider.bounding_box()
    page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)


def steer_by_finger(page, screenshot):
    """Steer face 0, set it back, and look at another."""
    page.locator("#steer").tap()
    page.locator("#steer-sliders h2", has_text="种子 0").wait_for()
    wait_until_quiet(page)
    before, slider = steered(page), page.locator("#steer-sliders input").first
    assert slider.bounding_box()["height"] >= 44
    tap_near_the_end(page, slider)
    page.wait_for_function(DRAWN, arg=slider.get_attribute("data-name"))
    wait_until_quiet(page)
    assert not np.array_equal(steered(page), before)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    screenshot(page, "steer-phone")
    page.locator("#steer-sliders .reset").tap()
    assert np.array_equal(steered(page), before)
    pick(page, 1)
    page.locator("#steer-panel").wait_for(state="hidden")


def draw_more_by_finger(page, screenshot):
    assert page.locator("#more-like-this").inner_text() == "更多类似的脸"
    page.locator("#more-like-this").tap()
    wait_for_faces(page, 9)
    page.wait_for_function("document.querySelector('#gallery').getBoundingClientRect().top < 300")
    edges = page.eval_on_selector_all("#gallery button", "all => all.map(e => e.getBoundingClientRect().right)")
    assert max(edges) <= 390
    screenshot(page, "more-like-this-phone")


def test_on_a_phone_in_chinese_and_dark_faces_are_mixed_steered_and_varied_and_all_is_said_above_the_main_button(
    open_page, screenshot
):
    page = open_page("?__theme=dark", locale="zh-TW", **PHONE)
    wait_for_faces(page, 16)
    assert_speaks(page, "种子 0", "生成")
    mix_by_finger(page, screenshot)
    steer_by_finger(page, screenshot)
    draw_more_by_finger(page, screenshot)
    page.locator("#keep").tap()
    assert_said_above_the_main_button(page, "已保存在这个浏览器里")
    page.wait_for_function("location.search.includes('seeds=')")
    page.context.set_offline(True)
    page.locator("#more-like-this").tap()
    assert_said_above_the_main_button(page, "连接断开了")
    page.context.set_offline(False)
    page.get_by_text("连接断开了").wait_for(state="detached")
    wait_for_faces(page, 9)
