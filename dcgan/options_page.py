"""Prints docs/options.md, every option of train.py: python -m dcgan.options_page > docs/options.md"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dcgan.cli import DONE, Parser, command
from dcgan.config import RECIPES, TrainConfig
from dcgan.options import Option, by_group
from dcgan.training import Launch

INTRODUCTION = """\
# The options of train.py

<!-- python -m dcgan.options_page > docs/options.md -->

`python train.py --help` says the same in short. A default that hangs on `--recipe`, or on the pictures, is told for
each. Options marked † may be changed beside `--resume`; any other would make it another run, and is refused. Lists are
written with commas. The `command` in a run's record and card names every option that has an effect on it, so
that it stays the same run when a default changes. An option that does nothing beside the others is named before the run
begins.
"""
HEAD = "| option | default | takes | what it does |\n|---|---|---|---|"


def page(*settings: type) -> str:
    """Write the options of several dataclasses as Markdown, a table for each group."""
    tables = [
        "\n".join([f"## {title[0].upper()}{title[1:]}\n", HEAD, *map(_row, options)])
        for title, options in by_group(*settings).items()
    ]
    return "\n\n".join([INTRODUCTION.rstrip(), *tables, _recipes()]) + "\n"


def _row(option: Option) -> str:
    cells = [_spelled(option), option.default_words(), option.what_works(), _meaning(option)]
    return f"| {' | '.join(cells)} |"


def _spelled(option: Option) -> str:
    mark = " †" if option.resumable else ""
    if option.kind is bool:
        return ", ".join(f"`{flag}`" for flag in option.flags) + mark
    value = option.metavar_words() or option.name.upper()
    return f"`{option.flag} [{value}]`{mark}" if option.bare is not None else f"`{option.flag} {value}`{mark}"


def _meaning(option: Option) -> str:
    words = f"{option.help[0].upper()}{option.help[1:]}."
    if option.doc:
        words += f" {option.doc}"
    if option.older:
        on, off = option.older.flags
        words += f" `{on}` and `{off}` are older words for `{option.older.on}` and `{option.older.off}`."
    return words


def _recipes() -> str:
    """List what each recipe sets, as options that come to the same."""
    names = {each.name: each for options in by_group(TrainConfig).values() for each in options}
    lines = [
        f"- `--recipe {recipe}`: `{' '.join(' '.join(names[name].words(value)) for name, value in values.items())}`"
        for recipe, values in RECIPES.items()
    ]
    return "\n".join(["## What a recipe sets\n", *lines])


@command
def main(argv: Sequence[str] | None = None) -> int:
    Parser(prog="python -m dcgan.options_page", description=__doc__).parse_args(argv)
    print(page(TrainConfig, Launch), end="")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
