import numpy as np
import pytest
import ranks
from scipy.stats import binom

SEED, SIMULATIONS = 2017, 200
LEVELS = ranks.DRAWS + 1


def made_up(shape, power=1.0):
    """Return ranks that are uniform, or lean to one end where the power is not 1."""
    return np.floor(np.random.default_rng(1).uniform(size=shape) ** power * LEVELS).astype(int)


def verdict(p):
    """Return whether p-values of calibrated ranks may be these.

    Two rules, each broken by chance once in a hundred times at most: the smallest of K is not below 0.01 / K, and no
    more lie below 0.01 than 99 of 100 sets of K independent ones would have.
    """
    return p.min() >= 0.01 / len(p) and (p < 0.01).sum() <= binom.ppf(0.99, len(p), 0.01)


def test_uniform_ranks_have_uniform_p_values():
    p = ranks.p_values(made_up((SIMULATIONS, 1000)))
    for share in (0.05, 0.5):
        assert (p < share).mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 1000))
    assert verdict(p[:60])


@pytest.mark.parametrize("power", [0.6, 1.7])
def test_ranks_that_lean_are_found_out(power):
    assert not verdict(np.append(ranks.p_values(made_up((SIMULATIONS, 59))), ranks.p_values(made_up((200, 1), power))))


def test_intervals_that_are_too_narrow_are_found_out():
    error, draws = np.random.default_rng(2).normal(size=(2, SIMULATIONS, LEVELS))
    too_sure = (0.7 * draws[:, 1:] < error[:, :1]).sum(axis=1)
    assert not verdict(np.append(ranks.p_values(made_up((SIMULATIONS, 59))), ranks.p_values(too_sure[:, None])))


@pytest.mark.slow
@pytest.mark.long
def test_the_machine_that_is_used_again_is_the_model_of_the_record():
    import simulated

    from oa_sim.rng import stream

    machine = ranks.Machine()
    point, truth = machine.truths(1, SEED)[0]
    known = simulated.play(machine.empty, truth, stream(SEED, "another"))
    before = machine.loss(point)[0]
    machine.put(known)
    found = machine.loss(point)[0]
    afresh = ranks.Machine(known)
    assert found == pytest.approx(afresh.loss(point)[0], rel=1e-12)
    assert found != pytest.approx(before, rel=1e-3)


@pytest.mark.slow
@pytest.mark.long
def test_every_hyperparameter_is_calibrated():
    names, found, diverging = ranks.ranks_of_many(SIMULATIONS, SEED)
    assert found.shape == (SIMULATIONS, len(names))
    p = ranks.p_values(found)
    for i in np.argsort(p):
        print(f"{p[i]:.4f}  {names[i]}")
    assert verdict(p), [(names[i], p[i]) for i in np.flatnonzero(p < 0.01)]
    assert diverging <= 0.001 * SIMULATIONS * ranks.DRAWS * ranks.THIN
