"""How well faces are found, measured on a tiny checkpoint."""

import pytest

from benchmarks import finding


@pytest.mark.slow
def test_generated_and_held_out_pictures_are_looked_for_and_counted(trained_run, capsys, monkeypatch):
    monkeypatch.setattr("dcgan.gallery.finding.STEPS", 40)
    monkeypatch.setattr("dcgan.gallery.finding.SEEDS_TRIED", 64)
    monkeypatch.setattr(finding, "SEEDS_TRIED", 64)
    assert finding.main([str(trained_run), "--generated", "3", "--held-out", "2"]) == 0
    head, generated, held_out = capsys.readouterr().out.splitlines()
    assert head.startswith("tiny, ")
    assert generated.startswith("generated faces: 3 of 3 within 8 grey levels")
    assert held_out.startswith("held-out pictures: 0 of 2 within")  # so small a network draws none of these


def test_nothing_to_look_for_is_refused(trained_run, capsys):
    assert finding.main([str(trained_run), "--generated", "0"]) == 2
    assert "must be from 1 up" in capsys.readouterr().err
