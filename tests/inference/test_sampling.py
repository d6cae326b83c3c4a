"""Gates of a fit: the shipped posterior passes them, as said and as reckoned anew."""

import json

import pytest

from oa_sim.inference import baseline_fit, sampling


@pytest.fixture(scope="module")
def shipped():
    return baseline_fit.load()


def test_the_shipped_posterior_passes_its_gates(shipped):
    gates = json.loads(shipped.attrs["gates"])
    assert gates["verdict"] == "PASS", gates["reason"]
    assert gates["n_draws"] == shipped.sizes["chain"] * shipped.sizes["draw"]
    assert gates["r_hat_max"] <= sampling.LARGEST_R_HAT
    assert min(gates["ess_bulk_min"], gates["ess_tail_min"]) >= sampling.SMALLEST_ESS
    assert gates["divergences"] == 0


def test_the_shipped_posterior_passes_its_gates_again_when_they_are_reckoned_from_its_draws(shipped):
    gates = sampling.gates(shipped, diverging=0)
    assert gates["verdict"] == "PASS", gates["reason"]
