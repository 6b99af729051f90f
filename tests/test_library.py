import shutil

import numpy as np
import pytest
import torch

from dcgan import InputError, faces
from dcgan.gallery import Library, Shelf, open_library
from dcgan.gallery.catalog import TEXTS


def test_a_library_names_the_folder_first_and_then_its_snapshots_latest_first(trained_run):
    library = Library(trained_run, torch.device("cpu"))
    assert library.names == ["tiny", "tiny@epoch-0002", "tiny@epoch-0001"]
    assert library.generator() is library.generator("tiny")


def test_a_librarys_snapshots_are_generators_of_their_own(trained_run):
    library = Library(trained_run, torch.device("cpu"))
    early, late = (faces(library.generator(name), [1]) for name in library.names[:0:-1])
    assert not np.array_equal(early, late)
    assert np.array_equal(late, faces(library.generator(), [1]))


def test_a_folder_may_have_any_name(trained_run, tmp_path):
    folder = tmp_path / "me@home"
    shutil.copytree(trained_run, folder)
    library = Library(folder, torch.device("cpu"))
    assert library.names[-1] == "me@home@epoch-0001"
    assert np.array_equal(
        faces(library.generator("me@home@epoch-0001"), [1]),
        faces(Library(trained_run, torch.device("cpu")).generator("tiny@epoch-0001"), [1]),
    )


def test_each_generator_has_its_discriminator_where_the_folder_has_one(trained_run, tmp_path):
    library = Library(trained_run, torch.device("cpu"))
    early, late = (library.discriminator(f"tiny@epoch-000{epoch}").main[0].bias for epoch in (1, 2))
    assert not torch.equal(early, late)
    assert torch.equal(late, library.discriminator().main[0].bias)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(trained_run / name, tmp_path / name)
    assert Library(tmp_path, torch.device("cpu")).discriminator() is None
    with pytest.raises(InputError, match="no checkpoint 'other'"):
        library.discriminator("other")


@pytest.mark.parametrize("name", ["other", "tiny@epoch-0009", "tiny@../..", "@"])
def test_a_name_that_is_not_in_the_library_is_refused_with_those_that_are(name, trained_run):
    with pytest.raises(InputError, match="tiny@epoch-0002"):
        Library(trained_run, torch.device("cpu")).generator(name)


def test_a_commit_tells_weights_apart_and_is_the_same_for_the_same_weights(trained_run, tmp_path):
    library = Library(trained_run, torch.device("cpu"))
    assert library.commit() == library.commit("tiny") == library.commit("tiny@epoch-0002")
    assert library.commit("tiny@epoch-0001") != library.commit()
    shutil.copytree(trained_run, tmp_path / "copy")
    assert Library(tmp_path / "copy", torch.device("cpu")).commit() == library.commit()
    with pytest.raises(InputError, match="no checkpoint 'other'"):
        library.commit("other")


def test_what_a_folder_says_of_itself_can_be_read_and_nothing_is_nothing(trained_run, tmp_path):
    library = Library(trained_run, torch.device("cpu"))
    assert all(library.text(file) == (trained_run / file).read_text() for file in TEXTS)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(trained_run / name, tmp_path / name)
    (tmp_path / "README.md").write_text("x" * 3_000_000)
    assert [Library(tmp_path, torch.device("cpu")).text(file) for file in TEXTS] == ["", "", ""]


def test_a_shelf_has_each_folders_own_first_and_all_is_as_in_the_library_that_has_it(shelved_runs):
    shelf = open_library(None, None, shelved_runs, torch.device("cpu"))
    alone = [Library(folder, torch.device("cpu")) for folder in shelved_runs]
    assert shelf.names == ["tiny", "early", "tiny@epoch-0002", "tiny@epoch-0001"]
    assert shelf.default == "tiny"
    for name, library in zip(shelf.names, [alone[0], alone[1], alone[0], alone[0]], strict=True):
        assert np.array_equal(faces(shelf.generator(name), [1]), faces(library.generator(name), [1]))
        assert shelf.commit(name) == library.commit(name)
        assert shelf.of(name).model == library.model
        assert shelf.of(name).text("training.json") == library.text("training.json")
    assert shelf.generator() is shelf.generator("tiny")
    assert shelf.commit("early") == shelf.commit("tiny@epoch-0001") != shelf.commit()
    assert shelf.discriminator("early") is not None


def test_a_shelf_refuses_a_name_with_those_of_all_its_folders(shelved_runs):
    shelf = Shelf([Library(folder, torch.device("cpu")) for folder in shelved_runs])
    for ask in (shelf.of, shelf.generator, shelf.discriminator, shelf.commit):
        with pytest.raises(InputError, match="no checkpoint 'other'; there are tiny, early, tiny@epoch-0002"):
            ask("other")


def test_a_revision_of_what_is_bundled_is_refused(shelved_runs):
    with pytest.raises(InputError, match="--revision epoch-0001 goes with a repository of the Hub"):
        open_library(None, "epoch-0001", shelved_runs, torch.device("cpu"))
