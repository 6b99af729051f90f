"""Where things lie."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADVENTURER = ROOT / "checkpoints" / "adventurer-96"
FIXTURES = ROOT / "tests" / "support" / "fixtures"
# For a process that runs a file of the tests by itself
PYTHONPATH = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
