"""Each scalar law in single precision is the plain law, slopes are derivatives, and no law is compiled from a copy."""

import numpy as np
import pytest
from scipy.special import ndtr

from oa_sim.compiled import scalar_laws
from oa_sim.compiled.jit import compiled
from oa_sim.definitions import MEASURES
from oa_sim.inference import link_functions
from oa_sim.inference.link_functions import POINTS, RATE, SHARE
from oa_sim.programme import laws

N = 20_000
UNIT, WIDE, YEARS = (0.0, 1.0), (-4.0, 4.0), (-3.0, 20.0)
GIVEN = {  # law: the range of each of its arguments; a number stands for itself
    "reach": ((0.0, 3000.0), (20.0, 2000.0), 1.0, (0.05, 1.0)),
    "reach_slope": ((0.0, 3000.0), (20.0, 2000.0), 1.0, (0.05, 1.0)),
    "ramp_integral": (YEARS, (0.1, 3.0)),
    "delivered_share": (YEARS, YEARS, (0.1, 3.0)),
    "funded_activity": (UNIT, (1.0, 1.5), UNIT, (0.2, 1.0)),
    "unpaid_step": (UNIT, (-1.0, 1.0), UNIT, UNIT),
    "presence": (UNIT, (0.2, 1.0), UNIT),
    "with_take_up": (UNIT, UNIT, (0.2, 1.0)),
    "log_unserved": (UNIT, UNIT),
    "overlap_left": (UNIT, (-7.0, 0.0)),
    "overlap_slope": (UNIT, (-7.0, 0.0)),
    "points": (WIDE,),
    **{f"{name} of a {word}": (kind, WIDE) for name in ("fraction", "slope", "published") for kind, word in
       ((SHARE, "share"), (POINTS, "score"), (RATE, "rate"))},
}  # fmt: skip


def arguments(given):
    """Return an array for each argument, drawn from its range."""
    rng = np.random.default_rng(3)
    return [one if isinstance(one, int | float) else rng.uniform(*one, N) for one in given]


def in_single_precision(law, values):
    """Return what a compiled law gives for arrays, element by element."""
    single = [np.full(N, value) if np.ndim(value) == 0 else value for value in values]
    single = [value if value.dtype.kind == "i" else value.astype(np.float32) for value in single]

    @compiled
    def each(one, two, three, four, out):
        for i in range(out.size):
            if n == 1:
                out[i] = law(one[i])
            elif n == 2:
                out[i] = law(one[i], two[i])
            elif n == 3:
                out[i] = law(one[i], two[i], three[i])
            else:
                out[i] = law(one[i], two[i], three[i], four[i])

    n, out = len(single), np.empty(N, np.float32)
    each(*single, *single[:1] * (4 - n), out)
    return out


@pytest.mark.parametrize("name", GIVEN)
def test_a_law_compiled_is_the_plain_law(name):
    own = name.partition(" ")[0]
    values = arguments(GIVEN[name])
    plain = getattr(laws if hasattr(laws, own) else link_functions, own)(*values)
    single = in_single_precision(getattr(scalar_laws, own), values)
    close = 4e-5 if own == "published" else 3e-6  # of 100, of which Phi errs by 3e-7
    np.testing.assert_allclose(single, plain, rtol=2e-5, atol=close)


def test_fidelity_compiled_takes_the_logarithm_of_its_base():
    kept, excess = arguments(((0.5, 1.0), (-2.0, 5.0)))
    single = in_single_precision(scalar_laws.fidelity, [np.log(kept), excess])
    np.testing.assert_allclose(single, laws.fidelity(kept, excess), rtol=2e-6)


SLOPES = {"reach": ("reach_slope", 0), "overlap_left": ("overlap_slope", 1)}


@pytest.mark.parametrize("name", SLOPES)
def test_a_slope_is_the_derivative_of_its_law(name):
    slope, place = SLOPES[name]
    values, step = arguments(GIVEN[name]), 1e-6
    below, above = ([value + sign * step * (i == place) for i, value in enumerate(values)] for sign in (-1, 1))
    expected = (getattr(laws, name)(*above) - getattr(laws, name)(*below)) / (2 * step)
    np.testing.assert_allclose(getattr(laws, slope)(*values), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("kind", [SHARE, POINTS, RATE])
def test_the_slope_of_a_link_is_its_derivative_but_at_the_ends_of_a_scale(kind):
    latent, step = np.linspace(-4, 4, 1000), 1e-6
    expected = (link_functions.fraction(kind, latent + step) - link_functions.fraction(kind, latent - step)) / (
        2 * step
    )
    np.testing.assert_allclose(link_functions.slope(kind, latent), expected, atol=1e-6)


def test_each_measure_has_a_link():
    assert {link_functions.kind_of(name) for name in MEASURES} == {SHARE, POINTS, RATE}
    kinds = {(measure.unit, link_functions.kind_of(name)) for name, measure in MEASURES.items()}
    assert kinds == {("%", SHARE), ("points", POINTS), ("per 100 pupils", RATE)}


def test_retention_begins_with_the_first_year_and_ends_at_the_floor():
    first_year, later, floor = arguments((UNIT, (0.0, 0.99), UNIT))
    np.testing.assert_allclose(laws.retention(first_year, later, floor, 1), first_year)
    np.testing.assert_allclose(laws.retention(first_year, later, floor, 5000), floor * first_year, atol=1e-12)
    np.testing.assert_allclose(
        laws.retention(0.6, 0.5, 0.25, np.arange(1, 4)), [0.6, 0.15 + 0.45 * 0.5, 0.15 + 0.45 * 0.25]
    )


def test_a_compiled_law_is_the_same_python_function():
    for name in {name.partition(" ")[0] for name in GIVEN} | {"fidelity"}:
        own = getattr(laws, name, None) or getattr(link_functions, name)
        assert getattr(scalar_laws, name).py_func.__code__ is own.__code__


# the arithmetic beneath


def over(law):
    """Return a law of one number as a law of many."""

    @compiled
    def each(values, out):
        for i in range(values.size):
            out[i] = law(values[i])

    def answer(values):
        out = np.empty_like(values)
        each(values, out)
        return out.astype(float)

    return answer


@pytest.mark.parametrize(
    ("name", "exact", "low", "high", "error"),
    [("log", np.log, 1e-3, 1.0, 3e-7), ("normal_below", ndtr, -9, 9, 3e-7)],
)
def test_an_approximation_is_as_near_as_its_docstring_says(name, exact, low, high, error):
    values = np.linspace(low, high, 400_001).astype(np.float32)
    assert np.abs(over(getattr(scalar_laws, name))(values) - exact(values.astype(float))).max() < error


def test_the_exponential_is_right_to_seven_digits():
    values = np.linspace(-80, 80, 400_001).astype(np.float32)
    exact = np.exp(values.astype(float))
    assert np.abs(over(scalar_laws.exp)(values) / exact - 1).max() < 2e-7


def test_far_out_nothing_leaves_its_range():
    far = np.array([-1e30, -100, 100, 1e30], dtype=np.float32)
    share = over(scalar_laws.normal_below)(far)
    assert np.abs(share - [0, 0, 1, 1]).max() < 2e-7
    assert np.isfinite(over(scalar_laws.exp)(far)).all()
