import hashlib
import os
import shutil
import time

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan import InputError, faces
from dcgan.errors import NothingChoosesError
from dcgan.folding import folded
from dcgan.gallery import LocalCatalog, PictureSpec, Renderer, from_file, open_catalog
from dcgan.gallery import renderer as renderer_module
from dcgan.gallery.renderer import FILES_KEPT_SECONDS
from dcgan.latents import SEEDS
from dcgan.limits import MAX_OPENED_BYTES
from dcgan.sampling import most_convincing_faces


@pytest.fixture(scope="module")
def catalog(trained_run):
    return LocalCatalog(trained_run, torch.device("cpu"))


@pytest.fixture
def renderer(catalog, tmp_path):
    return Renderer(catalog, tmp_path)


def pixels(path, frame: int = 0) -> np.ndarray:
    with Image.open(path) as picture:
        picture.seek(frame)
        return np.asarray(picture.convert("RGB"))


@pytest.fixture
def exported(monkeypatch) -> list[np.ndarray]:
    """The frames of each walk as they were before a format encoded them."""
    frames = []
    export = renderer_module.export_walk

    def listening(drawn, *arguments):
        frames.append(drawn)
        return export(drawn, *arguments)

    monkeypatch.setattr(renderer_module, "export_walk", listening)
    return frames


def walk(renderer, *seeds: int | str, **settings):
    return renderer.walk(PictureSpec("walk", seeds=seeds, **{"frames": 12, "size": 96} | settings))


def test_a_gallery_shows_consecutive_seeds_as_pngs_that_carry_their_own_spec(renderer, catalog):
    spec, made = renderer.faces(PictureSpec(seed=7, count=3))
    assert [face.expression for face in made] == [7, 8, 9]
    assert np.array_equal(np.stack([pixels(face.path) for face in made]), faces(catalog.generator(), [7, 8, 9]))
    for face in made:
        assert face.path.name == f"tiny_seed-{face.expression}.png"
        carried = from_file(face.path)
        assert (carried.seed, carried.count, carried.checkpoint) == (face.expression, 1, "tiny")
        assert carried.commit == spec.commit == catalog.commit()


def test_the_largest_seed_is_followed_by_the_smallest(renderer):
    assert [face.expression for face in renderer.faces(PictureSpec(seed=SEEDS - 1, count=2))[1]] == [SEEDS - 1, 0]


def test_truncation_draws_the_same_seeds_nearer_to_the_average(renderer, catalog):
    _, made = renderer.faces(PictureSpec(seed=7, count=2, psi=0.5))
    assert np.array_equal(pixels(made[1].path), faces(catalog.generator(), [8], psi=0.5)[0])
    assert from_file(made[1].path).psi == 0.5


def test_the_best_of_many_are_those_the_discriminator_believes_and_can_be_drawn_again(renderer, catalog):
    spec, made = renderer.faces(PictureSpec(seed=100, count=4), best_of=8)
    picked = most_convincing_faces(catalog.generator(), catalog.discriminator(), list(range(100, 132)), 4)
    assert [face.expression for face in made] == [face.seed for face in picked]
    assert spec.seeds == tuple(face.seed for face in picked)
    _, again = renderer.faces(spec)
    assert [pixels(face.path).tobytes() for face in again] == [pixels(face.path).tobytes() for face in made]


def test_a_checkpoint_without_a_discriminator_says_so_where_it_would_choose(trained_run, tmp_path):
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(trained_run / name, tmp_path / name)
    renderer = Renderer(LocalCatalog(tmp_path, torch.device("cpu")), tmp_path)
    assert renderer.faces(PictureSpec(count=2))[1]
    with pytest.raises(NothingChoosesError, match="came without the discriminator"):
        renderer.faces(PictureSpec(count=2), best_of=2)


def test_a_still_comes_in_four_sizes_each_sharp(renderer, catalog):
    stills = renderer.stills(PictureSpec(seed=42, count=5))
    assert list(stills) == [24, 48, 96, 192]
    face = faces(catalog.generator(), [42])[0]
    for size, path in stills.items():
        assert path.name == f"tiny_seed-42_{size}px.png"
        factor = size // 24
        assert np.array_equal(pixels(path), face.repeat(factor, 0).repeat(factor, 1))
        assert from_file(path).shown == [42]


def test_frame_0_of_a_walk_is_the_still_of_its_seed_pixel_for_pixel_before_it_is_encoded(renderer, catalog, exported):
    walk(renderer, 7, 42, 99, format="WebP", psi=0.8)
    assert np.array_equal(exported[0][0], faces(catalog.generator(), [7], psi=0.8)[0])


def test_the_first_picture_of_a_grid_shows_consecutive_seeds(renderer, catalog, exported):
    walk(renderer, 7, 42, format="WebP", grid=4)
    sheet = exported[0][0]
    for i, seed in enumerate((7, 8, 9, 10)):
        top, left = 2 + 26 * (i // 2), 2 + 26 * (i % 2)
        assert np.array_equal(sheet[top : top + 24, left : left + 24], faces(catalog.generator(), [seed])[0])


def test_files_of_expressions_are_named_by_a_hash_of_their_text_and_draw_themselves_again(renderer):
    _, [face] = renderer.faces(PictureSpec(face="7-12+42"))
    name = f"tiny_face-{hashlib.sha256(b'7-12+42').hexdigest()[:8]}"
    assert (face.expression, face.path.name) == ("7-12+42", f"{name}.png")
    assert renderer.stills(from_file(face.path))[48].name == f"{name}_48px.png"
    assert np.array_equal(pixels(renderer.stills(from_file(face.path))[24]), face.pixels)
    _, file = walk(renderer, 7, "7:42@0.5", 42, format="WebP")
    assert file.path.name == f"tiny_face-{hashlib.sha256(b'7,7:42@0.5,42').hexdigest()[:8]}_12f.webp"
    assert renderer.walk(from_file(file.path))[1].path.read_bytes() == file.path.read_bytes()
    stages, film = renderer.faces_at_stages("7-12+42")
    assert film.name == f"{name}_learned.gif"
    assert all(from_file(face.path).face == "7-12+42" for face in stages.values())


def test_frame_0_of_a_walk_of_expressions_is_the_still_of_the_first(renderer, exported):
    _, [face] = renderer.faces(PictureSpec(face="7:42@0.5"))
    walk(renderer, "7:42@0.5", 7, format="WebP")
    assert np.array_equal(exported[0][0], face.pixels)


def test_smooth_stills_and_walks_are_enlarged_by_lanczos_and_a_still_at_its_own_size_is_exact(renderer, catalog):
    face = faces(catalog.generator(), [7])[0]
    stills = renderer.stills(PictureSpec(seed=7, scaling="smooth"))
    assert np.array_equal(pixels(stills[24]), face)
    smooth = np.asarray(Image.fromarray(face).resize((96, 96), Image.Resampling.LANCZOS))
    assert np.array_equal(pixels(stills[96]), smooth)
    assert from_file(stills[96]).scaling == "smooth"
    _, file = walk(renderer, 7, 42, format="WebP", scaling="smooth")
    assert np.abs(pixels(file.path) - smooth.astype(int)).mean() < 6  # WebP changes colours a little


def test_a_face_that_cannot_be_drawn_costs_a_sentence(renderer):
    for spec in (PictureSpec(face="7-7"), PictureSpec(face="7~nose=1"), PictureSpec("walk", seeds=[7, "7-7"])):
        with pytest.raises(InputError, match="can't be drawn"):
            (renderer.faces if spec.kind == "faces" else renderer.walk)(spec)


@pytest.mark.parametrize("format", ["GIF", "WebP", "MP4"])
def test_a_walks_file_carries_the_spec_that_draws_it_again(renderer, format):
    settings = {"mode": "open", "method": "linear", "fps": 12, "psi": 0.9, "checkpoint": "tiny@epoch-0001"}
    spec, file = walk(renderer, 1, 2, 3, format=format, limit=2, **settings)
    assert file.path.name == f"tiny-epoch-0001_seed-1-2-3_12f.{format.lower()}"
    assert from_file(file.path) == spec
    _, again = renderer.walk(from_file(file.path))
    if format != "MP4":
        assert again.path.read_bytes() == file.path.read_bytes()


def test_a_file_that_no_limit_was_set_for_can_still_be_read_back(renderer, monkeypatch):
    monkeypatch.setattr("dcgan.gallery.renderer.MAX_MEGABYTES", 0.02)
    _, file = walk(renderer, 1, 2, format="GIF", frames=60, size=384)
    assert file.bytes <= 20_000
    assert file.given_up
    assert from_file(file.path).size == 384


def test_a_limit_in_megabytes_is_a_million_bytes_each(renderer, monkeypatch):
    asked = []
    monkeypatch.setattr("dcgan.gallery.renderer.export_walk", lambda *arguments: asked.append(arguments))
    walk(renderer, 1, 2, limit=5)
    walk(renderer, 1, 2)
    assert [arguments[5] for arguments in asked] == [5_000_000, 20_000_000]
    assert asked[1][5] <= MAX_OPENED_BYTES


def test_progress_is_told_up_to_the_end(catalog, tmp_path):
    told = []
    walk(Renderer(catalog, tmp_path, progress=lambda done, total: told.append((done, total))), 1, 2)
    assert len(told) > 3
    assert told[-1][0] == told[-1][1]


def test_a_face_is_shown_at_every_stage_of_training_earliest_first(renderer, catalog):
    assert renderer.stages() == ["tiny@epoch-0001", "tiny@epoch-0002"]  # the folder's own is the second of them
    stages, film = renderer.faces_at_stages(5)
    assert list(stages) == renderer.stages()
    for name, face in stages.items():
        assert np.array_equal(pixels(face.path), faces(catalog.generator(name), [5])[0])
        assert from_file(face.path).checkpoint == name
    with Image.open(film) as gif:
        assert (gif.n_frames, gif.size) == (2, (96, 96))
    assert from_file(film).shown == [5]


def test_a_folder_that_shows_an_earlier_snapshot_has_no_stage_twice(trained_run, tmp_path):
    shutil.copytree(trained_run, tmp_path / "run")
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(trained_run / "epochs" / "epoch-0001" / name, tmp_path / "run" / name)
    stages = Renderer(LocalCatalog(tmp_path / "run", torch.device("cpu")), tmp_path).stages()
    assert stages == ["run@epoch-0001", "run@epoch-0002"]


def test_a_folder_that_shows_none_of_its_snapshots_is_its_own_last_stage(trained_run, tmp_path):
    shutil.copytree(trained_run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "epochs" / "epoch-0002")
    stages = Renderer(LocalCatalog(tmp_path / "run", torch.device("cpu")), tmp_path).stages()
    assert stages == ["run@epoch-0001", "run"]


def test_a_folder_that_is_called_like_a_snapshot_has_no_stage_twice(trained_run, tmp_path):
    shutil.copytree(trained_run, tmp_path / "me@epoch-0001")
    stages = Renderer(LocalCatalog(tmp_path / "me@epoch-0001", torch.device("cpu")), tmp_path).stages()
    assert stages == ["me@epoch-0001@epoch-0001", "me@epoch-0001@epoch-0002"]


def test_a_stage_that_is_gone_is_left_out_and_all_gone_cost_a_sentence(trained_run, tmp_path, monkeypatch):
    shutil.copytree(trained_run, tmp_path / "run")
    (tmp_path / "files").mkdir()
    renderer = Renderer(LocalCatalog(tmp_path / "run", torch.device("cpu")), tmp_path / "files")
    shutil.rmtree(tmp_path / "run" / "epochs" / "epoch-0001")
    stages, film = renderer.faces_at_stages(5)
    assert list(stages) == ["run@epoch-0002"]
    assert from_file(film).checkpoint == "run@epoch-0002"
    monkeypatch.setattr(renderer, "signed", lambda spec: renderer.catalog.of().commit("gone"))
    with pytest.raises(InputError, match="no checkpoint 'gone'"):
        renderer.faces_at_stages(5)


def test_a_checkpoint_without_snapshots_is_its_only_stage(trained_run, tmp_path):
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(trained_run / name, tmp_path / name)
    assert Renderer(LocalCatalog(tmp_path, torch.device("cpu")), tmp_path).stages() == [tmp_path.name]


def test_of_several_models_each_has_stages_and_specs_of_its_own(several_runs, tmp_path):
    renderer = Renderer(open_catalog(None, None, several_runs, torch.device("cpu")), tmp_path)
    assert renderer.stages() == renderer.stages("tiny@epoch-0001") == ["tiny@epoch-0001", "tiny@epoch-0002"]
    assert renderer.stages("early") == ["early"]
    _, film = renderer.faces_at_stages(5, "early")
    assert film.name == "early_seed-5_learned.gif"
    assert renderer.signed(PictureSpec(checkpoint="early")).model == from_file(film).model == "early"
    assert renderer.signed(PictureSpec(checkpoint="tiny@epoch-0001")).model == "tiny"


def test_an_unknown_checkpoint_is_refused_with_those_there_are(renderer):
    for draw in (renderer.faces, renderer.stills, renderer.walk):
        with pytest.raises(InputError, match="no checkpoint 'nobody'; there are tiny"):
            draw(PictureSpec("walk", checkpoint="nobody"))


def test_a_snapshot_that_vanishes_while_the_app_runs_costs_a_sentence(trained_run, tmp_path):
    shutil.copytree(trained_run, tmp_path / "run")
    (tmp_path / "files").mkdir()
    renderer = Renderer(LocalCatalog(tmp_path / "run", torch.device("cpu")), tmp_path / "files")
    shutil.rmtree(tmp_path / "run" / "epochs" / "epoch-0001")
    with pytest.raises(InputError, match="run@epoch-0001 is not in run any more"):
        renderer.faces(PictureSpec(checkpoint="run@epoch-0001"))
    assert renderer.faces(PictureSpec(checkpoint="run", count=1))[1]


def test_two_visitors_never_share_a_file(renderer):
    first, second = (walk(renderer, 1, 2, frames=8)[1].path for _ in range(2))
    assert first != second
    assert first.name == second.name


def test_files_of_more_than_an_hour_ago_are_cleared_away(renderer):
    old = renderer.faces(PictureSpec(count=1))[1][0].path
    hours_ago = time.time() - 2 * FILES_KEPT_SECONDS
    os.utime(old.parent, (hours_ago, hours_ago))
    new = renderer.faces(PictureSpec(count=1))[1][0].path
    assert list(renderer.files.iterdir()) == [new.parent]


def test_every_use_of_a_network_is_inside_what_is_lent_a_gpu_and_takes_plain_values(catalog, tmp_path):
    """A function on a GPU of ZeroGPU runs in another process, so its arguments and results have to be picklable."""
    inside, used_outside = [], []

    def on_gpu(function):
        def on_loan(*arguments):
            assert all(isinstance(a, str | int | float | list) for a in arguments)
            inside.append(function)
            result = function(*arguments)
            inside.pop()
            assert isinstance(result, np.ndarray | list)
            return result

        return on_loan

    def watch(network, _) -> None:
        if not inside:
            used_outside.append(network)

    renderer = Renderer(catalog, tmp_path, on_gpu)
    networks = [folded(catalog.generator(name)).layers for name in catalog.names] + [catalog.discriminator()]
    hooks = [network.register_forward_pre_hook(watch) for network in networks]
    renderer.faces(PictureSpec(count=2), best_of=2)
    renderer.stills(PictureSpec())
    walk(renderer, 1, 2)
    renderer.faces_at_stages(3)
    for hook in hooks:
        hook.remove()
    assert not used_outside
    assert not inside
