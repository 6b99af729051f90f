"""Runs on machines whose clock is set while they train, or between start and resume."""

import json
import os
import re
import time
from itertools import cycle

import pytest
import tqdm.std

import train
from dcgan.data import pictures
from dcgan.files import held
from dcgan.training.metrics_log import read_metrics
from support.tiny import TINY

HOUR, YEAR = 3600.0, 365 * 24 * 3600.0
pytestmark = pytest.mark.usefixtures("no_plots")
RUN = [*TINY, "--snapshot-epochs", "1,2,3", "--save-every", "2"]
RESULTS = ("model.safetensors", "discriminator/model.safetensors", "state/step-15/state.safetensors")


@pytest.fixture
def set_clock(monkeypatch):
    """Sets the clock by these seconds in turn, each time that somebody looks at it."""

    def jump(*seconds: float) -> None:
        really, jumps = time.time, cycle(seconds)
        for owner in (time, tqdm.std):
            monkeypatch.setattr(owner, "time", lambda: really() + next(jumps))

    return jump


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clocks") / "straight"
    assert train.main([*RUN, "--epochs", "3", "--output-dir", str(folder)]) == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("jumps", [(0, YEAR), (0, -YEAR), (0, -HOUR, HOUR)], ids=["ahead", "back", "to and fro"])
def test_a_clock_that_is_set_while_a_run_goes_on_changes_nothing_of_it(jumps, tmp_path, straight, set_clock, capsys):
    folder = tmp_path / "run"
    set_clock(*jumps)
    assert train.main([*RUN, "--epochs", "2", "--output-dir", str(folder)]) == 0
    for state in folder.glob("state/step-*"):  # the older ones look newer
        saved = time.time() + (YEAR if state.name == "step-8" else -YEAR)
        os.utime(state, (saved, saved))
    assert train.main(["--resume", "--epochs", "3", "--output-dir", str(folder)]) == 0
    for name in RESULTS:
        assert (folder / name).read_bytes() == (straight / name).read_bytes(), name
    lines = read_metrics(folder)
    seconds = [line["seconds"] for line in lines]
    assert seconds == sorted(seconds)
    assert 0 <= seconds[0] < seconds[-1] < HOUR
    assert all(line["images_per_second"] > 0 for line in lines if "images_per_second" in line)
    assert 0 < json.loads((folder / "training.json").read_text())["seconds"] < HOUR
    shown = re.findall(r"\[([^\]<]+)<([^,]+), ([^,\]]+)", capsys.readouterr().err)
    assert len(shown) >= 4
    for elapsed, left, rate in shown:
        assert re.fullmatch(r"\d\d:\d\d", elapsed), shown
        assert re.fullmatch(r"\d\d:\d\d|\?", left), shown
        assert "-" not in rate, shown


def test_pictures_that_another_run_decodes_are_left_to_it_though_the_clock_was_set(cache, load):
    at_work, abandoned = cache / "a-24.partial-x", cache / "b-24.partial-y"
    long_ago = time.time() - YEAR
    for folder in (at_work, abandoned):
        folder.mkdir(parents=True)
        (folder / "pictures.u8").write_bytes(b"half")
        for path in (folder / "pictures.u8", folder):
            os.utime(path, (long_ago, long_ago))
    with held(at_work):
        load("avatars:micah", data_size=2)
    assert (at_work / "pictures.u8").read_bytes() == b"half"
    assert not abandoned.exists()


def test_what_is_decoded_is_held_meanwhile(cache, load, monkeypatch):
    decode, refused = pictures._decode_into, []

    def tried(path, *others):
        with pytest.raises(BlockingIOError), held(path.parent):
            pass
        refused.append(path.parent)
        return decode(path, *others)

    monkeypatch.setattr(pictures, "_decode_into", tried)
    assert len(load("avatars:micah", data_size=2)) == 2
    assert len(refused) == 1
    assert not refused[0].exists()
