import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan import faces, social_card
from dcgan.gallery import LocalCatalog
from dcgan.social_card import FACE, most_convincing


def test_a_card_is_drawn_from_a_checkpoint_by_one_command(trained_run, tmp_path):
    path = tmp_path / "card.png"
    assert social_card.main([str(trained_run), str(path)]) == 0
    with Image.open(path) as card:
        assert (card.format, card.size) == ("PNG", (1280, 640))
    assert path.stat().st_size < 1_000_000


def test_its_faces_are_those_of_the_seeds_and_its_words_are_there(trained_run):
    generator = LocalCatalog(trained_run, torch.device("cpu")).generator()
    card = social_card.social_card(generator, list(range(20)))
    face = Image.fromarray(faces(generator, [0])[0]).resize((FACE, FACE), Image.Resampling.BICUBIC)
    left, top = 1280 - 5 * 156, (640 - 4 * 156 + 12) // 2
    assert np.array_equal(card[top : top + FACE, left : left + FACE], np.asarray(face))
    assert (card[128:300, 56:480] != card[0, 0]).any(axis=2).mean() > 0.05


def test_the_most_convincing_faces_are_chosen_where_there_is_who_chooses(trained_run, tmp_path):
    chosen = most_convincing(LocalCatalog(trained_run, torch.device("cpu")))
    assert len(set(chosen)) == 20
    assert chosen != list(range(20))
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(trained_run / name, tmp_path / name)
    assert most_convincing(LocalCatalog(tmp_path, torch.device("cpu"))) == list(range(20))


@pytest.mark.parametrize("arguments", [["nowhere", "a.png"], ["RUN", "no/such/folder/a.png"]])
def test_what_is_not_there_costs_one_line(arguments, trained_run, capsys):
    assert social_card.main([a.replace("RUN", str(trained_run)) for a in arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1
