"""The page as a visitor meets it."""

import io

import numpy as np
import pytest
from hub_client import REPO, environment
from PIL import Image

PHONE = {
    "viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2,
}  # fmt: skip


def wait_for_faces(page, count):
    page.wait_for_function(
        "count => { const faces = [...document.querySelectorAll('#gallery .grid-container img')];"
        " return faces.length == count && faces.every(face => face.complete && face.naturalWidth) }",
        arg=count,
    )


def captions(page):
    return page.locator("#gallery .caption-label").all_inner_texts()


def faces_shown(page):
    """Pixels of every face in the gallery, as the server sent them."""
    addresses = page.eval_on_selector_all("#gallery .grid-container img", "all => all.map(one => one.src)")
    return [np.asarray(Image.open(io.BytesIO(page.request.get(a).body())).convert("RGB")) for a in addresses]


def test_a_visitor_sees_faces_changes_the_seed_and_takes_a_moving_gif(open_page, screenshot, tmp_path):
    page = open_page()
    wait_for_faces(page, 16)
    assert captions(page) == [str(seed) for seed in range(16)]
    first = faces_shown(page)
    assert all(face.shape == (96, 96, 3) and face.std() > 20 for face in first)
    assert len({face.tobytes() for face in first}) == 16
    screenshot(page, "generate")

    page.locator("#seed input").fill("1000")
    page.locator("#generate").click()
    page.wait_for_function("document.querySelector('#gallery .caption-label')?.innerText == '1000'")
    wait_for_faces(page, 16)
    assert not {face.tobytes() for face in faces_shown(page)} & {face.tobytes() for face in first}

    page.get_by_role("tab", name="Interpolate").click()
    page.locator("#make-walk").click()
    walk = page.locator("#walk img")
    walk.wait_for()
    page.wait_for_function("document.querySelector('#walk img').naturalWidth == 384")
    moments = []
    for _ in range(3):
        moments.append(walk.screenshot())
        page.wait_for_timeout(450)
    assert len(set(moments)) > 1, "the GIF doesn't move"
    screenshot(page, "interpolate")

    with page.expect_download() as download:
        page.locator("#walk-file a").first.click()
    assert download.value.suggested_filename == "adventurer-96_seed-7-42_48f.gif"
    download.value.save_as(tmp_path / "walk.gif")
    with Image.open(tmp_path / "walk.gif") as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (48, (384, 384), 0)


def test_randomize_draws_another_seed_and_writes_it_back(open_page):
    page = open_page()
    wait_for_faces(page, 16)
    page.locator("#randomize input").check()
    page.locator("#generate").click()
    page.wait_for_function("document.querySelector('#gallery .caption-label').innerText != '0'")
    assert page.locator("#seed input").input_value() == captions(page)[0]


def test_the_page_fits_a_phone(open_page, screenshot):
    page = open_page(**PHONE)
    wait_for_faces(page, 16)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    edges = page.eval_on_selector_all(
        "#gallery .grid-container img", "all => all.map(one => one.getBoundingClientRect().right)"
    )
    assert max(edges) <= 390
    screenshot(page, "generate-phone")
    page.get_by_role("tab", name="Interpolate").click()
    page.locator("#make-walk").click()
    page.wait_for_function("document.querySelector('#walk img')?.naturalWidth == 384")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    screenshot(page, "interpolate-phone")


def test_the_page_is_dark_where_the_visitor_wants_it(open_page, screenshot):
    page = open_page("?__theme=dark")
    wait_for_faces(page, 16)
    corner = Image.open(io.BytesIO(page.screenshot())).convert("RGB").getpixel((2, 2))
    assert max(corner) < 60
    screenshot(page, "generate-dark")


@pytest.mark.parametrize("seed", ["-1", "2147483648"])
def test_a_seed_that_is_none_gets_a_sentence_and_the_page_stays_usable(seed, open_page):
    page = open_page()
    wait_for_faces(page, 16)
    page.locator("#seed input").fill(seed)
    page.locator("#generate").click()
    page.get_by_text(f"The seed is {seed}; it must be a whole number from 0 to 2147483647.").wait_for()
    page.locator("#seed input").fill("5")
    page.locator("#generate").click()
    page.wait_for_function("document.querySelector('#gallery .caption-label')?.innerText == '5'")


def test_a_page_whose_model_is_on_a_hub_that_is_away_shows_the_bundled_faces_and_one_line_why(
    open_page, screenshot, serve_app, hub, tmp_path
):
    hub.down()
    page = open_page(url=serve_app("--model", REPO, environment=environment(hub, tmp_path / "home")))
    wait_for_faces(page, 16)
    assert page.locator("#notice").inner_text() == (
        f"alice/faces can't be shown: the Hub ({hub.url}) can't be reached (ConnectionRefusedError). "
        "These faces are of adventurer-96."
    )
    screenshot(page, "hub-away")


def test_a_page_on_a_repository_offers_its_tags_and_no_notice(open_page, serve_app, hub, pushed_run, tmp_path):
    page = open_page(url=serve_app("--model", REPO, environment=environment(hub, tmp_path / "home")))
    wait_for_faces(page, 16)
    assert page.locator("#notice").count() == 0 or not page.locator("#notice").is_visible()
    latest = faces_shown(page)
    page.locator("#checkpoint input").click()
    options = page.get_by_role("option")
    assert options.all_inner_texts() == ["✓\nalice/faces", "alice/faces@epoch-0002", "alice/faces@epoch-0001"]
    options.nth(2).click()
    page.wait_for_function(
        "before => document.querySelector('#gallery .grid-container img')?.src != before",
        arg=page.eval_on_selector("#gallery .grid-container img", "face => face.src"),
    )
    wait_for_faces(page, 16)
    assert not {face.tobytes() for face in faces_shown(page)} & {face.tobytes() for face in latest}


def test_the_best_of_many_are_shown_with_seed_and_belief(open_page, screenshot):
    page = open_page()
    wait_for_faces(page, 16)
    page.locator("#more button").first.click()
    page.locator("#best-of input[type=number]").fill("4")
    page.locator("#generate").click()
    page.wait_for_function("document.querySelector('#gallery .caption-label')?.innerText.includes('%')")
    wait_for_faces(page, 16)
    seeds, beliefs = zip(*(caption.split(" · ") for caption in captions(page)), strict=True)
    assert len(set(seeds)) == 16
    assert all(0 <= int(seed) < 64 for seed in seeds)
    shown = [int(belief.rstrip("%")) for belief in beliefs]
    assert shown == sorted(shown, reverse=True)
    screenshot(page, "best-of")
