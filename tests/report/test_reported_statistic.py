"""A figure as it is published: no digit that is noise, and no chance said as certain."""

import numpy as np
import pytest

from oa_sim.report import reported_statistic
from oa_sim.report.reported_statistic import About, Origin

ORIGIN = Origin("s", "run", "draws", "data", "1", 2000)


def test_a_figure_has_no_digit_that_is_monte_carlo_noise():
    for error in (0.0004, 0.004, 0.04, 0.4, 4.0):
        one = reported_statistic.of_summary(About("q", "q", "u"), (12.3456, 2.0, 22.0), error, ORIGIN)
        decimals = len(one.text.partition(".")[2])
        assert 10.0**-decimals >= min(error, 1.0)
        assert float(one.text) == pytest.approx(12.3456, abs=10.0)


def test_the_same_draws_give_the_same_text_whatever_the_chains():
    draws = np.random.default_rng(1).normal(0.5, 0.2, (4, 500))
    one = reported_statistic.of_draws(About("q", "q", "u"), draws, ORIGIN)
    other = reported_statistic.of_draws(About("q", "q", "u"), draws[::-1], ORIGIN)
    assert (one.text, one.interval) == (other.text, other.interval) == ("0.50", one.interval)


def test_a_price_that_some_draws_have_not_is_said_without_an_upper_end():
    draws = np.where(np.arange(2000).reshape(4, 500) % 10 < 2, np.inf, 200_000.0 + np.arange(2000).reshape(4, 500))
    one = reported_statistic.of_draws(About("cost", "cost", "GBP"), draws, ORIGIN, as_median=True)
    assert one.interval.endswith(" to no price")
    assert "." not in one.text
