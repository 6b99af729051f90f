"""An option stands in one place: what is derived from it, and that nothing else has to be told of it."""

import shlex
import subprocess
from dataclasses import dataclass, fields

import pytest

from dcgan.cli import Parser
from dcgan.config import RECIPES, RESUMABLE_CHANGES, TrainConfig, config_of, usual_background
from dcgan.errors import InputError
from dcgan.options import OlderName, add_options, given, option, options_of, without_effect
from dcgan.options_page import page
from dcgan.training import Launch, build_parser, given_options, launch_of
from support import warm
from support.paths import ROOT


@dataclass(frozen=True, kw_only=True)
class WithOneMore(TrainConfig):
    """A run with an option that nothing but its field knows."""

    swirl: float = option(
        0.25,
        help="how far faces are turned",
        doc="A test made it up.",
        group="recipe",
        metavar="TURNS",
        below=1,
        because="a whole turn is none",
        before=0.0,
        resumable=True,
        idle=lambda run: "mirrored faces aren't turned" if run.flip else None,
    )


def parsed_as(settings: type, *words: str) -> dict:
    parser = Parser(prog="train.py")
    add_options(parser, settings)
    return given(parser.parse_args(words), settings)


def run_from(command: str) -> TrainConfig:
    """The run that a printed command starts."""
    return config_of(given_options(build_parser().parse_args(shlex.split(command)[2:])))


# One place


def test_a_new_option_is_read_checked_explained_printed_and_documented_from_its_field_alone(capsys):
    assert parsed_as(WithOneMore, "--data", "a", "--swirl", "0.5") == {"data": "a", "swirl": 0.5}
    with pytest.raises(InputError, match="--swirl is 1.5; it must be from 0 to below 1, since a whole turn is none."):
        WithOneMore(data="a", swirl=1.5)
    with pytest.raises(SystemExit):
        parsed_as(WithOneMore, "--help")
    assert "--swirl TURNS how far faces are turned (0.25)" in " ".join(capsys.readouterr().out.split())
    assert "--swirl 0.25" in WithOneMore(data="a").command()
    assert (
        "| `--swirl TURNS` † | 0.25 | a number from 0 to below 1 | How far faces are turned. A test made it up. |"
        in (page(WithOneMore))
    )
    assert WithOneMore.from_dict({"data": "a"}).swirl == 0.0
    assert list(without_effect(WithOneMore(data="a", flip=True), {"swirl": 0.25})) == [
        "note: --swirl has no effect: mirrored faces aren't turned."
    ]
    assert "--swirl" not in WithOneMore(data="a", flip=True).command()


@pytest.mark.parametrize("settings", [TrainConfig, Launch])
def test_every_option_says_what_it_is_for_and_what_it_takes(settings):
    assert list(options_of(settings)) == [f.name for f in fields(settings)]
    for each in options_of(settings).values():
        assert each.help
        assert not each.help.endswith(".")
        assert each.choices or each.kind not in (int, float) or each.what_works()


def test_a_misspelt_property_of_an_option_is_refused_where_it_stands():
    with pytest.raises(TypeError, match="minimun"):
        option(1, help="a number", group="machine", minimun=1)


def test_what_a_command_line_does_not_say_is_left_to_the_recipe_or_the_resumed_run():
    parsed = build_parser().parse_args([])
    assert given_options(parsed) == {}
    assert launch_of(parsed) == Launch()


def test_off_on_and_nothing_are_three_things():
    assert parsed_as(TrainConfig, "--no-ema", "--flip") == {"ema": False, "flip": True}
    assert parsed_as(TrainConfig, "--augment") == {"augment": ("color", "translation", "cutout")}
    assert parsed_as(TrainConfig, "--augment", "") == {"augment": ()}


def test_help_tells_the_default_of_each_recipe_and_of_each_kind_of_pictures():
    told = " ".join(build_parser().format_help().split())
    for words in ("pictures a step; best: 16, plain: 64", "best: hinge, plain: bce", "best: on, plain: off",
                  "how many avatars or portraits to draw (20000)", "avatars: white, portraits: #f6e7e9,"):  # fmt: skip
        assert words in told


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"batch_size": 1},
            "--batch-size is 1; it must be from 2 up, since BatchNorm needs at least 2 pictures a batch.",
        ),
        ({"epochs": 1.5}, "--epochs is 1.5; it must be a whole number."),
        ({"seed": -1}, "--seed is -1; it must be from 0 to 2147483647."),
        ({"background": ()}, "--background is empty; it takes one or more colours, as in white,#b6e3f4."),
        ({"snapshot_epochs": (1, 0)}, "--snapshot-epochs is 0; it must be from 1 up."),
        ({"augment": ("blur",)}, "--augment is 'blur'; it must be one of color, translation, cutout."),
        ({"flip": "yes"}, "--flip is 'yes'; it must be True or False."),
        ({"lr_decay": 1.1}, "--lr-decay is 1.1; it must be from 0 to 1, since 0 is never and 1 is from the first"),
    ],
)
def test_what_cannot_work_is_told_with_its_name_its_value_and_what_does(change, message):
    with pytest.raises(InputError) as refused:
        TrainConfig(data="pictures", **change)
    assert str(refused.value).startswith(message)


def test_an_older_name_and_its_option_may_agree_but_not_differ():
    @dataclass(frozen=True)
    class Tea:
        milk: str = option("some", help="how much", group="tea", older=OlderName("with_milk", on="some", off="none"))

    assert parsed_as(Tea, "--no-with-milk") == parsed_as(Tea, "--no-with-milk", "--milk", "none") == {"milk": "none"}
    with pytest.raises(InputError, match="--with-milk means --milk some, but --milk is none; leave one of them out"):
        parsed_as(Tea, "--with-milk", "--milk", "none")


# The printed command

RUNS = [
    *({"data": "avatars:micah", "recipe": recipe, **RECIPES[recipe]} for recipe in RECIPES),
    {"data": "my pictures", "augment": ("color",), "flip": True, "r1_gamma": 0.0},
    {"data": "portraits:art", "portrait_crop": "bust", "max_steps": 7, "snapshot_epochs": (1, 2), "r2_gamma": 1.0},
    {"data": "avatars:micah", "lr_generator": 1e-05, "ema": False, "background": ("white", "#b6e3f4")},
]


@pytest.mark.parametrize("settings", RUNS, ids=str)
def test_the_printed_command_starts_the_same_run(settings):
    run = TrainConfig(**settings)
    assert run_from(run.command()) == run


@pytest.mark.parametrize("settings", RUNS, ids=str)
def test_the_printed_command_names_every_option_but_those_without_effect(settings):
    run = TrainConfig(**settings)
    named = given_options(build_parser().parse_args(shlex.split(run.command())[2:]))
    idle = {name for name, each in options_of(TrainConfig).items() if each.idle(run)}
    assert set(named) == {f.name for f in fields(run) if getattr(run, f.name) is not None} - idle
    assert not list(without_effect(run, named))


def test_what_a_resumed_run_may_change_is_named_too_since_it_decides_where_a_run_goes_back_to():
    assert {"epochs", "max_steps", "snapshot_epochs", "save_every"} == RESUMABLE_CHANGES
    command = TrainConfig(data="a", max_steps=5).command()
    assert all(f"{options_of(TrainConfig)[name].flag} " in command for name in RESUMABLE_CHANGES)


@pytest.mark.parametrize(
    ("data", "left_out"),
    [
        ("path/to/pictures", {"--data-size", "--background", "--portrait-crop"}),
        ("avatars:micah", {"--portrait-crop"}),
        ("portraits:art", set()),
    ],
)
def test_options_of_other_pictures_are_left_out_of_the_command(data, left_out):
    words = shlex.split(TrainConfig(data=data).command())
    assert {"--data-size", "--background", "--portrait-crop"} - set(words) == left_out


def test_the_background_hangs_on_the_pictures_unless_it_is_given_or_was_saved():
    assert TrainConfig(data="avatars:micah").background == TrainConfig(data="pictures").background == ("white",)
    portraits = TrainConfig(data="portraits:art")
    assert portraits.background == usual_background("portraits:art") != ("white",)
    assert portraits.but(data="pictures").background == portraits.background
    assert TrainConfig(data="portraits:art", background=("white",)).background == ("white",)


# Options without effect


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--r1-gamma 0 --r1-every 2", "--r1-every has no effect: --r1-gamma and --r2-gamma are 0"),
        ("--recipe plain --r1-every 2", "--r1-every has no effect: --r1-gamma and --r2-gamma are 0"),
        ("--no-ema --ema-decay 0.9", "--ema-decay has no effect: by --no-ema there is no average"),
        ("--portrait-crop bust", "--portrait-crop has no effect: --data avatars:micah holds no portraits"),
        ("--data pictures --background white", "--background has no effect: the pictures of --data pictures aren't"),
        ("--data pictures --data-size 9", "--data-size has no effect: the pictures of --data pictures aren't"),
        ("--r1-gamma 0 --r2-gamma 1 --r1-every 2", None),
        ("--ema-decay 0.9 --data-size 9 --background white", None),
    ],
)
def test_an_option_without_effect_is_told_in_one_line(words, told):
    found = given_options(build_parser().parse_args(["--data", "avatars:micah", *words.split()]))
    lines = list(without_effect(config_of(found), found))
    assert [line.startswith(f"note: {told}") for line in lines] == ([True] if told else [])


# The page


@pytest.mark.slow
def test_the_page_of_the_options_is_what_its_command_prints():
    command = warm.python("-m", "dcgan.options_page")
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stderr == ""
    assert printed.stdout == (ROOT / "docs" / "options.md").read_text(encoding="utf-8")


def test_the_page_has_a_row_for_every_option_of_the_parser():
    told = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    for flag in set(build_parser()._option_string_actions) - {"-h", "--help"}:
        assert f"`{flag}" in told, flag
    for link in ("../benchmarks/recipes.md",):
        assert f"]({link})" in told
        assert (ROOT / "docs" / link).is_file()


# train.py itself


def test_train_py_is_thin():
    lines = (ROOT / "train.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 250
