"""An effect learned from later figures: exact, found where it was planted, and not where there is none."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import simulated
from scipy.stats import binom

from oa_sim import Refusal
from oa_sim.inference import area_forecast, baseline_fit, observations
from oa_sim.inputs import panel, published_files, tables
from oa_sim.validation import placebo

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
LAIT = Path(__file__).resolve().parents[3] / "shared" / "facts" / "lait_to_2022_23.parquet"
UNTIL, YEARS, N = 2017, np.arange(2013, 2024), 60
CHOSEN = [f"Area {a}" for a in range(12)]


def law(truth):
    """Return the law of one draw, from values of the hyperparameters."""
    pace = truth["persistence"]
    size = truth["deviation_sd"] * np.sqrt(1 - pace**2)
    alike = np.eye(5)
    alike[0, 1] = alike[1, 0] = alike[2, 3] = alike[3, 2] = 0.5
    parts = {
        "mean": truth["mu"],
        "level": simulated.levels(truth["level_partials"], truth["level_sd"], simulated.SERIES),
        "london": truth["london"],
        "london_trend": truth["london_trend"],
        "drift": simulated.levels(truth["level_partials"], truth["drift_sd"], simulated.SERIES),
        "broken": simulated.levels(truth["level_partials"], truth["area_break_sd"], simulated.SERIES),
        "shock": alike * np.outer(size, size),
        "pace": pace,
        "noise": truth["noise_sd"] ** 2,
        "link": np.array([0.5, 0.5, 0.5, 0.5, 0.0]),
        "luck": truth["luck"],
        "freedom": np.array(truth["freedom"]),
    }
    return area_forecast.Law(**{name: np.asarray(part)[None] for name, part in parts.items()})


def made_up(seed=1, effect=0.0, areas=CHOSEN):
    """Return a record drawn from the law, with an effect on the attainment of some areas."""
    whole = simulated.small(N)
    shape = (5, N, len(YEARS))
    observed, sampling = np.ones(shape), np.repeat(whole.sampling[..., :1], len(YEARS), axis=2)
    observed[2:4, :, 7] = 0  # no phonics in 2020
    observed[4, N // 2 :, :5] = 0
    kin = observations.kin(simulated.SERIES, YEARS)
    national = [dataclasses.replace(one, years=YEARS) for one in whole.national]
    form = dataclasses.replace(
        whole, years=YEARS, observed=observed, sampling=sampling, relative=np.zeros(shape), kin=kin, national=national
    )
    found = simulated.play(form, simulated.typical(), np.random.default_rng(seed))
    moved = found.relative.copy()
    at = [found.areas.index(area) for area in areas]
    moved[:4, at] += effect * placebo.ramp(YEARS) * observed[:4, at]
    return dataclasses.replace(found, relative=moved)


def evidence(known):
    return placebo.evidence(law(simulated.typical()), known, UNTIL)


def refused(call):
    with pytest.raises(Refusal) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# what an area says of an effect


def test_an_effect_grows_from_nothing_to_the_whole_and_stays():
    assert placebo.ramp(np.array([2013, 2017, 2018, 2019, 2021, 2025])).tolist() == [0, 0, 0.25, 0.5, 1, 1]


def test_what_an_area_says_is_what_conditioning_on_its_record_gives():
    known = made_up(effect=0.1)
    found, one = evidence(known), law(simulated.typical())
    for a in (3, N - 2):
        series, at = np.nonzero(known.observed[:, a])
        year, kin = known.years[at], known.kin[series, at]
        size = known.sampling[series, a, at] * one.luck[0, series]
        whole = np.empty((len(at), len(at)))
        for i in range(len(at)):
            for j in range(len(at)):
                s, r, lag = series[i], series[j], abs(int(year[i]) - int(year[j]))
                later = s if year[i] >= year[j] else r
                long_run = one.shock[0, s, r] / (1 - one.pace[0, s] * one.pace[0, r])
                whole[i, j] = (
                    one.level[0, s, r]
                    + one.drift[0, s, r] * (min(year[i], year[j]) - 2013)
                    + long_run * one.pace[0, later] ** lag
                )
                shifted = {*known.national[s].shifts} & {*known.national[r].shifts}
                whole[i, j] += one.broken[0, s, r] * sum(2013 < shift <= min(year[i], year[j]) for shift in shifted)
                if i == j:
                    is_unsure = year[i] in (*known.national[s].shifts, *known.national[s].otherwise)
                    whole[i, j] += one.broken[0, s, s] * is_unsure
                    whole[i, j] += size[i] + one.noise[0, s]
                elif kin[i] >= 0 and kin[i] == kin[j]:
                    whole[i, j] += one.link[0, s] * one.link[0, r] * np.sqrt(size[i] * size[j])
        past, to = np.flatnonzero(year <= UNTIL), np.flatnonzero((year > UNTIL) & (series < 4))
        since = [y - 2019 if y <= UNTIL else UNTIL - 2019 + sum(0.9 ** np.arange(1, y - UNTIL + 1)) for y in year]
        gains = one.london_trend[0, series] * np.array(since)
        beside = one.london[0, series] + gains
        residual = known.relative[series, a, at] - one.mean[0, series] - beside * known.london[a] + 0.16 * gains
        gain = whole[np.ix_(to, past)] @ np.linalg.inv(whole[np.ix_(past, past)])
        precision = np.linalg.inv(whole[np.ix_(to, to)] - gain @ whole[np.ix_(past, to)])
        x, surprise = placebo.ramp(year[to]), residual[to] - gain @ residual[past]
        effect = (x @ precision @ surprise) / (x @ precision @ x)
        left = residual - effect * np.where(year > UNTIL, placebo.ramp(year), 0.0) * (series < 4)
        left = left[(year <= UNTIL) | (series < 4)]
        used = (year <= UNTIL) | (series < 4)
        square = left @ np.linalg.solve(whole[np.ix_(used, used)], left)
        factor = (one.freedom[0] - 2 + square) / (one.freedom[0] - 2 + used.sum() - 1)
        assert found.variance[0, a] == pytest.approx(factor / (x @ precision @ x), rel=1e-8)
        assert found.estimate[0, a] == pytest.approx((x @ precision @ surprise) / (x @ precision @ x), rel=1e-8)


def test_an_effect_on_all_later_attainment_moves_the_estimate_by_as_much():
    without, planted = (evidence(made_up(effect=size)) for size in (0.0, 0.1))
    np.testing.assert_allclose(planted.estimate[:, :12] - without.estimate[:, :12], 0.1, atol=1e-10)
    np.testing.assert_allclose(planted.estimate[:, 12:], without.estimate[:, 12:], atol=1e-12)
    np.testing.assert_allclose(planted.variance, without.variance, rtol=1e-9)


def test_later_absence_says_nothing_of_an_effect_on_attainment():
    known = made_up()
    moved = known.relative.copy()
    moved[4, :, YEARS > UNTIL] += 1.0
    other = evidence(dataclasses.replace(known, relative=moved))
    np.testing.assert_array_equal(other.estimate, evidence(known).estimate)


def test_an_area_without_later_figures_says_nothing():
    known = made_up()
    observed = known.observed.copy()
    observed[:, 0, YEARS > UNTIL] = 0
    found = evidence(dataclasses.replace(known, observed=observed))
    assert np.isinf(found.variance[:, 0]).all()
    assert "Area 0 has no later figures" in refused(lambda: placebo.effect(found, CHOSEN))
    assert "Nowhere has no later figures" in refused(lambda: placebo.effect(found, ["Nowhere"]))


# what areas say together


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_effect_is_found(seed):
    one = placebo.effect(evidence(made_up(seed, effect=0.1)), CHOSEN)
    assert 0.02 < one.low < one.mean < one.high < 0.18
    assert abs(one.mean - 0.1) < 3 * one.sd
    assert one.p_positive > 0.999


def test_where_nothing_was_planted_nine_intervals_of_ten_cover_zero():
    covers = []
    for seed in range(10):
        found = evidence(made_up(seed))
        covers += [placebo.effect(found, found.areas[a : a + 6]).covers_zero for a in range(0, N, 6)]
    assert sum(covers) >= binom.ppf(0.001, len(covers), 0.9)  # a few more, since no spread between areas was planted


def test_one_area_says_what_the_conjugate_normal_says():
    found = placebo.Evidence(["Here"], np.array([[0.1]]), np.array([[0.03**2]]))
    one = placebo.effect(found, ["Here"])
    spread = placebo.SPREADS
    weight = np.exp(-0.5 * (spread / placebo.SPREAD_SD) ** 2)
    total = 0.03**2 + spread**2
    weight *= np.exp(-0.5 * 0.1**2 / (total + 0.04)) / np.sqrt(total + 0.04)
    centre = 0.04 / (0.04 + total) * 0.1
    assert one.mean == pytest.approx(weight @ centre / weight.sum(), rel=1e-10)


def test_the_ends_of_the_interval_leave_a_twentieth_on_either_side():
    one = placebo._described(np.array([1.0]), np.array([0.02]), np.array([0.01]))
    assert [one.low, one.high] == pytest.approx([0.02 - 0.0164485, 0.02 + 0.0164485], abs=1e-7)
    assert (one.mean, one.sd) == pytest.approx((0.02, 0.01))


def test_areas_that_disagree_leave_a_wider_interval_than_areas_that_agree():
    variance = np.full((1, 4), 0.01**2)
    alike, apart = (
        placebo.effect(placebo.Evidence(list("abcd"), np.array([values]), variance), list("abcd"))
        for values in ([0.02, 0.02, 0.02, 0.02], [0.10, -0.06, 0.08, -0.04])
    )
    assert apart.sd > 1.5 * alike.sd


def test_the_order_of_areas_and_of_draws_moves_nothing():
    found = evidence(made_up())
    one, other = placebo.effect(found, CHOSEN), placebo.effect(found, CHOSEN[::-1])
    assert dataclasses.astuple(one) == pytest.approx(dataclasses.astuple(other), rel=1e-12)


# who is a placebo


def test_the_nearest_are_matched_and_neither_the_real_nor_the_barred():
    known = made_up()
    relative = known.relative.copy()
    # two that are the first area over again, one of London that is too, and one that is barred
    relative[:, 20:23] = relative[:, :1]
    relative[:, 30] = relative[:, 0]
    known = dataclasses.replace(known, relative=relative, observed=np.ones(known.observed.shape))
    assert placebo.matched(known, UNTIL, ["Area 0"], ["Area 30"]) == ["Area 20", "Area 22"]
    four = placebo.matched(known, UNTIL, ["Area 0", "Area 20"], ["Area 30"])
    assert len(set(four)) == 4
    assert not {"Area 0", "Area 20", "Area 21", "Area 30"} & set(four)


def test_what_was_published_later_moves_no_match():
    known = made_up()
    moved = known.relative.copy()
    moved[..., YEARS > UNTIL] += np.random.default_rng(0).normal(0, 0.5, moved[..., YEARS > UNTIL].shape)
    matches = [
        placebo.matched(dataclasses.replace(known, relative=cube), UNTIL, CHOSEN[:3], [])
        for cube in (known.relative, moved)
    ]
    assert matches[0] == matches[1]


def test_matching_is_refused_where_there_is_nothing_to_match_by():
    known = made_up()
    assert "Nowhere has no figure up to 2017" in refused(lambda: placebo.matched(known, UNTIL, ["Nowhere"], []))
    assert "authorities to match are needed" in refused(lambda: placebo.matched(known, UNTIL, CHOSEN, known.areas[12:]))


def test_the_same_seed_draws_the_same_sets_and_more_sets_leave_the_first_as_they_were():
    found = evidence(made_up())
    few, many = (placebo.at_random(found, found.areas, 6, sets, 1) for sets in (3, 5))
    assert few == many[:3]
    assert "needs a pool as large" in refused(lambda: placebo.at_random(found, CHOSEN, 13, 1, 1))


# the real thing


@pytest.mark.slow
@pytest.mark.skipif(not LAIT.exists(), reason="the wide files are not on this machine")
def test_twelve_matched_areas_without_a_programme_give_an_interval_that_covers_zero():
    rows = tables.read_all()
    known = observations.record(panel.history(published_files.read(LAIT), rows["breaks"]))
    posterior = baseline_fit.load(tables.FOLDER / "learned_until_2017.nc").isel(draw=slice(None, None, 50))
    found = placebo.evidence(area_forecast.law(posterior, known.series), known, UNTIL)
    twelve = {row["area"] for row in rows["area_sets"] if row["area_set"] == "opportunity_areas"}
    real = [row["area"] for row in rows["areas"] if row["geography"] == "authority" and row["area"] in twelve]
    counties = [row["published_place"] for row in rows["areas"] if row["geography"] != "authority"]
    chosen = placebo.matched(known, UNTIL, real, counties)
    assert len(set(chosen) - {*real, *counties}) == 12
    assert placebo.effect(found, chosen).covers_zero
    pool = placebo.others(known, UNTIL, [*real, *counties])
    assert placebo.coverage(placebo.at_random(found, pool, 12, 100, 2017)) > 0.75
