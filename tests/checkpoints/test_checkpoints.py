import json
import shutil
import stat
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from dcgan import Discriminator, Generator, InputError, checkpoints
from dcgan.checkpoints import (
    SavedState,
    StateFacts,
    bundle,
    copy_state,
    drop_states_after,
    load_discriminator,
    load_generator,
    load_state,
    newest_state,
    older_state_in_words,
    resume,
    save_network,
    save_state,
    snapshot_names,
    write_facts,
)
from dcgan.checkpoints.__main__ import main as checkpoints_main


@pytest.fixture
def generator():
    return Generator(latent_dim=6, image_size=24, feature_maps=3).eval()


@pytest.fixture
def run(trained_run, tmp_path):
    """A finished tiny run that a test may change."""
    return shutil.copytree(trained_run, tmp_path / "run")


# Networks


def test_a_saved_network_comes_back_the_same(generator, tmp_path):
    save_network(generator, tmp_path)
    loaded = load_generator(tmp_path)
    assert all(torch.equal(tensor, loaded.state_dict()[name]) for name, tensor in generator.state_dict().items())


def test_config_json_holds_just_the_constructors_arguments(generator, tmp_path):
    save_network(generator, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text()) == {
        "latent_dim": 6, "image_size": 24, "image_channels": 3, "feature_maps": 3,
    }  # fmt: skip


def test_a_discriminator_with_spectral_norm_comes_back_the_same(tmp_path):
    discriminator = Discriminator(image_size=24, feature_maps=3, norm="spectral").eval()
    save_network(discriminator, tmp_path)
    images = torch.randn(2, 3, 24, 24)
    assert torch.equal(Discriminator.from_pretrained(tmp_path)(images), discriminator(images))


def test_equal_weights_are_equal_files(generator, tmp_path):
    save_network(generator, tmp_path / "a")
    save_network(load_generator(tmp_path / "a"), tmp_path / "b")
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (tmp_path / "b" / "model.safetensors").read_bytes()
    with safe_open(tmp_path / "a" / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_half_precision_is_for_convolutions_only(generator, tmp_path):
    save_network(generator, tmp_path, half=True)
    for name, tensor in load_file(tmp_path / "model.safetensors").items():
        expected = {4: torch.float16, 1: torch.float32, 0: torch.int64}[tensor.ndim]
        assert tensor.dtype == expected, name


def test_weights_can_be_read_by_whoever_can_read_their_config(generator, tmp_path):
    save_network(generator, tmp_path)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("config.json", "model.safetensors")}
    assert len(modes) == 1


def test_saving_leaves_no_temporary_files(generator, tmp_path):
    save_network(generator, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_snapshots_are_listed_and_load_like_folders_of_their_own(trained_run):
    assert snapshot_names(trained_run) == ["epoch-0001", "epoch-0002"]
    early = load_generator(trained_run, "epoch-0001")
    again = load_generator(trained_run / "epochs" / "epoch-0001")
    assert torch.equal(early.main[0].weight, again.main[0].weight)


def test_a_checkpoint_may_be_named_by_a_text_and_be_called_as_pickles_are(generator, tmp_path):
    save_network(generator, tmp_path / "netG.pth")
    assert load_generator(str(tmp_path / "netG.pth")).image_size == 24


def refusal_of(path: Path, snapshot: str | None = None) -> str:
    with pytest.raises(InputError) as error:
        load_generator(path, snapshot)
    return str(error.value)


def test_an_unknown_snapshot_is_refused_with_those_there_are(trained_run, generator, tmp_path):
    words = f"{trained_run.name} has no snapshot epoch-0009; it has epoch-0001, epoch-0002."
    assert refusal_of(trained_run, "epoch-0009") == words
    save_network(generator, tmp_path / "bare")
    assert refusal_of(tmp_path / "bare", "epoch-0009") == "bare has no snapshot epoch-0009; it has none."


@pytest.mark.parametrize("name", ["netG.pth", "pytorch_model.bin", "model.pt"])
def test_a_pickle_offered_as_a_model_is_refused_with_the_way_to_import_it(name, tmp_path):
    torch.save({}, tmp_path / name)
    assert refusal_of(tmp_path / name) == (
        f"{tmp_path / name} is a pickle, which is never loaded as a model. Turn it into a checkpoint folder with: "
        f"python -m dcgan.checkpoints import {tmp_path / name} checkpoints/{name.split('.')[0]}"
    )


@pytest.mark.parametrize("name", ["nowhere", "a-file"])
def test_a_folder_that_is_not_there_is_refused(name, tmp_path):
    (tmp_path / "a-file").touch()
    assert refusal_of(tmp_path / name) == (
        f"there is no checkpoint folder {tmp_path / name}; one holds config.json and model.safetensors, as train.py "
        "leaves."
    )


def test_the_discriminator_of_a_run_is_loaded_where_it_is_wanted_and_a_checkpoint_may_have_none(
    trained_run, generator, tmp_path
):
    meta = torch.device("meta")
    assert {tensor.device for tensor in load_discriminator(trained_run, meta).parameters()} == {meta}
    save_network(generator, tmp_path)
    assert load_discriminator(tmp_path, meta) is None


# Resume state


def state_at(step: int, **facts) -> SavedState:
    told = {"run_id": "r", "seconds": 1.0, "data_name": "d", "data_fingerprint": "f", "config": {}} | facts
    return SavedState({"x": torch.full((2,), float(step))}, StateFacts(step=step, **told))


def test_the_newest_state_comes_back_and_two_are_kept(tmp_path):
    for step in (5, 10, 15):
        save_state(tmp_path, state_at(step))
    loaded = load_state(tmp_path)
    assert loaded.facts == state_at(15).facts
    assert torch.equal(loaded.tensors["x"], torch.full((2,), 15.0))
    assert sorted(p.name for p in (tmp_path / "state").iterdir()) == ["last", "step-10", "step-15"]


def keep_all(folder: Path, state: SavedState) -> None:
    """Save a state, and keep those that were there."""
    before = shutil.copytree(folder / "state", folder / "before") if (folder / "state").exists() else None
    save_state(folder, state)
    if before:
        shutil.copytree(before, folder / "state", dirs_exist_ok=True, ignore=lambda *_: ["last"])
        shutil.rmtree(before)


def unsure_state_at(step: int) -> SavedState:
    return state_at(step, good=False)


def test_states_that_are_no_good_to_come_back_to_drive_none_out_that_is(tmp_path):
    for state in (state_at(5), state_at(10), unsure_state_at(12), unsure_state_at(13)):
        save_state(tmp_path, state)
    assert sorted(p.name for p in (tmp_path / "state").iterdir()) == ["last", "step-10", "step-13"]
    assert load_state(tmp_path).facts.step == 13
    assert load_state(tmp_path, good=True).facts.step == 10
    save_state(tmp_path, state_at(15))
    assert sorted(p.name for p in (tmp_path / "state").iterdir()) == ["last", "step-10", "step-15"]


def test_where_no_state_is_good_any_will_do(tmp_path):
    save_state(tmp_path, unsure_state_at(5))
    assert load_state(tmp_path, good=True).facts.step == 5
    save_state(tmp_path, state_at(10))
    (tmp_path / "state" / "step-10" / "state.safetensors").write_bytes(b"no")
    assert load_state(tmp_path, good=True).facts.step == 5


def test_a_state_that_says_nothing_readable_of_itself_drives_none_out_that_is_good(tmp_path):
    for step in (5, 10):
        keep_all(tmp_path, state_at(step))
    (tmp_path / "state" / "step-10" / "state.json").write_text("{")
    save_state(tmp_path, state_at(15))
    assert sorted(p.name for p in (tmp_path / "state").iterdir()) == ["last", "step-15", "step-5"]


def test_the_order_in_which_a_state_tells_of_itself_does_not_matter(tmp_path):
    save_state(tmp_path, state_at(5))
    facts = tmp_path / "state" / "step-5" / "state.json"
    told = json.loads(facts.read_text())
    facts.write_text(json.dumps(dict(reversed(told.items()))))
    assert load_state(tmp_path).facts == state_at(5).facts


def test_where_no_older_state_is_good_the_newest_of_them_is_kept(tmp_path):
    for step in (5, 10):
        keep_all(tmp_path, unsure_state_at(step))
    save_state(tmp_path, unsure_state_at(15))
    assert sorted(p.name for p in (tmp_path / "state").iterdir()) == ["last", "step-10", "step-15"]


def test_a_step_that_a_run_was_taken_back_to_is_saved_beside_the_one_it_came_from(tmp_path):
    save_state(tmp_path, state_at(5))
    save_state(tmp_path, SavedState(state_at(6).tensors, state_at(5, rollbacks=2).facts))
    assert sorted(p.name for p in (tmp_path / "state").iterdir()) == ["last", "step-5", "step-5-retry-2"]
    assert load_state(tmp_path).facts.rollbacks == 2


def full(*_, **__):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("broken", [(Path, "write_bytes"), (Path, "rename"), (resume, "write_text")], ids=str)
def test_a_save_that_breaks_off_leaves_the_state_before_it_and_is_made_up_for_by_the_next(
    broken, tmp_path, monkeypatch
):
    save_state(tmp_path, state_at(5))
    with monkeypatch.context() as patch:
        patch.setattr(*broken, full)
        with pytest.raises(OSError, match="No space"):
            save_state(tmp_path, state_at(10))
    assert newest_state(tmp_path) == "step-5"
    names = {p.name for p in (tmp_path / "state").iterdir()}
    assert names - {"last", "step-5"} in ({"step-10.partial"}, {"step-10"})
    assert load_state(tmp_path).facts == state_at(5).facts
    save_state(tmp_path, state_at(10))
    assert load_state(tmp_path).facts == state_at(10).facts
    assert sorted(p.name for p in (tmp_path / "state").iterdir()) == ["last", "step-10", "step-5"]


def test_a_step_that_is_saved_already_is_left_untouched(tmp_path):
    save_state(tmp_path, state_at(5))
    saved = tmp_path / "state" / "step-5" / "state.safetensors"
    before = saved.stat()
    save_state(tmp_path, state_at(5))
    assert (saved.stat().st_ino, saved.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_damaged_or_missing_state_gives_way_to_the_one_before_it(tmp_path):
    for damage in (
        lambda newest: (newest / "state.safetensors").write_bytes(b"no"),
        lambda newest: (newest / "state.safetensors").unlink(),
        lambda newest: (newest.parent / "last").write_bytes(b"\xff") and shutil.rmtree(newest),
        shutil.rmtree,
    ):
        shutil.rmtree(tmp_path / "state", ignore_errors=True)
        save_state(tmp_path, state_at(5))
        save_state(tmp_path, state_at(10))
        damage(tmp_path / "state" / "step-10")
        assert load_state(tmp_path).facts == state_at(5).facts


def test_neither_what_is_unfinished_nor_what_is_named_otherwise_comes_before_a_state(tmp_path):
    for step in (5, 10):
        save_state(tmp_path, state_at(step))
    states = tmp_path / "state"
    shutil.copytree(states / "step-10", states / "step-20.partial")
    (states / "step-10").rename(states / "step-old")
    (states / "step-30").write_text("no folder")
    loaded = load_state(tmp_path)
    assert loaded.facts.step == 5
    assert len(loaded.passed_over) == 1
    for name in ("step-5", "step-old"):
        shutil.rmtree(states / name)
    assert "step-20" not in refusal_to_resume(tmp_path)


def test_a_state_that_cannot_be_deleted_as_a_link_is_left_there(tmp_path):
    for step in (5, 10):
        save_state(tmp_path, state_at(step))
    states = tmp_path / "state"
    shutil.move(states / "step-5", tmp_path / "elsewhere")
    (states / "step-5").symlink_to(tmp_path / "elsewhere")
    save_state(tmp_path, state_at(15))
    assert newest_state(tmp_path) == "step-15"
    (states / "step-20").symlink_to(tmp_path / "elsewhere")
    drop_states_after(tmp_path, state_at(15))
    assert sorted(p.name for p in states.iterdir()) == ["last", "step-10", "step-15", "step-20", "step-5"]


def refusal_to_resume(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        load_state(folder)
    return str(error.value)


def test_a_folder_without_a_state_is_refused(tmp_path):
    assert refusal_to_resume(tmp_path) == (
        f"{tmp_path} holds no run to resume ({tmp_path / 'state' / 'last'} is missing). Without --resume, and with a "
        "new --output-dir, a run starts from the beginning."
    )
    assert copy_state(tmp_path, tmp_path / "copy") is None


def test_a_run_whose_only_state_is_damaged_is_refused_with_a_way_out(tmp_path):
    save_state(tmp_path, state_at(5))
    saved = tmp_path / "state" / "step-5"
    (saved / "state.safetensors").write_bytes(b"no")
    assert refusal_to_resume(tmp_path) == (
        f"no state of the run in {tmp_path} can be gone on from: {saved} is damaged (its bytes aren't those that were "
        "saved). Start one in a new --output-dir."
    )


def unseal(saved: Path) -> None:
    """Make a state one of an older version, whose states had no seal."""
    told = json.loads((saved / "state.json").read_text())
    del told["seal"]
    (saved / "state.json").write_text(json.dumps(told))


def test_an_older_state_without_a_seal_is_gone_on_from_unless_its_tensors_cannot_be_read(tmp_path):
    save_state(tmp_path, state_at(5))
    saved = tmp_path / "state" / "step-5"
    unseal(saved)
    assert load_state(tmp_path).facts == state_at(5).facts
    header = b'{"x": {"dtype": "F32", "shape": [0, 9223372036854775808], "data_offsets": [0, 0]}}'  # 2 ** 63
    for content in (b"no", len(header).to_bytes(8, "little") + header):
        (saved / "state.safetensors").write_bytes(content)
        refused = refusal_to_resume(tmp_path)
        assert f"{saved / 'state.safetensors'} is damaged or no safetensors file (" in refused
        assert refused.endswith("). Copy or download it again. Start one in a new --output-dir.")
        assert "\n" not in refused


def test_the_state_before_a_readable_one_is_the_next_earlier_that_can_be_read(tmp_path):
    for step in (5, 10, 15):
        keep_all(tmp_path, state_at(step))
    states = tmp_path / "state"
    assert older_state_in_words(tmp_path, "step-15") == (
        f" To go on from step-10 instead, which can be read, delete {states / 'step-15'}."
    )
    (states / "step-10" / "state.safetensors").unlink()
    assert older_state_in_words(tmp_path, "step-15") == (
        f" To go on from step-5 instead, which can be read, delete {states / 'step-15'}."
    )


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"{", "JSONDecodeError"), (b"\xff", "UnicodeDecodeError"), (b"[" * 50_000, "RecursionError")],
)
def test_a_state_whose_facts_are_no_json_is_refused_with_the_reason(content, error, tmp_path):
    save_state(tmp_path, state_at(5))
    facts = tmp_path / "state" / "step-5" / "state.json"
    facts.write_bytes(content)
    assert f"can be gone on from: {facts} can't be read ({error}: " in refusal_to_resume(tmp_path)
    facts.unlink()
    assert f"can be gone on from: {facts} can't be read (FileNotFoundError: " in refusal_to_resume(tmp_path)


def test_each_state_that_cannot_be_gone_on_from_is_named_with_its_reason(tmp_path):
    for step in (5, 10):
        save_state(tmp_path, state_at(step))
    older, newer = (tmp_path / "state" / name for name in ("step-5", "step-10"))
    write_facts(older, state_at(5, run_id="s").facts)
    (newer / "state.json").write_text('{"format": 1}')
    (tmp_path / "training.json").write_text('{"run_id": "r"}')
    assert refusal_to_resume(tmp_path) == (
        f"no state of the run in {tmp_path} can be gone on from: {newer / 'state.json'} can't be read (step is "
        f"missing); it was written by another version or is damaged; {older} is damaged (it is of the run s, and "
        "training.json of r). Start one in a new --output-dir."
    )


def test_a_state_of_a_newer_format_is_refused_with_the_newest_before_it_that_can_be_read(tmp_path):
    for step in (5, 10):
        save_state(tmp_path, state_at(step))
    newer = tmp_path / "state" / "step-10"
    told = json.loads((newer / "state.json").read_text())
    (newer / "state.json").write_text(json.dumps(told | {"format": 9}))
    words = f"{newer / 'state.json'} is of format 9, and this version knows formats up to 1: "
    words += "a newer one wrote it; update this one to use it."
    way_out = f" To go on from step-5 instead, which can be read, delete {newer}."
    assert refusal_to_resume(tmp_path) == words + way_out
    (tmp_path / "state" / "step-5" / "state.safetensors").write_bytes(b"no")
    assert refusal_to_resume(tmp_path) == words


def test_a_run_that_is_taken_back_forgets_what_came_later_and_keeps_what_was_before(tmp_path):
    for state in (state_at(5), state_at(10), state_at(7, rollbacks=1)):
        keep_all(tmp_path, state)
    drop_states_after(tmp_path, state_at(10))
    assert newest_state(tmp_path) == "step-10"
    assert sorted(p.name for p in (tmp_path / "state").iterdir()) == ["last", "step-10", "step-5"]


def test_a_state_is_copied_whole_though_the_run_deletes_it_meanwhile(tmp_path, monkeypatch):
    run, copy = tmp_path / "run", tmp_path / "copy"
    save_state(run, state_at(5))
    copyfile = shutil.copyfile

    def too_late(source: Path, target: Path) -> None:
        monkeypatch.undo()
        shutil.rmtree(run / "state" / "step-5")
        save_state(run, state_at(10))
        copyfile(source, target)

    monkeypatch.setattr("shutil.copyfile", too_late)
    assert copy_state(run, copy) == "step-10"
    assert sorted(p.name for p in (copy / "state").iterdir()) == ["last", "step-10"]
    assert newest_state(copy) == "step-10"
    assert load_state(copy).facts == state_at(10).facts
    shutil.rmtree(run / "state" / "step-10")
    assert copy_state(run, tmp_path / "none") is None  # what it points to isn't there, and stays so


def test_a_run_that_is_deleted_while_its_state_is_copied_has_none(tmp_path, monkeypatch):
    run, copyfile = tmp_path / "run", shutil.copyfile
    save_state(run, state_at(5))

    def too_late(source: Path, target: Path) -> None:
        shutil.rmtree(run, ignore_errors=True)
        copyfile(source, target)

    monkeypatch.setattr("shutil.copyfile", too_late)
    assert copy_state(run, tmp_path / "copy") is None


def test_nothing_in_a_run_is_a_pickle(trained_run):
    suffixes = {p.suffix for p in trained_run.rglob("*") if p.is_file()}
    assert suffixes == {".json", ".jsonl", ".safetensors", ".png", ".gif", ".md", ""}
    assert [p.name for p in trained_run.rglob("*") if p.is_file() and not p.suffix] == ["last"]


# The best snapshot


def test_the_best_snapshot_is_shown_and_the_runs_own_files_stay(run):
    facts = json.loads((run / "training.json").read_text()) | {"best": {"snapshot": "epoch-0001"}}
    (run / "training.json").write_text(json.dumps(facts))
    before = {name: (run / name).read_bytes() for name in ("training.json", "metrics.jsonl", "losses.png")}
    checkpoints.show_best(run)
    first = run / "epochs" / "epoch-0001"
    for name in ("model.safetensors", "discriminator/model.safetensors", "README.md", "samples/latest.png"):
        assert (run / name).read_bytes() == (first / name).read_bytes(), name
    assert {name: (run / name).read_bytes() for name in before} == before
    assert not list(run.rglob("*.partial"))


@pytest.mark.parametrize("best", [{}, {"best": {"snapshot": "epoch-0009"}}])
def test_a_run_whose_best_snapshot_is_not_there_shows_what_it_did(run, best):
    facts = json.loads((run / "training.json").read_text())
    (run / "training.json").write_text(json.dumps({k: v for k, v in facts.items() if k != "best"} | best))
    before = (run / "model.safetensors").read_bytes()
    checkpoints.show_best(run)
    assert (run / "model.safetensors").read_bytes() == before


# Bundle


def test_a_bundle_is_the_slim_copy_of_a_run(run, tmp_path):
    assert checkpoints_main(["bundle", str(run), str(tmp_path / "slim")]) == 0
    slim = tmp_path / "slim"
    assert sorted(p.relative_to(slim).as_posix() for p in slim.rglob("*") if p.is_file()) == [
        "README.md", "config.json", "discriminator/config.json", "discriminator/model.safetensors",
        "epochs/epoch-0001/config.json", "epochs/epoch-0001/model.safetensors",
        "epochs/epoch-0002/config.json", "epochs/epoch-0002/model.safetensors",
        "losses.png", "metrics.jsonl", "model.safetensors", "samples/epoch-0001.png", "samples/epoch-0002.png",
        "samples/latest.png", "samples/timelapse.gif", "training.json",
    ]  # fmt: skip
    assert (slim / "training.json").read_text() == (run / "training.json").read_text()
    whole, half = load_generator(run), load_generator(slim)
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(half.state_dict()[name], tensor, atol=1e-3, rtol=1e-3)
    Discriminator.from_pretrained(slim / "discriminator")


def test_a_bundle_keeps_the_snapshots_named(run, tmp_path):
    assert checkpoints_main(["bundle", str(run), str(tmp_path / "slim"), "--snapshots", "epoch-0002"]) == 0
    assert snapshot_names(tmp_path / "slim") == ["epoch-0002"]


def test_five_snapshots_are_spread_from_the_first_to_the_last():
    names = [f"epoch-{i:04d}" for i in range(1, 19)]
    kept = bundle._spread(names, 5)
    assert (len(kept), kept[0], kept[-1]) == (5, "epoch-0001", "epoch-0018")
    assert bundle._spread(names[:3], 5) == names[:3]


@pytest.mark.parametrize("licence", ["CC BY-SA 4.0", "CC BY-NC 4.0", "Free for personal and commercial use"])
def test_a_style_whose_licence_forbids_it_is_not_bundled(run, tmp_path, licence, capsys):
    facts = json.loads((run / "training.json").read_text())
    facts["data"]["attribution"] |= {"licence": licence}
    (run / "training.json").write_text(json.dumps(facts))
    assert checkpoints_main(["bundle", str(run), str(tmp_path / "slim")]) == 2
    assert licence in capsys.readouterr().err
    assert not (tmp_path / "slim").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bundle", "nowhere", "slim"], "is nowhere a run of train.py?"),
        (["bundle", "{run}", "slim", "--snapshots", "epoch-0007"], "epoch-0007"),
        (["bundle", "{run}", "{run}"], "not empty"),
        (["unbundle"], "unbundle"),
        ([], "required"),
    ],
)
def test_the_command_refuses_bad_input_in_one_line(arguments, message, run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert checkpoints_main([a.format(run=run) for a in arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_bundle_too_large_to_commit_is_refused(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("dcgan.checkpoints.bundle.BUNDLED_FILE_LIMIT", 1000)
    assert checkpoints_main(["bundle", str(run), str(tmp_path / "slim")]) == 2
    assert "a bundle is at most" in capsys.readouterr().err
    monkeypatch.undo()
    assert checkpoints_main(["bundle", str(run), str(tmp_path / "slim"), "--snapshots", "epoch-0001, epoch-0002"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "slim"]


def test_a_run_without_a_sample_of_a_snapshot_is_bundled_without_it(run, tmp_path):
    (run / "samples" / "epoch-0001.png").unlink()
    assert checkpoints_main(["bundle", str(run), str(tmp_path / "slim")]) == 0
    assert not (tmp_path / "slim" / "samples" / "epoch-0001.png").exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"data": {}}'])
def test_a_run_whose_training_json_is_broken_is_not_bundled(run, tmp_path, text, capsys):
    (run / "training.json").write_text(text)
    assert checkpoints_main(["bundle", str(run), str(tmp_path / "slim")]) == 2
    assert "training.json can't be read" in capsys.readouterr().err
