"""Sliders with a meaning: a face is changed in one thing."""

import numpy as np

from support.page import LAPTOP, PHONE, copied, faces_shown, pick, shown_in, wait_for_faces, wait_until_quiet

MOVE = """([index, place]) => {
  const slider = document.querySelectorAll('#steer-sliders input')[index], began = performance.now();
  slider.value = place;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  return performance.now() - began;
}"""
DRAWN = "name => document.querySelector('#steer-frames img')?.dataset.name == name"


def steered(page):
    """Pixels of the face that the sliders show."""
    return shown_in(page, "#steer-sliders canvas")


def touch(page, index):
    slider = page.locator("#steer-sliders input").nth(index)
    slider.focus()
    page.wait_for_function(DRAWN, arg=slider.get_attribute("data-name"))
    wait_until_quiet(page)
    return slider.get_attribute("data-name")


def test_a_face_is_steered_live_by_several_sliders_and_taken(open_page, screenshot):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    faces = faces_shown(page)
    pick(page, 2)
    page.locator("#steer").click()
    page.locator("#steer-sliders h2", has_text="Seed 2").wait_for()
    wait_until_quiet(page)
    assert np.array_equal(steered(page), faces[2])
    assert page.locator("#steer-sliders input").count() >= 6
    assert page.evaluate("document.documentElement.scrollHeight") == 720
    first = touch(page, 0)
    assert np.array_equal(steered(page), faces[2])
    asked, seen = [], set()
    page.on("request", lambda request: asked.append(request.url))
    for place in (*range(2, 16), *range(17, 23)):
        assert page.evaluate(MOVE, [0, place]) < 100
        seen.add(steered(page).tobytes())
    assert len(seen) == 20
    page.wait_for_timeout(300)
    assert not [url for url in asked if not url.startswith("data:")]

    moved = steered(page)
    second = touch(page, 1)
    assert np.array_equal(steered(page), moved), "another slider begins where the first one left the face"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#steer-sliders input").nth(1).get_attribute("aria-valuetext") == "-0.4"
    shown = steered(page)
    assert not np.array_equal(shown, moved)
    screenshot(page, "steer")
    page.locator("#steer-sliders .take").click()
    face = f"2~{first}=1.125~{second}=-0.375"
    page.locator(f'[data-shown-face="{face}"]').wait_for()
    one = open_page(url=copied(page, "#copy-link"))
    wait_for_faces(one, 1)
    assert np.array_equal(faces_shown(one)[0], shown)


def test_a_face_is_steered_on_a_phone_in_chinese_and_dark_and_set_back(open_page, screenshot):
    page = open_page("?__theme=dark", locale="zh-CN", **PHONE)
    wait_for_faces(page, 16)
    page.locator("#steer").tap()
    page.locator("#steer-sliders h2", has_text="种子 0").wait_for()
    wait_until_quiet(page)
    before = steered(page)
    box = page.locator("#steer-sliders input").first.bounding_box()
    assert box["height"] >= 44
    page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    page.wait_for_function(DRAWN, arg=page.locator("#steer-sliders input").first.get_attribute("data-name"))
    wait_until_quiet(page)
    assert not np.array_equal(steered(page), before)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    screenshot(page, "steer-phone")
    page.locator("#steer-sliders .reset").tap()
    assert np.array_equal(steered(page), before)
    pick(page, 1)
    page.locator("#steer-panel").wait_for(state="hidden")
