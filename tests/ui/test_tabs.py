"""What the Training and About tabs say of a checkpoint, whatever its files hold."""

import json
import os
import re
import shutil
import time
from xml.etree import ElementTree

import gradio as gr
import numpy as np
import pytest
import torch

from dcgan.errors import InputError
from dcgan.gallery import LocalCatalog, PictureSpec, Renderer
from dcgan.network_config import IMAGE_SIZES, GeneratorConfig
from dcgan.ui.about import discriminator_feature_maps, licence_of, readable_card
from dcgan.ui.curves import MAX_POINTS, figures_of, lines_in, points_of
from dcgan.ui.face_grid import names_of
from dcgan.ui.face_strip import face_strip_entry, link_in
from dcgan.ui.keyframes import faces_in, suggestion, was_chosen
from dcgan.ui.links import spec_of
from dcgan.ui.moments import moments_in
from dcgan.ui.networks import networks_figure
from dcgan.ui.training import TrainingTab, run_facts
from dcgan.ui.walk import WalkTab


class Texts:
    """A catalog that has nothing but texts."""

    model = "tiny"

    def __init__(self, **texts: str):
        self.texts = texts

    def text(self, file: str) -> str:
        return self.texts.get(file.partition(".")[0], "")


def test_the_run_is_told_as_it_was(trained_run):
    facts = json.loads((trained_run / "training.json").read_text())
    told = run_facts("en", LocalCatalog(trained_run, torch.device("cpu")))
    assert f"| Pictures seen | {facts['images_seen']:,} |" in told
    assert f"{facts['data']['pictures']} of **avatars:adventurer**" in told
    assert "python train.py --data avatars:adventurer" in told


@pytest.mark.parametrize("training", ["", "[]", "{", "7", "null"])
def test_without_a_record_the_page_says_so(training):
    assert run_facts("en", Texts(training=training)) == "This checkpoint came without a record of its training."


def test_strange_facts_are_shown_as_unknown_and_nobodys_markup_is_taken_over():
    facts = {
        "images_seen": 10**400,
        "hardware": "x\ud800y",
        "data": {"name": "<b>|x*", "pictures": "many"},
        "parameters": 7,
        "seconds": None,
        "command": "a`b<script>",
    }
    told = run_facts("en", Texts(training=json.dumps(facts)))
    assert "? of **&lt;b&gt;&#124;x&#42;**" in told
    assert "<code>a`b&lt;script&gt;</code>" in told
    assert "x?y" in told
    assert "&#33;&#91;a&#93;(http" in run_facts("en", Texts(training='{"hardware": "![a](http://x/a.png)"}'))


@pytest.fixture
def training(trained_run, tmp_path):
    """The Training tab of a run of which one snapshot is gone."""
    shutil.copytree(trained_run, tmp_path / "run")
    (tmp_path / "run" / "metrics.jsonl").touch()  # the run that it is of may have ended long ago
    (tmp_path / "files").mkdir()
    renderer = Renderer(LocalCatalog(tmp_path / "run", torch.device("cpu")), tmp_path / "files")
    shutil.rmtree(tmp_path / "run" / "epochs" / "epoch-0001")
    with gr.Blocks():
        return TrainingTab(renderer, gr.Dropdown())


def test_a_snapshot_that_is_gone_is_left_out_of_the_course_of_training(training):
    face, film, *_ = training._show_course("en", "face=5:6@0.5", "run")
    assert (film["stages"], film["last"], film["title"]) == (["epoch-0002"], 0, "Face 5:6@0.5")
    assert spec_of(face).shown == ["5:6@0.5"]


def test_the_run_is_told_whatever_becomes_of_the_faces(training):
    with pytest.raises(InputError, match="The seed is -1"):
        training._show("en", -1, "run")
    column, tools, absent, course, facts = training._show_run("en", "", "run")
    assert (column.visible, tools.visible, absent.visible) == (True, True, False)
    assert "<figcaption>Losses" in course
    assert "python train.py" in facts


def test_nothing_is_drawn_while_the_training_tab_is_hidden(training):
    hidden = [*training._show_course("en", 5, None), *training._show_run("en", 5, None)]
    assert hidden == [gr.skip()] * 8


def test_a_run_that_goes_on_is_followed_and_its_faces_drawn_again_only_at_another_snapshot(training):
    folder = training.renderer.catalog.folder
    told = {"version": training.renderer.catalog.going_on, "snapshots": "1"}
    [version] = re.findall('data-version="([^"]+)" data-snapshots="1"', training._show_run("en", "", "run")[3])
    told = {"version": version, "snapshots": "1"}
    assert training._follow("en", told, "face=5", "run") == [gr.skip()] * 8
    with (folder / "metrics.jsonl").open("a") as metrics:
        metrics.write('{"images": 1000000, "loss_d": 1, "loss_g": 1}\n')
    os.utime(folder / "metrics.jsonl", ns=(time.time_ns() + 10**9,) * 2)
    *_, course, _, face, film, download = training._follow("en", told, "face=5", "run")
    assert "1,000,000 pictures seen" in course
    assert [face, film, download] == [gr.skip()] * 3
    shutil.copytree(folder / "epochs" / "epoch-0002", folder / "epochs" / "epoch-0003")
    *_, film, _ = training._follow("en", told, "face=5", "run")
    assert film["stages"] == ["epoch-0002", "epoch-0003"]


def test_a_run_that_ended_long_ago_and_a_bundle_are_not_followed(training):
    folder = training.renderer.catalog.folder
    assert training.renderer.catalog.going_on
    (folder / "state").rename(folder / "other")
    assert not training.renderer.catalog.going_on
    (folder / "other").rename(folder / "state")
    os.utime(folder / "metrics.jsonl", (0, 0))
    assert not training.renderer.catalog.going_on
    assert "data-version" not in training._show_run("en", "", "run")[3]


def snapshot_line(images, **values) -> str:
    return json.dumps({"images": images, "snapshot": f"epoch-{images:04d}", **values})


def test_what_both_networks_did_at_a_snapshot_is_told_by_the_numbers_of_that_moment():
    lines = lines_in("\n".join([
        snapshot_line(100, distance=0.4, relative_diversity=0.5, d_real=0.9, d_fake=0.1),
        json.dumps({"images": 150, "d_real": 0.2, "d_fake": 0.8}),
        json.dumps({"images": 190, "d_real": 0.8, "d_fake": 0.05}),
        snapshot_line(200, distance=0.3, relative_diversity=0.75),
        json.dumps({"images": 400, "d_real": 0.1, "d_fake": 0.1}),
    ]))  # fmt: skip
    first, second = moments_in("en", lines, "bce")
    assert [(each.stage, each.at) for each in (first, second)] == [("epoch-0100", 0.25), ("epoch-0200", 0.5)]
    assert "After 100 pictures its faces were 0.40 away" in first.told
    assert "snapshot before" not in first.told
    for words in ("0.30 away", "That is nearer", "<b>75%</b>", "no more than at the snapshot before", "<b>80%</b>"):
        assert words in second.told
    assert "they are real" in second.told
    assert "side by side" in moments_in("en", lines, "relativistic")[0].told


@pytest.mark.parametrize("value", [None, "0.5", True, float("nan"), 10**400, [1]])
def test_what_no_number_tells_of_a_snapshot_is_left_out(value):
    line = snapshot_line(1, distance=value, relative_diversity=0.5, d_real=value, d_fake=0.1)
    [moment] = moments_in("en", lines_in(line), "bce")
    assert moment.told == ""


def test_curves_have_every_line_of_a_short_run_and_are_thinned_out_for_a_long_one():
    def lines(count: int) -> str:
        return "\n".join(json.dumps({"images": i, "loss_d": i / 2, "loss_g": None}) for i in range(count))

    assert [value for _, value in points_of(lines_in(lines(20)), "loss_d")] == [i / 2 for i in range(20)]
    assert points_of(lines_in(lines(20)), "loss_g") == []
    assert MAX_POINTS / 2 < len(points_of(lines_in(lines(1000)), "loss_d")) <= MAX_POINTS
    assert lines_in('x\n[]\n{"event": "rollback"}\n{"images": "7"}\n{"images": NaN}') == []
    assert lines_in(json.dumps({"images": 10**400, "loss_d": 1})) == []


def test_curves_are_drawn_from_corner_to_corner_and_told_in_words():
    lines = [{"images": images, "loss_d": 4 - images / 50, "d_real": 0.5} for images in (0, 50, 200)]
    figures = ElementTree.fromstring(f"<div>{figures_of('en', lines)}</div>".replace(" hidden>", ">"))
    losses, beliefs = figures.findall("figure")
    assert losses.find(".//path").get("d") == "M0.00 0.00L25.00 25.00L100.00 100.00"
    assert losses.find(".//svg").get("aria-label") == "Losses: discriminator from 4.00 to 0.00"
    assert beliefs.find(".//path").get("d") == "M0.00 50.00L25.00 50.00L100.00 50.00"
    assert figures_of("en", []) == ""
    assert figures_of("en", lines[:1])


@pytest.mark.parametrize("size", IMAGE_SIZES)
def test_the_figure_shows_every_feature_map_of_both_networks(size):
    config = GeneratorConfig(image_size=size, feature_maps=16)
    figure = ElementTree.fromstring(networks_figure("en", config, 8))
    kinds = [rect.get("class") for rect in figure.iter("rect")]
    assert kinds == ["end", *"g" * len(config.widths), "picture", *"d" * len(config.widths), "end"]
    words = [text.text for text in figure.iter("text")]
    channels = [int(word) for word in words if word.isdecimal()]
    assert channels == [*config.widths, 3, *(width // 2 for width in config.widths[::-1])]
    assert f"{size}×{size}" in words
    _, _, width, _ = map(float, figure.get("viewBox").split())
    assert all(0 < float(rect.get("x")) < width - float(rect.get("width")) for rect in figure.iter("rect"))


def test_how_wide_the_discriminator_is_comes_from_the_record_of_its_run(trained_run, tmp_path):
    shutil.copytree(trained_run, tmp_path / "run")
    facts = json.loads((trained_run / "training.json").read_text())
    facts["config"]["discriminator_feature_maps"] = 6
    (tmp_path / "run" / "training.json").write_text(json.dumps(facts))
    catalog = LocalCatalog(tmp_path / "run", torch.device("cpu"))
    assert discriminator_feature_maps(catalog, catalog.generator().config) == 6


@pytest.mark.parametrize("said", [None, "8", True, 0, 10**9, 8.5, [8]])
def test_without_a_record_the_discriminator_is_taken_to_be_as_wide_as_the_generator(said):
    for run in (said, {}, {"discriminator_feature_maps": said}):
        texts = Texts(training=json.dumps({"config": run}))
        assert discriminator_feature_maps(texts, GeneratorConfig(feature_maps=16)) == 16


def test_the_author_of_the_style_is_named_with_the_licence(trained_run):
    said = licence_of("en", LocalCatalog(trained_run, torch.device("cpu")))
    assert "by Lisa Wischofsky, [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/)" in said


def test_an_unknown_licence_is_said_to_be_unknown_and_no_foreign_address_is_linked():
    assert "is not stated" in licence_of("en", Texts(training='{"data": {"name": "pictures"}}'))
    credit = {"licence": "mi\ud800ne", "licence_url": "javascript:alert(1)", "title": "[x](http://y)"}
    said = licence_of("en", Texts(training=json.dumps({"data": {"attribution": credit}})))
    assert "mi?ne" in said
    assert "javascript" not in said
    assert "](http://y)" not in said


def test_a_card_is_shown_without_its_metadata_and_asks_for_nothing():
    card = "---\nlicense: mit\n---\n\n# F\n![a](samples/latest.png) <img src='http://x'> <SCRIPT>a</SCRIPT> t ![a][b]"
    shown = readable_card(card)
    assert shown.strip().startswith("# F")
    assert " t " in shown
    assert not any(words in shown.lower() for words in ("license", "latest.png", "<img", "<script", "http", "!["))


@pytest.mark.parametrize("faces", [None, [], "text", [7], [{}], [{"seed": 1}], {"0": 1}])
def test_a_strip_that_is_none_has_no_links(faces):
    assert link_in(faces, 0) == ""
    assert link_in([{"query": "seed=1"}], 0) == "seed=1"
    assert link_in([{"query": "seed=1"}], 99) == ""


def test_faces_are_read_from_a_strip_and_nothing_else_is():
    many = [{"seed": seed} for seed in range(3000)]
    assert len(faces_in(many)) == 13  # one more than a walk may have, so that it is refused
    face = face_strip_entry(np.zeros((4, 4, 3), np.uint8), 7, "seven", "seed=7")
    assert faces_in([face, {"seed": "42"}, {"seed": None}, 9, {"seed": -3}]) == (7, 42, 0)
    assert faces_in([{"seed": "7:42@0.5"}, {"seed": "7:42"}, {"seed": "<b>"}]) == ("7:42@0.5",)
    assert faces_in(None) == faces_in("7") == ()


def test_names_of_faces_that_begin_or_end_alike_say_what_tells_them_apart():
    assert names_of(["7", "8"]) == ["7", "8"]
    alike = [f"2147483647:{seed}@0.2" for seed in (1748371123, 1748000000)]
    assert names_of(alike) == ["1748371123", "1748000000"]
    steered = ["7:42@0.35~hair_hue=1.25", "7:42@0.35~hair_long=1.25"]
    assert names_of(steered) == ["hair_hue", "hair_long"]
    [alone] = names_of(["7:2147483647@0.3512"])
    assert (alone[:4], "…" in alone, alone[-4:], len(alone) <= 16) == ("7:21", True, "3512", True)


def test_a_walk_that_nobody_chose_goes_through_the_first_faces_of_the_gallery_or_those_of_any_page():
    assert suggestion(PictureSpec(seed=5)) == (5, 6, 7)
    assert suggestion(PictureSpec(seeds=("7:42@0.2", 3, 9, 8))) == ("7:42@0.2", 3, 9)
    assert suggestion(PictureSpec(face="7-12+42")) == ("7-12+42", 7, 42)
    assert suggestion(PictureSpec(seed=7, count=1)) == (7, 42)
    assert suggestion(PictureSpec("walk", seeds=(1, 2))) == (7, 42)


def test_faces_are_the_visitors_own_as_soon_as_one_of_them_was_moved_added_or_removed():
    strip = [{"seed": 5}, {"seed": "7:42@0.2"}]
    assert not was_chosen([], "")
    assert not was_chosen(strip, "5 7:42@0.2")
    assert was_chosen(strip[::-1], "5 7:42@0.2")
    assert was_chosen(strip[:1], "5 7:42@0.2")
    assert was_chosen(strip, "")


def test_a_link_to_faces_that_is_still_being_drawn_keeps_no_walk_from_being_there(trained_run, tmp_path):
    with gr.Blocks():
        tab = WalkTab(Renderer(LocalCatalog(trained_run, torch.device("cpu")), tmp_path), gr.Dropdown())
    [(suggested, strip)] = tab.keyframes._suggest("en", "seed=5&count=4", "seed=5&count=4", "", [], "tiny", 1.0)
    assert (suggested, len(strip)) == ("5 6 7", 3)
    values = (each.value for each in tab.settings.values())
    [walk] = tab._make_opened("en", 1, "seed=5&count=4", "", strip, "tiny", *values)
    assert (walk["faces"], spec_of(walk["link"]).seeds) == ("5 6 7", (5, 6, 7))
    of_a_walk = "kind=walk&seeds=3,4"
    assert tab.keyframes._suggest("en", of_a_walk, "seed=5", "", [], "tiny", 1.0) == [None]
