"""impatient.py PROGRAM ARGUMENTS: runs train.py, app.py or the module dcgan.hub with short waits for the Hub.

IMPATIENCE in the environment holds the waits and then the time limit, in seconds: "0.1 0.2 2".
"""

import os
import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from dcgan.hub import retry
from dcgan.hub.__main__ import main as hub_main

*waits, timeout = map(float, os.environ.get("IMPATIENCE", "0.1 0.2 2").split())
retry.PATIENCE = retry.Patience(tuple(waits), timeout)
program = sys.argv[1]
del sys.argv[0]
if program.endswith(".py"):
    runpy.run_path(program, run_name="__main__")
else:
    sys.exit({"dcgan.hub": hub_main}[program]())
