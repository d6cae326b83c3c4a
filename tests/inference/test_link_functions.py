"""Link functions: there and back, the right way up, and as sure as the pupils behind a figure make it."""

import numpy as np
import pytest

from oa_sim.definitions import MEASURES
from oa_sim.inference import link_functions

SHARES = np.linspace(0.5, 90.0, 60)  # on the scale of every measure: a share, a score or a rate


@pytest.mark.parametrize("measure", MEASURES)
def test_there_and_back_is_where_one_was(measure):
    latent = link_functions.to_latent(measure, SHARES)
    np.testing.assert_allclose(link_functions.to_published(measure, latent), SHARES, rtol=1e-10)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_larger_figure_is_larger_on_the_latent_scale(measure):
    assert (np.diff(link_functions.to_latent(measure, SHARES)) > 0).all()
    assert (np.diff(link_functions.to_published(measure, np.linspace(-2.0, 2.0, 50))) >= 0).all()  # a score may end


@pytest.mark.parametrize("measure", MEASURES)
def test_a_rounded_nothing_and_a_rounded_whole_are_finite(measure):
    assert np.isfinite(link_functions.to_latent(measure, [0.0, 100.0])).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_no_latent_value_leaves_the_scale_of_its_measure(measure):
    published = link_functions.to_published(measure, np.linspace(-9, 9, 50))
    assert (published >= 0).all()
    if measure not in link_functions.RATES:  # a rate has no upper end
        assert (published <= 100).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_what_is_not_published_stays_unknown(measure):
    assert np.isnan(link_functions.to_latent(measure, np.nan))
    assert np.isnan(link_functions.to_published(measure, np.nan))


@pytest.mark.parametrize("measure", MEASURES)
def test_the_sampling_variance_falls_as_one_over_the_pupils(measure):
    few, many = (link_functions.sampling_variance(measure, SHARES, pupils) for pupils in (100, 400))
    assert (few > 0).all()
    np.testing.assert_allclose(few, 4 * many)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_figure_without_pupils_counts_as_that_of_one(measure):
    nobody, one = (link_functions.sampling_variance(measure, 40.0, pupils) for pupils in (0, 1))
    assert np.isfinite(nobody)
    assert nobody == one


@pytest.mark.parametrize("share", [10.0, 40.0, 75.0])
def test_the_sampling_variance_of_a_share_is_that_of_cohorts_drawn_at_random(share):
    pupils = 4000
    seen = np.random.default_rng(1).binomial(pupils, share / 100, size=40_000) / pupils
    drawn = link_functions.to_latent("phonics", 100 * seen).var()
    assert link_functions.sampling_variance("phonics", share, pupils) == pytest.approx(drawn, rel=0.03)


def test_a_latent_step_of_a_rate_is_a_factor_whatever_the_rate():
    for rate in (0.5, 5.0, 50.0):
        up = link_functions.to_published("suspensions", link_functions.to_latent("suspensions", rate) + 1.0)
        assert up / rate == pytest.approx(np.exp(link_functions.LOG_PER_SD))
