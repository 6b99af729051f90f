"""What can be done with a face on the first tab."""

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np

from dcgan.gallery import from_file
from support.page import (
    LAPTOP,
    PHONE,
    captions,
    copied,
    download,
    faces_shown,
    make_walk,
    open_tab,
    pick,
    reload,
    wait_for_faces,
    wait_for_first,
    wait_for_keyframes,
)


def more_like_this(page, parent):
    """Press the button until nine others than before are there; gives their expressions."""
    before = captions(page)
    page.locator("#more-like-this").click()
    page.wait_for_function(
        "before => document.querySelector('#gallery .caption-label').innerText != before", arg=before[0]
    )
    wait_for_faces(page, 9)
    assert all(re.fullmatch(rf"{re.escape(parent)}:[0-9]+@0.2", caption) for caption in captions(page))
    return captions(page)


def pick_variation(page, index):
    face = captions(page)[index]
    page.locator("#gallery button.thumbnail-lg").nth(index).click()
    page.locator("#face-title", has_text=face).wait_for()
    return face


def test_more_like_a_face_again_and_again_each_of_them_a_face_like_any(open_page, screenshot, tmp_path):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    parent = faces_shown(page)[2].astype(float)
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
    open_tab(page, 1)
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

    page.locator("#back").click()
    wait_for_first(page, "200")
    wait_for_faces(page, 16)
    assert [one.tobytes() for one in faces_shown(page)] == seen
    assert page.locator("#seed input").input_value() == "200"
    page.go_back()
    wait_for_first(page, "100")
    reload(page)
    wait_for_first(page, "100")
    page.go_forward()
    wait_for_first(page, "200")
    page.go_forward()
    wait_for_first(page, variations[0])
    page.go_back()
    page.go_back()
    wait_for_first(page, "100")
    page.locator("#back").focus()
    page.keyboard.press("Enter")
    wait_for_first(page, "0")
    page.locator("#back").wait_for(state="hidden")
    open_tab(page, 1)
    wait_for_keyframes(page, "201")


def test_back_leads_from_a_walk_to_faces_and_again_to_the_walk(open_page):
    page = open_page("?seed=5&count=4&__theme=dark", locale="zh-CN", **PHONE)
    wait_for_faces(page, 4)
    page.locator("#use-as-keyframe").tap()
    open_tab(page, 1)
    wait_for_keyframes(page, "5")
    page.locator("#add").tap()
    wait_for_keyframes(page, "5", "99")
    make_walk(page)
    page.wait_for_function("location.search.includes('kind=walk')")
    page.go_back()
    page.locator("#gallery").wait_for()
    wait_for_faces(page, 4)
    open_tab(page, 1)
    wait_for_keyframes(page, "5", "99")
    page.go_forward()
    page.wait_for_function("location.search.includes('kind=walk')")
    assert "__theme=dark" in page.url
    page.locator("#walk img").wait_for()
