"""Faces as texts: the grammar, and the latents that they stand for, computed a second time by numpy."""

import base64
import random
import time

import numpy as np
import pytest
import torch

from dcgan.errors import InputError
from dcgan.expressions import (
    Expression,
    Mix,
    Move,
    Term,
    added_up,
    canonical,
    mixed,
    moved,
    parse,
    spelled_out,
    to_latent,
)
from dcgan.latents import SEEDS, latent
from dcgan.limits import MAX_EXPRESSION_CHARACTERS, MAX_LATENTS, MAX_STEPS

DIM = 100
NAMES = ("hair_hue", "a", "smile2", "x" * 24)
DIRECTIONS = {name: 0.2 * latent(900 + i, DIM) for i, name in enumerate(NAMES)}


def z_of(face: int | str, dim: int = DIM, directions=DIRECTIONS) -> np.ndarray:
    return to_latent(parse(face), directions, dim).numpy()


def seed64(seed: int, dim: int = DIM) -> np.ndarray:
    return torch.randn(dim, generator=torch.Generator("cpu").manual_seed(seed)).numpy().astype(np.float64)


def length(z: np.ndarray) -> float:
    return float(np.sqrt((z.astype(np.float64) ** 2).sum()))


def arc(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    angle = np.arccos(a @ b / np.sqrt((a @ a) * (b @ b)))
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)


def written(z: np.ndarray) -> str:
    return "z." + base64.b64encode(z.astype("<f2").tobytes()).decode().replace("+", ".").replace("/", "_").rstrip("=")


# A second implementation: no regular expressions, no torch but for the latents of seeds


def second(steps: list, dim: int = DIM) -> np.ndarray:
    """The latent of a list such as [7, (":", 42, 0.35), ("-", 12), ("~", "a", 1.2)]; a latent is an array."""

    def point(face) -> np.ndarray:
        return face.astype("<f2").astype(np.float64) if isinstance(face, np.ndarray) else seed64(face, dim)

    z = point(steps[0])
    for i, (kind, *values) in enumerate(steps[1:], 1):
        if kind == ":":
            z = arc(z, point(values[0]), values[1]) if values[1] else z
        elif kind == "~":
            goal = z + values[1] * DIRECTIONS[values[0]].numpy().astype(np.float64)
            z = goal * length(z) / length(goal)
        else:
            z = z + point(values[0]) * {"+": 1, "-": -1}[kind]
            if i + 1 == len(steps) or steps[i + 1][0] not in "+-":
                z = z * np.sqrt(dim) / length(z)
    return z


def text_of(steps: list) -> str:
    def face(value) -> str:
        return written(value) if isinstance(value, np.ndarray) else str(value)

    def step(kind, *values) -> str:
        tail = {":": lambda: f"{face(values[0])}@{values[1]}", "~": lambda: f"{values[0]}={values[1]}"}
        return kind + tail.get(kind, lambda: face(values[0]))()

    return face(steps[0]) + "".join(step(*each) for each in steps[1:])


def random_steps(rng: random.Random) -> list:
    faces = [0, SEEDS - 1, *rng.sample(range(1, SEEDS - 1), 10)]  # each once: none is taken away from itself
    faces += [np.random.default_rng(seed).standard_normal(DIM) for seed in rng.sample(range(SEEDS), MAX_LATENTS)]
    rng.shuffle(faces)
    face = faces.pop

    count = rng.randrange(MAX_STEPS + 1)
    moves = rng.randrange(count + 1) if rng.random() < 0.5 else 0
    steps = [face()]
    for i in range(count):
        if i >= count - moves:
            steps.append(("~", rng.choice(NAMES), round(rng.uniform(-5, 5), rng.randrange(5))))
        elif rng.random() < 0.5:
            steps.append((":", face(), round(rng.random(), rng.randrange(5))))
        else:
            steps.append((rng.choice("+-"), face()))
    return steps


RANDOM = [random_steps(random.Random(i)) for i in range(300)]


# From text to latent


@pytest.mark.parametrize("seed", [0, 7, SEEDS - 1])
def test_a_lone_seed_is_exactly_the_latent_of_the_seed(seed):
    assert torch.equal(to_latent(parse(str(seed)), {}, DIM), latent(seed, DIM))


def test_every_expression_is_what_a_second_implementation_makes_of_it():
    for steps in RANDOM:
        assert np.allclose(z_of(text_of(steps)), second(steps), rtol=1e-6, atol=1e-6), text_of(steps)


def test_all_but_a_seed_is_rounded_once_from_float64():
    z = z_of("7:42@0.35-9~a=1")
    assert z.dtype == np.float32
    assert np.allclose(z, second([7, (":", 42, 0.35), ("-", 9), ("~", "a", 1)]), rtol=1.2e-7, atol=0)


def test_a_mix_is_exact_at_both_ends_and_keeps_the_angle_between():
    assert np.array_equal(z_of("7:42@0"), z_of(7))
    assert np.array_equal(z_of("7:42@1"), z_of(42))
    a, b, middle = seed64(7), seed64(42), z_of("7:42@0.25").astype(np.float64)

    def angle(x, y) -> float:
        return float(np.arccos(x @ y / length(x) / length(y)))

    assert angle(a, middle) < angle(a, b) / 2 < angle(middle, b)


def test_arithmetic_on_known_latents_has_the_length_of_the_sphere():
    one, two, three = (np.eye(4)[i] * (i + 1) for i in range(3))
    face = f"{written(one)}-{written(two)}+{written(three)}"
    assert np.allclose(z_of(face, 4), np.array([1, -2, 3, 0]) * 2 / np.sqrt(14), atol=1e-6)
    assert length(z_of("7-12+42")) == pytest.approx(np.sqrt(DIM), rel=1e-6)


def test_a_row_of_terms_gets_its_length_once_at_its_end():
    a, b, c, d = (seed64(seed) for seed in (1, 2, 3, 4))
    summed = (a + b) - c
    middle = arc(summed * 10 / length(summed), d, 0.5) + b
    assert np.allclose(z_of("1+2-3:4@0.5+2"), middle * 10 / length(middle), atol=1e-6)


def test_a_step_goes_towards_its_direction_by_its_amount_and_keeps_the_length():
    along = DIRECTIONS["hair_hue"].numpy().astype(np.float64)
    along /= length(along)
    start = seed64(7)
    for amount in (-5, -1.2, 0.5, 5):
        there = z_of(f"7~hair_hue={amount}")
        assert length(there) == pytest.approx(length(start), rel=1e-6)
        assert np.sign(there @ along - start @ along) == np.sign(amount)
        before = there / length(there) * length(start + amount * DIRECTIONS["hair_hue"].numpy())
        assert np.allclose(before - start, amount * DIRECTIONS["hair_hue"].numpy(), atol=1e-5)
    assert np.array_equal(z_of("7~hair_hue=0"), z_of(7))


def test_a_latent_that_is_spelled_out_is_itself_in_half_precision():
    z = latent(5, DIM)
    expression = spelled_out(z)
    assert str(expression) == written(z.numpy())
    assert torch.equal(to_latent(expression, {}, DIM), z.half().float())


# Grammar


def test_a_text_is_read_and_written_the_same_way_every_time():
    for steps in RANDOM:
        expression = parse(text_of(steps))
        again = str(expression)
        assert parse(again) == expression
        assert str(parse(again)) == again == str(canonical(again))
        assert len(again) <= MAX_EXPRESSION_CHARACTERS
        assert set(again) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:@+-~=._")


@pytest.mark.parametrize(
    ("text", "face"),
    [
        ("7", 7), ("007", 7), (42, 42), ("7:042@0.3500", "7:42@0.35"), ("7~a=-0", "7~a=0"), ("7~a=1.0", "7~a=1"),
        ("7:42@0", "7:42@0"), ("7:42@1.0000", "7:42@1"), ("07-012+042", "7-12+42"), ("7~a=-5", "7~a=-5"),
    ],
)  # fmt: skip
def test_there_is_one_way_to_write_a_face(text, face):
    assert canonical(text) == face


def test_an_expression_says_whether_it_needs_directions():
    assert parse("7-1+2~a=1").moves
    assert not parse("7-1+2").moves


LATENT = written(seed64(1))
BAD = {
    "": "nothing stands where a seed",
    " ": "' '",
    "seven": "'seven' stands where a seed from 0 to 2147483647",
    "-7": "nothing stands where a seed",
    "+7": "nothing stands where a seed",
    "2147483648": "take one from 0 to 2147483647",
    "9" * 3999: "take one from 0 to 2147483647",
    "7.5": "'7.5' stands where a seed",
    "٣": "stands where a seed",
    "7 ": "stands where a seed",
    "7-12 +42": "stands where a seed",
    "7:": "is no step",
    "7:42": "':42' is no step",
    "7:42@": "nothing stands where a number",
    "7:42@2": "is 2; it must be from 0 to 1",
    "7:42@-0.1": "nothing stands where a number",
    "7:42@0.12345": "'0.12345' stands where a number of at most 4 decimals",
    "7:42@1e-1": "'1e' stands where a number",
    "7:42@nan": "'nan' stands where a number",
    "7:42@.5": "stands where a number",
    "7:@0.5": "nothing stands where a seed",
    "7+": "nothing stands where a seed",
    "7--12": "nothing stands where a seed",
    "7~a": "'~a' is no step",
    "7~a=": "nothing stands where a number",
    "7~a=6": "is 6; it must be from -5 to 5",
    "7~a=-5.1": "is -5.1; it must be from -5 to 5",
    "7~a=inf": "'inf' stands where a number",
    "7~a=1e9": "'1e9' stands where a number",
    "7~A=1": "'A' is no direction's name",
    "7~=1": "is no direction's name",
    "7~2x=1": "is no direction's name",
    f"7~{'x' * 25}=1": "is no direction's name",
    "7~a=1+42": "steps along directions come last",
    "7~a=1:42@0.5": "steps along directions come last",
    "7" + "+1" * 9: "9 steps are more than 8",
    f"{LATENT}+{LATENT}-{LATENT}:{LATENT}@0.5+{LATENT}": "5 latents are more than 4",
    "x" * 10_000: "10,000 characters are more than 4,000",
    "z.": "is no latent",
    "z.A": "is no latent",
    "z.AA": "is no latent",
    "z.AAA=": "is no latent",
    "z.A_b/": "is no latent",
    "z.äöü": "is no latent",
    written(np.array([1.0, np.nan])): "has numbers that are none",
    written(np.array([1.0, np.inf])): "has numbers that are none",
    written(np.zeros(513)): "513 numbers is too long",
    "<script>": "stands where a seed",
    "7\n": "stands where a seed",
    "\ud800": "stands where a seed",
    "../../etc/passwd": "stands where a seed",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: repr(text[:30]))
def test_what_is_no_face_gets_one_sentence_that_says_why_and_what_would_work(text):
    with pytest.raises(InputError, match="is no face: ") as refusal:
        parse(text)
    assert BAD[text] in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400
    str(refusal.value).encode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("7-7", "7-7 can't be drawn: what is taken away leaves nothing of the face"),
        ("7-12+12-7", "leaves nothing"),
        (f"{written(np.zeros(DIM))}+{written(np.zeros(DIM))}", "leaves nothing"),
        ("7~nose=1", "this checkpoint has no direction nose; it has a, hair_hue, smile2, x"),
        (written(np.ones(8)), "its latent has 8 numbers, but those of this checkpoint have 100"),
        (f"7+{written(np.ones(8))}", "has 8 numbers"),
    ],
)
def test_what_can_be_read_but_not_drawn_gets_a_sentence_too(text, words):
    with pytest.raises(InputError) as refusal:
        z_of(text)
    assert words in str(refusal.value)


def test_a_checkpoint_without_directions_says_so():
    with pytest.raises(InputError, match="has no direction a; it has none"):
        z_of("7~a=1", directions={})


def test_garbage_costs_a_sentence_and_no_time():
    rng = random.Random(0)
    started = time.process_time()
    for _ in range(3000):
        text = "".join(rng.choices("7420z.AB_:@+-~=ab \n脸", k=rng.randrange(60)))
        try:
            expression = parse(text)
        except InputError:
            continue
        assert parse(str(expression)) == expression
    for text in ("7" + "~" * 3000, "7" + ":1@" * 1300, "z." + "A" * 3990, "+" * 4000, "~=" * 2000):
        with pytest.raises(InputError):
            parse(text)
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "make",
    [
        lambda: Mix(7, float("nan")), lambda: Mix(7, 1.1), lambda: Move("a", float("inf")), lambda: Move("Ä", 1),
        lambda: Expression(1, (Move("a", 1), Term(2, True))), lambda: Expression(1, (Term(2, True),) * 9),
        lambda: spelled_out(torch.full((4,), 1e6)), lambda: spelled_out(torch.zeros(513)),
        lambda: spelled_out(torch.tensor([float("nan")])),
    ],
)  # fmt: skip
def test_what_could_not_be_written_cannot_be_built(make):
    with pytest.raises(InputError):
        make()


# One expression out of others


@pytest.mark.parametrize(
    ("a", "b", "t", "text"),
    [
        ("7", "42", 0.5, "7:42@0.5"),
        ("7-1+2", "42", 0.25, "7-1+2:42@0.25"),
        ("7", "1:2@0.5", 0.25, "1:2@0.5:7@0.75"),
        ("7", "42", 1 / 3, "7:42@0.3333"),
        ("7~a=1", "42", 0.5, None),
        ("7", "42~a=1", 0.5, None),
        ("7:1@0.5", "42:1@0.5", 0.5, None),
        ("7" + "+1" * 8, "42", 0.5, None),
    ],
)
def test_a_mix_is_written_as_a_step_where_that_says_it(a, b, t, text):
    made = mixed(parse(a), parse(b), t)
    assert (made and str(made)) == text
    if made and t != 1 / 3:
        assert np.allclose(z_of(text), arc(z_of(a).astype(float), z_of(b).astype(float), t), atol=1e-5)


@pytest.mark.parametrize(
    ("a", "minus", "plus", "text"),
    [
        ("7", "12", "42", "7-12+42"),
        ("7:1@0.5", "12", "42", "7:1@0.5-12+42"),
        ("7+1", "12", "42", None),
        ("7", "1:2@0.5", "42", None),
        ("7", "12", "1:2@0.5", None),
        ("7~a=1", "12", "42", None),
    ],
)
def test_a_sum_is_written_as_steps_where_they_say_it(a, minus, plus, text):
    made = added_up(parse(a), parse(minus), parse(plus))
    assert (made and str(made)) == text


def test_a_move_is_one_more_step():
    assert str(moved(parse("7~a=1"), "hair_hue", -0.5)) == "7~a=1~hair_hue=-0.5"
    assert moved(parse("7" + "~a=1" * 8), "a", 1) is None
    for direction, amount in (("A", 1), ("a", 6), ("a", float("nan"))):
        with pytest.raises(InputError):
            moved(parse(7), direction, amount)
