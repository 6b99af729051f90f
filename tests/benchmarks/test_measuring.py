import json

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.measuring import (
    MET,
    MISSED,
    NOT_MEASURED,
    Finding,
    NotHereError,
    Row,
    Spread,
    in_turns,
    need,
    row_named,
    run_rows,
)
from dcgan.errors import InputError


def missing(_):
    raise NotHereError("needs gifski")


FINDINGS = {
    "good": Finding("1.50x", True),
    "bad": Finding("0.50x", False, "two threads"),
    "gone": Finding("-", None, ""),
}
ROWS = [
    Row("good", "drawing", ">= 1x", lambda effort: FINDINGS["good"]),
    Row("bad", "writing", ">= 1x", lambda effort: FINDINGS["bad"]),
    Row("gone", "sending", ">= 1x", missing),
]


@pytest.fixture
def rows(monkeypatch):
    monkeypatch.setattr(benchmarks, "REASONS", {"good": "no", "bad": "the file is copied twice", "gone": "no"})
    monkeypatch.setattr(benchmarks, "SCRIPTS", {row.name: ("benchmarks.drawing", row) for row in ROWS})
    return ROWS


def test_contestants_take_turns_and_the_first_round_does_not_count():
    order = []
    seconds = in_turns(2, {"a": lambda: order.append("a"), "b": lambda: order.append("b")})
    assert order == ["a", "b"] * 3
    assert {name: len(each) for name, each in seconds.items()} == {"a": 2, "b": 2}


def test_a_ratio_is_of_what_was_measured_in_the_same_round():
    ratio = Spread.of_ratios([2, 6, 9], [1, 2, 1])
    assert ratio == Spread(3, 2, 9)
    assert ratio.words() == "3.00x (2.00 to 9.00)"


def test_a_finding_says_whether_it_reached_its_target():
    assert [each.verdict for each in FINDINGS.values()] == [MET, MISSED, NOT_MEASURED]


def test_a_row_that_lacks_something_says_what():
    assert ROWS[2].found(effort=None) == Finding("-", None, "needs gifski")


def test_what_is_not_installed_is_named_with_the_command_that_installs_it():
    need("json")
    with pytest.raises(NotHereError, match="needs no_such_thing: pip install no_such_thing"):
        need("no_such_thing")


def test_an_unknown_row_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="there is no row x; there are good, bad, gone"):
        row_named("x", ROWS)


def test_a_script_prints_and_keeps_what_it_found(tmp_path, capsys):
    assert run_rows(ROWS, "How fast.", ["bad", "--json", str(tmp_path / "bad.json")]) == 0
    assert capsys.readouterr().out == "writing: 0.50x; to reach >= 1x: missed (two threads)\n"
    assert Finding(**json.loads((tmp_path / "bad.json").read_text())) == FINDINGS["bad"]


def test_the_table_has_all_rows_and_says_why_targets_were_missed(rows, tmp_path):
    table = benchmarks.table({row.name: row.found(None) for row in rows})
    assert table.splitlines()[2:5] == [
        "| drawing | 1.50x | >= 1x | met |",
        "| writing | 0.50x | >= 1x | missed |",
        "| sending | - | >= 1x | not measured |",
    ]
    assert table.splitlines()[-2:] == [
        "- **writing**: two threads; the file is copied twice",
        "- **sending**: needs gifski",
    ]


def test_a_row_that_was_never_run_says_how_to_run_it(rows, tmp_path):
    assert benchmarks.kept_finding(rows[0], tmp_path).why == "not run: python -m benchmarks --only good"


def test_the_table_is_written_between_the_marks_and_the_words_around_it_stay(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{benchmarks.START}\nold\n{benchmarks.END}\nafter\n")
    for _ in range(2):
        benchmarks.write_page("| new |", page)
    assert page.read_text() == f"before\n{benchmarks.START}\n\n| new |\n\n{benchmarks.END}\nafter\n"


def test_the_page_has_the_marks_and_each_row_a_name_of_its_own():
    text = benchmarks.PAGE.read_text(encoding="utf-8")
    assert text.index(benchmarks.START) < text.index(benchmarks.END)
    assert len(benchmarks.SCRIPTS) == 18
    assert set(benchmarks.REASONS) == set(benchmarks.SCRIPTS)


@pytest.mark.slow
def test_a_process_that_fails_or_takes_too_long_leaves_a_finding_that_says_so(tmp_path):
    row = Row("no-such-row", "", "", missing, seconds=60)
    assert "there is no row no-such-row" in benchmarks.measure(row, "benchmarks.drawing", tmp_path, tiny=True).why
    hurried = Row("face-1", "", "", missing, seconds=0)
    assert benchmarks.measure(hurried, "benchmarks.drawing", tmp_path, tiny=True).why == "took longer than 0 s"
