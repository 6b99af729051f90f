import json
import os
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.avatars import main as avatars_main
from dcgan.data import avatars
from dcgan.errors import InputError
from dcgan.parallel import CHUNK


def test_an_avatar_is_decided_by_its_style_index_and_size():
    first = avatars.render("adventurer", 7, 48)
    assert first.shape == (48, 48, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, avatars.render("adventurer", 7, 48))
    assert not np.array_equal(first, avatars.render("adventurer", 8, 48))
    assert not np.array_equal(first, avatars.render("lorelei", 7, 48))
    assert avatars.render("adventurer", 7, 24).shape == (24, 24, 3)


def test_avatars_are_drawn_on_plain_white():
    assert avatars.render("adventurer", 0, 48)[0, 0].tolist() == [255, 255, 255]


def test_background_colours_take_turns():
    corners = [avatars.render("adventurer", i, 24, ("white", "#b6e3f4"))[0, 0].tolist() for i in range(3)]
    assert corners == [[255, 255, 255], [0xB6, 0xE3, 0xF4], [255, 255, 255]]


@pytest.mark.slow
@pytest.mark.parametrize("style", avatars.styles())
def test_every_face_style_renders_something_and_says_whose_it_is(style):
    assert avatars.render(style, 1, 24).std() > 1
    credit = avatars.attribution(style)
    assert credit.creator
    assert credit.licence
    assert credit.licence_text


def test_styles_without_faces_are_left_out():
    assert not {"identicon", "initials", "rings", "shapes", "icons", "glass"} & set(avatars.styles())
    assert {"adventurer", "lorelei", "micah", "open-peeps", "dylan", "notionists"} <= set(avatars.styles())


def test_the_licence_is_read_from_the_styles_own_file_word_for_word():
    own = json.loads(files("dicebear_styles").joinpath("adventurer.json").read_text("utf-8"))["meta"]
    credit = avatars.attribution("adventurer")
    assert (credit.licence, credit.creator) == ("CC BY 4.0", "Lisa Wischofsky")
    assert credit.licence_text == own["license"]["text"]


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "render.py"
    script.write_text(
        "import os, signal, multiprocessing\n"
        "from dcgan.data import avatars\n"
        "if __name__ == '__main__':\n"
        "    pictures = avatars.render_many('pixel-art', 100_000, 24, workers=2)\n"
        "    next(pictures)\n"
        "    print(*(child.pid for child in multiprocessing.active_children()), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(avatars.__file__).parents[2])}
    with open(tmp_path / "out", "w+") as output:
        killed = subprocess.run([sys.executable, str(script)], env=environment, stdout=output)
        output.seek(0)
        workers = [int(pid) for pid in output.read().split()]
    assert killed.returncode == -signal.SIGKILL
    assert len(workers) == 2
    give_up = time.monotonic() + 20
    while any(_is_alive(pid) for pid in workers):
        assert time.monotonic() < give_up, "workers outlive their parent"
        time.sleep(0.1)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""  # a zombie has none
    except OSError:
        return False


@pytest.mark.slow
def test_rendering_in_parallel_gives_the_same_pictures_in_the_same_order():
    count = 4 * CHUNK + 30
    parallel = list(avatars.render_many("pixel-art", count, 24, first=5, workers=2))
    assert len(parallel) == count
    for i in (0, 63, 64, 200, count - 1):
        assert np.array_equal(parallel[i], avatars.render("pixel-art", 5 + i, 24))


@pytest.mark.parametrize("style", ["picasso", "../adventurer", "", "shapes"])
def test_an_unknown_style_is_refused_before_rendering_and_the_known_ones_are_named(style):
    with pytest.raises(InputError, match="adventurer.*lorelei"):
        avatars.render_many(style, 3, 24)


@pytest.mark.parametrize("colour", ["mauvish", "#12", "", "hsl(0,0%,0%)x"])
def test_an_unknown_colour_is_refused_by_name(colour):
    with pytest.raises(InputError, match="is no colour"):
        avatars.render_many("adventurer", 3, 24, (colour,))


@pytest.mark.parametrize("colour", ["lightblue", "rebeccapurple", "#abc", "hsl(120, 50%, 50%)", "rgb(1, 2, 3)"])
def test_every_accepted_colour_is_drawn_as_pillow_understands_it(colour):
    expected = Image.new("RGB", (1, 1), colour).getpixel((0, 0))
    assert tuple(avatars.render("adventurer", 0, 24, (colour,))[0, 0].tolist()) == expected


def test_the_command_writes_a_folder_of_pngs_and_the_licence(tmp_path, capsys):
    folder = tmp_path / "new" / "faces"
    arguments = ["micah", str(folder), "--count", "3", "--size", "32", "--first", "10", "--background", "#b6e3f4"]
    assert avatars_main(arguments) == 0
    assert sorted(p.name for p in folder.glob("*.png")) == [f"micah-{i:06d}.png" for i in (10, 11, 12)]
    written = np.asarray(Image.open(folder / "micah-000011.png"))
    assert np.array_equal(written, avatars.render("micah", 11, 32, ("#b6e3f4",)))
    assert (folder / "LICENCE.txt").read_text(encoding="utf-8").strip() == avatars.attribution("micah").licence_text
    assert "Micah Lanier" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["nobody", "out"], ["micah", "out", "--count", "0"], ["micah", "out", "--size", "4"], ["micah"],
     ["micah", "out", "-x"],
     ["micah", "out", "--background", "mauvish"], ["micah", "out", "--first", "-1"]],
)  # fmt: skip
def test_the_command_refuses_bad_input_in_one_line(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert avatars_main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_when_it_can_not_write(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert avatars_main(["micah", str(tmp_path / "file" / "faces"), "--count", "1"]) == 2
    assert "can't write" in capsys.readouterr().err
