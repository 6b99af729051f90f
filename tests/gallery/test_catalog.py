import inspect
import shutil

import numpy as np
import pytest
import torch

from dcgan import InputError, faces
from dcgan.gallery import Catalog, LocalCatalog, open_catalog
from dcgan.gallery.catalog import CombinedCatalog
from dcgan.gallery.catalog_protocol import TEXTS
from dcgan.gallery.hub_catalog import HubCatalog


def test_a_library_names_the_folder_first_and_then_its_snapshots_latest_first(trained_run):
    catalog = LocalCatalog(trained_run, torch.device("cpu"))
    assert catalog.names == ["tiny", "tiny@epoch-0002", "tiny@epoch-0001"]
    assert catalog.generator() is catalog.generator("tiny")


def test_a_catalogs_snapshots_are_generators_of_their_own(trained_run):
    catalog = LocalCatalog(trained_run, torch.device("cpu"))
    early, late = (faces(catalog.generator(name), [1]) for name in catalog.names[:0:-1])
    assert not np.array_equal(early, late)
    assert np.array_equal(late, faces(catalog.generator(), [1]))


def test_a_folder_may_have_any_name(trained_run, tmp_path):
    folder = tmp_path / "me@home"
    shutil.copytree(trained_run, folder)
    catalog = LocalCatalog(folder, torch.device("cpu"))
    assert catalog.names[-1] == "me@home@epoch-0001"
    assert np.array_equal(
        faces(catalog.generator("me@home@epoch-0001"), [1]),
        faces(LocalCatalog(trained_run, torch.device("cpu")).generator("tiny@epoch-0001"), [1]),
    )


def test_each_generator_has_its_discriminator_where_the_folder_has_one(trained_run, tmp_path):
    catalog = LocalCatalog(trained_run, torch.device("cpu"))
    early, late = (catalog.discriminator(f"tiny@epoch-000{epoch}").main[0].bias for epoch in (1, 2))
    assert not torch.equal(early, late)
    assert torch.equal(late, catalog.discriminator().main[0].bias)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(trained_run / name, tmp_path / name)
    assert LocalCatalog(tmp_path, torch.device("cpu")).discriminator() is None
    with pytest.raises(InputError, match="no checkpoint 'other'"):
        catalog.discriminator("other")


def test_a_refresh_takes_over_what_a_run_made_since(trained_run, tmp_path):
    folder = tmp_path / "tiny"
    shutil.copytree(trained_run, folder)
    late = folder / "epochs" / "epoch-0002"
    late.rename(tmp_path / "late")
    for name in ("model.safetensors", "discriminator/model.safetensors"):  # what the folder showed after one epoch
        shutil.copyfile(folder / "epochs" / "epoch-0001" / name, folder / name)
    catalog = LocalCatalog(folder, torch.device("cpu"))
    was, commit, judge = catalog.generator(), catalog.commit(), catalog.discriminator()
    catalog.refresh()
    assert (catalog.names, catalog.generator()) == (["tiny", "tiny@epoch-0001"], was)
    (tmp_path / "late").rename(late)
    for name in ("model.safetensors", "discriminator/model.safetensors"):
        shutil.copyfile(late / name, tmp_path / "new")
        (tmp_path / "new").rename(folder / name)
    catalog.refresh()
    assert catalog.stages == ["tiny@epoch-0001", "tiny@epoch-0002"]
    assert not np.array_equal(faces(catalog.generator(), [1]), faces(was, [1]))
    assert np.array_equal(faces(catalog.generator(), [1]), faces(catalog.generator("tiny@epoch-0002"), [1]))
    assert catalog.commit() != commit
    assert catalog.discriminator() is not judge


def test_weights_that_cannot_be_read_leave_those_that_are_loaded(trained_run, tmp_path):
    folder = tmp_path / "tiny"
    shutil.copytree(trained_run, folder)
    catalog = LocalCatalog(folder, torch.device("cpu"))
    was = catalog.generator()
    (folder / "model.safetensors").write_bytes(b"half")
    catalog.refresh()
    (folder / "model.safetensors").unlink()
    catalog.refresh()
    assert catalog.generator() is was


@pytest.mark.parametrize("name", ["other", "tiny@epoch-0009", "tiny@../..", "@"])
def test_a_name_that_is_not_in_the_catalog_is_refused_with_those_that_are(name, trained_run):
    with pytest.raises(InputError, match="tiny@epoch-0002"):
        LocalCatalog(trained_run, torch.device("cpu")).generator(name)


def test_a_commit_tells_weights_apart_and_is_the_same_for_the_same_weights(trained_run, tmp_path):
    catalog = LocalCatalog(trained_run, torch.device("cpu"))
    assert catalog.commit() == catalog.commit("tiny") == catalog.commit("tiny@epoch-0002")
    assert catalog.commit("tiny@epoch-0001") != catalog.commit()
    shutil.copytree(trained_run, tmp_path / "copy")
    assert LocalCatalog(tmp_path / "copy", torch.device("cpu")).commit() == catalog.commit()
    with pytest.raises(InputError, match="no checkpoint 'other'"):
        catalog.commit("other")


def test_what_a_folder_says_of_itself_can_be_read_and_nothing_is_nothing(trained_run, tmp_path):
    catalog = LocalCatalog(trained_run, torch.device("cpu"))
    assert all(catalog.text(file) == (trained_run / file).read_text() for file in TEXTS)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(trained_run / name, tmp_path / name)
    (tmp_path / "README.md").write_text("x" * 3_000_000)
    assert [LocalCatalog(tmp_path, torch.device("cpu")).text(file) for file in TEXTS] == ["", "", ""]


def test_a_combined_catalog_has_each_folders_own_first_and_all_is_as_in_the_catalog_that_has_it(several_runs):
    combined = open_catalog(None, None, several_runs, torch.device("cpu"))
    alone = [LocalCatalog(folder, torch.device("cpu")) for folder in several_runs]
    assert combined.names == ["tiny", "early", "tiny@epoch-0002", "tiny@epoch-0001"]
    assert combined.default == "tiny"
    for name, catalog in zip(combined.names, [alone[0], alone[1], alone[0], alone[0]], strict=True):
        assert np.array_equal(faces(combined.generator(name), [1]), faces(catalog.generator(name), [1]))
        assert combined.commit(name) == catalog.commit(name)
        assert combined.of(name).model == catalog.model
        assert combined.of(name).text("training.json") == catalog.text("training.json")
    assert combined.generator() is combined.generator("tiny")
    assert combined.commit("early") == combined.commit("tiny@epoch-0001") != combined.commit()
    assert combined.discriminator("early") is not None


def test_a_combined_catalog_refuses_a_name_with_those_of_all_its_folders(several_runs):
    combined = CombinedCatalog([LocalCatalog(folder, torch.device("cpu")) for folder in several_runs])
    for ask in (combined.of, combined.generator, combined.discriminator, combined.commit):
        with pytest.raises(InputError, match="no checkpoint 'other'; there are tiny, early, tiny@epoch-0002"):
            ask("other")


def test_a_revision_of_what_is_bundled_is_refused(several_runs):
    with pytest.raises(InputError, match="--revision epoch-0001 goes with a repository of the Hub"):
        open_catalog(None, "epoch-0001", several_runs, torch.device("cpu"))


# All kinds


@pytest.mark.parametrize("kind", [LocalCatalog, CombinedCatalog, HubCatalog])
def test_every_catalog_is_asked_and_answers_in_the_same_way(kind, several_runs):
    asked = {name: asked for name, asked in vars(Catalog).items() if not name.startswith("_")}
    assert {"names", "generator", "commit", "of", "refresh"} <= set(asked)
    for name, of_protocol in asked.items():
        if inspect.isfunction(of_protocol):
            theirs, wanted = (inspect.signature(function).parameters for function in (getattr(kind, name), of_protocol))
            assert [*map(str, theirs.values())] == [*map(str, wanted.values())]
        else:
            assert hasattr(kind, name) or name in vars(LocalCatalog(several_runs[0], torch.device("cpu")))


def test_what_is_not_asked_by_a_name_is_of_the_first_model(several_runs):
    combined = open_catalog(None, None, several_runs, torch.device("cpu"))
    first = LocalCatalog(several_runs[0], torch.device("cpu"))
    assert (combined.model, combined.stages, combined.notice) == (first.model, first.stages, "")
    assert combined.text("training.json") == first.text("training.json") != ""
    assert combined.refresh() is first.refresh() is None


@pytest.mark.parametrize("name", ["blank ", "line\nbreak", "x" * 250])
def test_a_folder_whose_name_no_link_could_carry_is_refused_at_once(name, trained_run, tmp_path):
    shutil.copytree(trained_run, tmp_path / name)
    with pytest.raises(InputError, match="rename the folder"):
        LocalCatalog(tmp_path / name, torch.device("cpu"))


@pytest.mark.parametrize("model", ["alice/faces", " alice/faces ", "https://huggingface.co/alice/faces\n"])
def test_a_repository_may_be_named_as_people_paste_it(model, several_runs, monkeypatch):
    opened = []
    monkeypatch.setattr("dcgan.gallery.catalog.HubCatalog", lambda *arguments: opened.append(arguments[:2]))
    open_catalog(model, " epoch-0001 ", several_runs, torch.device("cpu"))
    assert opened == [("alice/faces", "epoch-0001")]
