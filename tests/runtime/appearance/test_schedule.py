import numpy as np
import pytest

from hsi.runtime.appearance import NoiseSchedule
from hsi.runtime.errors import OptionError

SD = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "skip_prk_steps": True,
}


def test_a_hundred_steps_of_stable_diffusion_are_the_published_ones() -> None:
    steps = NoiseSchedule.from_config(SD).steps(100)

    assert [s.timestep for s in (steps[0], steps[32], steps[-1])] == [991, 671, 1]
    assert steps[32].alpha == pytest.approx(0.1015, abs=1e-4)
    assert steps[-1].alpha_next == NoiseSchedule.from_config(SD).alphas[0]


def test_a_step_is_its_formula_in_float64() -> None:
    rng = np.random.default_rng(0)
    x, eps = rng.standard_normal((2, 1, 4, 8, 8))
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    bar = np.cumprod(1 - betas)
    a, b = bar[671], bar[661]
    variance = (1 - b) / (1 - a) * (1 - a / b)
    clean = (x - np.sqrt(1 - a) * eps) / np.sqrt(a)
    mean = np.sqrt(b) * clean + np.sqrt(1 - b - variance) * eps

    step = NoiseSchedule().steps(100)[32]

    assert abs(step.mean(x.astype(np.float32), eps.astype(np.float32)) - mean).max() < 1e-5
    assert step.sigma == pytest.approx(np.sqrt(variance), rel=1e-6)
    assert step.mean(x.astype(np.float32), eps.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_noise_is_found_whatever_the_network_predicts(prediction: str) -> None:
    rng = np.random.default_rng(1)
    clean, noise = rng.standard_normal((2, 1, 4, 8, 8), np.float32)
    step = NoiseSchedule().steps(10)[3]
    noisy = step.noisy(clean, noise)
    signal, rest = np.float32(step.alpha**0.5), np.float32((1 - step.alpha) ** 0.5)
    output = {
        "epsilon": noise,
        "v_prediction": signal * noise - rest * clean,
        "sample": clean,
    }[prediction]

    found = step.noise_from(output, noisy, prediction)

    assert abs(found - noise).max() < 1e-5
    assert abs(step.clean(noisy, found) - clean).max() < 1e-5


def test_trailing_steps_begin_at_the_last_timestep() -> None:
    assert [s.timestep for s in NoiseSchedule().steps(4, spacing="trailing")] == [
        999,
        749,
        499,
        249,
    ]


def test_a_config_comes_back_as_it_was() -> None:
    schedule = NoiseSchedule(prediction="v_prediction", spacing="trailing", clean_at_end=True)

    assert NoiseSchedule.from_config(schedule.to_config()) == schedule


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"beta_schedule": "sigmoid"}, "expected beta_schedule to be one of linear"),
        ({"prediction_type": "flow"}, "expected prediction to be one of epsilon"),
        ({"rescale_betas_zero_snr": True}, "rescaled to zero SNR"),
        ({"beta_end": "much"}, "expected numbers"),
        ({"beta_end": 2.0}, "below 1"),
    ],
)
def test_an_unknown_schedule_is_refused(change: dict[str, object], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        NoiseSchedule.from_config({**SD, **change})


def test_more_steps_than_were_trained_are_refused() -> None:
    with pytest.raises(OptionError, match="steps must be from 1 to 999, got 1000"):
        NoiseSchedule().steps(1000)
