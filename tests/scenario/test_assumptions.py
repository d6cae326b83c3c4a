import numpy as np
import pytest
import simulated

from oa_sim.inference import baseline_model, link_functions
from oa_sim.inference.sampling import load_pymc

pytestmark = pytest.mark.filterwarnings("ignore")  # PyMC warns of potentials when it draws from priors, which is meant
GLD = "good_level_of_development"

# what the priors say, in words: the central 95% of draws, each end within a fifth


def odds(share):
    return share / (1 - share)


def points(drawn, sd):
    """Return how far a share of 65% moves by a change of so many SD, points."""
    return 100 * sd * np.exp(-0.5 * link_functions.to_latent(GLD, 65.0) ** 2) / np.sqrt(2 * np.pi)


def fifteen_years(drawn):
    """Return the SD (SD) of how far England moves in fifteen years, about: shocks, and a trend that is damped."""
    damping, trend = drawn["national_damping"][:, None], drawn["national_trend"][:, None]
    return drawn["national_sd"] * np.sqrt(15 * (1 + trend**2 * (1 + damping) / (1 - damping)))


SENTENCES = {
    "the areas together lie 0.02 to 0.67 SD from England": (lambda d: np.abs(d["mu"]), 0.0094, 0.67),
    "areas differ for good with an SD of 0.034 to 0.42": (lambda d: d["level_sd"], 0.034, 0.42),
    "they wander with an SD of 0.019 to 0.19": (lambda d: d["deviation_sd"], 0.019, 0.19),
    "noise beyond sampling has an SD of 0.006 to 0.04": (lambda d: d["noise_sd"], 0.0056, 0.040),
    "a deviation is half gone after 1.3 to 10 years": (lambda d: np.log(0.5) / np.log(d["persistence"]), 1.31, 10.1),
    "a level moves by an SD of 0.003 to 0.08 in a year": (lambda d: d["drift_sd"], 0.0028, 0.081),
    "luck has 0.44 to 1.4 of the variance of independent pupils": (lambda d: d["luck"], 0.444, 1.44),
    "London's difference grows by up to 0.04 SD a year": (lambda d: np.abs(d["london_trend"]), 0.0006, 0.045),
    "areas' variances have 5 to 144 degrees of freedom": (lambda d: d["freedom"], 4.8, 144.0),
    "what stays of a break of behaviour has an SD of 0.08 to 0.8": (lambda d: d["behaviour_break_sd"], 0.077, 0.81),
    "in all, 95% of areas lie within 0.12 to 0.84 SD of the areas' mean": (
        lambda d: 1.96 * np.sqrt(d["level_sd"] ** 2 + d["deviation_sd"] ** 2 + d["noise_sd"] ** 2), 0.122, 0.836
    ),
    "a year moves England by an SD of 0.3 to 4 points": (lambda d: points(d, d["national_sd"]), 0.31, 3.85),
    "England's trend is 0.15 to 1.1 of the shock of a year": (lambda d: d["national_trend"], 0.15, 1.06),
    "half of England's trend is gone after 1.2 to 10 years": (
        lambda d: np.log(0.5) / np.log(d["national_damping"]), 1.19, 9.8
    ),
    "in fifteen years England moves by an SD of 2 to 31 points": (lambda d: points(d, fifteen_years(d)), 1.8, 31.0),
    "what stays of a break, and what fades, have an SD of 1.2 to 13 points": (
        lambda d: points(d, d["break_sd"]), 1.16, 13.2
    ),
    "the odds that the groups move together in England are 0.8 to 12": (lambda d: odds(d["groups_alike"]), 0.76, 11.8),
    "the odds that luck goes with the children are 0.14 to 7": (lambda d: odds(d["cohort_link"]), 0.14, 7.1),
    "the odds of groups wandering alike are 0.4 to 18": (lambda d: odds((1 + d["deviation_alike"]) / 2), 0.38, 19.3),
    "two levels have a correlation of -0.75 to 0.77: odds of 0.14 to 7.6": (
        lambda d: odds((1 + d["correlations"]) / 2), 0.143, 7.6
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    described = baseline_model.model(simulated.play(simulated.small(), simulated.typical(), np.random.default_rng(1)))
    values = load_pymc().draw(
        [described[name] for name in simulated.FREE], draws=3000, random_seed=2017, mode="FAST_COMPILE"
    )
    found = dict(zip(simulated.FREE, values, strict=True))
    every = baseline_model.correlation(found["level_partials"], simulated.SERIES)
    return found | {"correlations": every[:, *np.tril_indices(5, -1)]}


def says(values, low, high):
    """Return whether the ends of the central 95% of draws are these, each within a fifth."""
    ends = np.quantile(values, [0.025, 0.975])
    return bool(np.all(np.abs(np.log(ends / [low, high])) < np.log(1.2)))


@pytest.mark.parametrize("words", SENTENCES)
def test_before_any_figure_is_seen(drawn, words):
    values, low, high = SENTENCES[words][0](drawn), *SENTENCES[words][1:]
    assert says(values, low, high), np.quantile(values, [0.025, 0.975])
    for factor in (1 / 3, 3):
        assert not says(factor * values, low, high)


def test_before_any_figure_is_seen_nearly_every_area_is_a_place_one_could_meet(drawn):
    rng = np.random.default_rng(1)
    spread = np.sqrt(drawn["level_sd"] ** 2 + drawn["deviation_sd"] ** 2 + drawn["noise_sd"] ** 2)
    place = drawn["mu"] + spread * rng.standard_normal(spread.shape)
    published = link_functions.to_published(GLD, link_functions.to_latent(GLD, 65.0) + place)
    low, high = np.quantile(published, [0.025, 0.975])
    assert 35 < low < 45
    assert 80 < high < 90
