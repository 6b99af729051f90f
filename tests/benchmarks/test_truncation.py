"""Whether truncation keeps faces sound while they become alike, as it is judged."""

from benchmarks.truncation import PSIS, Measured, is_honest, row


def measured(precisions, spreads):
    return [Measured(*each) for each in zip(PSIS, precisions, spreads, strict=False)]


def test_truncation_is_honest_where_faces_stay_sound_and_differ_less_and_less():
    assert is_honest(measured([0.5, 0.5, 0.45], [60, 57, 54]))
    assert not is_honest(measured([0.5, 0.5, 0.44], [60, 57, 54])), "broken faces"
    assert not is_honest(measured([0.5, 0.5, 0.5], [60, 57, 54.2])), "it changes too little"


def test_a_row_says_what_was_measured_at_each_psi_and_what_follows():
    assert row("tiny", measured([0.5, 0.44], [60, 40])) == "| tiny | 0.500 / 60.0 | 0.440 / 40.0 | no |"
