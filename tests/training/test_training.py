import gc

import pytest
import torch
from torch.nn import functional as F

from dcgan.config import RECIPES
from dcgan.data import epoch_order, load_pictures
from dcgan.errors import InputError
from dcgan.images import to_float
from dcgan.models import Discriminator, Generator
from dcgan.training import TrainState, train
from dcgan.training.losses import belief, discriminator_loss, generator_loss, gradient_penalty
from dcgan.training.schedule import Schedule
from dcgan.training.step import _descend, train_step, update_ema

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pictures():
    return load_pictures("avatars:adventurer", 24, 40)


@pytest.fixture
def reals(pictures):
    return pictures.batch(torch.arange(8))


def weights(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


# Losses


def test_bce_is_the_cross_entropy_of_reals_as_one_and_fakes_as_zero():
    real, fake = torch.randn(9), torch.randn(9)
    expected = F.binary_cross_entropy(real.sigmoid(), torch.ones(9)) + F.binary_cross_entropy(
        fake.sigmoid(), torch.zeros(9)
    )
    torch.testing.assert_close(discriminator_loss(real, fake, "bce"), expected)
    torch.testing.assert_close(generator_loss(fake, "bce"), F.binary_cross_entropy(fake.sigmoid(), torch.ones(9)))


def test_bce_stays_finite_for_logits_a_sigmoid_would_saturate():
    assert discriminator_loss(torch.tensor([-500.0]), torch.tensor([500.0]), "bce") == 1000


def test_hinge_stops_pushing_logits_beyond_one():
    assert discriminator_loss(torch.tensor([1.0, 5.0]), torch.tensor([-1.0, -7.0]), "hinge") == 0
    assert discriminator_loss(torch.tensor([0.0]), torch.tensor([0.0]), "hinge") == 2
    assert generator_loss(torch.tensor([2.0, 4.0]), "hinge") == -3


def test_the_relativistic_loss_compares_each_real_with_its_own_fake():
    real, fake = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.0, 3.0, 0.5])
    log = torch.nn.functional.logsigmoid
    expected = -(log(torch.tensor(1.0)) + log(torch.tensor(-5.0)) + log(torch.tensor(0.0))) / 3
    torch.testing.assert_close(discriminator_loss(real, fake, "relativistic"), expected)
    expected = -(log(torch.tensor(-1.0)) + log(torch.tensor(5.0)) + log(torch.tensor(0.0))) / 3
    torch.testing.assert_close(generator_loss(fake, "relativistic", real), expected)


def test_the_relativistic_loss_and_beliefs_do_not_see_what_all_logits_share():
    real, fake = torch.randn(9), torch.randn(9)
    torch.testing.assert_close(
        discriminator_loss(real + 7, fake + 7, "relativistic"), discriminator_loss(real, fake, "relativistic")
    )
    torch.testing.assert_close(
        generator_loss(fake + 7, "relativistic", real + 7), generator_loss(fake, "relativistic", real)
    )
    torch.testing.assert_close(belief(real + 7, fake + 7, "relativistic"), (real - fake).sigmoid().mean())


def test_the_relativistic_loss_stays_finite_for_logits_a_sigmoid_would_saturate():
    low, high = torch.tensor([-500.0]), torch.tensor([500.0])
    assert discriminator_loss(low, high, "relativistic") == generator_loss(low, "relativistic", high) == 1000


@pytest.mark.parametrize("kind", ["bce", "hinge"])
def test_by_other_losses_a_belief_is_of_the_pictures_alone(kind):
    logits = torch.randn(9)
    assert belief(logits, None, kind) == logits.sigmoid().mean()


def test_the_gradient_penalty_is_the_squared_gradient_at_the_images():
    class Tilted(torch.nn.Module):
        def forward(self, images):
            return 3 * images[:, 0, 0, 0] + 4 * images[:, 1, 2, 2]

    assert gradient_penalty(Tilted(), torch.randn(5, 3, 4, 4)).item() == pytest.approx(25)


def test_a_lazy_r1_comes_at_every_nth_update_and_n_times_as_large(tiny_config, reals, monkeypatch):
    penalised, losses = [], []
    monkeypatch.setattr(
        "dcgan.training.step.gradient_penalty", lambda *_: penalised.append(state.step) or torch.tensor(5.0)
    )
    monkeypatch.setattr("dcgan.training.step._descend", lambda _, loss: losses.append(loss.item()))
    config = tiny_config(r1_gamma=2.0, r1_every=3, d_every=2, g_every=100)
    state = TrainState(config, CPU)
    metrics = [train_step(state, config, reals) for _ in range(13)]
    assert penalised == [0, 6, 12]
    assert losses[-1] - metrics[12]["loss_d"].item() == pytest.approx(3 * 2.0 / 2 * 5.0)
    assert losses[-2] == metrics[10]["loss_d"].item()


def test_r1_is_at_the_reals_and_r2_at_the_fakes_each_with_its_gamma_and_both_as_seldom(tiny_config, reals, monkeypatch):
    penalised, losses = [], []

    def penalty(_, images):
        penalised.append((state.step, images))
        return images.mean()

    monkeypatch.setattr("dcgan.training.step.gradient_penalty", penalty)
    monkeypatch.setattr("dcgan.training.step._descend", lambda _, loss: losses.append(loss.item()))
    config = tiny_config(r1_gamma=2.0, r2_gamma=4.0, r1_every=3, g_every=100)
    state = TrainState(config, CPU)
    state.step = 1
    metrics = [train_step(state, config, reals) for _ in range(4)]
    (r1_step, at_reals), (r2_step, at_fakes) = penalised
    assert r1_step == r2_step == 3
    assert torch.equal(at_reals, to_float(reals))
    assert not torch.equal(at_fakes, at_reals)
    assert not at_fakes.requires_grad
    added = 3 * (2.0 / 2 * at_reals.mean().item() + 4.0 / 2 * at_fakes.mean().item())
    assert losses[2] - metrics[2]["loss_d"].item() == pytest.approx(added, rel=1e-4)
    assert losses[3] == metrics[3]["loss_d"].item()


def test_r2_without_r1_is_at_the_fakes_alone(tiny_config, reals, monkeypatch):
    penalised = []
    monkeypatch.setattr(
        "dcgan.training.step.gradient_penalty", lambda _, images: penalised.append(images) or torch.tensor(0.0)
    )
    config = tiny_config(r1_gamma=0.0, r2_gamma=1.0)
    train_step(TrainState(config, CPU), config, reals)
    (at_fakes,) = penalised
    assert not torch.equal(at_fakes, to_float(reals))


# One step


@pytest.mark.parametrize("loss", ["hinge", "relativistic"])
def test_g_learns_from_ds_logits_of_the_reals_under_the_relativistic_loss_alone(loss, tiny_config, reals):
    config = tiny_config(loss=loss, r1_gamma=0.0, d_every=2, d_norm="none")  # a step of G alone
    after = []
    for batch in (reals, 255 - reals):
        state = TrainState(config, CPU)
        state.step = 1
        train_step(state, config, batch)
        after.append(weights(state.generator))
    assert same(*after) == (loss == "hinge")


def test_gs_relativistic_loss_is_of_the_updated_d_and_adds_no_gradient_to_it(tiny_config, reals, monkeypatch):
    config = tiny_config(loss="relativistic", d_norm="none", r1_gamma=0.0)
    state, seen = TrainState(config, CPU), []

    def noted(optimizer, loss):
        _descend(optimizer, loss)
        seen.append({name: p.detach().clone() for name, p in state.discriminator.named_parameters()})

    monkeypatch.setattr("dcgan.training.step._descend", noted)
    z = torch.randn(8, 8, generator=torch.Generator().manual_seed(config.seed))
    with torch.no_grad():
        fakes = TrainState(config, CPU).generator(z)
    metrics = train_step(state, config, reals)
    assert same(seen[0], seen[1])  # G's step left it alone
    updated = state.discriminator
    with torch.no_grad():
        real_logits, fake_logits = updated(to_float(reals)), updated(fakes)
    torch.testing.assert_close(metrics["loss_g"], F.softplus(real_logits - fake_logits).mean())
    torch.testing.assert_close(metrics["d_fake"], (fake_logits - real_logits).sigmoid().mean())


def test_what_d_sees_of_the_reals_in_gs_relativistic_step_is_augmented_too(tiny_config, reals, monkeypatch):
    seen = []
    monkeypatch.setattr("dcgan.training.step.augment", lambda images, *_: seen.append(images) or images)
    config = tiny_config(loss="relativistic", augment=("color",))
    train_step(TrainState(config, CPU), config, reals)
    assert [torch.equal(images, to_float(reals)) for images in seen] == [True, False, True, False]


def test_a_step_changes_both_networks_and_reports_all_four_figures(tiny_config, reals):
    state = TrainState(tiny_config(), CPU)
    before = weights(state.generator), weights(state.discriminator)
    metrics = train_step(state, tiny_config(), reals)
    assert set(metrics) == {"loss_d", "loss_g", "d_real", "d_fake"}
    assert all(m.ndim == 0 and m.isfinite() and not m.requires_grad for m in metrics.values())
    assert not same(before[0], weights(state.generator))
    assert not same(before[1], weights(state.discriminator))
    assert state.step == 1


def test_a_step_of_d_leaves_the_weights_of_g_untouched(tiny_config, reals):
    config = tiny_config(g_every=2, d_norm="batch")
    state = TrainState(config, CPU)
    state.step = 1
    before = {name: p.clone() for name, p in state.generator.named_parameters()}
    d_before = weights(state.discriminator)
    assert set(train_step(state, config, reals)) == {"loss_d", "d_real"}
    assert same(before, dict(state.generator.named_parameters()))
    assert not same(d_before, weights(state.discriminator))


def test_a_step_of_g_leaves_the_weights_of_d_untouched(tiny_config, reals):
    config = tiny_config(d_every=2)
    state = TrainState(config, CPU)
    state.step = 1
    before = {name: p.clone() for name, p in state.discriminator.named_parameters()}
    assert set(train_step(state, config, reals)) == {"loss_g", "d_fake"}
    assert same(before, dict(state.discriminator.named_parameters()))
    assert all(p.requires_grad for p in state.discriminator.parameters())


def test_the_plain_recipe_does_what_the_reports_loop_does(tiny_config, reals):
    config = tiny_config(**RECIPES["plain"] | {"recipe": "plain", "batch_size": 8})
    state = TrainState(config, CPU)
    generator = Generator(**config.generator_config().to_dict())
    discriminator = Discriminator(**config.discriminator_config().to_dict())
    generator.load_state_dict(state.generator.state_dict())
    discriminator.load_state_dict(state.discriminator.state_dict())
    optimizer_g = torch.optim.Adam(generator.parameters(), 2e-4, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), 2e-4, betas=(0.5, 0.999))
    rng = torch.Generator().manual_seed(config.seed)
    criterion = torch.nn.BCELoss()
    images = reals.permute(0, 3, 1, 2) / 127.5 - 1
    for _ in range(3):
        fakes = generator(torch.randn(8, 8, 1, 1, generator=rng))
        optimizer_d.zero_grad()
        criterion(discriminator(images).sigmoid(), torch.ones(8)).backward()
        criterion(discriminator(fakes.detach()).sigmoid(), torch.zeros(8)).backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        criterion(discriminator(fakes).sigmoid(), torch.ones(8)).backward()
        optimizer_g.step()
        train_step(state, config, reals)
    for ours, theirs in ((state.generator, generator), (state.discriminator, discriminator)):
        for name, tensor in theirs.state_dict().items():
            torch.testing.assert_close(ours.state_dict()[name], tensor, atol=2e-4, rtol=1e-3, msg=name)


def test_the_average_moves_as_its_ramp_says_and_takes_batch_norms_statistics_along(tiny_config, reals):
    state = TrainState(tiny_config(), CPU)
    expected = weights(state.ema)
    for step in range(3):
        train_step(state, tiny_config(), reals)
        decay = (step + 1) / (step + 10)
        for name, tensor in state.generator.state_dict().items():
            expected[name] = tensor if not tensor.is_floating_point() else decay * expected[name] + (1 - decay) * tensor
    for name, tensor in state.ema.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], msg=name)
    assert state.ema.main[1].running_mean.any()
    assert state.ema.main[1].num_batches_tracked == 3


def test_the_average_of_a_long_run_moves_as_slowly_as_its_decay_says(tiny_config, reals):
    config = tiny_config(ema_decay=0.9)
    state = TrainState(config, CPU)
    state.step = 10_000
    before = state.ema.main[0].weight.clone()
    train_step(state, config, reals)
    expected = 0.9 * before + 0.1 * state.generator.main[0].weight
    torch.testing.assert_close(state.ema.main[0].weight, expected)


def test_the_average_never_moves_faster_than_its_decay_allows():
    average, network = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        average.weight.fill_(0)
        network.weight.fill_(1)
    update_ema(average, network, 0.999)
    assert average.weight.item() == pytest.approx(0.001)


def test_without_an_average_the_trained_generator_is_published_in_eval_mode(tiny_config, reals):
    config = tiny_config(ema=False)
    state = TrainState(config, CPU)
    train_step(state, config, reals)
    published = state.published_generator()
    assert not published.training
    assert state.generator.training
    assert same(weights(published), weights(state.generator))


@pytest.mark.parametrize("change", [{}, {"precision": "bfloat16"}, {"d_norm": "batch"}], ids=str)
def test_a_relativistic_step_reports_all_four_figures(change, tiny_config, reals):
    config = tiny_config(loss="relativistic", r1_gamma=1.0, r2_gamma=1.0, **change)
    metrics = train_step(TrainState(config, CPU), config, reals)
    assert set(metrics) == {"loss_d", "loss_g", "d_real", "d_fake"}
    assert all(m.ndim == 0 and m.isfinite() and not m.requires_grad for m in metrics.values())
    assert {m.dtype for m in metrics.values()} == {torch.float32}


@pytest.mark.parametrize(
    "change",
    [{"flip": True}, {"augment": ("color", "translation", "cutout")}, {"r1_gamma": 10.0}, {"loss": "bce"},
     {"d_norm": "batch"}, {"lr_generator": 1e-3}, {"lr_discriminator": 1e-3}, {"beta1": 0.5}, {"seed": 1},
     {"precision": "bfloat16"}, {"loss": "relativistic"}, {"r2_gamma": 10.0}, {"d_norm": "none"}, {"beta2": 0.9}],
)  # fmt: skip
def test_every_lever_changes_what_is_learned(change, tiny_config, reals):
    after = []
    for config in (tiny_config(), tiny_config(**change)):
        state = TrainState(config, CPU)
        for _ in range(2):
            train_step(state, config, reals)
        after.append(weights(state.generator))
    assert not same(*after)


def test_in_bfloat16_weights_and_losses_stay_float32(tiny_config, reals):
    config = tiny_config(precision="bfloat16", r1_gamma=1.0, augment=("color", "translation", "cutout"))
    state = TrainState(config, CPU)
    metrics = train_step(state, config, reals)
    assert {loss.dtype for loss in metrics.values()} == {torch.float32}
    assert {tensor.dtype for tensor in state.tensors().values() if tensor.is_floating_point()} == {torch.float32}
    exact = train_step(TrainState(tiny_config(), CPU), tiny_config(), reals)
    assert metrics["loss_d"].item() == pytest.approx(exact["loss_d"].item(), rel=0.05)


def test_building_a_state_leaves_the_global_random_numbers_alone(tiny_config):
    before = torch.random.get_rng_state()
    TrainState(tiny_config(), CPU)
    assert torch.equal(before, torch.random.get_rng_state())


# The run


def test_a_schedule_counts_full_batches_and_keeps_the_end(tiny_config):
    schedule = Schedule.of(tiny_config(epochs=4, snapshot_epochs=(1, 3, 9)), 43)
    assert schedule == Schedule(steps_per_epoch=5, total_steps=20, decay_steps=0, snapshots={5: 1, 15: 3, 20: 4})


def test_max_steps_ends_a_schedule_early(tiny_config):
    schedule = Schedule.of(tiny_config(epochs=4, max_steps=7, snapshot_epochs=(1, 2)), 40)
    assert schedule == Schedule(steps_per_epoch=5, total_steps=7, decay_steps=0, snapshots={5: 1})


def test_learning_rates_fall_to_nothing_in_the_last_share_of_a_run(tiny_config, pictures, monkeypatch):
    monkeypatch.setattr("dcgan.training.loop.train_step", lambda state, *_: setattr(state, "step", state.step + 1))
    config = tiny_config(epochs=2, lr_decay=0.4, lr_generator=1.0, lr_discriminator=2.0)
    state = TrainState(config, CPU)
    rates = [
        [optimizer.param_groups[0]["lr"] for optimizer in state.optimizers.values()]
        for _ in train(state, config, pictures)
    ]
    expected = [1.0] * 7 + [0.75, 0.5, 0.25]
    assert len(rates) == 10
    assert rates == [pytest.approx([share, 2 * share]) for share in expected]


def test_a_run_that_is_resumed_into_its_decay_equals_an_uninterrupted_one(tiny_config, pictures):
    config = tiny_config(epochs=2, lr_decay=0.5)
    straight = TrainState(config, CPU)
    for _ in train(straight, config, pictures):
        if straight.step == 7:
            resumed = TrainState(config, CPU)
            resumed.load({name: tensor.clone() for name, tensor in straight.tensors().items()}, 7)
    for _ in train(resumed, config, pictures):
        pass
    assert same(straight.tensors(), resumed.tensors())


def test_fewer_pictures_than_a_batch_are_refused_with_what_would_work(tiny_config):
    with pytest.raises(InputError, match="--batch-size 8 is more than the 7 usable pictures.*--batch-size 7"):
        Schedule.of(tiny_config(), 7)


@pytest.mark.parametrize("batch_size", [2, 8])
def test_no_batch_size_is_advised_where_none_would_work(batch_size, tiny_config):
    with pytest.raises(InputError, match="has 1 usable picture, and a batch takes at least 2.* add more"):
        Schedule.of(tiny_config(batch_size=batch_size), 1)
    assert Schedule.of(tiny_config(batch_size=2), 2).steps_per_epoch == 1


def test_each_epoch_sees_the_pictures_in_its_own_order(tiny_config, pictures, monkeypatch):
    seen = []
    monkeypatch.setattr(type(pictures), "batch", lambda self, indices: seen.append(indices.tolist()))
    monkeypatch.setattr("dcgan.training.loop.train_step", lambda state, *_: setattr(state, "step", state.step + 1))
    config = tiny_config(epochs=2)
    list(train(TrainState(config, CPU), config, pictures))
    orders = [epoch_order(40, config.seed, epoch).tolist() for epoch in (0, 1)]
    assert [index for batch in seen for index in batch] == orders[0] + orders[1]


@pytest.mark.parametrize(
    "change",
    [{}, {"ema": False, "d_norm": "batch", "loss": "bce"},
     {"augment": ("color", "translation", "cutout"), "flip": True, "r1_gamma": 1.0, "d_every": 2},
     {"loss": "relativistic", "d_norm": "none", "r2_gamma": 1.0, "beta2": 0.99, "augment": ("color",)}],
    ids=["best", "plain", "all levers", "relativistic"],
)  # fmt: skip
def test_n_steps_and_n_more_in_a_new_state_equal_two_n_steps_bit_for_bit(change, tiny_config, pictures):
    config = tiny_config(max_steps=14, **change)
    straight = TrainState(config, CPU)
    straight_metrics = [{k: v.item() for k, v in m.items()} for m in train(straight, config, pictures)]

    first = TrainState(config, CPU)
    steps = train(first, config, pictures)
    metrics = [{k: v.item() for k, v in next(steps).items()} for _ in range(7)]
    saved = {name: tensor.clone() for name, tensor in first.tensors().items()}
    second = TrainState(config, CPU)
    second.load(saved, first.step)
    metrics += [{k: v.item() for k, v in m.items()} for m in train(second, config, pictures)]

    assert metrics == straight_metrics
    assert second.step == straight.step == 14
    end, straight_end = second.tensors(), straight.tensors()
    assert end.keys() == straight_end.keys()
    assert same(end, straight_end)


@pytest.mark.slow
def test_memory_stays_flat_however_many_steps_are_taken(tiny_config, pictures):
    config = tiny_config(max_steps=60)
    state = TrainState(config, CPU)
    counts = []
    for _ in train(state, config, pictures):
        if state.step in (20, 60):
            gc.collect()
            counts.append(sum(issubclass(type(o), torch.Tensor) for o in gc.get_objects()))
    assert counts[0] == counts[1]
