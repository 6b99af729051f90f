"""The app's handlers as functions, and its endpoints as a client of the API calls them."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import av
import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

import app
from dcgan import faces
from dcgan.latents import SEEDS
from dcgan.library import Library
from dcgan.recipe import from_file
from dcgan.sampling import most_believed


@pytest.fixture(scope="module")
def library(trained_run):
    return Library(trained_run, torch.device("cpu"))


@pytest.fixture
def handlers(library, tmp_path):
    return app.Handlers(library, tmp_path)


# Handlers


def test_a_gallery_shows_consecutive_seeds_with_the_seed_as_caption(handlers, library):
    gallery, seed = handlers.generate(7, 3)
    assert seed == 7
    assert [caption for _, caption in gallery] == ["7", "8", "9"]
    assert np.array_equal(np.stack([face for face, _ in gallery]), faces(library.generator(), [7, 8, 9]))


def test_randomize_draws_a_seed_and_gives_it_back(handlers):
    drawn = {handlers.generate(7, 1, randomize=True)[1] for _ in range(5)}
    assert len(drawn) == 5
    assert all(0 <= seed < SEEDS for seed in drawn)


def test_the_largest_seed_is_followed_by_the_smallest(handlers):
    gallery, _ = handlers.generate(SEEDS - 1, 2)
    assert [caption for _, caption in gallery] == [str(SEEDS - 1), "0"]


def test_a_fraction_is_rounded(handlers):
    assert handlers.generate(6.6, 1)[1] == 7


def test_truncation_draws_the_same_seeds_nearer_to_the_average(handlers, library):
    gallery, _ = handlers.generate(7, 3, psi=0.5)
    assert [caption for _, caption in gallery] == ["7", "8", "9"]
    assert np.array_equal(np.stack([face for face, _ in gallery]), faces(library.generator(), [7, 8, 9], psi=0.5))


def test_the_best_of_many_are_those_the_discriminator_believes_and_can_be_drawn_again(handlers, library):
    gallery, first = handlers.generate(100, 4, best_of=8)
    assert first == 100
    picked = most_believed(library.generator(), library.discriminator(), list(range(100, 132)), 4)
    assert [caption for _, caption in gallery] == [f"{s} · {100 / (1 + np.exp(-d)):.0f}%" for s, d in picked]
    for (face, _), (seed, _) in zip(gallery, picked, strict=True):
        assert np.array_equal(face, handlers.avatar(seed))


def test_a_checkpoint_without_a_discriminator_says_so_where_it_would_choose(trained_run, tmp_path):
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(trained_run / name, tmp_path / name)
    handlers = app.Handlers(Library(tmp_path, torch.device("cpu")), tmp_path)
    assert handlers.generate(1, 2)[0]
    with pytest.raises(gr.Error, match="came without the discriminator"):
        handlers.generate(1, 2, best_of=2)


def test_an_avatar_is_the_same_face_as_in_the_gallery(handlers):
    assert np.array_equal(handlers.avatar(8), handlers.generate(7, 3)[0][1][0])


def test_a_snapshot_draws_other_faces(handlers):
    assert not np.array_equal(handlers.avatar(1, "tiny@epoch-0001"), handlers.avatar(1, "tiny"))


def test_a_gif_has_the_frames_asked_for_and_starts_with_the_still(handlers):
    path = handlers.interpolate("7, 42", frames=12, size=96)
    assert Path(path).name == "tiny_seed-7-42_12f.gif"
    with Image.open(path) as gif:
        assert (gif.n_frames, gif.size, gif.info["duration"]) == (12, (96, 96), 50)
        first = np.asarray(gif.convert("RGB"))[::4, ::4]
    assert np.abs(first.astype(int) - handlers.avatar(7)).mean() < 2


def test_a_lossless_walk_starts_exactly_with_the_still_and_passes_the_second_face_halfway(handlers):
    with Image.open(handlers.interpolate("7 42", frames=8, format="WebP", size=96)) as webp:
        assert webp.n_frames == 8
        for frame, seed in ((0, 7), (4, 42)):
            webp.seek(frame)
            assert np.array_equal(np.asarray(webp.convert("RGB"))[::4, ::4], handlers.avatar(seed))


@pytest.mark.parametrize("format", ["GIF", "WebP", "MP4"])
def test_a_walks_file_carries_its_recipe(handlers, format):
    file = handlers.interpolate("7, 42, 99", frames=10, format=format, size=200, checkpoint="tiny@epoch-0001")
    recipe = from_file(Path(file))
    assert (recipe.kind, recipe.checkpoint, recipe.seeds) == ("walk", "tiny@epoch-0001", (7, 42, 99))
    assert (recipe.frames, recipe.fps, recipe.mode, recipe.format, recipe.size) == (10, 20, "loop", format, 200)


def test_an_mp4_can_be_had_too(handlers):
    with av.open(handlers.interpolate("1,2,3", frames=9, format="MP4", size=200)) as video:
        assert sum(1 for _ in video.decode(video=0)) == 9
        assert video.streams.video[0].width == 192


def test_two_visitors_never_share_a_file(handlers):
    assert handlers.interpolate("1, 2", 8) != handlers.interpolate("1, 2", 8)


def test_files_of_more_than_an_hour_ago_are_cleared_away(handlers):
    old = Path(handlers.interpolate("1, 2", 8))
    hours_ago = time.time() - 2 * app.FILES_KEPT_SECONDS
    os.utime(old.parent, (hours_ago, hours_ago))
    new = Path(handlers.interpolate("1, 2", 8))
    assert list(handlers.files.iterdir()) == [new.parent]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda h: h.generate(-1), "The seed is -1; it must be a whole number from 0 to 2147483647."),
        (lambda h: h.generate(SEEDS), "The seed is 2147483648"),
        (lambda h: h.generate("seven"), "The seed is seven"),
        (lambda h: h.generate(float("nan")), "The seed is nan"),
        (lambda h: h.generate(float("inf")), "The seed is inf"),
        (lambda h: h.generate(None), "The seed is empty"),
        (lambda h: h.generate(0, 0), "The number of faces is 0; it must be a whole number from 1 to 64."),
        (lambda h: h.generate(0, 1000), "The number of faces is 1000"),
        (lambda h: h.generate(0, 1, False, "nobody"), "no checkpoint 'nobody'; there are tiny"),
        (lambda h: h.generate(0, 1, psi=0), "The truncation is 0; it must be a number from 0.3 to 1.2."),
        (lambda h: h.generate(0, 1, psi=float("nan")), "The truncation is nan"),
        (lambda h: h.generate(0, 1, psi=None), "The truncation is empty"),
        (lambda h: h.generate(0, 1, best_of=0), "Best of is 0; it must be a whole number from 1 to 16."),
        (lambda h: h.generate(0, 1, best_of=1000), "Best of is 1000"),
        (lambda h: h.avatar(-5), "The seed is -5"),
        (lambda h: h.interpolate("7"), "2 to 12 seeds, as in 7, 42; these are 1"),
        (lambda h: h.interpolate(""), "these are 0"),
        (lambda h: h.interpolate(", ".join("1" * 13)), "these are 13"),
        (lambda h: h.interpolate("7, x"), "The seed is x"),
        (lambda h: h.interpolate("7, 7"), "two different faces; these are all 7"),
        (lambda h: h.interpolate("7, 42", frames=2), "The number of frames is 2"),
        (lambda h: h.interpolate("7, 42", frames=100_000), "The number of frames is 100000"),
        (lambda h: h.interpolate("7, 42", size=10_000), "The size is 10000"),
        (lambda h: h.interpolate("7, 42", format="gif"), "choose GIF, WebP, MP4"),
    ],
)
def test_bad_input_gets_a_sentence_that_says_what_would_work(call, message, handlers):
    with pytest.raises(gr.Error) as error:
        call(handlers)
    assert message in str(error.value)


# The API


@pytest.fixture(scope="module")
def client(serve_app, trained_run, tmp_path_factory):
    url = serve_app("--model", str(trained_run))
    client = Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))
    yield client
    client.close()


def test_the_api_has_just_these_named_endpoints(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    names = {name: [p["parameter_name"] for p in e["parameters"]] for name, e in endpoints.items()}
    assert names == {
        "/generate": ["seed", "count", "randomize", "checkpoint", "psi", "best_of"],
        "/avatar": ["seed", "checkpoint"],
        "/interpolate": ["seeds", "frames", "format", "size", "checkpoint"],
        "/list_checkpoints": [],
    }
    assert all(p["parameter_has_default"] for e in endpoints.values() for p in e["parameters"])


def test_generate_gives_pngs_and_the_seed(client, library):
    gallery, seed = client.predict(seed=7, count=2, api_name="/generate")
    assert seed == 7
    assert [item["caption"] for item in gallery] == ["7", "8"]
    for item, face in zip(gallery, faces(library.generator(), [7, 8]), strict=True):
        with Image.open(item["image"]) as picture:
            assert picture.format == "PNG"
            assert np.array_equal(np.asarray(picture.convert("RGB")), face)


def test_avatar_gives_one_png_of_exactly_the_image_size(client, library):
    with Image.open(client.predict(seed=8, api_name="/avatar")) as picture:
        assert (picture.format, picture.size) == ("PNG", (24, 24))
        assert np.array_equal(np.asarray(picture.convert("RGB")), faces(library.generator(), [8])[0])


@pytest.mark.parametrize("format", ["GIF", "WebP", "MP4"])
def test_interpolate_gives_one_file_with_a_telling_name(client, format):
    path = client.predict(seeds="7, 42", frames=8, format=format, size=96, api_name="/interpolate")
    assert Path(path).name == f"tiny_seed-7-42_8f.{format.lower()}"
    assert Path(path).stat().st_size > 500


def test_list_checkpoints_names_them_best_first(client):
    assert client.predict(api_name="/list_checkpoints") == ["tiny", "tiny@epoch-0002", "tiny@epoch-0001"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"seed": -1}, "The seed is -1"), ({"count": 1000}, "64"), ({"checkpoint": "nobody"}, "tiny")],
)
def test_the_api_refuses_bad_values_with_a_sentence(arguments, message, client):
    with pytest.raises(AppError, match=message):
        client.predict(**arguments, api_name="/generate")


# The command line


def test_the_bundled_checkpoint_serves_where_none_is_named(monkeypatch):
    launched = []
    monkeypatch.delenv("MODEL_ID", raising=False)
    monkeypatch.setattr(gr.Blocks, "launch", lambda self, **options: launched.append(options))
    assert app.main([]) == 0
    assert (launched[0]["server_name"], launched[0]["server_port"], launched[0]["share"]) == (None, None, False)


def test_model_id_stands_for_the_option(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MODEL_ID", str(tmp_path / "nowhere"))
    assert app.main([]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_a_port_that_is_taken_costs_one_line_and_status_2(trained_run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "app.py", "--model", str(trained_run), "--host", "127.0.0.1", "--port", port]
        result = subprocess.run(command, cwd=Path(app.__file__).parent, capture_output=True, text=True)
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("\n") == 1
    assert f"--port {port}" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nowhere"], "no checkpoint folder nowhere"),
        (["--model", "empty"], "no config.json"),
        (["--model", "netG.pth"], "dcgan.checkpoints import netG.pth"),
        (["--model", "pytorch_model.bin"], "dcgan.checkpoints import pytorch_model.bin"),
        (["--device", "tpu"], "tpu"),
        (["--device", "cuda"], "--device cuda"),
        (["--port", "http"], "--port"),
        (["--port", "70000"], "--port is 70000"),
        (["--frobnicate"], "--frobnicate"),
    ],
)
def test_bad_input_costs_one_line_and_status_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(gr.Blocks, "launch", lambda *_, **__: pytest.fail("launched all the same"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "netG.pth").touch()
    (tmp_path / "pytorch_model.bin").touch()
    assert app.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error
