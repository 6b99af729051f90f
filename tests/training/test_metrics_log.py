"""What a run writes down of its steps."""

import time

import pytest
import torch

from dcgan.training.metrics_log import MetricsLog, read_metrics

START = {"step": 1, "epoch": 0.1, "images": 8}


@pytest.fixture
def log(tmp_path):
    return MetricsLog(tmp_path)


def note(log, *losses):
    for loss in losses:
        log.note({"loss_g": torch.tensor(loss)})


def test_a_line_has_the_means_since_the_last_one(log):
    note(log, 1.0, 3.0)
    log.close_interval(START, batch_size=8)
    note(log, 5.0)
    log.close_interval(START | {"step": 2}, batch_size=8)
    log.close_interval(START | {"step": 2}, batch_size=8)  # nothing new
    assert [(line["step"], line["loss_g"]) for line in read_metrics(log.folder)] == [(1, 2.0), (2, 5.0)]
    assert log.latest["loss_g"] == 5.0


def test_a_mean_that_is_no_number_is_left_out_of_its_line(log):
    note(log, float("nan"))
    log.close_interval(START, batch_size=8)
    (line,) = read_metrics(log.folder)
    assert "loss_g" not in line
    assert line["images_per_second"] > 0


def test_drawing_and_saving_are_not_counted_as_training(log):
    note(log, 1.0)
    with log.untimed():
        time.sleep(0.2)
    with log.untimed():
        log.close_interval(START, batch_size=8)
        time.sleep(0.2)
    note(log, 1.0)
    log.close_interval(START, batch_size=8)
    assert 0 < log.seconds < 0.1


def test_the_reading_of_a_step_stands_in_the_line_of_its_interval_or_in_one_of_its_own(log):
    note(log, 1.0)
    log.close_interval(START, batch_size=8, reading={"distance": 0.5})
    log.write(START | {"step": 2}, {"distance": 0.4})
    first, second = read_metrics(log.folder)
    assert (first["distance"], "loss_g" in first) == (0.5, True)
    assert (second["distance"], "loss_g" in second) == (0.4, False)


def test_steps_that_were_undone_leave_no_line_but_took_their_time(log):
    note(log, 100.0)
    time.sleep(0.1)
    log.drop_interval()
    note(log, 1.0)
    log.close_interval(START, batch_size=8)
    (line,) = read_metrics(log.folder)
    assert (line["loss_g"], "distance" in line, line["seconds"] >= 0.1) == (1.0, False, True)


def test_lines_of_later_steps_and_later_rollbacks_are_forgotten(log):
    note(log, 1.0)
    log.close_interval(START, batch_size=8)
    log.write(START, {"rollback": 1})
    log.write(START, {"rollback": 2})
    note(log, 2.0)
    log.close_interval(START | {"step": 9}, batch_size=8)
    log.forget_after(step=5, rollbacks=1)
    assert [line.get("rollback") for line in read_metrics(log.folder)] == [None, 1]
    assert log.latest["loss_g"] == 1.0


def test_a_line_cut_short_by_a_crash_is_left_out(log):
    log.write(START, {"loss_g": 1.0})
    with open(log.folder / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"step": 2, "ep')
    assert [line["step"] for line in read_metrics(log.folder)] == [1]
