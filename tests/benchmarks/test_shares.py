"""Where the time goes: shares of PyTorch's operations, and reasons that leave figures to them."""

import re

import pytest
import torch

from benchmarks import shares
from benchmarks.reasons import REASONS

MUCH = r"\d ?(ms|s|%|x)\b|\btwice|\b(third|quarter|fifth|sixth|eighth|tenth|twentieth)s?\b"


@pytest.mark.parametrize(
    ("operation", "group"),
    [
        ("aten::mkldnn_convolution", "convolutions"), ("aten::convolution_backward", "convolutions"),
        ("mkldnn::_convolution_transpose_pointwise", "convolutions"), ("ConvolutionBackward0", "convolutions"),
        ("aten::native_batch_norm", "BatchNorm"), ("aten::_fused_adam_", "Adam"), ("aten::copy_", "all else"),
    ],
)  # fmt: skip
def test_an_operation_belongs_to_the_group_that_its_name_tells(operation, group):
    assert shares.group_of(operation) == group


def test_shares_are_of_all_the_time_that_operations_took():
    images, weight = torch.ones(4, 8, 32, 32), torch.ones(8, 8, 3, 3)
    found = shares.shares(lambda: torch.conv2d(images, weight).relu(), 3)
    assert sum(found.values()) == pytest.approx(100)
    assert found["convolutions"] > found["all else"] > 0
    assert found["Adam"] == 0


@pytest.mark.slow
def test_a_row_is_printed_for_each_work(capsys):
    assert shares.main(["--tiny"]) == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert len(rows) == 6
    for row in rows:
        assert 97 <= sum(map(int, re.findall(r"(\d+) %", row))) <= 103


def test_no_reason_says_how_much_which_rows_and_shares_do():
    for reason in REASONS.values():
        assert not re.search(MUCH, reason), reason
