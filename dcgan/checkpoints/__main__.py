"""A checkpoint folder on disk: networks, snapshots, resume state; import of foreign weights; the slim bundle.

python -m dcgan.checkpoints import netG.pth checkpoints/NAME    networks of another DCGAN -> a checkpoint folder
python -m dcgan.checkpoints bundle checkpoints/RUN FOLDER       a run -> the slim copy that is committed
python -m dcgan.checkpoints export CHECKPOINT FILE.onnx         a generator -> a file for onnxruntime
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from dcgan.checkpoints.bundle import bundle, refuse_files_in
from dcgan.checkpoints.foreign import import_networks
from dcgan.checkpoints.networks import load_generator
from dcgan.checkpoints.onnx_export import export_onnx
from dcgan.cli import DONE, Parser, command
from dcgan.errors import InputError
from dcgan.files import path_of
from dcgan.layout import DISCRIMINATOR, snapshot_name

EXAMPLES = ",".join(map(snapshot_name, (1, 20)))


def build_parser() -> Parser:
    parser = Parser(prog="python -m dcgan.checkpoints", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    importing = commands.add_parser("import", help="networks that other DCGAN code saved -> a folder")
    importing.add_argument("file", type=path_of, help="the generator's state_dict, or a checkpoint that holds one")
    importing.add_argument("target", metavar="folder", type=path_of, help="where the checkpoint goes")
    importing.add_argument(
        "--discriminator", type=path_of, metavar="FILE", help="the discriminator's file, if there is one"
    )
    importing.set_defaults(run=run_import)
    bundling = commands.add_parser("bundle", help="the slim copy of a run that is committed")
    bundling.add_argument("run_folder", metavar="run", type=path_of, help="the folder train.py wrote")
    bundling.add_argument("target", metavar="folder", type=path_of, help="where the copy goes")
    bundling.add_argument("--snapshots", help=f"which to keep, as in {EXAMPLES} (default: five, spread)")
    bundling.set_defaults(run=run_bundle)
    exporting = commands.add_parser("export", help="a generator -> an ONNX file, checked against PyTorch")
    exporting.add_argument("checkpoint", type=path_of, help="a checkpoint folder")
    exporting.add_argument("target", metavar="file", type=path_of, help="the .onnx file to write")
    exporting.add_argument("--snapshot", metavar="NAME", help=f"one of its snapshots, as in {snapshot_name(1)}")
    exporting.set_defaults(run=run_export)
    return parser


def run_import(options: Namespace) -> None:
    refuse_files_in(options.target)
    generator = import_networks(options.file, options.target, options.discriminator)
    with_it = " and its discriminator" if (options.target / DISCRIMINATOR).is_dir() else ""
    print(f"{options.target}: a {generator.image_size}x{generator.image_size} generator{with_it}.")
    print(f"See it with: python app.py --model {options.target}")


def run_bundle(options: Namespace) -> None:
    names = [name.strip() for name in options.snapshots.split(",")] if options.snapshots else None
    bundle(options.run_folder, options.target, names)
    print(f"See it with: python app.py --model {options.target}")


def run_export(options: Namespace) -> None:
    difference = export_onnx(load_generator(options.checkpoint, options.snapshot), options.target)
    levels = difference * 127.5
    print(f"{options.target}: z (N, nz) to images (N, C, S, S); at most {levels:.2g} of 255 levels from PyTorch.")


@command
def main(argv: Sequence[str] | None = None) -> int:
    options = build_parser().parse_args(argv)
    try:
        options.run(options)
    except OSError as error:
        raise InputError(f"can't write to {options.target}: {error.strerror or error}.") from None
    return DONE


if __name__ == "__main__":
    sys.exit(main())
