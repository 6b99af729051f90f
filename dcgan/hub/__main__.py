"""Checkpoints to the Hugging Face Hub.

python -m dcgan.hub push checkpoints/NAME user/repo      a folder with all its snapshots; can be repeated
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from dcgan.checkpoints import read_training
from dcgan.cli import DONE, FAILED, Parser, command
from dcgan.errors import HubError
from dcgan.hub.client import Repository, keep_quiet
from dcgan.layout import TRAINING_NAME
from dcgan.models import read_config
from dcgan.publish import Publisher


@command
def main(argv: Sequence[str] | None = None) -> int:
    """The command line of `python -m dcgan.hub`."""
    parser = Parser(prog="python -m dcgan.hub", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    pushing = commands.add_parser("push", help="a checkpoint folder and its snapshots; what is there is left out")
    pushing.add_argument("folder", type=Path, help="the folder train.py wrote")
    pushing.add_argument("repository", help="user/name; it is created if need be")
    pushing.add_argument("--private", action="store_true", help="create it as a private one")
    pushing.add_argument(
        "--push-state", action="store_true", help="what --resume needs as well, on a branch of its own"
    )
    options = parser.parse_args(argv)

    keep_quiet()
    folder, repository = options.folder, Repository(options.repository)
    read_config(folder)
    run_id = read_training(folder).run_id if (folder / TRAINING_NAME).exists() else None
    publisher = Publisher(folder, repository, run_id, print, options.private, options.push_state)
    try:
        publisher.prepare()
        publisher.push_all()
    except HubError as error:
        if not error.temporary:
            raise
        print(
            f"error: {error}. Nothing is lost: what is missing there is in {folder}, and the same command pushes it.",
            file=sys.stderr,
        )
        return FAILED
    print(f"{repository.id} has everything that is in {folder}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
