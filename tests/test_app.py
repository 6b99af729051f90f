"""The endpoints as a client of the API calls them, and the command line."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import av
import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image
from safetensors.torch import save_file

import app
from dcgan import InputError, faces
from dcgan.expressions import parse, to_latent
from dcgan.gallery import LocalCatalog, Renderer, from_file
from dcgan.latents import SEEDS, latent, slerp, step_along
from dcgan.sampling import render
from dcgan.ui.api import Api
from support import warm
from support.paths import ADVENTURER, ROOT


@pytest.fixture(scope="module")
def catalog(trained_run):
    return LocalCatalog(trained_run, torch.device("cpu"))


@pytest.fixture
def api(catalog, tmp_path):
    return Api(Renderer(catalog, tmp_path))


def pixels(path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_gradio_keeps_no_figures_of_events_and_works_none_out():
    with gr.Blocks() as page:
        pass
    queue = page._queue
    queue.events_recorded = 10_000
    figures = [{"function": "avatar", "status": "success", "process_time": 1.0}]
    assert queue.compute_analytics_summary(figures) == {"functions": {}}
    assert queue.ANALYTICS_MAX_EVENTS == 1


# As functions


def test_randomize_draws_a_seed_and_gives_it_back(api):
    drawn = {api.generate(7, 1, randomize=True)[1] for _ in range(5)}
    assert len(drawn) == 5
    assert all(0 <= seed < SEEDS for seed in drawn)


def test_a_fraction_is_rounded(api):
    gallery, seed = api.generate(6.6, 1)
    assert (seed, gallery[0][1]) == (7, "7")


def test_the_best_are_some_of_all_that_were_drawn_and_captioned_with_their_seeds(api):
    gallery, first = api.generate(100, 4, best_of=4)
    assert first == 100
    seeds = [int(caption) for _, caption in gallery]
    assert len(set(seeds)) == 4
    assert all(100 <= seed < 116 for seed in seeds)
    assert seeds != sorted(seeds)  # they come in the order that D puts them in


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: a.generate(-1), "The seed is -1; it must be a whole number from 0 to 2147483647."),
        (lambda a: a.generate(SEEDS), "The seed is 2147483648"),
        (lambda a: a.generate("seven"), "The seed is seven"),
        (lambda a: a.generate(float("nan")), "The seed is nan"),
        (lambda a: a.generate(float("inf")), "The seed is inf"),
        (lambda a: a.generate(None), "The seed is empty; it must be"),
        (lambda a: a.generate([1]), "The seed is [1]"),
        (lambda a: a.generate(0, 0), "The number of faces is 0; it must be a whole number from 1 to 64."),
        (lambda a: a.generate(0, 1000), "The number of faces is 1000"),
        (lambda a: a.generate(0, 1, False, "nobody"), "no checkpoint 'nobody'; there are tiny"),
        (lambda a: a.generate(0, 1, psi=0), "The truncation is 0; it must be a number from 0.3 to 1.2."),
        (lambda a: a.generate(0, 1, psi=float("nan")), "The truncation is nan"),
        (lambda a: a.generate(0, 1, psi=None), "The truncation is empty"),
        (lambda a: a.generate(0, 1, best_of=0), "Best of is 0; it must be a whole number from 1 to 16."),
        (lambda a: a.generate(0, 1, best_of=1000), "Best of is 1000"),
        (lambda a: a.avatar(-5), "The seed is -5"),
        (lambda a: a.interpolate("7"), "A walk takes 2 to 12 faces; these are 1."),
        (lambda a: a.interpolate(""), "these are 0"),
        (lambda a: a.interpolate(", ".join("1" * 13)), "these are 13"),
        (lambda a: a.interpolate("7, x"), "The seed is x"),
        (lambda a: a.interpolate("7, 7"), "two different faces; these are all 7"),
        (lambda a: a.interpolate("7, 42", frames=2), "The number of frames is 2"),
        (lambda a: a.interpolate("7, 42", frames=100_000), "The number of frames is 100000"),
        (lambda a: a.interpolate("7, 42", fps=0), "The number of frames a second is 0"),
        (lambda a: a.interpolate("7, 42", size=10_000), "The size is 10000"),
        (lambda a: a.interpolate("7, 42", format="gif"), "The format is gif; choose one of GIF, WebP, MP4."),
        (lambda a: a.interpolate("7, 42", mode="round"), "The way is round; choose one of loop, ping-pong, open."),
        (lambda a: a.interpolate("7, 42", method="cubic"), "choose one of slerp, linear"),
        (lambda a: a.interpolate("7, 42", grid=5), "The number of walks is 5; choose one of 1, 4, 9, 16."),
        (lambda a: a.interpolate("7, 42", limit=3), "The limit in MB is 3"),
        (lambda a: a.interpolate("7, 42", scaling="round"), "The scaling is round; choose one of pixels, smooth."),
        (lambda a: a.interpolate("7, 42:7"), "'42:7' is no face: ':7' is no step"),
        (lambda a: a.interpolate("7, 7-7"), "7-7 can't be drawn: what is taken away leaves nothing of the face"),
        (lambda a: a.interpolate("7, 7:42@0.5", grid=4), "7:42@0.5 is no seed. Make one walk."),
        (lambda a: a.interpolate("7:42@0.5 7:42@0.50"), "two different faces; these are all 7:42@0.5"),
        (lambda a: a.avatar(face="garbage"), "'garbage' is no face: 'garbage' stands where a seed"),
        (lambda a: a.avatar(face="nan"), "'nan' is no face"),
        (lambda a: a.avatar(face="x" * 10_000), "10,000 characters are more than 4,000"),
        (lambda a: a.avatar(face="7~nose=1"), "this checkpoint has no direction nose; it has none"),
        (lambda a: a.avatar(face="z.AAAA"), "is no latent"),
        (lambda a: a.avatar(face="z.AAA"), "its latent has 1 numbers, but those of this checkpoint have 8"),
        (lambda a: a.mix("7", "x"), "The seed is x"),
        (lambda a: a.mix("", "7"), "The seed is empty"),
        (lambda a: a.mix(t=1.5), "The share of the second face is 1.5; it must be a number from 0.0 to 1.0."),
        (lambda a: a.mix(t=float("nan")), "The share of the second face is nan"),
        (lambda a: a.mix(checkpoint="nobody"), "no checkpoint 'nobody'; there are tiny"),
        (lambda a: a.steer("7", ""), "this checkpoint has no direction without a name; it has none"),
        (lambda a: a.steer("7", "hair", 6), "The amount is 6; it must be a number from -5.0 to 5.0."),
        (lambda a: a.arithmetic("7", "7", "7:7"), "is no step"),
        (lambda a: a.arithmetic("z." + "A" * 22, "z." + "A" * 22, "z." + "A" * 22), "leaves nothing of the face"),
        (lambda a: a.variations("7:"), "is no step"),
        (lambda a: a.variations(count=65), "The number of faces is 65"),
        (lambda a: a.variations(amount=0), "The amount is 0; it must be a number from 0.01 to 1.0."),
        (lambda a: a.variations(seed=-1), "The seed is -1"),
    ],
)
def test_bad_input_gets_a_sentence_that_says_what_would_work(call, message, api):
    with pytest.raises(gr.Error) as error:
        call(api)
    assert message in str(error.value)


def test_a_face_wins_over_the_seed_and_its_file_says_what_it_is(api, catalog):
    path = Path(api.avatar(seed=5, face=" 7:42@0.350 "))
    assert re.fullmatch(r"tiny_face-[0-9a-f]{8}.png", path.name)
    assert from_file(path).shown == ["7:42@0.35"]
    z = slerp(latent(7, 8).double(), latent(42, 8).double(), 0.35).float()
    assert np.array_equal(pixels(path), render(catalog.generator(), z[None])[0])
    assert pixels(api.avatar(seed=5, face="7")).tolist() == pixels(api.avatar(seed=7)).tolist()


def test_a_walk_goes_through_expressions(api):
    spec = from_file(Path(api.interpolate("7, 7-12+42, 42", frames=8, size=100, scaling="smooth", format="WebP")))
    assert (spec.seeds, spec.scaling) == ((7, "7-12+42", 42), "smooth")


@pytest.mark.parametrize(
    ("call", "expression"),
    [
        (lambda a: a.mix(), "7:42@0.5"),
        (lambda a: a.mix("7", "1:2@0.5", 0.25), "1:2@0.5:7@0.75"),
        (lambda a: a.arithmetic(), "7-12+42"),
        (lambda a: a.mix("1:2@0.5", "3:4@0.5"), "z."),
        (lambda a: a.arithmetic("1+2", "3", "4"), "z."),
    ],
)
def test_a_face_made_of_others_comes_with_the_expression_that_draws_it_again(call, expression, api):
    path, said = call(api)
    assert said.startswith(expression)
    assert from_file(Path(path)).face == said
    assert np.array_equal(pixels(path), pixels(api.avatar(face=said)))


def test_a_mix_of_mixed_faces_is_where_it_should_be(api):
    _, said = api.mix("1:2@0.5", "3:4@0.5", 0.3)
    ends = [to_latent(parse(face), {}, 8).double() for face in ("1:2@0.5", "3:4@0.5")]
    assert torch.equal(to_latent(parse(said), {}, 8), slerp(*ends, 0.3).half().float())


def test_a_steered_face_goes_along_a_direction_of_the_folder(trained_run, tmp_path):
    run = shutil.copytree(trained_run, tmp_path / "run")
    save_file({"hair_hue": torch.ones(8)}, run / "directions.safetensors")
    api = Api(Renderer(LocalCatalog(run, torch.device("cpu")), tmp_path))
    _, said = api.steer("7", "hair_hue", 1.5)
    assert said == "7~hair_hue=1.5"
    for checkpoint in ("run", "run@epoch-0001"):
        z = step_along(latent(7, 8).double(), torch.ones(8).double(), 1.5).float()
        drawn = render(api.renderer.catalog.generator(checkpoint), z[None])[0]
        assert np.array_equal(pixels(api.steer("7", "hair_hue", 1.5, checkpoint)[0]), drawn)
    assert api.steer("7" + "~hair_hue=0" * 8, "hair_hue", 1.5)[1].startswith("z.")
    with pytest.raises(gr.Error, match="no direction nose; it has hair_hue"):
        api.steer("7", "nose", 1)


def test_variations_are_the_same_for_the_same_seed_and_no_two_are_equal(api):
    gallery, said = api.variations("7-12+42", count=12)
    assert [from_file(Path(path)).face for path, _ in gallery] == said
    assert len(set(said)) == 12
    assert all(re.fullmatch(r"7-12\+42:[0-9]+@0.2", face) for face in said)
    assert api.variations("7-12+42", count=12)[1] == said
    assert not set(api.variations("7-12+42", count=12, seed=1)[1]) & set(said)
    assert len(set(api.variations("7" + "+1" * 8, count=5)[1])) == 5


@pytest.mark.parametrize("face", ["7", "42", "3", "7-12+42"])
def test_each_of_nine_variations_is_like_its_parent_and_not_the_same(face, tmp_path):
    renderer = Renderer(LocalCatalog(ADVENTURER, torch.device("cpu")), tmp_path)
    _, said = Api(renderer).variations(face)
    drawn = renderer.pixels(ADVENTURER.name, [*range(20), face, *said], 1.0).astype(np.float32)
    seeds, parent, varied = drawn[:20], drawn[20], drawn[21:]

    def distance(one, other) -> float:
        return float(np.sqrt(np.square(one - other).mean()))

    usual = np.mean([distance(seeds[i], seeds[j]) for i in range(20) for j in range(i)])
    shares = [distance(parent, one) / usual for one in varied]
    assert len(shares) == 9
    assert 0.15 < min(shares) <= max(shares) < 0.6
    assert sorted(shares)[4] < 0.5


# Over the wire


@pytest.fixture(scope="module")
def client(tiny_page, tmp_path_factory):
    client = Client(tiny_page.url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))
    yield client
    client.close()


def test_the_api_has_just_these_named_endpoints(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    names = {name: [p["parameter_name"] for p in e["parameters"]] for name, e in endpoints.items()}
    assert names == {
        "/generate": ["seed", "count", "randomize", "checkpoint", "psi", "best_of"],
        "/avatar": ["seed", "checkpoint", "psi", "face"],
        "/variations": ["face", "count", "amount", "checkpoint", "seed"],
        "/mix": ["a", "b", "t", "checkpoint"],
        "/steer": ["face", "direction", "amount", "checkpoint"],
        "/arithmetic": ["a", "minus", "plus", "checkpoint"],
        "/interpolate": [
            "seeds", "frames", "format", "size", "checkpoint", "fps", "mode", "method", "grid", "psi", "limit",
            "scaling",
        ],
        "/list_checkpoints": [],
    }  # fmt: skip
    assert all(p["parameter_has_default"] for e in endpoints.values() for p in e["parameters"])
    assert all(e["description"] for e in endpoints.values())
    defaults = {p["parameter_name"]: p["parameter_default"] for p in endpoints["/variations"]["parameters"]}
    assert defaults == {"face": "7", "count": 9, "amount": 0.2, "checkpoint": "", "seed": 0}
    labels = [
        output["label"] for name, e in endpoints.items() if name != "/list_checkpoints" for output in e["returns"]
    ]
    assert set(labels) == {
        "the faces as PNGs, with their seeds or expressions", "the first seed", "the face, a PNG",
        "the faces' expressions, in their order", "the face's expression", "the walk, a GIF, WebP or MP4",
    }  # fmt: skip


def test_generate_gives_pngs_and_the_seed(client, catalog):
    gallery, seed = client.predict(seed=7, count=2, api_name="/generate")
    assert seed == 7
    assert [item["caption"] for item in gallery] == ["7", "8"]
    for item, face in zip(gallery, faces(catalog.generator(), [7, 8]), strict=True):
        with Image.open(item["image"]) as picture:
            assert picture.format == "PNG"
        assert np.array_equal(pixels(item["image"]), face)
    assert [from_file(Path(item["image"])).seed for item in gallery] == [7, 8]


def test_avatar_gives_one_png_of_exactly_the_image_size(client, catalog):
    with Image.open(client.predict(seed=8, api_name="/avatar")) as picture:
        assert (picture.format, picture.size) == ("PNG", (24, 24))
        assert np.array_equal(np.asarray(picture.convert("RGB")), faces(catalog.generator(), [8])[0])


@pytest.mark.parametrize("format", ["GIF", "WebP", "MP4"])
def test_interpolate_gives_one_file_with_a_telling_name_and_its_spec(client, format):
    path = client.predict(seeds="7, 42", frames=8, format=format, size=96, api_name="/interpolate")
    assert Path(path).name == f"tiny_seed-7-42_8f.{format.lower()}"
    spec = from_file(Path(path))
    assert (spec.seeds, spec.frames, spec.format, spec.size) == ((7, 42), 8, format, 96)


def test_interpolate_takes_all_of_a_walks_settings(client):
    settings = {"fps": 10, "mode": "open", "method": "linear", "grid": 4, "psi": 0.7, "limit": 2}
    path = client.predict(seeds="1 2 3", frames=12, format="MP4", size=200, **settings, api_name="/interpolate")
    with av.open(path) as video:
        assert sum(1 for _ in video.decode(video=0)) == 12
        assert video.streams.video[0].average_rate == 10
    spec = from_file(Path(path))
    assert {name: getattr(spec, name) for name in settings} == settings


def test_faces_out_of_faces_come_as_files_and_texts(client):
    gallery, said = client.predict(face="7:42@0.5", count=3, api_name="/variations")
    assert [from_file(Path(item["image"])).face for item in gallery] == said
    for name in ("mix", "arithmetic"):
        path, expression = client.predict(api_name=f"/{name}")
        assert from_file(Path(path)).face == expression
    assert from_file(Path(client.predict(face="7-12+42", api_name="/avatar"))).face == "7-12+42"
    with pytest.raises(AppError, match="is no face"):
        client.predict(face="7:42", api_name="/avatar")
    with pytest.raises(AppError, match="has no direction nose"):
        client.predict(direction="nose", api_name="/steer")


def test_a_walk_tells_how_far_it_is(client):
    job = client.submit(seeds="1 2 3 4 5 6", frames=240, format="WebP", size=768, api_name="/interpolate")
    told = []
    while not job.done():
        progress = job.status().progress_data
        told += [unit.index / unit.length for unit in progress or [] if unit.length]
        time.sleep(0.01)
    assert Path(job.result()).exists()
    assert told
    assert told == sorted(told)


def test_list_checkpoints_names_them_best_first(client):
    assert client.predict(api_name="/list_checkpoints") == ["tiny", "tiny@epoch-0002", "tiny@epoch-0001"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "The seed is -1"), ({"count": 1000}, "64"), ({"checkpoint": "nobody"}, "tiny"),
        ({"seed": 2**31}, "2147483647"),
    ],
)  # fmt: skip
def test_the_api_refuses_bad_values_with_a_sentence(arguments, message, client):
    with pytest.raises(AppError, match=message):
        client.predict(**arguments, api_name="/generate")


def test_twenty_visitors_at_once_get_the_faces_of_their_own_seeds(client, catalog, tmp_path):
    def visit(seed: int) -> list[np.ndarray]:
        # A client of several threads is at times left without an answer: its stream ends as another event is taken
        with closing(Client(client.src, verbose=False, download_files=str(tmp_path))) as visitor:
            gallery, _ = visitor.predict(seed=seed, count=3, api_name="/generate")
            return [pixels(item["image"]) for item in gallery]

    firsts = list(range(0, 2000, 100))
    with ThreadPoolExecutor(20) as visitors:
        galleries = list(visitors.map(visit, firsts))
    for first, gallery in zip(firsts, galleries, strict=True):
        assert np.array_equal(np.stack(gallery), faces(catalog.generator(), [first, first + 1, first + 2]))


# The command line


@pytest.fixture
def launched(monkeypatch) -> list[dict]:
    """What `launch` is told, which serves nothing here."""
    told = []
    server = SimpleNamespace(config=SimpleNamespace(http_protocol_class=asyncio.Protocol))
    monkeypatch.setattr(gr.Blocks, "server", server, raising=False)
    monkeypatch.setattr(gr.Blocks, "launch", lambda self, **options: told.append(options))
    return told


def test_the_bundled_checkpoint_serves_where_none_is_named(launched, monkeypatch):
    monkeypatch.delenv("MODEL_ID", raising=False)
    assert app.main([]) == 0
    assert (launched[0]["server_name"], launched[0]["server_port"], launched[0]["share"]) == (None, None, False)


def test_on_zero_gpu_a_network_that_cannot_be_had_costs_neither_the_page_nor_any_other(
    launched, trained_run, monkeypatch
):
    catalog = LocalCatalog(trained_run, torch.device("cpu"))
    bad = [("generator", "tiny@epoch-0001"), ("discriminator", "tiny@epoch-0002")]
    loaded = []

    def loading(kind):
        def load(name):
            if (kind, name) in bad:
                raise InputError("no checkpoint")
            loaded.append((kind, name))

        return load

    for kind in ("generator", "discriminator"):
        monkeypatch.setattr(catalog, kind, loading(kind))
    monkeypatch.setattr(app, "ON_ZERO_GPU", True)
    monkeypatch.setattr(app, "open_catalog", lambda *_: catalog)
    monkeypatch.setattr(app, "build_app", lambda *_: gr.Blocks())
    assert app.main([]) == 0
    assert launched
    assert {*loaded, *bad} == {(kind, name) for kind in ("generator", "discriminator") for name in catalog.names}
    assert not {*loaded} & {*bad}


@pytest.mark.parametrize("installed", [True, False])
def test_tools_for_assistants_are_served_where_what_they_need_is_installed(installed, launched, monkeypatch):
    monkeypatch.setattr(app, "find_spec", lambda name: object() if installed and name == "mcp" else None)
    assert app.main([]) == 0
    assert launched[0]["mcp_server"] is installed


@pytest.mark.parametrize(
    ("arguments", "variables", "port"),
    [
        (["--port", "1"], {"GRADIO_SERVER_PORT": "2", "PORT": "3"}, 1),
        ([], {"GRADIO_SERVER_PORT": "2", "PORT": "3"}, None),  # Gradio reads its own
        ([], {"PORT": "3"}, 3),
        ([], {"PORT": ""}, None),
        ([], {"GRADIO_SERVER_PORT": "", "PORT": "3"}, 3),
        (["--port", "1"], {"GRADIO_SERVER_PORT": "abc"}, 1),
        ([], {}, None),
    ],
)
def test_the_port_is_the_option_then_gradios_variable_then_the_hosts(arguments, variables, port, launched, monkeypatch):
    for name in ("GRADIO_SERVER_PORT", "PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert app.main(arguments) == 0
    assert launched[0]["server_port"] == port


@pytest.mark.slow
@pytest.mark.parametrize("port", ["abc", "99999"])
def test_a_port_of_gradios_that_is_none_is_refused_by_its_name(port):
    command, environment = warm.python(str(ROOT / "app.py")), os.environ | {"GRADIO_SERVER_PORT": port}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, f"error: GRADIO_SERVER_PORT is {port}; it must be from 1 to 65535.\n")


def test_a_port_of_the_host_that_is_none_is_refused_by_its_name(monkeypatch, capsys):
    monkeypatch.delenv("GRADIO_SERVER_PORT", raising=False)
    monkeypatch.setenv("PORT", "http")
    assert app.main([]) == 2
    assert capsys.readouterr().err == "error: PORT is http; it must be from 1 to 65535.\n"


def test_model_id_stands_for_the_option(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MODEL_ID", str(tmp_path / "nowhere"))
    assert app.main([]) == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.slow
def test_a_port_that_is_taken_costs_one_line_and_status_2(trained_run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = warm.python("app.py", "--model", str(trained_run), "--host", "127.0.0.1", "--port", port)
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
