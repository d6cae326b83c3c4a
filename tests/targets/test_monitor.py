"""New figures: exact densities, weights that agree with reading anew, intervals that keep their coverage, tables."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import simulated
from scipy.stats import norm

from oa_sim import definitions, load_scenario
from oa_sim.errors import Refusal
from oa_sim.inference import (
    area_forecast,
    baseline_fit,
    baseline_model,
    counterfactual,
    importance_sampling,
    observations,
    sampling,
)
from oa_sim.inputs import areas, tables
from oa_sim.plots import target_charts
from oa_sim.scenario.assumptions import Sampler
from oa_sim.targets import monitor, narrative, settings
from oa_sim.targets.settings import Monitor

AREAS = ["Derby", "Norwich", "Oldham"]
START = 2022


@pytest.fixture(scope="module")
def scenario():
    return load_scenario(f"areas=[{', '.join(AREAS)}]", "sampler.draws=60", start_year=START, horizon=8)


@pytest.fixture(scope="module")
def found(scenario):
    return monitor.monitor(scenario, Monitor(figures="package", until=2022))


def test_every_figure_has_its_place_and_colour(found):
    table = found.figures
    assert set(table.area) == set(AREAS)
    assert set(table.year) == {2022}
    assert table.colour.isin(["green", "amber", "red"]).all()
    assert table.better_than.between(0, 1).all()
    assert (table.loc[table.area == "Norwich", "proxy"]).all()
    assert not table.loc[table.area != "Norwich", "proxy"].any()
    assert (table.expected_q05 <= table.expected).all()
    gld = table[table.measure == "good_level_of_development"]
    assert gld["break"].all()  # the profile of 2021/22 is another


def test_colours_are_those_of_what_could_be_promised(found):
    table = found.figures
    green = table[table.colour == "green"]
    lower = green.measure.isin(["neet_16_17", "persistent_absence", "suspensions"])
    assert (np.where(lower, green.published <= green.should_be, green.published >= green.should_be)).all()
    assert (green.better_than >= 0.3 - 0.02).all()
    assert (table[table.colour == "red"].better_than <= 0.1 + 0.02).all()


def test_what_is_known_now_is_known_better_than_at_the_start(found):
    wide = found.figures
    assert ((wide.now_q95 - wide.now_q05) < (wide.before_q95 - wide.before_q05)).mean() > 0.7


def test_priorities_have_the_colours_of_their_measures(found):
    assert set(found.priorities.area) == set(AREAS)
    assert found.priorities.worst.isin(["green", "amber", "red", "none"]).all()
    rows = found.priorities[found.priorities.red > 0]
    assert (rows.worst == "red").all()


def test_what_changed_since_last_time_is_told(found, tmp_path, scenario):
    old = found.figures.assign(colour=found.figures.colour.replace({"green": "red"}))
    old.to_csv(tmp_path / "monitor.csv", index=False)
    again = monitor.monitor(scenario, Monitor(figures="package", until=2022, last=str(tmp_path)))
    changed = again.changes
    assert len(changed) == (found.figures.colour == "green").sum()
    assert (changed.moved == "better").all()
    pd.testing.assert_frame_equal(again.figures, found.figures)


def test_sentences_and_picture_say_what_the_figures_say(found):
    said = narrative.monitoring_sentences(found)
    assert re.match(r"\d+ of \d+ figures for 20\d\d/\d\d are green", said[0])
    assert any("Pareto k" in line for line in said)
    assert "Oldham" in target_charts.trajectory_picture(found).svg
    assert set(found.updated().data_vars) >= {"weight", "projection"}


def small(path, *rows):
    path.write_text("\n".join(["place,measure,group,year,value", *rows]), encoding="utf-8")
    return str(path)


def test_a_small_table_is_taken_in(tmp_path, scenario):
    rows = [row for row in tables.read("outcomes") if row["year"] == 2022 and row["measure"] == "attainment_8"]
    places = ("Derby", "Oldham", "England", "Norfolk")
    mine = [f"{r['place']},{r['measure']},{r['group']},2022,{r['value']}" for r in rows if r["place"] in places]
    path = small(tmp_path / "figures.csv", *mine)
    taken = settings.figure_rows(Monitor(figures=path), tables.read_all(), START, None)
    keys = ("place", "measure", "group", "year", "value", "geography", "unit")
    inside = {tuple(row[key] for key in keys) for row in rows_of(taken)}
    assert {tuple(row[key] for key in keys) for row in taken} == inside
    assert len(taken) == len(mine)
    moved = small(
        tmp_path / "moved.csv", "Oldham,attainment_8,disadvantaged,2022,60", "England,attainment_8,all,2022,49"
    )
    got = monitor.monitor(scenario, Monitor(figures=moved)).figures
    one = got[(got.area == "Oldham") & (got.measure == "attainment_8") & (got.group == "disadvantaged")].iloc[0]
    assert (one.published, one.colour) == (60, "green")


def rows_of(taken):
    """Return the package's own rows of the same figures."""
    names = {(row["place"], row["measure"], row["group"], row["year"]) for row in taken}
    every = tables.read("outcomes")
    return [row for row in every if (row["place"], row["measure"], row["group"], row["year"]) in names]


def test_what_cannot_be_monitored_is_refused(scenario, tmp_path):
    with pytest.raises(Refusal, match="got none"):
        monitor.monitor(scenario, Monitor())
    with pytest.raises(Refusal, match="are not there"):
        monitor.monitor(scenario, Monitor(figures=str(tmp_path / "none.csv")))
    with pytest.raises(Refusal, match="no figures of 2026 or later"):
        monitor.monitor(load_scenario("areas=[Derby]", "sampler.draws=20"), Monitor(figures="package"))
    with pytest.raises(Refusal, match="not a folder of a monitor"):
        monitor.monitor(scenario, Monitor(figures="package", last=str(tmp_path)))
    twice = small(tmp_path / "twice.csv", *["Derby,key_stage_2,all,2022,50"] * 2)
    with pytest.raises(Refusal, match=r"twice\.csv row 3: Derby, key_stage_2, all, 2022 stands in row 2 already"):
        monitor.monitor(scenario, Monitor(figures=twice))


# draws are weighed by new figures: closed forms, coverage, and a refit


@pytest.fixture(scope="module")
def known():
    rows = tables.read_all()
    here = rows | {"areas": [row for row in rows["areas"] if row["area"] in AREAS]}
    return observations.record(areas.history(here, 2023))


def law_of(draws=4):
    posterior = baseline_fit.load(draws=10).isel(chain=[0], draw=slice(draws))
    return posterior, area_forecast.law(posterior, definitions.series())


def test_weights_agree_with_drawing_again_in_a_case_with_a_closed_form():
    """A mean with a normal prior, one new figure: weighed draws have the mean and spread of the exact posterior."""
    rng, n = np.random.default_rng(5), 40_000
    prior, noise, figure = 1.0, 0.7, 1.2
    draws = prior * rng.standard_normal(n)
    weight, k = importance_sampling.weigh(norm.logpdf(figure, draws, noise))
    assert k < 0.7
    exact = figure * prior**2 / (prior**2 + noise**2)
    spread = np.sqrt(prior**2 * noise**2 / (prior**2 + noise**2))
    assert (weight * draws).sum() == pytest.approx(
        exact, abs=4 * spread / np.sqrt(importance_sampling.effective(weight))
    )
    taken = draws[monitor._taken(weight, 3)]
    assert taken.mean() == pytest.approx(exact, abs=0.02)
    assert taken.std() == pytest.approx(spread, rel=0.03)


def test_england_is_weighed_by_its_new_figures(known, scenario):
    posterior, _ = law_of(4)
    told = monitor.of_england(posterior, known, scenario)
    assert np.isfinite(told).all()
    assert np.ptp(told) > 0
    later = load_scenario("areas=[Derby]", "sampler.draws=20", start_year=2024)
    assert (monitor.of_england(posterior, known, later) == 0).all()  # nothing of it is new


def ahead(hyper, known, area, d, rng, years):
    """Return figures less England of new years by one draw's law, given an area's record (series, year)."""
    behind = counterfactual.last_variance(known, area)
    centre, error = area_forecast.relative(one_draw(hyper, d), known, area, years, behind, rng)
    return centre[0] + error[0]


def one_draw(hyper, d):
    return area_forecast.Law(**{name: getattr(hyper, name)[d : d + 1] for name in area_forecast.Law.__annotations__})


@pytest.mark.slow
def test_updated_intervals_keep_their_coverage_when_the_true_process_is_simulated_forward(known):
    """Truth by one draw of hyperparameters and programme; two years are seen, the next three are to be covered."""
    rng = np.random.default_rng(17)
    posterior = baseline_fit.load(draws=50)
    hyper = area_forecast.law(posterior, known.series)
    n, every = len(hyper.mean), [2024, 2025, 2026, 2027, 2028]
    gain = np.abs(0.03 + 0.02 * rng.standard_normal(n))  # what a made-up programme adds from 2024 on, SD
    inside = {50: [], 80: [], 95: []}
    for _ in range(40):
        d = int(rng.integers(n))
        truth = {area: ahead(hyper, known, area, d, rng, every) + gain[d] for area in ("Derby", "Oldham")}
        seen = extended(known, truth, every[:2])
        brought = np.zeros((n, len(known.series), len(seen.years)))
        brought[:, :, np.isin(seen.years, every[:2])] = gain[:, None, None]
        ratio = sum(area_forecast.log_density(hyper, seen, area, 2024, brought=brought) for area in truth)
        weight, _ = importance_sampling.weigh(ratio)
        taken = monitor._taken(weight, int(rng.integers(1e9)))
        for area in truth:
            behind = counterfactual.last_variance(seen, area)
            centre, error = area_forecast.relative(hyper, seen, area, every[2:], behind, rng, brought=brought)
            drawn = (centre + error + gain[:, None, None])[taken]
            for level, held in inside.items():
                low, high = np.quantile(drawn, [0.5 - level / 200, 0.5 + level / 200], axis=0)
                actual = truth[area][:, 2:]
                held.append(((low <= actual) & (actual <= high)).mean())
    for level, held in inside.items():
        error = np.std(held, ddof=1) / np.sqrt(len(held))
        assert np.mean(held) == pytest.approx(level / 100, abs=3 * error + 0.015), level


def extended(known, truth, years):
    """Return a record with simulated figures of new years."""
    width = len(known.years) + len(years)
    out = {}
    for name in ("relative", "observed", "sampling"):
        old = getattr(known, name)
        out[name] = np.concatenate([old, np.repeat(old[:, :, -1:], len(years), axis=2)], axis=2)
    out["observed"][:, :, -len(years) :] = 0
    for area, figures in truth.items():
        a = known.areas.index(area)
        out["relative"][:, a, -len(years) :] = figures[:, : len(years)]
        out["observed"][:, a, -len(years) :] = 1
        out["sampling"][:, a, -len(years) :] = counterfactual.last_variance(known, area)[:, None]
    every = np.concatenate([known.years, years])
    assert out["relative"].shape[2] == width
    return observations.Record(
        **(vars(known) | out | {"years": every, "kin": observations.kin(known.series, every)}),
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the sampler's own libraries warn
@pytest.mark.usefixtures("compiled_once")
def test_weighing_agrees_with_a_refit_where_k_is_small():
    """Learned without the last year of six authorities and weighed by it, against learned from all."""
    whole = simulated.play(simulated.small(), simulated.typical(), np.random.default_rng(1))
    hidden, new = np.arange(6), whole.years[-1]
    observed = whole.observed.copy()
    observed[:, hidden, -1] = 0
    sampler = Sampler(backend="pymc", chains=2, tune=400, draws=800, thin=1, target_accept=0.8)
    before = sampling.sample(baseline_model.model(dataclasses.replace(whole, observed=observed)), sampler, 3)
    after = sampling.sample(baseline_model.model(whole), sampler, 4)
    hyper = area_forecast.law(before, whole.series)
    weight, k = importance_sampling.weigh(
        sum(area_forecast.log_density(hyper, whole, whole.areas[a], new) for a in hidden)
    )
    assert k < importance_sampling.LARGEST_K
    worth = importance_sampling.effective(weight)
    off = []
    for name in ("mu", "level_sd", "deviation_sd", "noise_sd", "persistence", "deviation_alike"):
        draws = before[name].values.reshape(len(weight), -1)
        refit = after[name].values.reshape(-1, draws.shape[1])
        off.append(np.abs((weight @ draws - refit.mean(axis=0)) / refit.std(axis=0)))
    off = np.concatenate(off)
    # of means of correlated draws: as far as two runs of one sampler lie apart (test_recovery), and no more on average
    assert off.max() < 0.35
    assert off.mean() < 0.12, (off.mean(), worth)
