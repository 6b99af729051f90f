"""Links and files: what a page makes of what visitors bring."""

import html
import shutil
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

import app
from dcgan import faces
from dcgan.gallery import LocalCatalog, PictureSpec, Renderer, open_catalog, to_metadata, to_query
from dcgan.images import save_png
from dcgan.limits import MAX_FAVOURITES
from dcgan.ui.deep_links import checkpoint_for
from dcgan.ui.face_strip import face_strip_entry
from dcgan.ui.favourites import links_in, read_export, walkable
from dcgan.ui.generate import GenerateTab
from dcgan.ui.inputs import RefusedError
from dcgan.ui.links import spec_of


@pytest.fixture(scope="module")
def catalog(trained_run):
    return LocalCatalog(trained_run, torch.device("cpu"))


def behind(page):
    """A page's deep_links, found through the function that its load event runs."""
    return next(f.fn.__self__ for f in page.fns.values() if getattr(f.fn, "__name__", "") == "open_link")


@pytest.fixture
def page(catalog, tmp_path):
    (tmp_path / "files").mkdir()
    return behind(app.build_app(catalog, tmp_path / "files"))


def request(language: str = "en", **query: str) -> SimpleNamespace:
    return SimpleNamespace(query_params=query, headers={"accept-language": language})


def notice(outputs) -> str:
    return outputs[-1].value


def settings(page, outputs) -> dict:
    """What became of each control, by its name."""
    return dict(zip(page.controls, outputs, strict=False))


def test_without_a_link_the_page_begins_with_the_first_seeds(page):
    outputs = page.open_link(request())
    made = settings(page, outputs)
    assert (made["checkpoint"].value, made["seed"], made["count"]) == ("tiny", 0, 16)
    assert made["tabs"].selected == "generate"
    assert made["face_strip"] == [], "nobody chose the faces of a walk"
    assert spec_of(made["pending_link"]) == PictureSpec(checkpoint="tiny")
    assert notice(outputs) == ""


def test_going_back_to_faces_sets_what_is_theirs_and_leaves_the_walk(page):
    made = settings(page, page.go_back(request(), "seed=100&count=4&psi=0.7&checkpoint=tiny@epoch-0001"))
    assert (made["checkpoint"].value, made["seed"], made["count"]) == ("tiny@epoch-0001", 100, 4)
    assert made["tabs"].selected == "generate"
    assert all(made[name] == gr.skip() for name in made if name == "face_strip" or name.startswith("walk_"))
    pending = spec_of(made["pending_link"])
    assert (pending.shown, pending.psi) == ([100, 101, 102, 103], 0.7)
    assert spec_of(settings(page, page.go_back(request(), "face=7-12%2B42"))["pending_link"]).face == "7-12+42"


def test_going_back_to_a_walk_sets_all_of_it_and_garbage_is_said_to_be_that(page):
    made = settings(page, page.go_back(request(), "kind=walk&seeds=3,7:42@0.5&frames=30"))
    assert [face["seed"] for face in made["face_strip"]] == [3, "7:42@0.5"]
    assert (made["tabs"].selected, made["walk_frames"]) == ("walk", 30)
    for query in ("", "%00&=&&seed", "seed=-1"):
        assert notice(page.go_back(request(), query)) == ""
    assert "is no face" in notice(page.go_back(request(), "face=7:42"))


def test_a_link_sets_all_that_it_names(page, catalog):
    spec = PictureSpec("walk", model="tiny", checkpoint="tiny@epoch-0001", seeds=(3, 4, 5), frames=30, fps=9,
                       mode="open", method="linear", grid=4, psi=0.6, format="MP4", size=192, limit=5)  # fmt: skip
    query = dict(pair.split("=") for pair in to_query(spec).split("&"))
    outputs = page.open_link(request(**query))
    made = settings(page, outputs)
    assert made["tabs"].selected == "walk"
    assert [face["seed"] for face in made["face_strip"]] == [3, 4, 5]
    for name in ("frames", "fps", "mode", "method", "grid", "format", "size", "limit"):
        assert made[f"walk_{name}"] == getattr(spec, name)
    assert made["walk_psi"] == 0.6
    assert notice(outputs) == ""
    pending = spec_of(made["pending_link"])
    assert (pending.checkpoint, pending.seeds, pending.grid) == ("tiny@epoch-0001", (3, 4, 5), 4)


@pytest.mark.parametrize("garbage", ["", "-1", "1e999", "<script>", "💥" * 500, "9" * 400, "null", "../../etc/passwd"])
def test_garbage_in_every_field_of_a_link_still_shows_faces(page, garbage):
    names = ["kind", "model", "checkpoint", "commit", "seed", "count", "seeds", "psi", "frames", "fps", "mode"]
    names += ["method", "grid", "format", "size", "limit", "unknown"]
    for query in (dict.fromkeys(names, garbage), dict.fromkeys(names, garbage) | {"kind": "walk"}):
        outputs = page.open_link(request(**query))
        made = settings(page, outputs)
        assert made["checkpoint"].value == "tiny"
        if query["kind"] != "walk":
            assert 0 <= made["seed"] < 2**31
            assert 1 <= made["count"] <= 64
        is_walk = spec_of(made["pending_link"]).kind == "walk"
        assert len(made["face_strip"]) in (range(2, 13) if is_walk else [0])
        assert "<script>" not in notice(outputs)
        assert spec_of(made["pending_link"]).checkpoint == "tiny"


def test_a_link_to_an_expression_draws_it_and_leaves_the_controls_of_seeds_alone(page):
    outputs = page.open_link(request(face="7-12 42", psi="0.5"))
    made = settings(page, outputs)
    assert spec_of(made["pending_link"]) == PictureSpec(checkpoint="tiny", face="7-12+42", psi=0.5)
    assert all(made[name]["__type__"] == "update" for name in ("seed", "count"))
    assert notice(outputs) == ""


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ({"face": "7:42"}, "is no step"),
        ({"face": "x" * 7000}, "7,000 characters are more than 4,000"),
        ({"face": "x" * 10_000}, "would have 10,005 characters, and one can have 8,000. Keep or send the file"),
        ({"kind": "walk", "seeds": "7,7~nose=1"}, "this checkpoint has no direction nose"),
    ],
)
def test_a_link_to_no_face_shows_the_page_and_says_why(link, words, page):
    outputs = page.open_link(request(**link))
    assert words in html.unescape(notice(outputs))
    assert settings(page, outputs)["checkpoint"].value == "tiny"
    faces = [face["seed"] for face in settings(page, outputs)["face_strip"]]
    assert faces == ([7, 42] if link.get("kind") == "walk" else [])


def test_a_strip_of_keyframes_holds_expressions_too(page):
    made = settings(page, page.open_link(request(kind="walk", seeds="7,7:42@0.5")))
    assert [face["seed"] for face in made["face_strip"]] == [7, "7:42@0.5"]
    link = to_query(PictureSpec(checkpoint="tiny", face="7-12+42"))
    [change] = page.walk.keyframes._accept("en", link, made["face_strip"], "tiny", 1.0)
    assert change["add"]["seed"] == "7-12+42"


def test_an_expression_can_be_kept_and_a_favourite_that_cannot_be_drawn_is_grey(page):
    good, bad = (to_query(PictureSpec(checkpoint="tiny", face=face)) for face in ("7-12+42", "7~nose=1"))
    [drawn] = page.favourites._keep("en", good, [bad])
    assert [(face["seed"], face["query"]) for face in drawn["entries"]] == [("7-12+42", good)]
    strip = page.favourites._show("en", [good, bad])[0]["entries"]
    assert [face["seed"] for face in strip] == ["7-12+42", "7~nose=1"]
    assert walkable([good, to_query(PictureSpec(checkpoint="tiny", seed=5, count=1))]).seeds == ("7-12+42", 5)


@pytest.mark.parametrize(("size", "chosen"), [(96, 96), (500, 384), (767, 384), (768, 768)])
def test_a_walk_of_any_size_leaves_the_controls_at_one_that_can_be_chosen(page, size, chosen):
    assert settings(page, page.open_link(request(kind="walk", size=str(size))))["walk_size"] == chosen


def test_a_walk_leaves_the_controls_of_the_faces_alone(page):
    made = settings(page, page.open_link(request(kind="walk", seeds="3,4", psi="0.5")))
    assert all(made[name]["__type__"] == "update" for name in ("seed", "count"))


def test_a_links_checkpoint_is_found_by_its_weights_under_whatever_name(catalog, trained_run, tmp_path):
    shutil.copytree(trained_run, tmp_path / "renamed")
    elsewhere = LocalCatalog(tmp_path / "renamed", torch.device("cpu"))
    made = PictureSpec(model="tiny", checkpoint="tiny@epoch-0001", commit=catalog.commit("tiny@epoch-0001"))
    assert checkpoint_for(elsewhere, made) == ("renamed@epoch-0001", None)


def test_the_faces_of_a_walk_have_a_link_of_their_own_that_draws_them_again(catalog, tmp_path):
    with gr.Blocks():
        generate = GenerateTab(Renderer(catalog, tmp_path), gr.Dropdown())
    walk = to_query(PictureSpec("walk", checkpoint="tiny@epoch-0001", seeds=(3, 9, 4), psi=0.5, frames=30))
    _, link, *_ = generate._show("en", walk)
    shown = spec_of(link)
    assert (shown.kind, shown.shown, shown.psi, shown.checkpoint) == ("faces", [3, 9, 4], 0.5, "tiny@epoch-0001")
    drawn, again = (generate._show("en", each)[0]["faces"] for each in (walk, link))
    assert [[each["face"] for each in faces] for faces in (drawn, again)] == [["3", "9", "4"]] * 2
    for one, other in zip(drawn, again, strict=True):
        assert Path(one["image"]["path"]).read_bytes() == Path(other["image"]["path"]).read_bytes()


def test_of_several_models_a_link_gets_the_one_that_it_names(several_runs):
    combined = open_catalog(None, None, several_runs, torch.device("cpu"))
    for spec in (
        PictureSpec(model="early", checkpoint="early"),
        PictureSpec(checkpoint="early", commit=combined.commit("early")),
    ):
        assert checkpoint_for(combined, spec) == ("early", None)
    name, amiss = checkpoint_for(combined, PictureSpec(model="late", checkpoint="late"))
    assert (name, amiss.key, amiss.values["ours"]) == ("tiny", "another-model", "tiny")


def test_a_link_to_another_model_or_version_shows_ours_and_says_so(page, catalog):
    other = page.open_link(request(model="alice/faces", checkpoint="alice/faces@epoch-0003", seed="5"))
    assert notice(other) == (
        '<p role="alert">The link is to faces of alice/faces@epoch-0003, which is not on this page; these are of tiny.'
        "</p>"
    )
    assert settings(page, other)["seed"] == 5
    older = page.open_link(request(model="tiny", checkpoint="tiny", commit="0123456789ab"))
    assert "another version of tiny" in notice(older)
    assert "另一个版本" in notice(page.open_link(request("zh-CN", model="tiny", commit="0123456789ab")))


def test_a_link_to_a_snapshot_that_is_gone_shows_faces_and_says_so(trained_run, tmp_path):
    shutil.copytree(trained_run, tmp_path / "run")
    (tmp_path / "files").mkdir()
    catalog = LocalCatalog(tmp_path / "run", torch.device("cpu"))
    page = behind(app.build_app(catalog, tmp_path / "files"))
    shutil.rmtree(tmp_path / "run" / "epochs" / "epoch-0001")
    for commit in ("", "0123456789ab"):
        outputs = page.open_link(request(checkpoint="run@epoch-0001", commit=commit))
        assert "run@epoch-0001, which is not on this page" in notice(outputs)
        assert settings(page, outputs)["checkpoint"].value == "run"


def test_a_file_of_ours_sets_the_controls_as_a_link_does(page, tmp_path):
    renderer = Renderer(page.catalog, tmp_path)
    _, file = renderer.walk(PictureSpec("walk", seeds=(7, 8), frames=8, size=96))
    made = settings(page, page.open_file(request(), str(file.path), []))
    assert [face["seed"] for face in made["face_strip"]] == [7, 8]
    assert spec_of(made["pending_link"]).frames == 8


def drop(page, path) -> str:
    outputs = page.open_file(request(), str(path), [])
    assert all(output["__type__"] == "update" and len(output) == 1 for output in outputs[:-1])  # nothing changes
    return notice(outputs)


def test_a_file_that_is_not_ours_costs_a_sentence(page, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "theirs.png")
    assert "say what it was made from" in drop(page, tmp_path / "theirs.png")
    (tmp_path / "text.png").write_text("hello")
    assert "no PNG, GIF, WebP or MP4" in drop(page, tmp_path / "text.png")


def test_a_truncated_file_costs_a_sentence(page, tmp_path):
    _, file = Renderer(page.catalog, tmp_path).walk(PictureSpec("walk", seeds=(7, 8), frames=8, size=96))
    content = file.path.read_bytes()
    (tmp_path / "cut.gif").write_bytes(content[: len(content) // 2])
    assert "damaged or cut short" in drop(page, tmp_path / "cut.gif")


def test_a_file_of_50_mb_costs_a_sentence(page, tmp_path):
    with open(tmp_path / "large.gif", "wb") as file:
        file.write(b"GIF89a")
        file.truncate(50 * 2**20)
    assert "larger than 20 MB" in drop(page, tmp_path / "large.gif")


def test_a_file_of_a_model_that_we_have_not_costs_a_sentence(page, tmp_path):
    picture = Renderer(page.catalog, tmp_path).pixels("tiny", [1], 1.0)[0]
    save_png(
        picture,
        tmp_path / "a.png",
        to_metadata(PictureSpec(model="alice/faces", checkpoint="alice/faces", commit="0a")),
    )
    assert "made with alice/faces, which is not on this page; it shows tiny" in drop(page, tmp_path / "a.png")


def favourites(count: int) -> list[str]:
    return [to_query(PictureSpec(checkpoint="tiny", seed=seed, count=1)) for seed in range(count)]


def test_an_export_of_favourites_can_be_opened_again(page, tmp_path):
    [button] = page.favourites._prepare_export("en", favourites(3))
    exported = Path(button.value["path"])
    assert exported.name == "favourite-faces.json"
    assert read_export(exported) == favourites(3)
    outputs = page.open_file(request(), str(exported), favourites(5)[3:])
    assert outputs[-3] == [*favourites(5)[3:], *favourites(3)]
    assert [face["seed"] for face in outputs[-2]] == [3, 4, 0, 1, 2]


@pytest.mark.parametrize("content", ["", "[", "{}", "[]", "[1]", '[{"dcgan": 1, "kind": "walk"}]', "[[[[]]]]", "7"])
def test_what_is_no_export_of_favourites_costs_a_sentence(content, page, tmp_path):
    (tmp_path / "favourites.json").write_text(content)
    assert "holds no favourites" in drop(page, tmp_path / "favourites.json")


@pytest.mark.parametrize("kept", [None, {}, 7, [7, None, {"a": 1}], "seed=1", [["seed=1"]]])
def test_whatever_a_browser_sends_as_its_favourites_is_read_as_none(kept):
    assert links_in(kept) == []


def test_only_a_face_can_be_kept(page):
    [drawn] = page.favourites._keep("en", "kind=walk&seeds=5,6", [])
    [link] = [entry["query"] for entry in drawn["entries"]]
    assert (spec_of(link).kind, spec_of(link).shown) == ("faces", [5])


def test_a_face_of_another_checkpoint_is_not_taken_into_a_walk(page):
    face = to_query(PictureSpec(checkpoint="tiny@epoch-0001", seed=5, count=1))
    with pytest.raises(RefusedError, match="This face is of tiny@epoch-0001"):
        page.walk.keyframes._accept("en", face, [], "tiny", 1.0)
    [change] = page.walk.keyframes._accept(
        "en", to_query(PictureSpec(checkpoint="tiny", seed=5, count=1, psi=0.5)), [], "tiny", 1.0
    )
    assert (change["add"]["seed"], change["psi"]) == (5, 0.5)
    [change] = page.walk.keyframes._accept(
        "en", to_query(PictureSpec(checkpoint="tiny", seed=6, count=1)), [change["add"]], "tiny", change["psi"]
    )
    assert (change["add"]["seed"], change["psi"]) == (6, 0.5)


def test_favourites_that_are_drawn_alike_are_drawn_together_and_stay_in_their_order(page, catalog, monkeypatch):
    asked, drawn = [], page.favourites.renderer.pixels_of_groups
    monkeypatch.setattr(page.favourites.renderer, "pixels_of_groups", lambda how: asked.append(how) or drawn(how))
    kept = [("tiny", 5, 1.0), ("tiny@epoch-0001", 5, 1.0), ("elsewhere", 5, 1.0), ("tiny", 6, 0.5), ("tiny", 4, 1.0)]
    links = [to_query(PictureSpec(checkpoint=name, seed=seed, count=1, psi=psi)) for name, seed, psi in kept]
    strip = page.favourites.face_strip_of("en", links)
    assert [len(groups) for groups in asked] == [4]  # all in one loan of a GPU
    assert [face["query"] for face in strip] == links
    for face, (name, seed, psi) in zip(strip, kept, strict=True):
        missing = np.full((1, 1, 3), 160, np.uint8)
        alone = faces(catalog.generator(name), [seed], psi)[0] if name != "elsewhere" else missing
        assert face == face_strip_entry(alone, seed, f"Face of seed {seed}", face["query"])


def test_a_walk_through_favourites_of_another_model_costs_a_sentence(page):
    elsewhere = [to_query(PictureSpec(checkpoint="alice/faces@epoch-0003", seed=seed, count=1)) for seed in (1, 2)]
    with pytest.raises(RefusedError, match="made with alice/faces@epoch-0003, which is not on this page"):
        page.walk_settings(walkable(elsewhere))
    assert spec_of(settings(page, page.walk_settings(walkable(favourites(2))))["pending_link"]).seeds == (0, 1)


def test_favourites_are_links_of_faces_and_no_more_than_there_is_room_for():
    assert links_in([*favourites(60), to_query(PictureSpec("walk"))]) == favourites(60)[:MAX_FAVOURITES]


def test_a_walk_through_favourites_takes_each_face_once_and_at_most_twelve():
    assert walkable([*favourites(20), *favourites(20)]).seeds == tuple(range(12))
    mixed = [
        to_query(PictureSpec(checkpoint="tiny", seed=1)),
        to_query(PictureSpec(checkpoint="tiny", seed=2, psi=0.5)),
    ]
    with pytest.raises(RefusedError, match="these are 1"):
        walkable([*mixed, to_query(PictureSpec(checkpoint="other", seed=3))])
    with pytest.raises(RefusedError, match="these are 1"):
        walkable([*favourites(1), *favourites(1)])
