import dataclasses
import json

import numpy as np
import pytest

from oa_sim import areas, baseline, inference
from oa_sim.assumptions import Sampler

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # the samplers' own libraries warn
SEED = 2017


@pytest.fixture(scope="module")
def shipped(known):
    return baseline.record(areas.history(known, until=2023))


def true_values(n_series):
    rng = np.random.default_rng(SEED)

    def about(centre):
        return centre * np.exp(0.3 * rng.standard_normal(n_series))

    return {
        "mu": rng.normal(0, 0.15, n_series),
        "level_sd": about(0.12),
        "deviation_sd": about(0.07),
        "noise_sd": about(0.03),
        "persistence": rng.beta(16, 4, n_series),
        "national_drift": rng.normal(0, 0.015, n_series),
        "national_sd": about(0.03),
    }


def simulated(known, truth):
    """Return the record with its figures made up from known hyperparameters, its gaps as they are."""
    rng = np.random.default_rng(SEED + 1)
    first, last = int(known.years[0]), int(known.years[-1])
    relative = np.zeros_like(known.relative)
    for s in range(len(known.series)):
        mu, level, deviation, noise, phi = (
            truth[name][s] for name in ("mu", "level_sd", "deviation_sd", "noise_sd", "persistence")
        )
        wander = deviation * rng.standard_normal(len(known.areas))
        base = mu + level * rng.standard_normal(len(known.areas))
        for year in range(first, last + 1):
            for t in np.flatnonzero(known.years == year):
                spread = np.sqrt(known.sampling[s, :, t] + noise**2)
                relative[s, :, t] = base + wander + spread * rng.standard_normal(len(known.areas))
            wander = phi * wander + deviation * np.sqrt(1 - phi**2) * rng.standard_normal(len(known.areas))
    drift = truth["national_drift"][:, None] + truth["national_sd"][:, None] * rng.standard_normal(known.change.shape)
    change = np.where(np.isfinite(known.change), drift, np.nan)
    return dataclasses.replace(known, relative=relative * known.observed, change=change)


def test_known_hyperparameters_are_found_again(shipped):
    truth = true_values(len(shipped.series))
    sampler = Sampler(backend="nutpie", chains=2, tune=300, draws=200, thin=1, target_accept=0.8)
    found = inference.sample(baseline.model(simulated(shipped, truth)), sampler, SEED)
    within = []
    for name, value in truth.items():
        low, high = (found[name].quantile(q, ["chain", "draw"]).values for q in (0.025, 0.975))
        within.append((low <= value) & (value <= high))
        assert within[-1].mean() >= 0.6, name
    assert np.mean(within) >= 0.8


def test_the_same_seed_samples_the_same_draws(shipped):
    sampler = Sampler(backend="nutpie", chains=2, tune=20, draws=20, thin=1, target_accept=0.8)
    one, other = (inference.sample(baseline.model(shipped), sampler, SEED) for _ in range(2))
    assert one.identical(other)


def test_a_run_that_is_too_short_fails_its_gates_and_says_why(shipped):
    sampler = Sampler(backend="nutpie", chains=2, tune=20, draws=20, thin=1, target_accept=0.8)
    gates = json.loads(inference.sample(baseline.model(shipped), sampler, SEED).attrs["gates"])
    assert gates["verdict"] == "FAIL"
    assert "run more" in gates["reason"]
    assert "ESS" in gates["reason"]
    assert gates["n_draws"] == 40


def test_the_other_sampler_runs_too(shipped):
    sampler = Sampler(backend="pymc", chains=2, tune=20, draws=20, thin=1, target_accept=0.8)
    found = inference.sample(baseline.model(shipped), sampler, 7)
    assert dict(found.sizes)["draw"] == 20
    assert all(np.isfinite(values).all() for values in found.values())
