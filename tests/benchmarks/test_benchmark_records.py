"""The records of long runs: lines that are whole and there once, and what is computed from them alone."""

import json
import shutil
import subprocess
from dataclasses import asdict, replace

import pytest

from benchmarks import arms, recipes, records, rounds, tables, verdict
from benchmarks.arms import ARMS, AVERAGES
from benchmarks.machine import this_commit, this_machine
from benchmarks.picture_sets import ANIME, PORTRAITS, SETS
from dcgan.errors import InputError
from dcgan.files import sha256
from support.long_run import FIGURES, MEASURE, RECORD


@pytest.fixture
def path(tmp_path):
    return tmp_path / "records.jsonl"


def test_a_record_is_read_as_it_was_written(path):
    other = replace(RECORD, run_id="2", gave_up="the faces became alike", zip_sha256="ef" * 32, measures=())
    assert records.read(path) == []
    assert records.append(RECORD, path)
    assert records.append(other, path)
    assert records.read(path) == [RECORD, other]
    assert len(path.read_text().splitlines()) == 2


def test_a_run_is_recorded_once(path):
    assert records.append(RECORD, path)
    assert not records.append(replace(RECORD, ended="2027-01-01T00:00:00Z"), path)
    assert records.read(path) == [RECORD]


@pytest.mark.parametrize("cut", [40, 1], ids=["in the middle", "before its end"])
def test_a_half_line_is_refused_by_its_number_and_nothing_is_put_behind_it(cut, path):
    records.append(RECORD, path)
    records.append(replace(RECORD, run_id="2"), path)
    path.write_text(path.read_text()[:-cut])
    before = path.read_bytes()
    for use in (records.read, lambda path: records.append(replace(RECORD, run_id="3"), path)):
        with pytest.raises(InputError, match=r"records\.jsonl, line 2, is cut short"):
            use(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("line", ["", "{}", "[1]", '{"kind": "round 1"}', json.dumps(asdict(RECORD) | {"colour": 1})])
def test_a_line_that_is_no_record_is_refused_by_its_number(line, path):
    records.append(RECORD, path)
    with open(path, "a") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match=r"records\.jsonl, line 2, is no record"):
        records.read(path)


def test_the_committed_records_can_be_read_each_run_is_there_once_and_no_path_is_named():
    found = records.read()
    assert len({record.run_id for record in found}) == len(found)
    for record in found:
        assert not [word for word in record.command.split() if word.startswith(("/", "~", "portraits:/"))], record


# A finished run


@pytest.fixture
def measured(trained_run, tmp_path):
    """A finished tiny run with an evaluation that was made up."""
    folder = shutil.copytree(trained_run, tmp_path / "measured")
    figures = {"kid": 0.0875, "fd": 59.7, "precision": 0.25, "recall": 0.125}
    evaluation = {
        "weights_sha256": sha256(folder / "model.safetensors"), "fakes": figures, "floor": figures,
        "extractor": {"name": "EfficientNet-Lite0 (ImageNet)", "distance": "FD"}, "samples": {"fakes": 16},
    }  # fmt: skip
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    return folder


def add(folder, path, *options):
    about = ["--kind", "checkpoint", "--began", "2026-11-26T04:51Z", "--records", str(path)]
    return records.main(["add", str(folder), *about, *options])


@pytest.mark.slow
def test_a_finished_run_is_added_once_with_what_it_says_of_itself(measured, path, capsys):
    assert add(measured, path, "--ended", "2026-11-26T06:51+02:00", "--commit", "fa" * 20) == 0
    assert add(measured, path) == 0
    assert "has a record already" in capsys.readouterr().out
    (record,) = records.read(path)
    facts = json.loads((measured / "training.json").read_text())
    assert (record.kind, record.data, record.arm, record.zip_sha256) == ("checkpoint", "adventurer", "", None)
    assert (record.run_id, record.command, record.steps) == (facts["run_id"], facts["command"], facts["step"])
    assert (record.began, record.ended) == ("2026-11-26T04:51:00Z", "2026-11-26T04:51:00Z")
    assert record.commits == ("fa" * 20,)
    (measure,) = record.measures
    assert measure.found == measure.floor == FIGURES
    assert measure.samples == 16
    assert measure.weights_sha256 == record.weights_sha256 == sha256(measured / "model.safetensors")
    assert str(measured.parent) not in path.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hardware", "device", "processor"),
    [("2 CPU cores (x86_64)", None, None), ("NVIDIA H200", "NVIDIA H200", "unknown")],
)
def test_a_run_that_a_gpu_elsewhere_made_names_that_gpu_and_nothing_of_this_machine(
    hardware, device, processor, measured, path
):
    facts = json.loads((measured / "training.json").read_text())
    (measured / "training.json").write_text(json.dumps(facts | {"hardware": hardware}))
    assert add(measured, path) == 0
    (machine,) = records.read(path)[0].machines
    here = this_machine()
    assert (machine.device, machine.processor) == (device or here.device, processor or here.processor)
    assert machine.torch == facts["versions"]["torch"]


@pytest.mark.slow
def test_a_run_on_the_anime_faces_names_the_zip_by_its_hash_alone(measured, path, tmp_path):
    faces = tmp_path / "faces.zip"
    faces.write_bytes(b"a zip")
    assert add(measured, path, "--anime", str(faces)) == 0
    (record,) = records.read(path)
    assert (record.data, record.zip_sha256) == ("anime", sha256(faces))
    assert "faces.zip" not in path.read_text()


def test_a_run_that_is_not_finished_or_not_measured_is_not_recorded(measured, trained_run, path, capsys):
    assert add(trained_run, path) == 2
    assert "has no evaluation of its weights" in capsys.readouterr().err
    facts = json.loads((measured / "training.json").read_text())
    (measured / "training.json").write_text(json.dumps(facts | {"step": 9}))
    assert add(measured, path) == 2
    assert "is at step 9 of 10" in capsys.readouterr().err
    assert add(measured, path, "--anime", "nowhere.zip") == 2
    assert not path.exists()


# Where it was made


def test_the_machine_says_its_processor_and_what_it_can_do():
    machine = this_machine()
    assert machine.processor
    assert machine.cores >= 1 <= machine.threads
    assert machine.torch
    assert machine.capability
    assert machine.device


@pytest.mark.slow
def test_a_commit_is_dirty_where_code_was_changed_and_not_where_records_were_added(tmp_path):
    def git(*words):
        known = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", "-C", str(tmp_path), *known, *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    assert this_commit(tmp_path) == "unknown"
    git("init")
    (tmp_path / "benchmarks").mkdir()
    for name in ("train.py", "benchmarks/records.jsonl"):
        (tmp_path / name).write_text("1\n")
    git("add", ".")
    git("commit", "--message", "first")
    commit = git("rev-parse", "HEAD")
    assert this_commit(tmp_path) == commit
    (tmp_path / "benchmarks/records.jsonl").write_text("2\n")
    (tmp_path / "untracked").touch()
    assert this_commit(tmp_path) == commit
    (tmp_path / "train.py").write_text("2\n")
    assert this_commit(tmp_path) == f"{commit}-dirty"


# Who goes on


def result(kid, seconds=100.0, **changes):
    """A record of a run with this KID in the end, and half a time before that of twice the KID."""
    measures = tuple(
        replace(MEASURE, pictures=pictures, seconds=seconds * share, found=replace(FIGURES, kid_x_1000=kid / share))
        for share, pictures in ((0.5, 32_000), (1.0, 64_000))
    )
    about = {"run_id": str(changes), "measures": measures, "seconds": seconds}
    return replace(RECORD, **about | changes)


def round_1(**kids):
    """Records of round 1: these KIDs by arm, others beyond 1000, and averages beyond them."""
    names = [name for name in ARMS if name not in AVERAGES]
    found = [result(kids.get(name.replace("-", "_"), 1000 + i), arm=name) for i, name in enumerate(names)]
    averaged = tuple(
        replace(MEASURE, average=decay, found=replace(FIGURES, kid_x_1000=9000)) for decay in AVERAGES.values()
    )
    return [*found, replace(RECORD, run_id="averages", arm=arms.AVERAGED, measures=averaged)]


def test_the_best_five_of_round_1_go_on_and_plain_whatever_it_got():
    found = round_1(hinge=5, gamma_5=4, plain=1, augment=3, spectral=6, batch_32=7, beta2_0=8)
    assert rounds.arms_of(2, found) == ["augment", "gamma-5", "hinge", "spectral", "batch-32", "plain"]


def test_of_averages_of_one_run_only_the_best_goes_on():
    found = round_1(hinge=5)
    measures = [
        replace(measure, found=replace(FIGURES, kid_x_1000=kid))
        for measure, kid in zip(found[-1].measures, (3, 2, 4), strict=True)
    ]
    chosen = rounds.arms_of(2, [*found[:-1], replace(found[-1], measures=tuple(measures))])
    assert chosen[:3] == ["ema-0.99", "hinge", "base"]
    assert not {"ema-0.98", "ema-0.995"} & set(chosen)


def test_who_gave_up_does_not_go_on():
    found = [replace(record, gave_up="alike") if record.arm == "base" else record for record in round_1(base=1)]
    assert "base" not in rounds.arms_of(2, found)


def test_nobody_goes_on_before_a_round_is_complete():
    found = [record for record in round_1() if record.arm not in ("gamma-5", arms.AVERAGED)]
    with pytest.raises(InputError, match=r"gamma-5 on portraits, ema-0\.98 on portraits, .* choose with --arms"):
        rounds.arms_of(2, found)


def test_the_two_that_rank_best_over_all_sets_go_on_to_round_3():
    """By ranks, not by sums of KIDs, of which gamma-5 has a lower one than augment."""
    first = round_1(hinge=5, gamma_5=4, augment=3, spectral=6, batch_32=7)
    kids = {"augment": (90, 300, 3), "gamma-5": (20, 310, 5), "hinge": (10, 200, 2), "spectral": (40, 400, 4)}
    second = [
        result(kids.get(arm, (99, 999, 9))[column], arm=arm, data=data, kind="round 2")
        for column, data in enumerate(SETS)
        for arm in (*kids, "batch-32", "plain")
    ]
    assert rounds.arms_of(3, first + second) == ["hinge", "augment", "plain"]


def test_in_round_1_the_averages_are_one_run_and_later_runs_of_their_own():
    assert rounds.runs_of(1, ["base", "ema-0.98", "plain", "ema-0.99"]) == ["base", "averages", "plain"]
    assert rounds.runs_of(2, ["base", "ema-0.98", "plain"]) == ["base", "ema-0.98", "plain"]


# Who wins


def test_between_two_snapshots_kid_follows_the_logarithm_of_time():
    points = [(10.0, 800.0), (100.0, 400.0), (1000.0, 100.0)]
    assert verdict.kid_at(10 * 10**0.5, points) == pytest.approx(600)
    assert verdict.kid_at(100, points) == 400
    assert verdict.kid_at(100 * 10 ** (1 / 3), points) == pytest.approx(300)
    assert verdict.kid_at(9, points) is None
    assert verdict.kid_at(1001, points) is None


def test_an_arm_wins_only_by_more_than_its_seeds_differ():
    assert verdict.verdict({"base": [90, 110], "plain": [125, 115]}).startswith("nobody wins: base has a mean KID")
    won = verdict.verdict({"plain": [125, 116], "base": [90, 110], "hinge": [300, 900]})
    assert won == "**base wins**: base has a mean KID x 1000 of 100, plain of 120.5, and its seeds differ by 20 only"


def both_seeds(data, **about):
    return [
        result(kid, seconds, arm=arm, data=data, kind=kind, seed=kind == "round 3")
        for arm, (kids, seconds) in about.items()
        for kid, kind in zip(kids, ("round 2", "round 3"), strict=True)
    ]


def test_the_verdict_is_at_equal_pictures_and_at_equal_minutes():
    """The slow arm is better in the end, but it was worse when the fast one had ended."""
    found = both_seeds(PORTRAITS, base=((100, 102), 600), hinge=((110, 112), 330))
    lines = verdict.verdicts(found)
    assert lines[0].startswith("- portraits, at equal pictures: **base wins**")
    assert lines[1].startswith("- portraits, at equal minutes: **hinge wins**")
    assert lines[1].endswith("(5.5 minutes).")
    assert lines[2:] == ["- adventurer: not run", "- anime: not run"]
    far_slower = both_seeds(PORTRAITS, base=((100, 102), 600), hinge=((110, 112), 60))
    assert "not comparable, since base has no snapshot as early as after 1 minutes" in verdict.verdicts(far_slower)[1]


def of_speed(**rates):
    return [
        replace(RECORD, kind="speed", run_id=arm, arm=arm, images_per_second=rate, measures=())
        for arm, rate in rates.items()
    ]


def test_minutes_are_those_of_quiet_cores_where_speed_timed_all_arms():
    found = both_seeds(PORTRAITS, base=((100, 102), 600), hinge=((110, 112), 330))
    equally_fast = of_speed(base=100, hinge=100)
    assert "at equal minutes: **base wins**" in verdict.verdicts(found + equally_fast)[1]
    assert "at equal minutes: **hinge wins**" in verdict.verdicts(found + equally_fast[:1])[1]
    elsewhere = [replace(record, machines=()) for record in of_speed(plain=50)]
    assert verdict.speeds_in(equally_fast + elsewhere) == {"plain": 50}
    assert verdict.speeds_in(of_speed(base=40))["ema-0.99"] == 40


# The tables


def test_a_table_has_all_arms_the_best_first_and_says_what_was_not_run():
    found = [result(50, arm="hinge", rollbacks=2), result(40, 200, arm="augment"), *of_speed(hinge=123.4)]
    rows = tables.tables(found).split("\n\n")[1].splitlines()[2:]
    assert rows[0].startswith(f"| portraits | {ARMS['augment'].words} | 40 | 80 | 59.7 | 0.250 | 0.125 | - |")
    assert rows[1] == f"| portraits | {ARMS['hinge'].words} (rollbacks: 2) | 50 | 50 | 59.7 | 0.250 | 0.125 | 123 |"
    assert rows[2] == f"| portraits | {ARMS['base'].words} | not run | | | | | - |"
    assert rows[-1].startswith("| portraits | *reals against other reals* | 87.5 |")
    assert len(rows) == len(ARMS) + 1
    assert {row.count("|") for row in rows} == {9}


def test_a_later_round_has_the_arms_that_were_chosen_and_those_that_were_run_all_the_same():
    found = [*round_1(hinge=5), result(9, arm="generator-64", kind="round 2", data=ANIME)]
    chosen = {*rounds.arms_of(2, found), "generator-64"}
    text = tables.tables(found).split("### Round 2")[1].split("### Round 3")[0]
    for arm in ARMS:
        assert text.count(f"| {ARMS[arm].words} |") == (3 if arm in chosen else 0), arm


def test_other_long_runs_have_a_table_of_their_own():
    found = [result(50, kind="the report's experiment", data=ANIME)]
    assert "| the report's experiment: `python train.py" in tables.tables(found)


def test_the_page_has_the_tables_that_are_printed_of_the_committed_records(capsys):
    page = (recipes.ROOT / "benchmarks" / "recipes.md").read_text(encoding="utf-8")
    assert recipes.main(["table"]) == 0
    printed = capsys.readouterr().out.strip()
    assert page.split("<!-- table -->\n")[1].split("\n<!-- end of table -->")[0].strip() == printed
