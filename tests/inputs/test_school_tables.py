"""School tables: how far they lie off published figures, learned where both are known, and how surely."""

import numpy as np
import pytest
from scipy import stats

from oa_sim.inputs import school_tables

GROUPS = ("disadvantaged", "other")


def pairs(rng, spread):
    """Make differences of 60 places over five years, with a mean of each place and year, and an SD of each place."""
    places, years = rng.normal(0.02, 0.01, 60), {2016: -0.01, 2017: 0.0, 2018: 0.0, 2019: 0.002, 2023: 0.008}
    return {
        (f"place {i}", group, year): places[i] + shift + spread[i] * rng.standard_normal()
        for i in range(60) for group in GROUPS for year, shift in years.items()
    }  # fmt: skip


def test_the_difference_of_method_has_a_mean_of_each_place_and_year():
    rng = np.random.default_rng(4)
    made = pairs(rng, np.full(60, 0.005))
    method = school_tables.method_difference(made)
    found = [method.of(place, group, year)[0] for place, group, year in made]
    assert np.std(np.array(list(made.values())) - found) == pytest.approx(0.0045, abs=0.0006)
    assert method.year["other", 2023] - method.year["other", 2016] == pytest.approx(0.018, abs=0.003)
    assert method.of("place 3", "other", 2019)[1] == pytest.approx(0.005**2, rel=0.6)
    assert method.freedom == max(school_tables.FREEDOMS)  # all places have one variance


def test_what_was_never_seen_is_less_certain_and_places_differ_in_how_sure_they_are():
    rng = np.random.default_rng(5)
    spread = np.where(np.arange(60) < 6, 0.06, 0.005)
    method = school_tables.method_difference(pairs(rng, spread))
    assert method.freedom < 10
    assert method.of("place 0", "other", 2019)[1] > 4 * method.of("place 30", "other", 2019)[1]
    assert method.of("place 30", "other", 2025)[1] > method.of("place 30", "other", 2023)[1]
    usual = np.mean([method.of(f"place {i}", "other", 2019)[1] for i in range(60)])
    assert method.of("another", "other", 2019)[1] > usual
    assert method.of("another", "other", 2019)[0] == pytest.approx(0.02, abs=0.006)


def test_the_degrees_of_freedom_are_the_likeliest_under_the_f_distribution():
    rng = np.random.default_rng(6)
    spread = 0.005 * np.sqrt((4 - 2) / rng.chisquare(4, 60))
    made = {key: value for key, value in pairs(rng, spread).items() if key[1] == "other"}
    method = school_tables.method_difference(made)
    places = sorted({place for place, _, _ in made})
    left = np.array([[made[name, "other", year] - method.of(name, "other", year)[0] for year in
                      (2016, 2017, 2018, 2019, 2023)] for name in places])  # fmt: skip
    freedom = 4 * (300 - 60 - 5 + 1) / (300 - 60)
    ratio = (left**2).sum(axis=1) / freedom
    ratio /= ratio.mean()
    score = {df: stats.f.logpdf(ratio * df / (df - 2), freedom, df).sum() + len(ratio) * np.log(df / (df - 2))
             for df in school_tables.FREEDOMS}  # fmt: skip
    assert method.freedom == max(score, key=score.get)


def test_with_one_year_a_place_is_as_uncertain_as_places_differ():
    made = {(name, "all", 2019): value for name, value in (("a", 0.0), ("b", 1.0), ("c", 2.0))}
    method = school_tables.method_difference(made)
    assert method.of("b", "all", 2019)[0] == 1.0
    assert method.of("b", "all", 2019)[1] == pytest.approx(2 * np.var([0, 1, 2]))
    assert method.of("d", "all", 2019)[0] == 1.0
    assert school_tables.method_difference({}).typical == {}
