import sys

import numpy as np
import pytest

from oa_sim import Refusal
from oa_sim.scenario.sweep_settings import Design, Engine, Sweeping
from oa_sim.sweep.expand import n_scenarios, points

KEYS = ("budget.total_gbp", "horizon", "delivery.dose.a")
TURNED = ("horizon", "delivery.dose.a", "budget.total_gbp")
SAMPLED = [Design("sobol", 64), Design("latin_hypercube", 64), Design("saltelli", 64)]


@pytest.mark.parametrize("design", SAMPLED[:2], ids=lambda design: design.kind)
def test_points_fill_each_key_evenly(design):
    found = points(design, KEYS)
    assert found.shape == (64, 3)
    slices = np.sort((found * 64).astype(int), axis=0)
    assert (slices == np.arange(64)[:, None]).all()  # one in each even slice


@pytest.mark.parametrize("design", SAMPLED, ids=lambda design: design.kind)
def test_the_order_in_which_keys_are_typed_does_not_move_the_points(design):
    columns = [TURNED.index(key) for key in KEYS]
    found, turned = points(design, KEYS), points(design, TURNED)[:, columns]
    if design.kind == "saltelli":  # whose rows go through the keys in turn
        rows = [0, *(1 + column for column in columns), 4]
        turned = turned.reshape(64, 5, 3)[:, rows].reshape(-1, 3)
    assert (found == turned).all()


@pytest.mark.parametrize("design", SAMPLED, ids=lambda design: design.kind)
def test_the_same_seed_has_the_same_points_and_another_has_others(design):
    again = points(Design(design.kind, design.n, design.seed), KEYS)
    other = points(Design(design.kind, design.n, design.seed + 1), KEYS)
    assert (points(design, KEYS) == again).all()
    assert not np.isclose(again, other).all(axis=1).any()


def test_another_key_does_not_move_a_latin_hypercube():
    design = Design("latin_hypercube", 50)
    assert (points(design, KEYS)[:, :2] == points(design, KEYS[:2])).all()


def test_keys_of_a_latin_hypercube_are_not_alike():
    found = points(Design("latin_hypercube", 1000), KEYS)
    assert np.abs(np.corrcoef(found.T) - np.eye(3)).max() < 0.15


def test_rows_of_saltelli_change_one_key_at_a_time():
    found = points(Design("saltelli", 8), KEYS).reshape(8, 5, 3)
    first, second = found[:, 0], found[:, -1]
    assert not (first == second).any()
    for i in range(3):
        expected = first.copy()
        expected[:, i] = second[:, i]
        assert (found[:, 1 + i] == expected).all()


def test_rows_of_saltelli_are_read_by_the_analysis_they_are_for():
    from SALib.analyze import sobol

    found = points(Design("saltelli", 2048), TURNED)
    outcome = found @ np.array([1.0, 3.0, 0.0])  # shares of variance by hand: 1, 9 and 0 tenths
    problem = {"num_vars": 3, "names": list(TURNED), "bounds": [[0, 1]] * 3}
    indices = sobol.analyze(problem, outcome, calc_second_order=False, seed=1)
    assert indices["S1"] == pytest.approx([0.1, 0.9, 0], abs=0.02)
    assert indices["ST"] == pytest.approx([0.1, 0.9, 0], abs=0.02)


def test_saltelli_without_its_library_is_refused_with_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "SALib.sample", None)
    with pytest.raises(Refusal, match=r"install oa-sim\[sensitivity\]"):
        points(Design("saltelli", 8), KEYS)


def test_saltelli_takes_a_scenario_for_each_key_and_two_more():
    assert n_scenarios(Design("saltelli", 256), 6) == 256 * 8
    with pytest.raises(Refusal, match="at most 1,000,000 scenarios, got 4,194,304"):
        n_scenarios(Design("saltelli", 2**19), 6)


REFUSED = [
    (lambda: Design("sobl", 8), "did you mean 'sobol'"),
    (lambda: Design("sobol"), "design.n must be 1 to"),
    (lambda: Design("latin_hypercube", 0), "design.n must be 1 to"),
    (lambda: Design("latin_hypercube", -5), "design.n must be 1 to"),
    (lambda: Design("latin_hypercube", 10**9), "design.n must be 1 to 1,000,000 points"),
    (lambda: Design("sobol", 1000), "a power of two, got 1000: write design.n=1024"),
    (lambda: Design("saltelli", 600), "a power of two, got 600: write design.n=512"),
    (lambda: Design("sobol", 8, -1), "design.seed must be 0 to"),
    (lambda: Design("grid", 8), "design.n belongs to a sampled design, got 8"),
    (lambda: Design("list"), "design.file belongs to design=list"),
    (lambda: Design("sobol", 8, 1, "rows.csv"), "design.file belongs to design=list"),
    (lambda: Engine("ray"), "choose from local, processes, dask"),
    (lambda: Engine("local", -1), "engine.workers must be 0 to"),
    (lambda: Engine("processes", 2, "tcp://10.0.0.1:8786"), "engine.address belongs to engine=dask"),
    (lambda: Sweeping(block=0), "block must be 1 to"),
]


@pytest.mark.parametrize(("make", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_settings_that_make_no_sense_are_refused_in_one_sentence(make, says):
    with pytest.raises(Refusal) as caught:
        make()
    assert says in str(caught.value)
