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
    open_tab,
    pick,
    wait_for_faces,
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
