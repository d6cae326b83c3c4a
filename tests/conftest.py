"""One tiny real model, chosen by config names, and made-up draws in place of a fit."""

import json

import numpy as np
import pytest
import xarray as xr

from oa_sim import baseline, load_scenario, tables, variables
from oa_sim.model import run

TINY = ("areas=three_areas", "horizon=5")
CHAINS, DRAWS = 2, 20


def pytest_addoption(parser):
    parser.addoption("--renew", action="store_true", help="write the expected summaries anew")


@pytest.fixture(scope="session")
def known():
    return tables.read_all()


@pytest.fixture(scope="session")
def tiny_posterior():
    rng = np.random.default_rng(2017)
    series = baseline.labels(variables.series())

    def about(centre, spread):
        return centre * np.exp(spread * rng.standard_normal((CHAINS, DRAWS, len(series))))

    values = {
        "mu": -0.1 + 0.05 * rng.standard_normal((CHAINS, DRAWS, len(series))),
        "level_sd": about(0.08, 0.15),
        "deviation_sd": about(0.07, 0.15),
        "noise_sd": about(0.015, 0.15),
        "persistence": rng.beta(85, 15, (CHAINS, DRAWS, len(series))),
        "national_drift": 0.01 * rng.standard_normal((CHAINS, DRAWS, len(series))),
        "national_sd": about(0.03, 0.15),
    }
    gates = {
        "verdict": "PASS", "reason": "made up", "r_hat_max": 1.0, "ess_bulk_min": 4000.0, "ess_tail_min": 4000.0,
        "divergences": 0, "worst": "'mu'", "n_draws": CHAINS * DRAWS,
        "limits": {"r_hat_max": 1.01, "ess_min": 400, "divergences": 0},
    }  # fmt: skip
    return xr.Dataset(
        {name: (("chain", "draw", "series"), value) for name, value in values.items()},
        {"series": series, "chain": np.arange(CHAINS), "draw": np.arange(DRAWS)},
        {"gates": json.dumps(gates)},
    )


@pytest.fixture(scope="session")
def run_tiny(tiny_posterior):
    """Run the tiny scenario with overrides; each question is answered once a session."""
    kept = {}

    def answer(*overrides):
        if overrides not in kept:
            kept[overrides] = run(load_scenario(*TINY, *overrides), posterior=tiny_posterior)
        return kept[overrides]

    return answer


@pytest.fixture(scope="session")
def tiny(run_tiny):
    return run_tiny()


@pytest.fixture(scope="session")
def every_area(tiny_posterior):
    return run(load_scenario("horizon=5"), posterior=tiny_posterior)
