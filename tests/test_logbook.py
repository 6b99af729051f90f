"""What a run writes down of its steps."""

import time

import pytest
import torch

from dcgan.training.metrics_log import Logbook, read_metrics

START = {"step": 1, "epoch": 0.1, "images": 8}


@pytest.fixture
def logbook(tmp_path):
    return Logbook(tmp_path)


def note(logbook, *losses):
    for loss in losses:
        logbook.note({"loss_g": torch.tensor(loss)})


def test_a_line_has_the_means_since_the_last_one(logbook):
    note(logbook, 1.0, 3.0)
    logbook.close_interval(START, batch_size=8)
    note(logbook, 5.0)
    logbook.close_interval(START | {"step": 2}, batch_size=8)
    logbook.close_interval(START | {"step": 2}, batch_size=8)  # nothing new
    assert [(line["step"], line["loss_g"]) for line in read_metrics(logbook.folder)] == [(1, 2.0), (2, 5.0)]
    assert logbook.latest["loss_g"] == 5.0


def test_a_mean_that_is_no_number_is_left_out_of_its_line(logbook):
    note(logbook, float("nan"))
    logbook.close_interval(START, batch_size=8)
    (line,) = read_metrics(logbook.folder)
    assert "loss_g" not in line
    assert line["images_per_second"] > 0


def test_drawing_and_saving_are_not_counted_as_training(logbook):
    note(logbook, 1.0)
    with logbook.untimed():
        time.sleep(0.2)
    with logbook.untimed():
        logbook.close_interval(START, batch_size=8)
        time.sleep(0.2)
    note(logbook, 1.0)
    logbook.close_interval(START, batch_size=8)
    assert 0 < logbook.seconds < 0.1


def test_the_reading_of_a_step_stands_in_the_line_of_its_interval_or_in_one_of_its_own(logbook):
    note(logbook, 1.0)
    logbook.note_reading({"distance": 0.5})
    logbook.close_interval(START, batch_size=8)
    logbook.note_reading({"distance": 0.4})
    logbook.write_reading(START | {"step": 2})
    logbook.write_reading(START | {"step": 2})
    first, second = read_metrics(logbook.folder)
    assert (first["distance"], "loss_g" in first) == (0.5, True)
    assert (second["distance"], "loss_g" in second) == (0.4, False)


def test_steps_that_were_undone_leave_no_line_but_took_their_time(logbook):
    note(logbook, 100.0)
    logbook.note_reading({"distance": 9.0})
    time.sleep(0.1)
    logbook.drop_interval()
    note(logbook, 1.0)
    logbook.close_interval(START, batch_size=8)
    (line,) = read_metrics(logbook.folder)
    assert (line["loss_g"], "distance" in line, line["seconds"] >= 0.1) == (1.0, False, True)


def test_lines_of_later_steps_and_later_rollbacks_are_forgotten(logbook):
    note(logbook, 1.0)
    logbook.close_interval(START, batch_size=8)
    logbook.write(START, {"rollback": 1})
    logbook.write(START, {"rollback": 2})
    note(logbook, 2.0)
    logbook.close_interval(START | {"step": 9}, batch_size=8)
    logbook.forget_after(step=5, rollbacks=1)
    assert [line.get("rollback") for line in read_metrics(logbook.folder)] == [None, 1]
    assert logbook.latest["loss_g"] == 1.0


def test_a_line_cut_short_by_a_crash_is_left_out(logbook):
    logbook.write(START, {"loss_g": 1.0})
    with open(logbook.folder / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"step": 2, "ep')
    assert [line["step"] for line in read_metrics(logbook.folder)] == [1]
