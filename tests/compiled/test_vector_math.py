import numpy as np
import pytest
from scipy.special import ndtr

from oa_sim.compiled import vector_math
from oa_sim.compiled.jit import compiled


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
    assert np.abs(over(getattr(vector_math, name))(values) - exact(values.astype(float))).max() < error


def test_the_exponential_is_right_to_seven_digits():
    values = np.linspace(-80, 80, 400_001).astype(np.float32)
    exact = np.exp(values.astype(float))
    assert np.abs(over(vector_math.exp)(values) / exact - 1).max() < 2e-7


def test_far_out_nothing_leaves_its_range():
    far = np.array([-1e30, -100, 100, 1e30], dtype=np.float32)
    share = over(vector_math.normal_below)(far)
    assert np.abs(share - [0, 0, 1, 1]).max() < 2e-7
    assert np.isfinite(over(vector_math.exp)(far)).all()
