import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.data import Composer, compose_many, open_art, portraits
from dcgan.data.portrait_design import HAIR, Palette, design
from dcgan.data.portraits import BACKGROUNDS, CREDIT, UNKNOWN, Mask, layers_of
from dcgan.errors import InputError
from dcgan.parallel import CHUNK
from dcgan.portraits import main as portraits_main
from support.layers import DEEP, LAYERS, LIGHT, WHITE, layer, write_layers, zipped

RED_GREEN_BLUE = Palette((200, 0, 0), (0, 200, 0), (0, 0, 200))


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    return write_layers(tmp_path_factory.mktemp("art") / "pixel-art-portraits")


@pytest.fixture(scope="module")
def art(clone):
    return open_art(clone)


# One picture


def test_a_portrait_is_decided_by_its_index_size_crop_background_and_layers(art, clone, tmp_path):
    first = Composer(art, 48).compose(7)
    assert first.shape == (48, 48, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, Composer(open_art(clone), 48).compose(7))
    others = [
        Composer(art, 48).compose(8),
        Composer(art, 48, "bust").compose(7),
        Composer(art, 48, backgrounds=["black"]).compose(7),
    ]
    assert not any(np.array_equal(first, other) for other in others)
    assert Composer(art, 24).compose(7).shape == (24, 24, 3)


def test_a_folder_its_images_and_a_zip_of_it_are_the_same_art(art, clone, tmp_path):
    assert open_art(clone / "images").digest == art.digest
    as_zip = open_art(zipped(clone, tmp_path / "art.zip"))
    assert as_zip.digest == art.digest
    assert as_zip.attribution == art.attribution
    assert np.array_equal(Composer(as_zip, 24).compose(3), Composer(art, 24).compose(3))


def test_other_layers_have_another_digest(art, tmp_path):
    folder = write_layers(tmp_path / "art")
    layer(((30, 4, 66, 17), LIGHT)).save(folder / "images" / "hair" / "base" / "male01.png")
    assert open_art(folder).digest != art.digest


def test_a_bust_at_its_own_size_is_as_it_was_drawn(art):
    composer = Composer(art, 96, "bust", ["white"])
    index = next(i for i in range(100) if design(i, art.layers).glasses == "")
    worn = design(index, art.layers)
    pixels = composer.compose(index)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    mouth = next(palette for name, palette, _ in layers_of(worn) if name.startswith("mouth/"))
    assert pixels[50, 47].tolist() == list(mouth.dark)


def test_a_head_is_the_middle_of_the_bust_enlarged(art):
    head = Composer(art, 256, "head", ["white"]).compose(5)
    bust = Composer(art, 96, "bust", ["white"]).compose(5)
    assert np.array_equal(head[2::4, 2::4].shape, bust[:64, 16:80].shape)
    assert (head[2::4, 2::4] == bust[:64, 16:80]).all(-1).mean() > 0.9  # all but where slanted edges were smoothed


def test_backgrounds_take_turns(art):
    corners = [Composer(art, 96, "bust", ("white", "#b6e3f4")).compose(i)[0, 0].tolist() for i in range(3)]
    assert corners == [[255, 255, 255], [0xB6, 0xE3, 0xF4], [255, 255, 255]]


def test_the_usual_backgrounds_are_pale(art):
    corners = np.array([Composer(art, 96, "bust").compose(i)[0, 0] for i in range(len(BACKGROUNDS))])
    assert len({tuple(corner) for corner in corners}) == len(BACKGROUNDS) >= 5
    assert corners.min() > 215


@pytest.mark.slow
def test_portraits_in_parallel_are_those_one_by_one(art):
    count, composer = 4 * CHUNK + 30, Composer(art, 24)
    parallel = list(compose_many(composer, count, first=5, workers=2))
    assert len(parallel) == count
    for i in (0, 1, CHUNK, count - 1):
        assert np.array_equal(parallel[i], composer.compose(5 + i))


# Layers and colours


def test_a_masks_channels_are_weights_of_dark_light_and_deep():
    mask = Mask.of(np.asarray(layer(((0, 0, 1, 1), (255, 0, 0, 255)), ((1, 0, 2, 1), LIGHT), ((2, 0, 3, 1), DEEP))))
    canvas = np.zeros((96, 96, 3), np.float32)
    mask.paint(canvas, RED_GREEN_BLUE)
    assert canvas[0, :4].tolist() == [[200, 0, 0], [0, 200, 0], [0, 0, 200], [0, 0, 0]]


def test_a_grey_pixel_keeps_its_grey_in_any_palette():
    mask = Mask.of(np.asarray(layer(((0, 0, 1, 1), WHITE), ((1, 0, 2, 1), (0, 0, 0, 255)))))
    canvas = np.full((96, 96, 3), 100, np.float32)
    mask.paint(canvas, RED_GREEN_BLUE)
    assert canvas[0, :3].tolist() == [[255, 255, 255], [15, 8, 20], [100, 100, 100]]


def test_half_transparent_pixels_let_half_through():
    mask = Mask.of(np.asarray(layer(((0, 0, 1, 1), (0, 255, 0, 51)))))
    canvas = np.full((96, 96, 3), 100, np.float32)
    mask.paint(canvas, RED_GREEN_BLUE)
    assert canvas[0, 0].tolist() == pytest.approx([80, 120, 80])


def test_a_raised_layer_lies_higher():
    canvas = np.zeros((96, 96, 3), np.float32)
    Mask.of(np.asarray(layer(((4, 9, 6, 10), LIGHT)))).paint(canvas, RED_GREEN_BLUE, raised=2)
    assert np.argwhere(canvas[..., 1]).tolist() == [[7, 4], [7, 5]]


def test_hair_lies_over_the_face_and_back_hair_behind_it(art):
    worn = design(0, art.layers)
    names = [name for name, _, _ in layers_of(worn)]
    assert names[0] == f"hair/back/{worn.behind}"
    in_order = [f"body/{worn.body}", f"eyes/{worn.eyes}", f"brows/{worn.brows}", f"hair/base/{worn.hair}"]
    assert [name for name in names if name in in_order] == in_order


# Designs


def test_a_design_wears_only_what_is_at_hand(art):
    parts = art.layers.keys()
    for index in range(300):
        for name, _, _ in layers_of(design(index, parts)):
            part = name.rpartition("/")[2]  # shadows and decorations go with a part where it has them
            assert part == "" or name in parts or "_" in part, name


def test_designs_differ_and_have_rare_things_seldom(art):
    designs = [design(index, art.layers) for index in range(2000)]
    assert len({tuple(asdict(each).values()) for each in designs}) == 2000
    assert {each.hair_colour for each in designs} == set(HAIR)
    share = {name: np.mean([bool(getattr(each, name)) for each in designs]) for name in ("glasses", "ears")}
    assert 0.05 < share["glasses"] < 0.12
    assert 0.07 < share["ears"] < 0.14
    assert 0.1 < np.mean([each.eyes.startswith("closed") for each in designs]) < 0.19
    assert not any(each.ears and each.ornament for each in designs)


# Whose work it is


def test_the_licence_is_recognised_by_its_text_and_no_address_is_copied(art):
    assert art.attribution == CREDIT
    assert (CREDIT.title, CREDIT.creator, CREDIT.licence) == ("pixel-art-portraits", "Viktor Hahn", "CC BY 4.0")
    assert CREDIT.source == "https://github.com/V-ktor/pixel-art-portraits"
    assert CREDIT.changes.startswith("recoloured, composed")
    assert "@" not in "".join(asdict(art.attribution).values())


@pytest.mark.parametrize("licence", [None, "All rights reserved.", "", "CC BY 4.0"])
def test_under_any_other_text_the_licence_is_unknown(licence, tmp_path):
    folder = write_layers(tmp_path / "art", licence)
    assert open_art(folder).attribution == UNKNOWN
    assert UNKNOWN.licence == "licence unknown"


# Bad input


def refusal(place: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_art(place)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_no_such_folder_is_said(tmp_path):
    assert "there is no folder or .zip" in refusal(tmp_path / "nowhere")


def test_a_folder_without_layers_is_said(tmp_path):
    (tmp_path / "notes.txt").write_text("no art")
    assert "holds no layers" in refusal(tmp_path)
    assert "git clone https://github.com/V-ktor/pixel-art-portraits" in refusal(tmp_path)


@pytest.mark.parametrize("kind", ["hair/base", "hair/front", "hair/back", "eyes", "body", "cloths", "glasses", "ears"])
def test_a_missing_kind_is_named(kind, tmp_path):
    folder = write_layers(tmp_path / "art")
    shutil.rmtree(folder / "images" / kind)
    assert f"no layers of the kind {kind} " in refusal(folder)


def test_a_layer_of_another_size_is_named(tmp_path):
    folder = write_layers(tmp_path / "art")
    Image.new("RGBA", (64, 64)).save(folder / "images" / "eyes" / "female01.png")
    assert "the layer eyes/female01 is 64x64 pixels, not 96x96" in refusal(folder)


@pytest.mark.parametrize("damage", [b"", b"not a picture", "cut"])
def test_a_damaged_layer_is_named(damage, tmp_path):
    folder = write_layers(tmp_path / "art")
    file = folder / "images" / "mouth" / "O.png"
    file.write_bytes(file.read_bytes()[:60] if damage == "cut" else damage)
    assert "the layer mouth/O can't be read" in refusal(folder)


def test_a_layer_that_is_far_too_large_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(portraits, "MAX_LAYER_BYTES", 1000)
    folder = write_layers(tmp_path / "art")
    with open(folder / "images" / "mouth" / "O.png", "ab") as file:
        file.write(bytes(1000))
    assert "the layer mouth/O is larger than" in refusal(folder)


@pytest.mark.parametrize("content", [b"", b"no zip at all", "cut"])
def test_a_zip_that_is_none_is_said(content, clone, tmp_path):
    path = tmp_path / "art.zip"
    whole = zipped(clone, path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content == "cut" else content)
    assert "is no .zip that can be read" in refusal(path)


# The command


def test_the_command_writes_portraits_and_their_licence(art, clone, tmp_path, capsys):
    folder = tmp_path / "faces"
    options = ["--count", "3", "--first", "10", "--size", "32", "--background", "#b6e3f4"]
    assert portraits_main([str(clone), str(folder), *options]) == 0
    assert len(list(folder.glob("*.png"))) == 3
    written = np.asarray(Image.open(folder / "portrait-000011.png"))
    assert np.array_equal(written, Composer(art, 32, backgrounds=["#b6e3f4"]).compose(11))
    licence = (folder / "LICENCE.txt").read_text(encoding="utf-8").strip()
    assert licence == f"{CREDIT.licence_text}. Changed: {CREDIT.changes}."
    assert "CC BY 4.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--count", "0"], "--count"),
        (["--size", "4"], "--size"),
        (["--portrait-crop", "foot"], "--portrait-crop"),
        (["--background", "no colour"], "'no colour'"),
    ],
)
def test_the_command_refuses_what_cannot_be(options, named, clone, tmp_path, capsys):
    assert portraits_main([str(clone), str(tmp_path / "faces"), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line


def test_the_command_says_where_it_cannot_write(clone, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert portraits_main([str(clone), str(tmp_path / "file" / "faces"), "--count", "1"]) == 2
    assert "can't write to" in capsys.readouterr().err


def test_all_layers_of_the_tiny_set_are_ones_that_are_used():
    worn = {name for index in range(3000) for name, _, _ in layers_of(design(index, LAYERS))}
    assert not set(LAYERS) - worn
