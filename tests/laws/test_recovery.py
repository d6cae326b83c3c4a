import dataclasses
import json

import numpy as np
import pytest
import simulated
from scipy.stats import binom

from oa_sim.inference import baseline_model, observations, sampling
from oa_sim.inputs import areas
from oa_sim.scenario.assumptions import Sampler

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore"),  # the samplers' own libraries warn
    pytest.mark.usefixtures("compiled_once"),
]
SEED = 2017
TIMES = 7  # the twelve areas so many times: 84 areas with the years that are really missing, and real cohort sizes


@pytest.fixture(scope="module")
def pattern(known):
    """Give the record's gaps and sizes; its figures are not used."""
    real = observations.record(areas.history(known, until=2023))
    cubes = {name: np.tile(getattr(real, name), (1, TIMES, 1)) for name in ("relative", "observed", "sampling")}
    names, london = [f"{area} {i}" for i in range(TIMES) for area in real.areas], np.tile(real.london, TIMES)
    return dataclasses.replace(real, areas=names, london=london, **cubes)


@pytest.fixture(scope="module")
def truth(pattern):
    rng = np.random.default_rng(SEED)
    n = len(pattern.series)

    def about(centre, size=n):
        return centre * np.exp(0.3 * rng.standard_normal(size))

    return {
        "mu": rng.normal(0, 0.15, n),
        "level_sd": about(0.12),
        "deviation_sd": about(0.07),
        "noise_sd": about(0.02),
        "national_sd": about(0.04),
        "persistence": rng.beta(16, 4, n),
        "london": rng.normal(0, 0.15, n),
        "london_trend": rng.normal(0, 0.01, n),
        "drift_sd": about(0.015),
        "area_break_sd": about(0.04),
        "luck": about(0.8),
        "level_partials": 0.8 * baseline_model.partials_sd(n) * rng.standard_normal(n * (n - 1) // 2),
        "deviation_alike": rng.uniform(0.2, 0.8, len(simulated.LINKED_ORDER)),
        "cohort_link": rng.uniform(0.2, 0.8, len(simulated.LINKED_ORDER)),
        "national_trend": 0.5,
        "national_damping": 0.8,
        "groups_alike": 0.75,
        "break_sd": 0.1,
        "behaviour_break_sd": 0.25,
        "freedom": 15.0,
    }


@pytest.fixture(scope="module")
def small():
    return simulated.play(simulated.small(), simulated.typical(), np.random.default_rng(1))


def run(iterations, backend="pymc"):
    return Sampler(backend=backend, chains=2, tune=iterations, draws=iterations, thin=1, target_accept=0.8)


def with_mode(known, asked):
    """Return draws from the posterior, and the mode about which their chains started: as long to find as to sample."""
    modes, find = [], sampling.mode
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "mode", lambda model: modes.append(find(model)) or modes[0])
        draws = sampling.sample(baseline_model.model(known), asked, SEED)
    (mode,) = modes
    return draws, mode


@pytest.fixture(scope="module")
def fitted(pattern, truth):
    return with_mode(simulated.play(pattern, truth, np.random.default_rng(SEED + 1)), run(200))


def test_known_hyperparameters_are_found_again(fitted, truth):
    found, _ = fitted
    within = {}
    for name, value in truth.items():
        low, high = (found[name].quantile(share, ["chain", "draw"]).values for share in (0.025, 0.975))
        within[name] = np.atleast_1d((low <= value) & (value <= high))
    every = np.concatenate(list(within.values()))
    least, most = binom.ppf([0.001, 0.999], len(every), 0.95)
    assert least <= every.sum() <= most, {name: inside.mean() for name, inside in within.items()}
    for name, inside in within.items():
        assert len(inside) == 1 or inside.mean() >= 0.6, name


def test_more_than_the_priors_is_learned(pattern, fitted, truth):
    _, (found, covariance, named) = fitted
    spread = named(np.sqrt(np.diag(covariance)))
    for name, prior in (("level_sd_log", 0.5), ("deviation_sd_log", 0.5), ("mu", baseline_model.MU_SD)):
        assert np.median(spread[name]) < prior / 3, name
    assert np.median(spread["level_partials"] / baseline_model.partials_sd(len(pattern.series))) < 0.6
    # of the matrix and not of the partials, which depend on the order in which levels are told
    below = np.tril_indices(len(pattern.series), -1)
    alike, true = (
        baseline_model.correlation(of["level_partials"], pattern.series)[below] for of in (named(found), truth)
    )
    assert np.corrcoef(alike, true)[0, 1] > 0.9


@pytest.fixture(scope="module")
def by_pymc(small):
    return with_mode(small, run(300))


@pytest.fixture(scope="module")
def sampled(small, by_pymc):
    return {"pymc": by_pymc[0], "nutpie": sampling.sample(baseline_model.model(small), run(300, "nutpie"), SEED)}


@pytest.mark.parametrize("backend", ["pymc", "nutpie"])
def test_the_same_seed_samples_the_same_draws(small, sampled, backend):
    again = sampling.sample(baseline_model.model(small), run(300, backend), SEED)
    assert again.identical(sampled[backend])


def test_the_two_samplers_find_the_same_posterior(sampled):
    one, other = sampled["pymc"], sampled["nutpie"]
    for name in simulated.FREE:
        mean, other_mean = (draws[name].mean(["chain", "draw"]) for draws in (one, other))
        spread = one[name].std(["chain", "draw"])
        assert float(np.abs((mean - other_mean) / spread).max()) < 0.35, name


def test_a_run_that_is_too_short_fails_its_gates_and_says_why(small, by_pymc, monkeypatch):
    longer, mode = by_pymc
    monkeypatch.setattr(sampling, "mode", lambda model: mode)  # the same record has the same mode whatever the seed
    found = sampling.sample(baseline_model.model(small), run(20), SEED + 1)
    gates = json.loads(found.attrs["gates"])
    assert gates["verdict"] == "FAIL"
    assert "ESS" in gates["reason"]
    assert "run more" in gates["reason"]
    assert gates["n_draws"] == 40
    assert not np.isin(found["mu"].values, longer["mu"].values).any()  # another seed, other draws
