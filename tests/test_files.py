import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dcgan import files
from dcgan.files import held, path_of, portable_name, replacing, with_home, write_json, write_text
from support.paths import PYTHONPATH


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_no_leftovers(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def write_half():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_keeps_letters_of_all_languages_readable(tmp_path):
    write_json(tmp_path / "a.json", {"名": "„Adventurer”"})
    assert "„Adventurer”" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"名": "„Adventurer”"}


def test_a_name_of_other_bytes_than_utf_8_is_kept_in_json_and_shown_as_a_question_mark_in_text(tmp_path):
    name = os.fsdecode("头像".encode("gbk"))
    write_json(tmp_path / "a.json", {"data": name})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"data": name}
    write_text(tmp_path / "a.md", f"from {name}")
    assert "?" in (tmp_path / "a.md").read_text(encoding="utf-8")


def test_where_a_file_that_is_read_can_not_go_its_replacement_waits_a_little(tmp_path, monkeypatch):
    read_by_others, really = [True, True], Path.replace

    def replace(self, target):
        if read_by_others:
            read_by_others.pop()
            raise PermissionError
        really(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(PermissionError):
        write_text(tmp_path / "a.txt", "at once")
    monkeypatch.setattr(files, "REPLACING_WAITS", (0, 0))
    write_text(tmp_path / "a.txt", "after a while")
    assert (tmp_path / "a.txt").read_text() == "after a while"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("faces", "faces"), ("头像🎭", "头像🎭"), ("CON", "CON-"), ("aux.v2-96", "aux-.v2-96"), ("console", "console"),
        ("Lpt1", "Lpt1-"), ("a. .", "a"), ('a<b>:"c', "a-b---c"), ("a/b", "a-b"),
    ],
)  # fmt: skip
def test_a_name_is_made_that_every_system_takes(text, name):
    assert portable_name(text) == name


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("~/pics", "/home/me/pics"), ("~", "/home/me"), ("portraits:~/art", "portraits:/home/me/art"),
        ("avatars:adventurer", "avatars:adventurer"), ("a~b", "a~b"), ("./~", "./~"), ("user/name", "user/name"),
        ("~nobody-of-this-name/x", "~nobody-of-this-name/x"), ("", ""), ("a\nb", "a\nb"),
    ],
)  # fmt: skip
def test_a_tilde_that_the_shell_left_is_the_home_folder(text, read, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert with_home(text) == read
    assert path_of(text) == Path(read)


@pytest.mark.slow
def test_a_folder_is_held_by_one_process_and_free_again_however_that_ends(tmp_path):
    code = "import sys, time; from pathlib import Path; from dcgan.files import held\n"
    code += "with held(Path(sys.argv[1])):\n print('held', flush=True)\n time.sleep(60)"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": PYTHONPATH}, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(BlockingIOError), held(tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
    for _ in range(2):
        with held(tmp_path):
            assert list(tmp_path.iterdir()) == []  # nothing tells of it
