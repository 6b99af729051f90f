"""The lines that long tests of promises leave, and the table that is made of them alone."""

import pytest

from benchmarks import promises, records
from benchmarks.machine import now
from benchmarks.promises import PROMISES
from dcgan.errors import InputError
from support.long_run import RECORD

COMMIT = "ab" * 20
COUNTS = {"kills survived": 50, "inside a write": 1234, "lost": 0}


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(promises, "this_commit", lambda: COMMIT)
    return tmp_path / "records.jsonl"


def leave(path, promise="kills", counts=COUNTS):
    promises.leave(promise, command="python -m pytest -m long", seed=7, began=now(), counts=counts, path=path)


def test_a_line_says_what_was_done_by_which_commit_where_and_when(path):
    leave(path)
    (kept,) = promises.read(path)
    assert (kept.promise, kept.seed, kept.counts) == ("kills", 7, COUNTS)
    assert kept.commit == COMMIT
    assert kept.began <= kept.ended
    assert kept.machine.cores >= 1


def test_runs_and_promises_stand_in_one_file_and_each_reader_takes_its_own(path):
    leave(path)
    assert records.append(RECORD, path)
    leave(path, "visitors")
    assert records.read(path) == [RECORD]
    assert not records.append(RECORD, path)
    assert [kept.promise for kept in promises.read(path)] == ["kills", "visitors"]


def test_a_promise_that_nobody_made_is_refused(path):
    with pytest.raises(ValueError, match="'kill' is none of the promises: kills, "):
        leave(path, "kill")
    assert not path.exists()


@pytest.mark.parametrize("line", ['{"promise": "kills"}', '{"promise": "kills", "colour": 1}', "{"])
def test_a_line_that_is_no_promises_is_refused_by_its_number(line, path):
    leave(path)
    with open(path, "a") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match=r"records\.jsonl, line 2, is no record"):
        promises.read(path)


def test_the_table_has_the_newest_figures_of_each_promise_and_says_what_was_not_run(path):
    leave(path, counts={"kills survived": 1})
    leave(path)
    rows = promises.table(promises.read(path)).splitlines()[2:]
    assert len(rows) == len(PROMISES)
    assert f"| {PROMISES['kills']} | kills survived: 50, inside a write: 1,234, lost: 0 | 7 | " in rows[0]
    assert rows[1:] == [f"| {words} | not run | | | |" for name, words in PROMISES.items() if name != "kills"]


def test_the_command_prints_the_table_and_writes_it_between_the_marks_alone(path, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{promises.BEGIN}\nold\n{promises.END}\nafter\n")
    leave(path)
    for _ in range(2):
        assert promises.main(["--records", str(path), "--page", str(page)]) == 0
    table = promises.table(promises.read(path))
    assert capsys.readouterr().out == f"{table}\n" * 2
    assert page.read_text() == f"before\n{promises.BEGIN}\n\n{table}\n\n{promises.END}\nafter\n"


@pytest.mark.parametrize(("text", "message"), [(None, "there is no such file"), ("no marks", "lacks the marks")])
def test_a_page_without_a_place_for_the_table_is_a_line_and_status_2(text, message, path, tmp_path, capsys):
    page = tmp_path / "page.md"
    if text:
        page.write_text(text)
    assert promises.main(["--records", str(path), "--page", str(page)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_the_committed_page_has_the_table_of_the_committed_lines():
    page = promises.PAGE.read_text(encoding="utf-8")
    assert page == promises.with_table(page, promises.table(promises.read()))


def test_the_committed_lines_name_no_path_and_no_uncommitted_code():
    for kept in promises.read():
        assert not [word for word in kept.command.split() if word.startswith(("/", "~"))], kept
        assert not kept.commit.endswith("-dirty"), kept
