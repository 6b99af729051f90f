"""The count by eye, on tiny checkpoints."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import eye
from benchmarks.eye import COLUMNS, FACES, LABEL, LABEL_WIDTH, REASONS, WHOLE, main
from dcgan import faces
from dcgan.checkpoints import load_generator, published_files, save_network
from dcgan.checkpoints.bundle import bundle
from dcgan.files import sha256


@pytest.fixture
def checkpoint(trained_run, tmp_path):
    """A copy of the tiny run, its sheet drawn."""
    folder = shutil.copytree(trained_run, tmp_path / "tiny")
    assert main([str(folder)]) == 0
    return folder


def first_seed_of(folder) -> int:
    return int(sha256(folder / "model.safetensors")[:7], 16)


def read(folder) -> dict:
    return json.loads((folder / "eye" / "verdicts.json").read_text(encoding="utf-8"))


def judge(folder, **verdicts: str) -> None:
    """Judge all faces whole but for some, by their places: `_3="two mouths"`."""
    found = read(folder)
    given = dict.fromkeys(found["verdicts"], WHOLE)
    given |= {str(found["first_seed"] + int(place[1:])): verdict for place, verdict in verdicts.items()}
    write(folder, found | {"verdicts": given})


def write(folder, found: object) -> None:
    (folder / "eye" / "verdicts.json").write_text(json.dumps(found), encoding="utf-8")


def change_weights(folder) -> None:
    generator = load_generator(folder)
    with torch.no_grad():
        next(generator.parameters()).add_(1)
    save_network(generator, folder)


def test_the_seeds_begin_where_the_weights_hash_says_and_the_largest_hash_has_64_too():
    assert eye.seeds_of("0000010" + "f" * 57) == list(range(16, 80))
    assert len(set(eye.seeds_of("f" * 64))) == FACES


def test_the_sheet_shows_each_face_at_twice_its_size_with_its_seed_under_it(checkpoint):
    sheet = np.asarray(Image.open(checkpoint / "eye" / "faces.png"))
    first = first_seed_of(checkpoint)
    drawn = faces(load_generator(checkpoint), list(range(first, first + FACES)))
    size = 2 * drawn.shape[1]
    for i, face in enumerate(drawn):
        top, left = 2 + i // COLUMNS * (size + LABEL + 2), 2 + i % COLUMNS * (max(size, LABEL_WIDTH) + 2)
        shown = sheet[top : top + size, left : left + size]
        assert np.array_equal(shown, face.repeat(2, axis=0).repeat(2, axis=1))
        assert (sheet[top + size : top + size + LABEL, left : left + LABEL_WIDTH] < 128).any()
    assert sheet.shape[0] == 2 + 8 * (size + LABEL + 2)


def test_the_longest_seed_fits_under_its_face(trained_run):
    cell = eye._labelled(np.full((48, 48, 3), 255, np.uint8), 2**28 + 63)
    assert cell.shape == (48 + LABEL, LABEL_WIDTH, 3)
    assert (cell < 128).any()
    assert cell[-1].min() == cell[:, -1].min() == 255


def test_the_file_of_verdicts_names_the_weights_and_has_a_blank_for_each_seed(checkpoint):
    first = first_seed_of(checkpoint)
    assert read(checkpoint) == {
        "weights_sha256": sha256(checkpoint / "model.safetensors"),
        "first_seed": first,
        "verdicts": {str(seed): "" for seed in range(first, first + FACES)},
    }


def test_drawing_says_where_and_with_which_words_to_judge(checkpoint, capsys):
    assert main([str(checkpoint)]) == 0
    printed = capsys.readouterr().out
    assert str(checkpoint / "eye" / "faces.png") in printed
    assert str(checkpoint / "eye" / "verdicts.json") in printed
    assert all(repr(word) in printed for word in (WHOLE, *REASONS))


def test_drawing_again_keeps_the_verdicts_on_these_weights_and_blanks_those_on_others(checkpoint):
    judge(checkpoint, _0="two mouths")
    before = (checkpoint / "eye" / "verdicts.json").read_bytes()
    (checkpoint / "eye" / "faces.png").unlink()
    assert main([str(checkpoint)]) == 0
    assert (checkpoint / "eye" / "verdicts.json").read_bytes() == before
    assert (checkpoint / "eye" / "faces.png").is_file()
    change_weights(checkpoint)
    assert main([str(checkpoint)]) == 0
    assert read(checkpoint)["first_seed"] == first_seed_of(checkpoint)
    assert set(read(checkpoint)["verdicts"].values()) == {""}


def test_broken_faces_are_counted_and_named_by_reason(checkpoint, capsys):
    judge(checkpoint, _0="two mouths", _9="two mouths", _63="a hole in hair or skin")
    capsys.readouterr()
    assert main([str(checkpoint), "--count"]) == 0
    first = first_seed_of(checkpoint)
    assert capsys.readouterr().out.splitlines() == [
        "3 of 64 are broken",
        f"  two mouths: 2 (seeds {first}, {first + 9})",
        f"  a hole in hair or skin: 1 (seeds {first + 63})",
    ]


def test_where_none_is_broken_the_count_is_0(checkpoint, capsys):
    judge(checkpoint)
    capsys.readouterr()
    assert main([str(checkpoint), "--count"]) == 0
    assert capsys.readouterr().out == "0 of 64 are broken\n"


def undrawn(folder):
    shutil.rmtree(folder / "eye")


def one_unjudged(folder):
    judge(folder, _5="")


def one_left_out(folder):
    judge(folder)
    found = read(folder)
    found["verdicts"].pop(str(found["first_seed"]))
    write(folder, found)


def one_too_many(folder):
    judge(folder, _64=WHOLE)


def another_start(folder):
    judge(folder)
    write(folder, read(folder) | {"first_seed": 7})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (undrawn, "draws what to judge"),
        (lambda folder: None, "64 of 64 aren't judged yet"),
        (one_unjudged, "1 of 64 aren't judged yet, the first is seed"),
        (one_left_out, "isn't of the seeds"),
        (one_too_many, "isn't of the seeds"),
        (another_start, "isn't of the seeds"),
        (lambda folder: judge(folder, _5="ugly"), "is judged 'ugly'; a verdict is 'whole' or 'an eye missing, merged"),
        (lambda folder: judge(folder, _5=["whole"]), "is judged ['whole']; a verdict is"),
        (lambda folder: (judge(folder), change_weights(folder)), "is of other weights"),
        (lambda folder: (judge(folder), (folder / "model.safetensors").unlink()), "name a checkpoint folder"),
        (lambda folder: (folder / "eye" / "verdicts.json").write_text("{"), "can't be read (JSONDecodeError"),
        (lambda folder: write(folder, []), "can't be read (TypeError"),
        (lambda folder: write(folder, {"verdicts": []}), "can't be read (AttributeError"),
    ],
)  # fmt: skip
def test_what_is_not_judged_in_full_and_in_the_given_words_is_one_line_and_status_2(spoil, message, checkpoint, capsys):
    spoil(checkpoint)
    capsys.readouterr()
    assert main([str(checkpoint), "--count"]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_a_file_of_verdicts_that_cannot_be_read_is_not_drawn_over(checkpoint, capsys):
    path = checkpoint / "eye" / "verdicts.json"
    path.write_text('{"verdicts": {"7": "whole",}}', encoding="utf-8")
    assert main([str(checkpoint)]) == 2
    assert "mend it, or delete it" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == '{"verdicts": {"7": "whole",}}'


def test_a_folder_without_a_generator_is_one_line_and_status_2(tmp_path, capsys):
    assert main([str(tmp_path / "nothing")]) == 2
    assert "there is no checkpoint folder" in (error := capsys.readouterr().err)
    assert error.count("\n") == 1
    assert not (tmp_path / "nothing").exists()


def test_a_bundle_is_judged_by_its_own_weights_and_the_sheet_stays_off_the_hub(checkpoint, tmp_path):
    bundle(checkpoint, tmp_path / "bundled")
    assert not (tmp_path / "bundled" / "eye").exists()  # its weights are rounded, so its seeds are others
    assert not [name for name in published_files(checkpoint) if name.startswith("eye")]
