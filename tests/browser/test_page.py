"""The page as a visitor meets it on a desktop: faces, links, files, favourites, and what is told of the checkpoint."""

import json
from dataclasses import fields
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

from dcgan.checkpoints import read_training, snapshot_names
from dcgan.gallery import PictureSpec, from_file
from dcgan.layout import BUNDLED
from support.page import (
    LAPTOP,
    captions,
    choose,
    copied,
    copied_picture,
    download,
    draw_from,
    draw_others,
    drop,
    faces_shown,
    hold_back,
    keyframes,
    let_go,
    open_tab,
    open_walk,
    pick,
    reload,
    shown_in,
    wait_for_faces,
    wait_for_first,
    wait_for_keyframes,
    wait_until_quiet,
)
from support.paths import ROOT

DEFAULT = ROOT / "checkpoints" / BUNDLED[0]


def bytes_shown(page):
    return [face.tobytes() for face in faces_shown(page)]


# Generate


def assert_sixteen_faces_on_one_screen(page):
    assert captions(page) == [str(seed) for seed in range(16)]
    faces = faces_shown(page)
    assert all(face.shape == (96, 96, 3) and face.std() > 20 for face in faces)
    assert len({face.tobytes() for face in faces}) == 16
    alts = page.eval_on_selector_all("#gallery img", "all => all.map(one => one.alt)")
    assert alts == [f"Face of seed {seed}" for seed in captions(page)]
    assert page.evaluate("document.documentElement.scrollHeight") == 720


def assert_the_last_of_faces_picked_in_a_hurry_is_shown(page):
    for index in (3, 8, 11, 6):
        page.locator("#gallery .face").nth(index).click()
    page.locator("#face-title", has_text="Seed 6").wait_for()
    wait_until_quiet(page)
    assert page.locator("#face img").get_attribute("alt") == "Face of seed 6"


def assert_a_face_is_taken_along_in_four_sharp_sizes(page, folder):
    assert pick(page, 5) == "5"
    assert page.locator("#face img").get_attribute("alt") == "Face of seed 5"
    face = faces_shown(page)[5]
    for place, size in enumerate((96, 192, 384, 768)):
        path = download(page, f"#face-downloads > :nth-child({place + 1})", folder)
        assert path.name == f"portraits-96_seed-5_{size}px.png"
        taken = np.asarray(Image.open(path).convert("RGB"))
        assert np.array_equal(taken, face.repeat(size // 96, 0).repeat(size // 96, 1))
        assert from_file(path).shown == [5]
    smooth = from_file(download(page, "#save-smooth", folder))
    assert (smooth.shown, smooth.scaling) == ([5], "smooth")
    page.locator("#copy-picture").click()
    page.locator("#copy-picture.done").wait_for()
    assert np.array_equal(copied_picture(page), face.repeat(8, 0).repeat(8, 1))
    assert not page.locator("#share-face").is_visible()  # there is no sheet here


def test_a_visitor_sees_faces_takes_one_along_and_draws_others_at_random_of_a_seed_and_the_best_of_many(
    open_page, screenshot, tmp_path
):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    first = bytes_shown(page)
    assert_sixteen_faces_on_one_screen(page)
    screenshot(page, "generate")
    assert_the_last_of_faces_picked_in_a_hurry_is_shown(page)
    assert_a_face_is_taken_along_in_four_sharp_sizes(page, tmp_path)
    screenshot(page, "face")

    assert page.locator("#randomize input").is_checked()
    draw_others(page)
    assert page.locator("#seed input").input_value() == captions(page)[0]
    draw_from(page, 1000)
    wait_for_faces(page, 16)
    assert not {*bytes_shown(page)} & {*first}

    page.locator("#seed input").fill("0")
    page.locator("#best-of input[type=number]").fill("4")
    page.locator("#generate").click()
    page.wait_for_function("new URLSearchParams(location.search).get('seeds')")
    wait_for_faces(page, 16)
    seeds = captions(page)
    assert len(set(seeds)) == 16
    assert all(0 <= int(seed) < 64 for seed in seeds)
    screenshot(page, "best-of")
    again = open_page(url=copied(page, "#copy-faces-link"))
    wait_for_faces(again, 16)
    assert captions(again) == seeds
    assert bytes_shown(again) == bytes_shown(page)


# Links and styles


def choose_and_see(page, checkpoint):
    """Choose a checkpoint and wait for its faces; they are of the same seed."""
    before, seed = page.locator("#gallery img").first.get_attribute("src"), captions(page)[0]
    choose(page, checkpoint)
    page.wait_for_function("before => document.querySelector('#gallery img').src != before", arg=before)
    wait_for_faces(page, 16)
    assert captions(page)[0] == seed


def assert_the_style_is_shown_in_every_tab(page):
    open_tab(page, "training")
    page.locator("#run-facts", has_text="avatars:micah").wait_for()
    names = snapshot_names(DEFAULT.with_name("micah-96"))
    page.locator("#film h3", has_text=f"Seed 5 {names[-1]}").wait_for()
    assert page.locator("#film ol span").all_inner_texts() == names
    choose(page, "portraits-96")
    page.locator("#run-facts", has_text="portraits:pixel-art-portraits").wait_for()
    page.locator("#film h3", has_text=f"Seed 5 {snapshot_names(DEFAULT)[-1]}").wait_for()
    open_tab(page, "about")
    page.locator("#licence", has_text="Viktor Hahn").wait_for()
    choose(page, "micah-96")
    page.locator("#licence", has_text="Micah Lanier").wait_for()
    open_tab(page, "generate")


def test_a_style_is_chosen_for_every_tab_and_a_link_shows_its_faces_in_a_fresh_browser_as_a_reload_does(
    open_page, screenshot
):
    page = open_page("?seed=5&checkpoint=micah-96@epoch-0002")
    wait_for_faces(page, 16)
    assert page.locator("#checkpoint label:visible").all_inner_texts()[3:] == ["micah-96@epoch-0002"]
    choose_and_see(page, "micah-96")
    screenshot(page, "another-style")
    assert_the_style_is_shown_in_every_tab(page)

    page.locator("#count input[type=number]").fill("5")
    draw_from(page, 123)
    wait_for_faces(page, 5)
    shown = bytes_shown(page)
    link = copied(page, "#copy-faces-link")
    query = parse_qs(urlsplit(link).query)
    assert (query["seed"], query["count"], query["model"]) == (["123"], ["5"], ["micah-96"])
    reload(page)
    fresh = open_page(url=link)
    for other in (page, fresh):
        wait_for_faces(other, 5)
        assert bytes_shown(other) == shown
        assert other.locator("#seed input").input_value() == "123"
    assert fresh.locator("#checkpoint input:checked").input_value() == "micah-96"
    assert fresh.locator("#checkpoint label:visible").count() == 3
    assert not fresh.locator("#notice").is_visible()
    pick(page, 2)
    one = open_page(url=copied(page, "#copy-link"))
    wait_for_faces(one, 1)
    assert bytes_shown(one) == [shown[2]]


# Bad input


def assert_seeds_that_are_none_get_a_sentence(page):
    said = page.locator("#generate-message [role=alert]")
    for seed in ("-1", "2147483648"):
        page.locator("#seed input").fill(seed)
        page.locator("#generate").click()
        page.get_by_text(f"The seed is {seed}; it must be a whole number from 0 to 2147483647.", exact=True).wait_for()
        assert said.count() == 1
        assert len(captions(page)) == 16
    page.locator("#seed input").fill("5.4")
    page.locator("#generate").click()
    wait_for_first(page, "5")
    said.wait_for(state="hidden")


def assert_files_that_cannot_be_read_get_a_sentence(page, folder):
    files = {
        "notes.txt": (b"Dear all,", "This file is no PNG, GIF, WebP or MP4"),
        "large.gif": (b"GIF89a" + bytes(50 * 2**20), "This file is larger than 20 MB"),
    }
    for seed, (name, (content, sentence)) in enumerate(files.items(), 1234):
        (folder / name).write_bytes(content)
        draw_from(page, seed)
        page.wait_for_function("seed => location.search.includes(`seed=${seed}`)", arg=seed)
        page.locator("#header-buttons input[type=file]").set_input_files(folder / name)
        page.locator("#notice").get_by_text(sentence).wait_for()
        wait_until_quiet(page)
        assert captions(page)[0] == str(seed)
        assert f"seed={seed}" in page.url
    draw_from(page, 5)


def assert_a_walk_of_fewer_than_two_faces_gets_a_sentence(page):
    open_walk(page, "5", "6", "7")
    page.locator("#keyframes [data-do=remove]").first.click()
    page.locator("#walk img[alt$='of seeds 6, 7']").wait_for()
    page.locator("#keyframes [data-do=remove]").first.click()
    wait_for_keyframes(page, "7")
    page.locator("#walk img[alt$='of seeds 6, 7']").wait_for()
    page.locator("#make-walk").click()
    page.locator("#walk-message", has_text="A walk takes 2 to 12 faces; these are 1.").wait_for()
    page.locator("#add").click()
    page.locator("#walk img[alt$='of seeds 7, 99']").wait_for()
    page.locator("#walk-message").wait_for(state="hidden")


def test_garbage_in_a_link_bad_seeds_unreadable_files_and_too_short_a_walk_get_a_sentence_and_the_page_stays_usable(
    open_page, tmp_path
):
    page = open_page("?" + "&".join(f"{field.name}=%3Cb%3E%F0%9F%92%A5-1" for field in fields(PictureSpec)))
    wait_for_faces(page, 16)
    assert "is no face" in page.locator("#notice").inner_text()
    assert_seeds_that_are_none_get_a_sentence(page)
    assert_files_that_cannot_be_read_get_a_sentence(page, tmp_path)
    assert_a_walk_of_fewer_than_two_faces_gets_a_sentence(page)


# Training and About

HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4')].filter((e) => e.checkVisibility())
  .map((e) => Number(e.tagName[1]))"""


def assert_the_page_and_its_link_are_ours(page):
    assert page.title() == "Faces by a DCGAN"
    assert page.locator('meta[property="og:title"]').get_attribute("content") == "Faces by a DCGAN"
    card = page.locator('meta[property="og:image"]').get_attribute("content")
    assert page.request.get(card).headers["content-type"] == "image/png"
    assert page.request.get(page.url + "favicon.ico").headers["content-type"] == "image/svg+xml"
    assert page.evaluate(HEADINGS) == [1, 2]


def assert_one_face_is_watched_while_it_is_learned(page):
    stages = snapshot_names(DEFAULT)
    assert page.locator("#film ol span").all_inner_texts() == stages
    late = shown_in(page, "#film .large")
    page.locator("#film ol button").first.click()
    page.locator("#film h3", has_text=f"Seed 7 {stages[0]}").wait_for()
    early = shown_in(page, "#film .large")
    assert not np.array_equal(early, late)
    assert np.array_equal(shown_in(page, "#film ol canvas >> nth=0"), early)
    page.locator("#film .play").click()
    page.locator("#film h3", has_text=f"Seed 7 {stages[1]}").wait_for()
    page.locator("#film h3", has_text=f"Seed 7 {stages[-1]}").wait_for()
    assert np.array_equal(shown_in(page, "#film .large"), late)


def assert_the_course_of_the_run_follows_the_film_and_leads_it(page):
    stages = snapshot_names(DEFAULT)
    page.locator("#film input").press("ArrowLeft")
    assert page.locator("#film input").get_attribute("aria-valuetext") == stages[-2]
    assert page.locator("#course figure svg").count() == 3
    told = page.locator("#course section:visible")
    assert told.get_attribute("data-stage") == stages[-2]
    cursor = page.locator("#course .cursor").first
    assert 0 < float(cursor.evaluate("cursor => cursor.style.left.replace('%', '')")) < 100
    page.locator("#course .plot").first.click(position={"x": 3, "y": 50})
    page.locator("#film h3", has_text=f"Seed 7 {stages[0]}").wait_for()
    assert told.get_attribute("data-stage") == stages[0]
    assert "The discriminator judges" in told.inner_text()
    assert f"checkpoint={DEFAULT.name}@{stages[0]}&seed=7" in page.locator("#film .faces-of").get_attribute("href")
    page.locator("#film input").press("End")
    assert f"{read_training(DEFAULT).images_seen:,}" in page.locator("#run-facts").inner_text()


def assert_about_says_whose_work_it_is_draws_the_networks_and_shows_the_api(page, app_url):
    page.locator("#networks svg").wait_for()
    page.locator("#licence", has_text="Viktor Hahn").wait_for()
    page.locator("#snippet", has_text=app_url).wait_for()
    text = page.locator("body").inner_text()
    assert "CC BY 4.0" in text
    assert "radford2015unsupervised" in text


def test_the_page_is_ours_a_face_is_watched_while_it_is_learned_and_about_says_whose_work_it_is(
    open_page, screenshot, app_url, tmp_path
):
    page = open_page()
    wait_for_faces(page, 16)
    assert_the_page_and_its_link_are_ours(page)
    pick(page, 7)
    open_tab(page, "training")
    page.locator("#film h3", has_text=f"Seed 7 {snapshot_names(DEFAULT)[-1]}").wait_for()
    assert page.evaluate(HEADINGS) == [1, 2, 3, 3, 3, 2]
    assert_one_face_is_watched_while_it_is_learned(page)
    assert_the_course_of_the_run_follows_the_film_and_leads_it(page)
    screenshot(page, "training")
    path = download(page, "#learned-gif", tmp_path)
    assert path.name == "portraits-96_seed-7_learned.gif"
    with Image.open(path) as gif:
        assert gif.n_frames == len(snapshot_names(DEFAULT))
    open_tab(page, "about")
    assert_about_says_whose_work_it_is_draws_the_networks_and_shows_the_api(page, app_url)
    screenshot(page, "about")


# Favourites


def test_favourites_stay_in_the_browser_and_can_be_exported_opened_walked_and_removed(
    open_page, tiny_page, screenshot, tmp_path
):
    page = open_page(url=tiny_page.url)
    wait_for_faces(page, 16)
    for seed in (2, 9):
        pick(page, seed)
        page.locator("#keep").click()
        page.get_by_text(f"Face {seed} is kept").wait_for()
    reload(page)
    wait_for_faces(page, 16)
    page.locator("#favourites button").first.click()
    kept = page.locator("#favourite-faces .seed")
    kept.nth(1).wait_for()
    assert kept.all_inner_texts() == ["9", "2"]
    assert page.locator("#favourite-faces img").first.get_attribute("alt") == "Face of seed 9"
    screenshot(page, "favourites")
    path = download(page, "#export-favourites", tmp_path)
    assert [one["seed"] for one in json.loads(path.read_text())] == [9, 2]

    other = open_page(url=tiny_page.url)
    wait_for_faces(other, 16)
    drop(other, path.name, path.read_bytes())
    other.get_by_text("2 favourites are kept").wait_for()
    other.locator("#favourites button").first.click()
    other.locator("#favourite-faces [data-do=pick]").nth(1).click()
    other.wait_for_function("document.querySelector('#face img').alt == 'Face of seed 2'")
    other.locator("#walk-favourites").click()
    other.wait_for_function("document.querySelector('#walk img')?.naturalWidth > 0")
    assert keyframes(other) == ["9", "2"]

    pick(page, 5)
    wait_until_quiet(page)
    held = hold_back(page, 1)
    page.locator("#keep").click()
    page.locator("#favourite-faces [data-do=remove]").first.click()
    page.wait_for_function("document.querySelectorAll('#favourite-faces li').length == 1")
    let_go(page, held)
    page.get_by_text("Face 5 is kept").wait_for()
    reload(page)
    wait_for_faces(page, 16)
    page.locator("#favourites button").first.click()
    kept.nth(1).wait_for()
    assert kept.all_inner_texts() == ["5", "2"]
