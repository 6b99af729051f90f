"""What a checkpoint folder says of itself, read strictly and leniently, also as earlier versions wrote it."""

import json
import math
import re
import shutil
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from dcgan.checkpoints import (
    Best,
    Credit,
    Evaluation,
    StateFacts,
    Training,
    Watched,
    facts_of_the_shown,
    glean_metrics,
    in_todays_words,
    load_generator,
    load_state,
    model_card,
    name_in,
    read_evaluation,
    read_training,
    snapshot_names,
)
from dcgan.checkpoints.reading import FORMAT, Record
from dcgan.data import Attribution, Pictures, load_pictures
from dcgan.errors import InputError, NewerFormatError
from dcgan.models import read_config
from dcgan.training import Run, train
from dcgan.training.health import Health
from dcgan.training.metrics_log import read_metrics
from dcgan.training.run import config_to_resume
from support.paths import FIXTURES

FORMAT_0 = FIXTURES / "format-0"  # a tiny run by the version before files said their format
FILES = {
    Training: FORMAT_0 / "training.json",
    StateFacts: FORMAT_0 / "state" / "step-10" / "state.json",
    Evaluation: FORMAT_0 / "evaluation.json",
}
# What a file means by a key that it lacks: settings that runs didn't have yet, or what only a card or page tells.
DEFAULTS = {
    Training: {
        "recipe": None, "metrics": {}, "watch": None, "rollbacks": 0, "hardware": None, "versions": {}, "best": None,
        "parameters": {"generator": None, "discriminator": None}, "parameters.generator": None,
        "parameters.discriminator": None, "data.attribution": None, "data.attribution.title": "",
        "data.attribution.creator": "", "data.attribution.source": "", "data.attribution.licence": "",
        "data.attribution.licence_url": "", "data.attribution.licence_text": "", "data.attribution.changes": "",
        "best.step": None, "best.epoch": None, "best.images_seen": None, "best.seconds": None, "best.metrics": None,
        "best.watch": None,
    },
    StateFacts: {
        "rollbacks": 0, "good": True, "watch.trouble": None, "watch.lowest": None, "watch.widest": None,
        "watch": {"trouble": None, "lowest": None, "widest": None, "tries": 0, "losses": {}, "still": {}},
        "watch.tries": 0, "watch.losses": {}, "watch.still": {},
    },
    Evaluation: {
        "kid": None, "versions": {}, "second": None, "second.samples": None, "second.kid": None, "second.versions": {},
        **{f"{measure}extractor.{key}": None for measure in ("", "second.") for key in ("weights_sha256", "features")},
        **{f"{measure}samples.other_reals": None for measure in ("", "second.")},
        **{f"{measure}{part}.{key}": None for measure in ("", "second.") for part in ("fakes", "floor")
           for key in ("kid", "kid_std", "fd", "precision", "recall", "spread")},
        "reals.held_out": None, "reals.same_as_trained": None, "seeds.subsets": None, "directions": None,
        "fakes.fid": None,
        "directions.found.hair_light.leaks_into": None, "directions.found.hair_light.by_eye": None,
    },
}  # fmt: skip
DIRECTIONS = {  # which the tiny run hasn't
    "command": "python -m dcgan.directions tiny", "fitted_on": 20, "tested_on": 10, "steered": 5,
    "found": {
        "hair_light": {
            "r2": 0.5, "sefa_r2": 0.25, "effect": 0.9, "moved": 0.95, "leakage": -0.3, "leaks_into": "skin_light",
            "by_eye": 9, "shipped": True,
        },
    },
}  # fmt: skip
Keys = tuple[str, ...]


def written(record: type[Record]) -> dict[str, Any]:
    """What this version writes of the tiny run: every key there is, as far as the run has it."""
    values = record.read(FILES[record]).to_json() | {"format": FORMAT}
    if record is Evaluation:
        values["second"] = {key: values[key] for key in ("command", "extractor", "samples", "kid", "versions")}
        values["second"] |= {part: {**values[part]} for part in ("fakes", "floor")}
        values["directions"] = DIRECTIONS
        values["fakes"] = values["fakes"] | {"kid": 0.5, "kid_std": 0.1, "fid": 9.5, "fd": 8.5}
        values["reals"] = values["reals"] | {"held_out": True, "same_as_trained": 3}
        values["samples"] = values["samples"] | {"other_reals": 7}
        values["kid"], values["seeds"] = {"subsets": 2, "subset_size": 5}, values["seeds"] | {"subsets": 0}
    return json.loads(json.dumps(values))


def paths(values: dict[str, Any], above: Keys = ()) -> Iterator[Keys]:
    """The keys that lead to every value; a run's options aren't taken apart here."""
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict) and key != "config":
            yield from paths(value, (*above, key))


def at(values: Any, keys: Keys) -> Any:
    for key in keys:
        values = values[key]
    return values


def leaves(values: dict[str, Any]) -> Iterator[tuple[Keys, Any]]:
    """The values that aren't taken apart any further, by the keys that lead to them."""
    for keys in paths(values):
        if keys[-1] == "config" or not isinstance(at(values, keys), dict):
            yield keys, at(values, keys)


def changed(values: dict[str, Any], keys: Keys, value: Any = ...) -> dict[str, Any]:
    """The same values with another one there; without one, with none."""
    copy = json.loads(json.dumps(values))
    inner = at(copy, keys[:-1])
    if value is ...:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return copy


def wrong_for(value: Any) -> list[Any]:
    """Values of every type but that of `value`, and of its own those that make no sense."""
    if isinstance(value, bool):
        return ["true", 1, 0.5, [], {}]
    if isinstance(value, str):
        return [7, 0.5, True, [], {}, ["x"]]
    if isinstance(value, int):
        return ["7", True, 0.5, -1, [], {}, 10**400, math.inf]
    if isinstance(value, float):
        return ["0.5", True, [], {}, math.nan, 10**400]
    if isinstance(value, dict):
        return ["x", 7, 0.5, True, []]
    assert value is None
    return []


CASES = [(record, keys) for record in FILES for keys in paths(written(record))]


def name_of(case: object) -> str:
    return ".".join(case) if isinstance(case, tuple) else case.__name__


@pytest.mark.parametrize("record", FILES)
def test_nothing_that_an_older_file_says_is_lost(record):
    told = dict(leaves(json.loads(FILES[record].read_text(encoding="utf-8"))))
    kept = dict(leaves(record.read(FILES[record]).to_json()))
    for keys, value in told.items():
        assert any(kept.get((*keys[:-1], name), ...) == value for name in (keys[-1], "relative_diversity", "spread"))


@pytest.mark.parametrize("record", FILES)
def test_every_key_that_a_file_may_lack_is_tried_here(record):
    assert set(DEFAULTS[record]) <= {".".join(keys) for keys in paths(written(record))}


@pytest.mark.parametrize(("record", "keys"), CASES, ids=name_of)
def test_a_damaged_value_is_named_by_the_strict_reader_and_costs_the_lenient_one_nothing_else(record, keys, tmp_path):
    values, path = written(record), tmp_path / "record.json"
    for wrong in wrong_for(at(values, keys)):
        damaged = changed(values, keys, wrong)
        path.write_text(json.dumps(damaged), encoding="utf-8")
        with pytest.raises(InputError) as error:
            record.read(path)
        if not isinstance(error.value, NewerFormatError):
            assert f"{path} can't be read ({'.'.join(keys)} is " in str(error.value), wrong
        assert "\n" not in str(error.value)
        gleaned = record.glean(path.read_bytes())
        others = [key for key in values if key != keys[0]]
        assert {key: gleaned.to_json()[key] for key in others} == {key: values[key] for key in others}
        if is_free(keys) and not isinstance(at(values, keys), dict):
            assert value_at(gleaned, keys[:-1]) == at(changed(values, keys), keys[:-1])
        elif ".".join(keys) in DEFAULTS[record]:
            assert json.loads(json.dumps(value_at(gleaned, keys))) == DEFAULTS[record][".".join(keys)]


@pytest.mark.parametrize(("record", "keys"), CASES, ids=name_of)
def test_a_missing_key_is_what_older_files_mean_by_that_or_is_named(record, keys, tmp_path):
    path, name = tmp_path / "record.json", ".".join(keys)
    path.write_text(json.dumps(changed(written(record), keys)), encoding="utf-8")
    known = record.glean(path.read_bytes())
    if keys == ("format",):
        assert record.read(path).format == known.format == 0
    elif name in DEFAULTS[record]:
        assert json.loads(json.dumps(value_at(record.read(path), keys))) == DEFAULTS[record][name]
        assert record.read(path) == known
        if DEFAULTS[record][name] is None:
            is_written_as_null = record is not Evaluation and keys != ("best",)
            assert (keys[-1] in at(known.to_json(), keys[:-1])) == is_written_as_null
    elif is_free(keys):
        assert record.read(path) == known
    else:
        with pytest.raises(InputError, match=re.escape(f"{path} can't be read ({name} is missing)")):
            record.read(path)
        assert value_at(known, keys) in (None, {}) or not any(flat(value_at(known, keys)))


def is_free(keys: Keys) -> bool:
    """Whether a key is one of an object that may have any."""
    quantiles = keys[0] == "neighbours" and len(keys) == 3
    return quantiles or (len(keys) > 1 and keys[-2] in ("metrics", "versions", "losses", "still", "found"))


def value_at(record: Any, keys: Keys) -> Any:
    """As JSON what a record has by a file's keys, those included that it doesn't write."""
    for key in keys:
        if isinstance(record, dict):
            record = record[key]
            continue
        names = {each.metadata["keys"][0] or each.name: each.name for each in fields(record)}
        record = getattr(record, names[key])
    return record.to_json() if hasattr(record, "to_json") else record


def flat(values: dict[str, Any]) -> list[Any]:
    return [each for value in values.values() for each in (flat(value) if isinstance(value, dict) else [value])]


@pytest.mark.parametrize(("record", "keys"), CASES, ids=name_of)
def test_null_is_read_where_nothing_need_be_and_named_elsewhere_and_never_stops_the_lenient_reader(
    record, keys, tmp_path
):
    path, name = tmp_path / "record.json", ".".join(keys)
    path.write_text(json.dumps(changed(written(record), keys, None)), encoding="utf-8")
    known = record.glean(path.read_bytes())
    if DEFAULTS[record].get(name, ...) is None:
        assert record.read(path) == known
        assert value_at(known, keys) is None
    else:
        with pytest.raises(InputError, match=re.escape(f"{path} can't be read ({name} is None, not ")):
            record.read(path)


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        ("run_id", 7, "run_id is 7, not a text"),
        ("run_id", None, "run_id is None, not a text"),
        ("seconds", "7", "seconds is '7', not a number"),
        ("seconds", True, "seconds is True, not a number"),
        ("step", 7.0, "step is 7.0, not a whole number from 0 up"),
        ("step", -1, "step is -1, not a whole number from 0 up"),
        ("good", 1, "good is 1, not true or false"),
        ("config", [], "config is [], not an object"),
        ("watch.losses.loss_d", "low", "watch.losses.loss_d is 'low', not a number"),
        ("watch.tries", "x" * 38, f"watch.tries is '{'x' * 38}', not a number"),
        ("watch.tries", "x" * 39, f"watch.tries is '{'x' * 39}..., not a number"),
    ],
)
def test_what_is_wrong_with_a_value_is_said_in_one_short_sentence(keys, value, said, tmp_path):
    path = tmp_path / "state.json"
    path.write_text(json.dumps(changed(written(StateFacts), tuple(keys.split(".")), value)), encoding="utf-8")
    with pytest.raises(InputError) as error:
        StateFacts.read(path)
    assert str(error.value) == f"{path} can't be read ({said}); it was written by another version or is damaged."


@pytest.mark.parametrize("record", FILES)
def test_a_file_that_is_not_there_is_refused_by_its_name(record, tmp_path):
    path = tmp_path / "none.json"
    why = f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'"
    with pytest.raises(InputError, match=re.escape(f"{path} can't be read ({why})")):
        record.read(path)


def test_a_file_that_is_no_object_is_called_that(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("[7]", encoding="utf-8")
    with pytest.raises(InputError, match=r"\(it is \[7\], not an object\)"):
        StateFacts.read(path)


def test_a_count_may_be_0(tmp_path):
    path = tmp_path / "state.json"
    path.write_text(json.dumps(changed(written(StateFacts), ("step",), 0)), encoding="utf-8")
    assert StateFacts.read(path).step == 0


@pytest.mark.parametrize("record", FILES)
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"format": "new"}', b'{"x": {}}'],
    ids=lambda content: str(content[:20]),
)
def test_what_is_no_record_is_nothing_to_the_lenient_reader_and_refused_by_the_strict_one(record, content, tmp_path):
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(str(path))) as error:
        record.read(path)
    assert "\n" not in str(error.value)
    values = record.glean(content).to_json()
    assert not any(flat({key: value for key, value in values.items() if key not in ("format", "good")}))


@pytest.mark.parametrize("record", FILES)
def test_a_newer_format_is_refused_with_a_sentence_and_gleaned_as_far_as_it_is_understood(record, tmp_path):
    values = written(record) | {"format": FORMAT + 1, "colour": {"of": "tomorrow"}}
    path = tmp_path / "record.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(NewerFormatError) as error:
        record.read(path)
    assert str(error.value) == (
        f"{path} is of format 2, and this version knows formats up to 1: a newer one wrote it; update this one to use "
        "it."
    )
    del values["colour"]
    assert record.glean(path.read_bytes()).to_json() == values


@pytest.mark.parametrize("record", FILES)
def test_what_is_written_is_read_back_as_it_was_whatever_else_stands_there(record, tmp_path):
    values, path = written(record), tmp_path / "record.json"
    path.write_text(json.dumps(values | {"more": 1}), encoding="utf-8")
    assert record.read(path).to_json() == record.glean(path.read_bytes()).to_json() == values
    assert json.loads(json.dumps(record.read(path).to_json())) == values
    assert record.read(path).format == 1


@pytest.mark.parametrize("record", FILES)
def test_a_file_of_format_0_is_read_by_both_readers_alike(record):
    assert record.read(FILES[record]) == record.glean(FILES[record].read_bytes())
    assert record.read(FILES[record]).format == 0


def test_both_kinds_of_diversity_are_read_by_their_older_name_and_written_by_their_own():
    told = [json.loads(path.read_text(encoding="utf-8")) for path in (FILES[Training], FILES[Evaluation])]
    assert read_training(FORMAT_0).reading.relative_diversity == told[0]["watch"]["diversity"]
    assert read_training(FORMAT_0).best.reading.relative_diversity == told[0]["best"]["watch"]["diversity"]
    assert read_evaluation(FORMAT_0).fakes.spread == told[1]["fakes"]["diversity"]
    assert read_evaluation(FORMAT_0).floor.spread == told[1]["floor"]["diversity"]
    for record in FILES:
        assert "diversity" not in {key for keys in paths(written(record)) for key in keys}


def test_what_shows_is_the_best_snapshot_as_far_as_that_is_said():
    training = read_training(FORMAT_0)
    best = replace(training.best, step=3, epoch=None, metrics={"loss_d": 1.0})
    shown = facts_of_the_shown(replace(training, best=best))
    assert shown == replace(training, best=best, **{
        name: value for name, value in vars(best).items() if name not in ("snapshot", "epoch")
    })  # fmt: skip
    assert (shown.step, shown.epoch, shown.metrics) == (3, training.epoch, {"loss_d": 1.0})


def test_where_no_snapshot_is_best_the_end_of_the_run_shows():
    training = replace(read_training(FORMAT_0), best=None)
    assert facts_of_the_shown(training) == training


def test_what_is_said_of_the_best_snapshot_is_what_its_own_file_says():
    training = replace(read_training(FORMAT_0), best=None)
    best = Best.of("epoch-0001", training)
    assert best.snapshot == "epoch-0001"
    for each in fields(Best):
        assert each.name == "snapshot" or getattr(best, each.name) == getattr(training, each.name)


def test_the_lines_of_older_metrics_have_the_names_of_today():
    lines = glean_metrics((FORMAT_0 / "metrics.jsonl").read_text(encoding="utf-8") + "x\n[]\n{}\n")
    assert [line["relative_diversity"] for line in lines] == [line["diversity"] for line in read_metrics(FORMAT_0)]
    assert not any("diversity" in line for line in lines)


def test_records_have_the_fields_of_what_they_are_made_from():
    for record, origin in ((Credit, Attribution), (Watched, Health)):
        assert [each.name for each in fields(record)] == [each.name for each in fields(origin)]
    assert Health(**vars(Watched())) == Health()


def test_an_evaluation_of_other_weights_or_of_none_is_as_good_as_none(tmp_path):
    folder = shutil.copytree(FORMAT_0, tmp_path / "tiny")
    assert read_evaluation(folder) == Evaluation.read(folder / "evaluation.json")
    (folder / "model.safetensors").write_bytes(b"others")
    assert read_evaluation(folder) is None
    (folder / "model.safetensors").unlink()
    assert read_evaluation(folder) is None


def test_an_evaluation_has_a_second_measure_where_one_was_made():
    both = Evaluation.glean(json.dumps(written(Evaluation)))
    assert both.measures == [both, both.second]
    alone = replace(both, second=None)
    assert alone.measures == [alone]


# A folder of the version before


@pytest.fixture
def older(tmp_path) -> Path:
    return shutil.copytree(FORMAT_0, tmp_path / "tiny")


@pytest.fixture
def pictures(older) -> Pictures:
    """Pictures that pass for those that the run began with, also where they are drawn in another way by now."""
    return replace(load_pictures("avatars:adventurer", 24, 40), fingerprint=read_training(older).data.fingerprint)


def test_an_older_folder_loads_with_its_snapshots(older):
    assert snapshot_names(older) == ["epoch-0001", "epoch-0002"]
    for name in (None, *snapshot_names(older)):
        assert load_generator(older, name).image_size == 24
    assert load_state(older).name == "step-10"


def test_an_older_folder_makes_the_card_that_it_has_but_for_the_words_of_today(older):
    before = (older / "README.md").read_text(encoding="utf-8")
    for name in set(re.findall(r"!\[[^\]]+\]\(([^)]+)\)", before)):
        (older / name).parent.mkdir(exist_ok=True)
        (older / name).touch()
    card = model_card(facts_of_the_shown(read_training(older)), read_config(older), older, name_in(before))
    assert "\n| spread (grey levels) | 0.09497 | 66.43 |\n" in card
    assert "diversity" not in card.lower()
    assert card != before
    assert card == in_todays_words(before)


def test_an_older_run_goes_on_and_what_it_writes_then_is_of_todays_format(older, pictures):
    run = Run.resume(older, config_to_resume(older, {"epochs": 3}), pictures, torch.device("cpu"))
    assert (run.state.step, run.supervisor.health.lowest) == (10, load_state(older).facts.watch.lowest)
    assert not {"relative_diversity", "diversity"} & set(run.metrics_log.latest)
    for metrics in train(run.state, run.config, run.pictures):
        run.after_step(metrics)
    run.finish()
    training, facts = read_training(older), load_state(older).facts
    assert (training.format, training.step, facts.format, facts.step) == (1, 15, 1, 15)
    assert training.run_id == Training.read(FILES[Training]).run_id == facts.run_id
    assert training.best.snapshot in snapshot_names(older)
    assert ["relative_diversity" in line for line in read_metrics(older)] == [False, False, True]


def test_a_state_of_a_newer_format_is_not_resumed(older):
    path = older / "state" / "step-10" / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"format": 2}), encoding="utf-8")
    with pytest.raises(NewerFormatError, match="a newer one wrote it"):
        config_to_resume(older, {})


@pytest.mark.parametrize("gap", ["hardware", "parameters", "parameters.generator"])
def test_a_card_says_which_fact_it_lacks(gap, older):
    values = changed(written(Training), tuple(gap.split(".")))
    named = "parameters.generator" if gap.startswith("parameters") else gap
    with pytest.raises(InputError, match=f"^{named} is missing$"):
        model_card(Training.glean(json.dumps(values)), read_config(older), older)


def test_a_card_leaves_out_an_evaluation_that_is_not_whole(older):
    for keys in (("neighbours", "fakes", "median"), ("samples",), ("extractor", "protocol"), ("reals", "words")):
        damaged = json.dumps(changed(written(Evaluation), keys))
        (older / "evaluation.json").write_text(damaged, encoding="utf-8")
        card = model_card(read_training(older), read_config(older), older)
        assert "## Evaluation" not in card
    values = changed(written(Evaluation), ("second", "extractor", "protocol"))
    (older / "evaluation.json").write_text(json.dumps(values), encoding="utf-8")
    card = model_card(read_training(older), read_config(older), older)
    assert "## Evaluation" in card
    assert "second measure" not in card


@pytest.mark.parametrize(
    ("option", "value"), [("colour", 1), ("batch_size", -1), ("batch_size", "many"), ("data", 7), ("d_norm", [])]
)
def test_options_that_this_version_does_not_know_are_named(option, value):
    values = changed(written(Training), ("config", option), value)
    with pytest.raises(InputError, match=f"^training.json: config: .*{option.replace('_', '.')}"):
        Training.glean(json.dumps(values)).settings()
