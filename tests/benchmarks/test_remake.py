"""What hangs on the weights of bundled checkpoints is made anew by one command."""

import shutil

import pytest
from PIL import Image

from benchmarks import remake, results
from dcgan.errors import InputError

pytestmark = pytest.mark.slow


@pytest.fixture
def tiny(trained_run, tmp_path, monkeypatch):
    """A tiny checkpoint in place of the bundled ones, and a page and pictures of its own."""
    folder = shutil.copytree(trained_run, tmp_path / "tiny")
    page = f"# Faces\n\nBefore.\n\n{results.TABLE_HEAD} FD |\n|---|\n| gone | 1 |\n\nAfter.\n"
    (tmp_path / "README.md").write_text(page, encoding="utf-8")
    monkeypatch.setattr(results, "BUNDLES", [folder])
    monkeypatch.setattr(results, "SAMPLES", 16)
    monkeypatch.setattr(remake, "DOCS", tmp_path)
    monkeypatch.setattr(remake, "README", tmp_path / "README.md")
    monkeypatch.setattr(remake, "COUNT", 16)
    return folder


def test_one_command_measures_draws_and_writes_the_table_and_a_second_leaves_the_measures(tiny, tmp_path, monkeypatch):
    assert remake.main([]) == 0
    assert remake.is_measured(tiny)
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert page == f"# Faces\n\nBefore.\n\n{results.table([tiny])}\n\nAfter.\n"
    for picture in ("faces.png", "curve.png", "social-card.png", "tiny/eye/faces.png"):
        with Image.open(tmp_path / picture) as opened:
            assert opened.width > 100
    with Image.open(tiny / "samples" / "held-out.png") as held_out:
        assert held_out.size == (24, 40 * 24)
    measured = (tiny / "evaluation.json").read_bytes()
    monkeypatch.setattr(remake, "measure", lambda *_: pytest.fail("measured again"))
    assert remake.main([]) == 0
    assert (tiny / "evaluation.json").read_bytes() == measured


def test_a_checkpoint_of_portraits_asks_for_their_layers(tiny):
    path = tiny / "training.json"
    path.write_text(path.read_text(encoding="utf-8").replace("avatars:adventurer", "portraits:art"), encoding="utf-8")
    with pytest.raises(InputError, match="tiny learned from portraits:art; name a clone or a .zip of that art with"):
        results.data_of(tiny, None)
    assert results.data_of(tiny, "here/layers.zip") == "portraits:here/layers.zip"


def test_a_page_without_the_table_is_left_as_it_is():
    with pytest.raises(InputError, match="there is no table"):
        remake.put_table("# Faces\n", results.TABLE_HEAD)
