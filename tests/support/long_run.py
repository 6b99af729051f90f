"""What a long run came to, as it stands in benchmarks/records.jsonl: an example to change."""

from benchmarks.machine import Machine
from benchmarks.records import Figures, Measure, Record

FIGURES = Figures(kid_x_1000=87.5, fd=59.7, precision=0.25, recall=0.125)
MEASURE = Measure(
    pictures=16, seconds=2.5, weights_sha256="ab" * 32, extractor="EfficientNet-Lite0 (ImageNet)", samples=16,
    found=FIGURES, floor=FIGURES,
)  # fmt: skip
RECORD = Record(
    kind="round 1", run_id="1", arm="base", data="portraits", command="python train.py --data portraits:art",
    commits=("cd" * 20,), seed=0, began="2026-11-26T04:51:00Z", ended="2026-11-26T05:51:00Z", steps=1,
    pictures_seen=16, seconds=2.5, images_per_second=6.4,
    machines=(Machine("a processor", 2, 2, "2.8", "AVX2", "cpu"),), weights_sha256="ab" * 32, measures=(MEASURE,),
)  # fmt: skip
