"""Checkpoints, and the page as a Space, to the Hugging Face Hub.

python -m dcgan.hub push checkpoints/NAME user/repo      a folder with all its snapshots
python -m dcgan.hub space user/name                      the page, with the bundled checkpoints
Both can be repeated: what the Hub has is left out.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from dcgan.checkpoints import read_training
from dcgan.cli import DONE, FAILED, Parser, command
from dcgan.errors import HubError
from dcgan.files import path_of
from dcgan.hub.client import Repository, keep_quiet
from dcgan.hub.retry import DEFAULT_PATIENCE, Patience
from dcgan.layout import TRAINING_NAME
from dcgan.models import read_config
from dcgan.publish import Pusher, push_space

PROJECT = Path(__file__).parents[2]


@command
def main(argv: Sequence[str] | None = None, patience: Patience = DEFAULT_PATIENCE) -> int:
    """Run the command line of `python -m dcgan.hub`; `patience` says how long the Hub may take."""
    options = build_parser().parse_args(argv)
    keep_quiet()
    is_space = options.command == "space"
    folder = PROJECT if is_space else options.folder
    repository = Repository(options.repository, patience=patience, kind="space" if is_space else "model")
    try:
        if is_space:
            push_space(folder, repository, options.private)
        else:
            push(folder, repository, options.private, options.push_state)
    except HubError as error:
        if not error.temporary:
            raise
        print(
            f"error: {error}. Nothing is lost: what is missing there is in {folder}, and the same command pushes it.",
            file=sys.stderr,
        )
        return FAILED
    print(f"{repository.page} is built now" if is_space else f"{repository.id} has everything that is in {folder}")
    return DONE


def push(folder: Path, repository: Repository, private: bool, with_state: bool) -> None:
    """Push a folder that a run of train.py wrote, or that was imported."""
    read_config(folder)
    run_id = read_training(folder).run_id if (folder / TRAINING_NAME).exists() else None
    pusher = Pusher(folder, repository, run_id, print, private, with_state)
    pusher.prepare()
    pusher.push()


def build_parser() -> Parser:
    """Make the parser of the command line."""
    parser = Parser(prog="python -m dcgan.hub", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    pushing = commands.add_parser("push", help="a checkpoint folder and its snapshots; what is there is left out")
    pushing.add_argument("folder", type=path_of, help="the folder train.py wrote")
    pushing.add_argument("repository", help="user/name; it is created if need be")
    pushing.add_argument("--private", action="store_true", help="create it as a private one")
    pushing.add_argument(
        "--push-state", action="store_true", help="what --resume needs as well, on a branch of its own"
    )
    space = commands.add_parser("space", help="this repository as a Space, without what only training and tests need")
    space.add_argument("repository", help="user/name; it is created if need be")
    space.add_argument("--private", action="store_true", help="create it as a private one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
