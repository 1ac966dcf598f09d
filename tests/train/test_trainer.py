import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hsi.model import PRESETS, StyleNetwork, build_network
from hsi.model.checkpoint import load_checkpoint
from hsi.runtime.errors import OutputError, SourceError
from hsi.train.options import LossWeights, TrainOptions
from hsi.train.trainer import Trainer
from hsi.train.variation import STYLE_VARIATIONS
from tests.train.results import log_of, same

Options = Callable[..., TrainOptions]
Network = Callable[[], StyleNetwork]


def test_photographs_of_a_batch_can_share_a_style(make_options: Options, tiny: Network) -> None:
    trainer = Trainer(make_options(batch=4, share=2, weights=LossWeights(identity=1)), tiny())

    seen, contents, styles = trainer._batch(0)

    assert (len(seen), len(contents), len(styles)) == (4, 4, 2)
    assert trainer.run().provenance["training"]["share"] == 2


def test_the_loss_falls(make_options: Options, tiny: Network) -> None:
    options = make_options(steps=24, rate=0.02, save_every=100, sheet_every=100)

    Trainer(options, tiny()).run()

    totals = [float(row["total"]) for row in log_of(options)][1:]
    assert sum(totals[-6:]) < 0.8 * sum(totals[:6])


def test_every_loss_counts_when_its_weight_does(
    make_options: Options, tiny: Network, teacher: Path
) -> None:
    weights = LossWeights(identity=1, structure=1, palette=1, consistency=1, teacher=1)
    options = make_options(steps=2, weights=weights, teacher=teacher)

    Trainer(options, tiny()).run()

    row = log_of(options)[-1]
    terms = [*LossWeights.__dataclass_fields__]
    assert all(float(row[name]) > 0 for name in [*terms, "discriminator"])
    assert float(row["total"]) == pytest.approx(sum(float(row[name]) for name in terms), rel=1e-4)


def test_the_structure_loss_looks_where_it_is_told(make_options: Options, tiny: Network) -> None:
    values = []
    for levels in ((1,), (2,), (1, 2)):
        weights = LossWeights(adversarial=0, grey_content=0, structure=1)
        trainer = Trainer(make_options(weights=weights, structure_levels=levels), tiny())
        values.append(trainer._train_step(*trainer._batch(0))["structure"])

    assert values[2] == pytest.approx((values[0] + values[1]) / 2, rel=1e-4)
    assert values[0] != pytest.approx(values[1], rel=1e-3)


def test_a_network_comes_near_its_teacher_s_pictures(
    make_options: Options, tiny: Network, teacher: Path
) -> None:
    weights = LossWeights(style=0, content=0, grey_content=0, adversarial=0, teacher=1)
    options = make_options(steps=24, rate=0.02, teacher=teacher, weights=weights, save_every=100)

    done = Trainer(options, tiny()).run()

    found = [float(row["teacher"]) for row in log_of(options)]
    assert sum(found[-6:]) < 0.8 * sum(found[:6])
    assert done.provenance["training"]["teacher"] == "teacher.pt"


def test_a_teacher_sees_photographs_as_its_pupil_does_but_clean(
    make_options: Options, tiny: Network, teacher: Path
) -> None:
    weights = LossWeights(style=0, content=0, grey_content=0, adversarial=0, teacher=1)
    losses = []
    for degrade in (0.0, 1.0):
        options = make_options(teacher=teacher, weights=weights, context=8, degrade=degrade)
        trainer = Trainer(options, load_checkpoint(teacher).network)
        losses.append(trainer._train_step(*trainer._batch(0))["teacher"])

    assert losses[0] == pytest.approx(0, abs=1e-9)
    assert losses[1] > 1e-4


def test_losses_of_no_weight_are_not_computed(make_options: Options, tiny: Network) -> None:
    options = make_options(steps=1)

    Trainer(options, tiny()).run()

    row = log_of(options)[-1]
    unused = [*(set(LossWeights.__dataclass_fields__) - {"style", "content"}), "discriminator"]
    assert {row[name] for name in unused} == {"0"}


def test_a_run_may_leave_off_before_its_rate_has_fallen(
    make_options: Options, tiny: Network, tmp_path: Path
) -> None:
    whole = make_options(steps=6)
    part = make_options(steps=3, schedule=6, out=tmp_path / "part.pt")

    Trainer(whole, tiny()).run()
    Trainer(part, tiny()).run()

    rates = [row["rate"] for row in log_of(whole)]
    assert [row["rate"] for row in log_of(part)] == rates[:3]
    assert rates[5] != rates[2]


def test_the_context_of_a_crop_is_seen_but_not_judged(make_options: Options, tiny: Network) -> None:
    trainer = Trainer(make_options(steps=1, context=8), tiny())
    seen, judged = [], []
    trainer.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    trainer.loss_network.register_forward_pre_hook(lambda _, inputs: judged.append(inputs[0].shape))

    trainer.run()

    assert seen == [(2, 3, 80, 80)]
    assert judged == [(2, 3, 64, 64)] * 3


def test_a_painting_may_be_shown_larger_than_a_photograph(
    make_options: Options, tiny: Network
) -> None:
    options = make_options(steps=1, style_crop=128, weights=LossWeights(palette=1))
    trainer = Trainer(options, tiny())

    trainer.run()

    seen, _, styles = trainer._batch(0)
    assert seen.shape == (2, 3, 96, 96)
    assert styles.shape == (2, 3, 128, 128)


def test_photographs_are_seen_degraded_and_judged_clean(
    make_options: Options, tiny: Network
) -> None:
    plain = Trainer(make_options(context=8), tiny())._batch(0)
    seen, contents, styles = Trainer(make_options(context=8, degrade=1), tiny())._batch(0)

    assert torch.equal(contents, plain[1])
    assert torch.equal(styles, plain[2])
    assert contents.shape == (2, 3, 80, 80)
    difference = (seen - contents).abs()
    assert 0 < difference.mean() < 0.1


def test_flattened_photographs_are_judged_flat(make_options: Options, tiny: Network) -> None:
    plain = Trainer(make_options(context=8), tiny())._batch(0)
    seen, contents, styles = Trainer(make_options(context=8, flatten=1), tiny())._batch(0)

    assert torch.equal(seen, contents)
    assert torch.equal(styles, plain[2])
    spread = contents.flatten(1).std(1) / plain[1].flatten(1).std(1)
    assert ((0.05 < spread) & (spread < 0.7)).all()


@pytest.mark.parametrize("option", ["drawn", "recolour", "contrast", "gradient_map"])
def test_a_share_of_the_paintings_is_varied(
    make_options: Options, tiny: Network, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setitem(STYLE_VARIATIONS, option, lambda picture, rng: picture * 0)
    options = make_options(batch=100, **{option: 0.3})

    styles = Trainer(options, tiny())._batch(0)[2]

    assert 15 < (styles.amax((1, 2, 3)) == 0).sum() < 45


def test_a_run_leaves_its_checkpoint_log_state_and_sheets(
    make_options: Options, tiny: Network
) -> None:
    options = make_options(steps=4, save_every=2, sheet_every=3)
    steps = []

    made = Trainer(options, tiny()).run(lambda step, losses: steps.append(step))

    assert steps == [1, 2, 3, 4]
    left = {path.name for path in options.run_folder.iterdir()}
    assert sorted(left - {".lock"}) == [  # some versions of filelock remove theirs
        "latest.pt",
        "log.csv",
        "sheet_000003.jpg",
        "sheet_000004.jpg",
        "state.pt",
    ]
    loaded = load_checkpoint(options.out)
    assert loaded.provenance["step"] == 4
    assert loaded.provenance["training"]["seed"] == 0
    assert same(loaded.network.state_dict(), made.network.state_dict())


def test_the_frozen_encoder_stays_as_it_was_and_the_rest_moves(
    make_options: Options, tiny: Network
) -> None:
    before = tiny().state_dict()

    after = Trainer(make_options(), tiny()).run().network.state_dict()

    frozen = {name for name in before if name.startswith("style_encoder.")}
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    moved = [name for name in set(before) - frozen if not torch.equal(before[name], after[name])]
    assert "stem.weight" in moved
    assert "head.weight" in moved


def test_the_style_side_can_be_trained_alone(make_options: Options, tiny: Network) -> None:
    frames, codes = torch.rand(1, 3, 64, 64), torch.rand(1, tiny().code_size)
    styles = torch.rand(1, 3, 64, 64)

    after = Trainer(make_options(style_side_only=True), tiny()).run().network

    assert torch.equal(after(frames, codes)[0], tiny().eval()(frames, codes)[0])
    assert not torch.allclose(after.encode_style(styles), tiny().eval().encode_style(styles))


def test_consistency_is_what_noise_changes(make_options: Options, tiny: Network) -> None:
    alone = LossWeights(style=0, content=0, grey_content=0, adversarial=0, consistency=1)
    trainer = Trainer(make_options(weights=alone), tiny())

    values = [trainer._train_step(*trainer._batch(0))["consistency"] for _ in range(40)]

    assert 0 < sum(values[-5:]) < 0.95 * sum(values[:5])


def test_held_out_pictures_are_excluded(
    make_options: Options, tiny: Network, tmp_path: Path
) -> None:
    listing = tmp_path / "eval.json"
    listing.write_text(json.dumps({"content": ["photos/1.png"], "style": ["paintings/2.png"]}))

    trainer = Trainer(make_options(exclude=listing), tiny())

    assert trainer.contents.names == ["0.png", "2.png"]
    assert trainer.styles.names == ["0.png", "1.png"]


def test_a_place_that_cannot_be_written_is_said(
    make_options: Options, tiny: Network, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(OutputError, match=r"model.run: expected a folder .* give another --out"):
        Trainer(make_options(out=tmp_path / "file" / "model.pt"), tiny()).run()


def test_a_rate_that_breaks_the_run_stops_it(make_options: Options, tiny: Network) -> None:
    network = tiny()
    with torch.no_grad():
        network.get_parameter("stem.weight").fill_(float("nan"))

    with pytest.raises(SourceError, match="step 0: expected a finite loss, found nan"):
        Trainer(make_options(), network).run()


@pytest.mark.parametrize("wide", [True, False])
def test_on_a_cpu_bfloat16_is_for_wide_networks(
    make_options: Options, tiny: Network, wide: bool
) -> None:
    """Thin layers lose more by the conversions than they win."""
    network = build_network(PRESETS["hsi-vgg"]) if wide else tiny()
    last = network.get_submodule("decoder" if wide else "head")
    made: list[torch.Tensor] = []
    last.register_forward_hook(lambda module, given, output: made.append(output))
    trainer = Trainer(make_options(precision="bf16"), network)

    trainer._train_step(*trainer._batch(0))

    assert made[0].dtype == (torch.bfloat16 if wide else torch.float32)
