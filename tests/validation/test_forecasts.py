"""Forecasts: draws and distributions have the same intervals and quantiles."""

import numpy as np
import pytest
from scipy.special import ndtri

from oa_sim.errors import Refusal
from oa_sim.inference import link_functions
from oa_sim.validation.forecasts import Forecast, covered, crps, interval, published, quantile


def test_an_interval_of_either_form_holds_what_it_says():
    levels = np.array([50, 80, 95])
    actual = np.random.default_rng(4).standard_normal(20_000)
    forecasts = (
        Forecast(mean=np.zeros(20_000), sd=np.ones(20_000)),
        Forecast(np.repeat(ndtri((np.arange(199) + 0.5) / 199)[:, None], 20_000, 1)),
    )
    for forecast in forecasts:
        share = covered(*interval(forecast, levels), actual).mean(1)
        assert (np.abs(share - levels / 100) < 4 * np.sqrt(levels / 100 * (1 - levels / 100) / 20_000)).all()


def test_both_forms_of_a_forecast_have_the_same_quantiles():
    normal = Forecast(mean=np.array([0.1, -0.4]), sd=np.array([0.2, 0.5]))
    steps = ndtri((np.arange(199) + 0.5) / 199)
    draws = Forecast(normal.mean + normal.sd * steps[:, None])
    shares = np.array([0.025, 0.25, 0.5, 0.9])
    np.testing.assert_allclose(quantile(draws, shares), quantile(normal, shares), atol=0.005)
    assert quantile(normal, 0.5).shape == quantile(draws, 0.5).shape == (2,)


@pytest.mark.parametrize("measure", ["key_stage_2", "attainment_8"])
def test_a_published_forecast_keeps_its_quantiles_on_the_published_scale(measure):
    latent = Forecast(mean=np.array([0.3]), sd=np.array([0.2]))
    found = published(latent, measure)
    for share in (0.1, 0.5, 0.9):
        expected = link_functions.to_published(measure, quantile(latent, share))
        np.testing.assert_allclose(quantile(found, share), expected, rtol=1e-3)
    actual = float(link_functions.to_published(measure, 0.3))
    assert 0 < crps(found, np.array([actual]))[0] < 5


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"mean": np.zeros(2)},
        {"mean": np.zeros(2), "sd": np.ones(3)},
        {"draws": np.zeros(3)},
        {"draws": np.zeros((4, 2)), "mean": np.zeros(2)},
    ],
    ids=["nothing", "no sd", "lengths", "one dimension", "both"],
)
def test_a_forecast_of_no_form_is_refused(given):
    with pytest.raises(Refusal):
        Forecast(**given)
