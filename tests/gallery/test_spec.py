import json
import math
import random
import time
from urllib.parse import parse_qs, parse_qsl

import numpy as np
import pytest
from PIL import Image

from dcgan.errors import InputError
from dcgan.expressions import canonical, parse, spelled_out
from dcgan.gallery import (
    Choice,
    Number,
    PictureSpec,
    from_file,
    from_metadata,
    from_query,
    refuse_long_query,
    to_metadata,
    to_query,
)
from dcgan.gallery.bounds import OneFace, Text
from dcgan.gallery.export import export_walk
from dcgan.gallery.spec import KIND, SETTINGS
from dcgan.images import FORMATS, save_png
from dcgan.latents import SEEDS, latent

EXPRESSIONS = ["7:42@0.35", "7-12+42", "7~hair_hue=-1.2", str(spelled_out(latent(5, 100)))]
FRAMES = np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)


def random_spec(rng: random.Random) -> PictureSpec:
    """Any spec; each setting is at its default now and then."""
    kind = rng.choice(KIND.options)
    settings = {name: random_value(rng, bounds) for name, bounds in SETTINGS[kind].items() if rng.random() < 0.7}
    if any(isinstance(face, str) for face in settings.get("seeds", ())):
        settings.pop("grid", None)
    return PictureSpec(kind, **settings)


def random_value(rng: random.Random, bounds):
    match bounds:
        case Number():
            return bounds.clean(rng.choice([bounds.low, bounds.high, rng.uniform(bounds.low, bounds.high)]))
        case Choice():
            return rng.choice(bounds.options)
        case Text():
            return "".join(rng.choices("aZ9/@._- +&=%#;?脸é😀\"'<\\", k=rng.randrange(40))).strip()
        case OneFace():
            return rng.choice(["", *EXPRESSIONS])
    seeds = rng.sample(range(SEEDS), rng.randrange(bounds.min_count, bounds.max_count + 1))
    return seeds if rng.random() < 0.5 else [*EXPRESSIONS, *seeds][: max(bounds.min_count, len(seeds))]


SPECS = [random_spec(random.Random(i)) for i in range(500)]


def assert_within_bounds(spec: PictureSpec) -> None:
    assert spec.kind in KIND.options
    for name, bounds in SETTINGS[spec.kind].items():
        value = getattr(spec, name)
        match bounds:
            case Number():
                assert bounds.low <= value <= bounds.high
                assert isinstance(value, float if bounds.digits else int)
            case Choice():
                assert value in bounds.options
            case Text():
                assert len(value) <= bounds.max_characters
                assert value.isprintable()
            case OneFace():
                assert value == "" or (str(parse(value)) == value and not value.isdecimal())
            case _:
                assert bounds.min_count <= len(value) <= bounds.max_count
                assert all(canonical(face) == face for face in value)
    to_query(spec).encode("ascii")
    to_metadata(spec).encode("ascii")


# Inside


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "film"},
        {"kind": ["walk"]},
        {"seed": -1},
        {"seed": SEEDS},
        {"seed": 1.0},
        {"seed": "1"},
        {"seed": True},
        {"count": 0},
        {"count": 65},
        {"count": None},
        {"psi": 0.29},
        {"psi": 1.21},
        {"psi": 0.705},
        {"psi": math.nan},
        {"psi": math.inf},
        {"psi": "1"},
        {"seeds": [-1]},
        {"seeds": [1.5]},
        {"seeds": "1, 2"},
        {"seeds": 7},
        {"seeds": range(65)},
        {"model": "a\nb"},
        {"checkpoint": "x" * 257},
        {"checkpoint": " a"},
        {"commit": 7},
        {"frames": 30},
        {"kind": "walk", "seed": 7},
        {"kind": "walk", "seeds": ()},
        {"kind": "walk", "seeds": [5, 5]},
        {"kind": "walk", "seeds": range(13)},
        {"kind": "walk", "frames": 7},
        {"kind": "walk", "fps": 51},
        {"kind": "walk", "mode": "Loop"},
        {"kind": "walk", "method": None},
        {"kind": "walk", "grid": 5},
        {"kind": "walk", "grid": True},
        {"kind": "walk", "format": "gif"},
        {"kind": "walk", "size": 95},
        {"kind": "walk", "limit": 0},
        {"kind": "walk", "face": "7:42@0.5"},
        {"face": "7:42"},
        {"face": 7},
        {"face": " 7"},
        {"seeds": ["7:42"]},
        {"scaling": "round"},
        {"kind": "walk", "scaling": None},
        {"kind": "walk", "seeds": [7, "7:42@0.5"], "grid": 4},
    ],
    ids=str,
)
def test_a_picture_of_impossible_values_cannot_even_be_described(values):
    with pytest.raises(ValueError, match=f"^{[*values][-1]}(:| is no setting of)"):
        PictureSpec(**values)


def test_what_can_be_drawn_is_kept_as_it_is_given():
    spec = PictureSpec(seeds=[3, 1], psi=1, checkpoint="a b")
    assert (spec.seeds, spec.psi, spec.checkpoint) == ((3, 1), 1.0, "a b")
    assert isinstance(spec.psi, float)
    assert PictureSpec("walk").seeds == (7, 42)


def test_a_face_is_the_only_one_and_a_lone_seed_is_a_seed():
    assert PictureSpec(seed=5, count=9, seeds=[1, 2], face="7:042@0.350") == PictureSpec(face="7:42@0.35")
    assert PictureSpec(face="7:42@0.35").shown == ["7:42@0.35"]
    assert PictureSpec(face="7") == PictureSpec(seed=7, count=1)
    assert PictureSpec("walk", seeds=["7", "7:42@0.50", 42]).seeds == (7, "7:42@0.5", 42)


# Links


def test_a_link_names_a_face_and_writes_its_plus_so_that_nobody_reads_a_blank():
    assert to_query(PictureSpec(face="7-12+42", checkpoint="a b")) == "checkpoint=a%20b&face=7-12%2B42"
    assert to_query(PictureSpec("walk", seeds=[7, "7:42@0.5"])) == "kind=walk&seeds=7,7:42@0.5"
    assert to_query(PictureSpec(face="7~hair=1", scaling="smooth")) == "face=7~hair%3D1&scaling=smooth"
    for query in ("face=7-12+42", "face=7-12%2B42", "face=%207-12+42"):
        assert from_query(dict(parse_qsl(query))).face == "7-12+42"
    assert from_query({"face": "7-12 42"}).face == "7-12+42"


def test_a_face_wins_over_the_seed_of_a_link_and_garbage_is_none():
    assert from_query({"seed": "5", "count": "3", "face": "7:42@0.5"}) == PictureSpec(face="7:42@0.5")
    assert from_query({"face": "7"}) == PictureSpec(seed=7, count=1)
    for garbage in ("", "x", "7:42", "7" * 4001 + "x", "z.AA", "7:42@nan", "💥", None, 7.5j, ["7", "x"]):
        assert from_query({"seed": "5", "face": garbage}) == PictureSpec(seed=5)


def test_lists_of_a_link_take_expressions_where_seeds_stand():
    assert from_query({"seeds": "9,7:42@0.5,x,7-7"}).shown == [9, "7:42@0.5", "7-7"]
    walk = PictureSpec("walk", seeds=[7, "7:42@0.5"])
    assert from_query({"kind": "walk", "seeds": "7, 7:42@0.5", "grid": "4"}) == walk


def test_a_link_that_would_be_too_long_is_refused_with_a_sentence_that_offers_the_file():
    long = [str(spelled_out(latent(seed, 512))) for seed in range(6)]
    spec = PictureSpec("walk", seeds=long)
    with pytest.raises(InputError, match="would have 8,2.. characters, and one can have 8,000. Keep or send the file"):
        to_query(spec)
    with pytest.raises(InputError, match="Keep or send the file"):
        refuse_long_query(dict(parse_qsl(to_query(spec, most=None))))
    assert from_query(dict(parse_qsl(to_query(spec, most=None)))) == spec
    fits = PictureSpec("walk", seeds=long[:5])
    refuse_long_query(dict(parse_qsl(to_query(fits))))
    assert from_metadata(to_metadata(spec)) == spec


def test_a_link_gives_the_spec_back_whichever_way_it_is_parsed():
    for spec in SPECS:
        query = to_query(spec)
        assert from_query(dict(parse_qsl(query))) == spec
        assert from_query(parse_qs(query)) == spec


def test_a_link_says_which_faces_it_shows_and_of_all_else_what_differs_from_the_defaults():
    assert to_query(PictureSpec()) == "seed=0&count=16"
    assert to_query(PictureSpec("walk")) == "kind=walk&seeds=7,42"
    assert to_query(PictureSpec(seed=0, count=1)) == "seed=0&count=1"
    assert to_query(PictureSpec(seeds=(0, 1))) == "seeds=0,1"
    assert to_query(PictureSpec(face="0:1@0.5")) == "face=0:1@0.5"


def test_a_link_is_legible_and_always_in_the_same_order():
    spec = PictureSpec(
        "walk", size=96, psi=0.7, seeds=[3, 1, 2], checkpoint="user/name@epoch-0010", limit=5, mode="open"
    )
    assert to_query(spec) == ("kind=walk&checkpoint=user/name@epoch-0010&seeds=3,1,2&mode=open&psi=0.7&size=96&limit=5")


def test_a_link_has_the_names_of_the_apis_arguments():
    api = {"seed", "count", "checkpoint", "seeds", "frames", "format", "size"}
    assert set().union(*SETTINGS.values()) >= api | {
        "model", "commit", "psi", "fps", "mode", "method", "grid", "limit", "face", "scaling",
    }  # fmt: skip


def test_an_empty_query_is_the_page_as_it_opens():
    assert from_query({}) == PictureSpec() == PictureSpec("faces", seed=0, count=16, psi=1.0)


def test_settings_of_the_other_kind_are_left_alone():
    assert from_query({"frames": "99", "seed": "5"}) == PictureSpec(seed=5)
    assert from_query({"kind": "walk", "seed": "5", "count": "3"}) == PictureSpec("walk")


@pytest.mark.parametrize(
    ("text", "seed"),
    [("42", 42), (" 42 ", 42), ("41.6", 42), ("1e3", 1000), ("-1", 0), ("2147483648", SEEDS - 1), ("9" * 99, SEEDS - 1)]
    + [("inf", SEEDS - 1), ("-inf", 0)]
    + [(garbage, 0) for garbage in ("", "nan", "seven", "²", "①", "0x10", "1,2", "\ud800", "\0", "None", "__import__")],
)
def test_a_number_is_rounded_and_clamped_and_garbage_is_the_default(text, seed):
    assert from_query({"seed": text}).seed == seed


def test_text_of_any_length_is_read_at_once():
    started = time.process_time()
    long = from_query({"seed": "9" * 10**6, "count": "x" * 10**6, "seeds": "1," * 10**6, "model": " " * 10**6})
    assert long == PictureSpec(seed=SEEDS - 1, seeds=[1] * 64)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("text", "psi"), [("0.7", 0.7), ("0.70499", 0.7), ("0", 0.3), ("9", 1.2), ("nan", 1), ("x", 1)]
)
def test_truncation_has_two_digits_within_its_bounds(text, psi):
    assert from_query({"psi": text}).psi == psi


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("7, 42", (7, 42)),
        ("3 1;2,\n1", (3, 1, 2, 1)),
        ("-5, 99999999999", (0, SEEDS - 1)),
        ("1, two, 3", (1, 3)),
        (",".join(map(str, range(99))), tuple(range(12))),
        ("5", (7, 42)),
        ("5, 5, 5", (7, 42)),
        ("", (7, 42)),
    ],
)
def test_keyframes_are_read_from_text_and_a_walk_always_has_two_different_ones(text, seeds):
    assert from_query({"kind": "walk", "seeds": text}).seeds == seeds


def test_faces_can_be_picked_one_by_one():
    assert PictureSpec(seed=SEEDS - 1, count=3).shown == [SEEDS - 1, 0, 1]
    assert from_query({"seeds": "9,9,1"}).shown == [9, 9, 1]
    assert len(from_query({"seeds": ",".join(["2147483647"] * 99)}).seeds) == 64


@pytest.mark.parametrize(
    ("link", "value"),
    [
        ({"format": "mp4"}, "MP4"),
        ({"format": "exe"}, "GIF"),
        ({"mode": "Ping-Pong"}, "ping-pong"),
        ({"grid": "4"}, 4),
        ({"grid": "5"}, 1),
        ({"limit": "10"}, 10),
        ({"limit": "none"}, None),
        ({"limit": "1000"}, None),
    ],
)
def test_a_choice_is_one_of_its_options(link, value):
    assert getattr(from_query({"kind": "walk", **link}), *link) == value


def test_names_are_one_short_line():
    assert from_query({"model": " a\r\nb\0\u202e\ud800 "}).model == "ab"
    assert len(from_query({"checkpoint": "x" * 10**6}).checkpoint) == 256


def test_of_a_repeated_name_the_last_counts():
    assert from_query(parse_qs("seed=1&seed=2")).seed == 2
    assert from_query({"seed": []}).seed == 0


def test_no_garbage_in_a_link_is_an_error():
    rng = random.Random(0)
    numbers = ["0", "-1", "1e400", "-inf", "NaN", "٣", "½", "1_0", "0.5", "9" * 5000, "0" * 5000 + "7", "٣,٤", "1;2 3"]
    words = [
        "",
        " ",
        "\0",
        "\ud83d",
        "脸" * 999,
        "'; DROP",
        "<script>",
        "../../etc/passwd",
        "http://[",
        "walk",
        "{}",
        "%",
    ]
    others = [None, True, -1, 2**70, math.nan, math.inf, 1e308, [], [[]], ["7", "8"], (1, "x", None), {"a": 1}, b"7"]
    names = ["kind", *SETTINGS["faces"], *SETTINGS["walk"], "unknown", "", "__class__", "settings"]
    for _ in range(3000):
        link = {name: rng.choice(rng.choice([numbers, words, others])) for name in rng.sample(names, len(names) // 2)}
        link.setdefault("kind", rng.choice(["faces", "walk"]))
        spec = from_query(link)
        assert_within_bounds(spec)
        assert from_query(dict(parse_qsl(to_query(spec)))) == spec


# Metadata and files


def test_metadata_gives_the_spec_and_its_link_back():
    for spec in SPECS:
        assert_within_bounds(spec)
        assert from_metadata(to_metadata(spec)) == spec
        assert to_query(from_metadata(to_metadata(spec))) == to_query(spec)


def test_metadata_is_short_and_names_the_defaults_too():
    assert json.loads(to_metadata(PictureSpec(model="脸"))) == {
        "dcgan": 1,
        **{"kind": "faces", "model": "脸", "checkpoint": "", "commit": ""},
        **{"seed": 0, "count": 16, "seeds": [], "psi": 1.0},
    }
    assert max(len(to_metadata(spec)) for spec in SPECS) < 4000


def test_metadata_of_seeds_is_byte_for_byte_what_it_was_before_there_were_expressions():
    assert to_metadata(PictureSpec(model="tiny", checkpoint="tiny", commit="0a", seed=7, count=1, psi=0.8)) == (
        '{"dcgan":1,"kind":"faces","model":"tiny","checkpoint":"tiny","commit":"0a","seed":7,"count":1,"seeds":[],'
        '"psi":0.8}'
    )
    assert to_metadata(PictureSpec("walk", seeds=[7, 42], limit=2)) == (
        '{"dcgan":1,"kind":"walk","model":"","checkpoint":"","commit":"","seeds":[7,42],"frames":48,"fps":20,'
        '"mode":"loop","method":"slerp","psi":1.0,"grid":1,"format":"GIF","size":384,"limit":2}'
    )


def test_metadata_of_an_expression_has_a_version_that_older_pages_refuse():
    assert json.loads(to_metadata(PictureSpec(face="7-12+42")))["dcgan"] == 2
    assert json.loads(to_metadata(PictureSpec("walk", seeds=[7, "7:42@0.5"])))["dcgan"] == 2
    smooth = json.loads(to_metadata(PictureSpec(seed=7, scaling="smooth")))
    assert (smooth["dcgan"], smooth["scaling"]) == (1, "smooth")


@pytest.mark.parametrize("format", ["PNG", *FORMATS])
def test_the_longest_metadata_that_is_written_can_be_read(format, tmp_path):
    longest = "7" + "".join(f"+{spelled_out(latent(seed, 484))}" for seed in range(3))
    spec = PictureSpec(seeds=[f"{longest}~a={i / 100}" for i in range(64)], model="😀" * 256)
    assert len(to_metadata(spec)) > 240_000
    if format == "PNG":
        save_png(FRAMES[0], tmp_path / "file", to_metadata(spec))
    else:
        export_walk(FRAMES, tmp_path / "file", format, 96, 20, metadata=to_metadata(spec))
    assert from_file(tmp_path / "file") == spec


@pytest.mark.parametrize("format", ["PNG", *FORMATS])
def test_every_file_carries_its_spec(tmp_path, format):
    spec = PictureSpec(
        "walk", model="脸/name", commit="0123abc", seeds=range(12), frames=240, mode="open", format="WebP"
    )
    if format == "PNG":
        save_png(FRAMES[0], tmp_path / "file", to_metadata(spec))
    else:
        export_walk(FRAMES, tmp_path / "file", format, 96, 20, metadata=to_metadata(spec))
    assert from_file(tmp_path / "file") == spec


@pytest.mark.parametrize(
    "text",
    ["", "Created with GIMP", "7", "null", "[]", "{}", '{"dcgan":0}', '{"dcgan":"1"}', '{"seed":7}', '{"dcgan":1,'],
)
def test_metadata_of_others_is_no_spec(text):
    with pytest.raises(InputError, match="doesn't say what it was made from"):
        from_metadata(text)


def test_metadata_made_to_choke_on_is_no_spec_either():
    for text in (
        "[" * 19_000,
        "[" * 500_000,
        '{"dcgan":' * 2000,
        '{"dcgan":1}' + " " * 10**6,
        '{"dcgan":1,"seed":' + "9" * 5000 + "}",
    ):
        with pytest.raises(InputError, match="doesn't say what it was made from"):
            from_metadata(text)


def test_a_spec_of_a_later_version_is_called_so():
    with pytest.raises(InputError, match="later version"):
        from_metadata('{"dcgan":3,"seed":7}')


def test_what_is_wrong_within_metadata_is_as_in_a_link():
    nested = json.dumps(
        {"dcgan": 1, "seed": {"a": [1]}, "count": 10**300, "psi": math.nan, "seeds": [[1], "2", None, -3]}
    )
    assert from_metadata(nested) == PictureSpec(count=64, seeds=[2, 0])
    deep = '{"dcgan":1,"model":' + "[" * 900 + "]" * 900 + "}"
    assert from_metadata(deep) == PictureSpec()


def test_a_picture_without_a_spec_says_why_that_may_be(tmp_path):
    Image.fromarray(FRAMES[0]).save(tmp_path / "plain.png")
    with pytest.raises(InputError, match="doesn't say what it was made from.*strip that"):
        from_file(tmp_path / "plain.png")


@pytest.mark.parametrize(
    ("content", "length", "sentence"),
    [
        (b"", 0, "is no PNG"),
        (b"just text", 9, "is no PNG"),
        (b"GIF89a", 200, "This GIF is damaged or cut short"),
        (b"\x89PNG\r\n\x1a\n", 50_000_000, "larger than 20 MB"),
    ],
)
def test_a_file_that_is_not_ours_gets_one_sentence_at_once(tmp_path, content, length, sentence):
    with open(tmp_path / "a.png", "wb") as file:
        file.write(content)
        file.truncate(length)
    started = time.process_time()
    with pytest.raises(InputError, match=sentence) as refusal:
        from_file(tmp_path / "a.png")
    assert "\n" not in str(refusal.value)
    assert time.process_time() - started < 1
