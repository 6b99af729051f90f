import torch

from benchmarks import gpu


def test_without_a_gpu_nothing_is_measured_and_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 0
    assert capsys.readouterr().out == "no GPU here: nothing was measured\n"


def test_a_way_to_train_is_timed_by_steps_that_are_really_taken(monkeypatch):
    monkeypatch.setattr(gpu, "WARM_UP", 1)
    case = gpu.Case(batch=4, feature_maps=4, precision="float32", compiled=False)
    config = case.config(image_size=24, generator_feature_maps=4)
    assert (config.loss, config.batch_size, config.discriminator_feature_maps) == ("relativistic", 4, 4)
    assert gpu.pictures_per_second(case, config, torch.device("cpu"), timed=2) > 0


def test_a_row_says_what_was_measured_and_how_long_a_step_took():
    case = gpu.Case(batch=64, feature_maps=32, precision="bfloat16", compiled=True)
    assert case.row(20_000.0) == "| 64 | 32 | bfloat16 | recorded | 20,000 | 3.20 |"


def test_faces_are_compared_with_the_cpus_own():
    assert gpu.largest_difference(torch.device("cpu")) == 0
