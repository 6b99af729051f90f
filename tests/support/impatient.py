"""impatient.py PROGRAM ARGUMENTS: runs train.py, app.py or the module dcgan.hub with short waits for the Hub.

A run draws no plot of its losses. IMPATIENCE in the environment holds the waits and then the time limit, in seconds:
"0.1 0.2 2".
"""

import os
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from dcgan.hub import Patience

MODULES = {"train.py": "train", "app.py": "app", "dcgan.hub": "dcgan.hub.__main__"}

*waits, timeout = map(float, os.environ.get("IMPATIENCE", "0.1 0.2 2").split())
program, *arguments = sys.argv[1:]
if program == "train.py":
    from dcgan.training import run_folder
    from support.runs import draw_no_losses

    run_folder.draw_losses = draw_no_losses
status = import_module(MODULES[program]).main(arguments, patience=Patience(tuple(waits), timeout))
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)  # as train.py does
