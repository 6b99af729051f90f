"""A checkpoint folder on disk: networks, snapshots, resume state; import of foreign weights; the slim bundle.

python -m dcgan.checkpoints import netG.pth checkpoints/NAME    networks of another DCGAN -> a checkpoint folder
python -m dcgan.checkpoints bundle checkpoints/RUN FOLDER       a run -> the slim copy that is committed
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dcgan.checkpoints.bundle import bundle, refuse_files_in
from dcgan.checkpoints.foreign import import_networks
from dcgan.cli import DONE, Parser, command
from dcgan.errors import InputError
from dcgan.files import path_of
from dcgan.layout import DISCRIMINATOR, snapshot_name

EXAMPLES = ",".join(map(snapshot_name, (1, 20)))


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m dcgan.checkpoints", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    importing = commands.add_parser("import", help="networks that other DCGAN code saved -> a folder")
    importing.add_argument("file", type=path_of, help="the generator's state_dict, or a checkpoint that holds one")
    importing.add_argument("folder", type=path_of, help="where the checkpoint goes")
    importing.add_argument(
        "--discriminator", type=path_of, metavar="FILE", help="the discriminator's file, if there is one"
    )
    bundling = commands.add_parser("bundle", help="the slim copy of a run that is committed")
    bundling.add_argument("run", type=path_of, help="the folder train.py wrote")
    bundling.add_argument("folder", type=path_of, help="where the copy goes")
    bundling.add_argument("--snapshots", help=f"which to keep, as in {EXAMPLES} (default: five, spread)")
    options = parser.parse_args(argv)

    try:
        if options.command == "import":
            refuse_files_in(options.folder)
            generator = import_networks(options.file, options.folder, options.discriminator)
            with_it = " and its discriminator" if (options.folder / DISCRIMINATOR).is_dir() else ""
            print(f"{options.folder}: a {generator.image_size}x{generator.image_size} generator{with_it}.")
        else:
            names = [name.strip() for name in options.snapshots.split(",")] if options.snapshots else None
            bundle(options.run, options.folder, names)
        print(f"See it with: python app.py --model {options.folder}")
    except OSError as error:
        raise InputError(f"can't write to {options.folder}: {error.strerror or error}.") from None
    return DONE


if __name__ == "__main__":
    sys.exit(main())
