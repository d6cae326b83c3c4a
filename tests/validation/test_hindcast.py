"""The hindcast: what may be known, what is scored, what a score says, and what came out."""

import dataclasses
import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from oa_sim import Refusal, load_scenario
from oa_sim.definitions import MEASURES, series
from oa_sim.inference import baseline_fit, baseline_model
from oa_sim.inputs import areas, published_files, schemas, tables
from oa_sim.simulation import scenario_run
from oa_sim.validation import hindcast, scoring

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
SHIPPED = tables.FOLDER / "learned_until_2017.nc"
LAIT = Path(__file__).resolve().parents[3] / "shared" / "facts" / "lait_to_2022_23.parquet"
UNTIL, DRAWS = 2017, 50
KNOWN = [name for name in MEASURES if name != "neet_16_17"]  # its series begins in 2017/18
SEEN = [*series(KNOWN), *((name, "all") for name in KNOWN if len(MEASURES[name].groups) == 2)]


@pytest.fixture(scope="module")
def question(tmp_path_factory):
    """Ask of three areas from 2017/18 on, of few draws of what was known by then."""
    folder = hindcast.as_known(UNTIL, tmp_path_factory.mktemp("known"))
    return load_scenario(
        "areas=three_areas",
        "start_year=2018",
        "horizon=8",
        f"measures=[{','.join(KNOWN)}]",
        f"sampler.draws={DRAWS}",
        f"posterior={SHIPPED}",
        f"data_folder={folder}",
    )


@pytest.fixture(scope="module")
def answer(question):
    return scenario_run.run(question)


def reading(result, chosen, shock=0.0, quantity="projection"):
    """Return later figures made up from a run: of each figure one draw of its own, all moved by a shock (points)."""
    rng, cells = np.random.default_rng(3), []
    flat = result.draws[quantity].stack(one=("chain", "draw"))
    for area in chosen:
        for measure, group in SEEN:
            for year in range(2018, 2026):
                draws = flat.sel(area=area, measure=measure, group=group, year=year).values
                cells.append((area, area, measure, group, year, float(rng.choice(draws)) + shock))
    for measure, group in SEEN:
        middle = flat.sel(area=chosen[0], measure=measure, group=group).median("one")
        cells += [("England", "970", measure, group, y, float(middle.sel(year=y)) + shock) for y in range(2018, 2026)]
    figures = pd.DataFrame(cells, columns=["place", "code", "measure", "group", "year", "value"])
    return published_files.Reading(figures, {}, "")


@pytest.fixture(scope="module")
def judged(question, answer):
    return hindcast.judge(question, reading(answer, ["Blackpool", "Oldham"]))


def refused(call):
    with pytest.raises(Refusal) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# what may be known


def test_shares_of_pupils_stop_where_knowledge_stops(question):
    shares = [row for row in tables.read("pupils", question.data_folder) if "share" in row["quantity"]]
    assert {row["year"] for row in shares} == {2016, 2017}
    places = 1 + len({row["published_place"] for row in tables.read("areas")})  # and England
    assert len(shares) == 4 * places * 2


def test_every_count_that_a_run_needs_is_still_there(question):
    areas.pupils(tables.read_all(question.data_folder))


def test_nothing_published_after_the_cut_moves_a_forecast(question, answer, tmp_path):
    folder = hindcast.as_known(UNTIL, tmp_path)
    lines = (folder / "outcomes.csv").read_text(encoding="utf-8").splitlines()
    at = {name: i for i, name in enumerate(lines[0].split(","))}
    for i, line in enumerate(lines[1:], 1):
        cells = line.split(",")
        if int(cells[at["year"]]) > UNTIL and cells[at["unit"]] == "%":
            cells[at["value"]] = "50"
            lines[i] = ",".join(cells)
    (folder / "outcomes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    other = scenario_run.run(dataclasses.replace(question, data_folder=str(folder)))
    np.testing.assert_array_equal(other.draws.projection.values, answer.draws.projection.values)


def test_nothing_counted_after_the_cut_is_known_of_a_place_by_name(tmp_path):
    folder = hindcast.as_known(UNTIL, tmp_path)
    years = {row["year"] for row in tables.read("authority_figures", folder)}
    assert max(years) == UNTIL < max(row["year"] for row in tables.read("authority_figures"))
    pupils = [row for row in tables.read_all(folder, ["Tendring"])["pupils"] if row["place"] in ("Tendring", "Essex")]
    assert {row["year"] for row in pupils if row["status"] == "found"} <= set(range(UNTIL + 1))
    assert {row["quantity"] for row in pupils} == set(schemas.QUANTITIES)


def test_a_posterior_that_knows_the_future_is_refused():
    assert "got one up to 2024/25" in refused(lambda: hindcast.check(baseline_fit.load(), UNTIL))
    assert "an unknown year" in refused(lambda: hindcast.check(baseline_fit.load().drop_attrs(), UNTIL))


def test_a_posterior_of_another_law_is_refused():
    found = baseline_fit.load(SHIPPED)
    made = json.loads(found.attrs["made"]) | {"law": "0" * 64}
    assert "law of another version" in refused(lambda: hindcast.check(found.assign_attrs(made=json.dumps(made)), UNTIL))


def test_the_posterior_beside_the_experiment_knows_nothing_later_and_passes_its_gates():
    found = baseline_fit.load(SHIPPED)
    assert "PASS" in hindcast.check(found, UNTIL)
    made = json.loads(found.attrs["made"])
    assert made["until"] == UNTIL
    assert made["authorities"] >= 150
    assert made["command"].startswith("python experiments/hindcast.py --actuals FILE --panel")
    assert found.series.values.tolist() == baseline_model.labels(series())


# what is scored


def test_authorities_are_scored_by_the_file_and_districts_by_their_own_early_years(question, answer):
    found = hindcast.published(reading(answer, ["Blackpool", "Oldham"]), tables.read_all(), question)
    names, counts = np.unique(found.area, return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {
        "Blackpool": 8 * len(SEEN), "Oldham": 8 * len(SEEN), "Norwich": 2,
    }  # fmt: skip
    norwich = found.area == "Norwich"
    assert found.year[norwich].tolist() == [2018, 2019]
    assert set(found.measure[norwich]) == {"good_level_of_development"}
    assert np.isnan(found.england[norwich]).all()


def test_a_file_without_an_area_or_without_later_years_is_refused(question, answer):
    known, whole = tables.read_all(), reading(answer, ["Blackpool", "Oldham"])
    without = dataclasses.replace(whole, figures=whole.figures[whole.figures.place != "Oldham"])
    assert "Oldham" in refused(lambda: hindcast.published(without, known, question))
    early = dataclasses.replace(whole, figures=whole.figures.assign(year=2015))
    alone = dataclasses.replace(question, areas=dataclasses.replace(question.areas, names=["Oldham"]))
    assert "hold none of 2017/18 to 2024/25" in refused(lambda: hindcast.published(early, known, alone))


def test_figures_drawn_from_the_model_itself_lie_in_its_intervals_as_often_as_they_should(judged):
    found = judged["level"]
    own = found.figures.area != "Norwich"
    for share, held in zip(hindcast.LEVELS, found.held[:, own], strict=True):
        low, high = stats.binom.ppf([0.001, 0.999], held.size, share / 100) / held.size
        assert low <= held.mean() <= high, share


def test_only_what_is_modelled_and_known_of_england_is_scored_less_england(judged):
    found = judged["relative"].figures
    assert set(zip(found.measure.tolist(), found.group.tolist(), strict=True)) == set(series(KNOWN))
    assert set(found.area) == {"Blackpool", "Oldham"}


def test_what_meets_all_of_england_hardly_moves_the_relative_scores(question, answer, judged):
    moved = hindcast.judge(question, reading(answer, ["Blackpool", "Oldham"], shock=3.0))
    change = [abs(moved[s].log_without - judged[s].log_without) for s in ("level", "relative")]
    kept = [judged[s].figures.measure == "attainment_8" for s in ("level", "relative")]  # a scale without a bend
    assert np.max(change[1][kept[1]]) < 1e-9
    assert np.max(change[0][kept[0]]) > 0.05


def test_a_programme_that_was_there_is_favoured(question):
    flood = dataclasses.replace(question, budget=dataclasses.replace(question.budget, total_gbp=5e10))
    later = reading(scenario_run.run(flood), ["Blackpool", "Oldham"])
    found = hindcast.judge(flood, later)
    for one in found.values():
        values = hindcast.summary(one)
        assert values["log_score_with"] > values["log_score_without"]
        assert "favour the model with the programme" in hindcast.verdict(one)


def test_without_a_programme_the_two_models_say_the_same(question, answer):
    none = dataclasses.replace(question, budget=load_scenario("budget=none").budget)
    found = hindcast.judge(none, reading(answer, ["Blackpool", "Oldham"]))["level"]
    np.testing.assert_array_equal(found.log_with, found.log_without)
    assert "give the same densities" in hindcast.verdict(found)
    assert hindcast.summary(found)["log_score_difference_se"] == 0


# what a score says


def test_the_summary_has_exactly_the_promised_keys(judged):
    found = hindcast.summary(judged["level"])
    assert tuple(found) == (
        "n", "cov50", "cov80", "cov95", "log_score_with", "log_score_without", "log_score_difference_se",
    )  # fmt: skip
    assert json.loads(json.dumps(found)) == found
    assert found["n"] == 2 * 8 * len(SEEN) + 2


def test_coverage_is_told_by_year_in_order_and_adds_up(judged):
    lines = hindcast.coverage_by(judged["level"], "year")
    assert [line.split(":")[0] for line in lines] == ["2017/18", "2018/19", "2019/20", "2020/21", "2021/22", "2022/23",
                                                      "2023/24", "2024/25"]  # fmt: skip
    assert sum(int(line.split(": ")[1].split()[0]) for line in lines) == hindcast.summary(judged["level"])["n"]


def test_an_error_that_areas_share_is_not_made_smaller_by_more_figures_of_one_area():
    values = np.array([1.0, 3.0])
    once = hindcast.clustered_se(values, np.array(["a", "b"]))
    assert once == pytest.approx(np.sqrt(2 * (1 + 1)) / 2)
    assert hindcast.clustered_se(np.repeat(values, 50), np.repeat(["a", "b"], 50)) == pytest.approx(once)
    single = np.random.default_rng(1).normal(size=400)
    plain = single.std(ddof=1) / np.sqrt(400)
    assert hindcast.clustered_se(single, np.arange(400)) == pytest.approx(plain)
    assert "two areas or more" in refused(lambda: hindcast.clustered_se(values, np.array(["a", "a"])))


@pytest.mark.parametrize("df", [4, 1000])
def test_a_log_density_is_that_of_the_law_the_draws_come_from(df):
    law = stats.t(df, loc=0.3, scale=0.2)
    draws = law.rvs((4000, 30), random_state=np.random.default_rng(5))
    actual = law.ppf(np.linspace(0.01, 0.99, 30))
    found = scoring.log_density(draws, actual, scoring.tails(draws))
    np.testing.assert_allclose(found, law.logpdf(actual), atol=0.25)
    assert abs((found - law.logpdf(actual)).mean()) < 0.03


def test_heavy_tails_are_told_from_light_ones():
    rng = np.random.default_rng(5)
    assert np.median(scoring.tails(stats.t(3).rvs((4000, 20), random_state=rng))) <= 4
    assert np.median(scoring.tails(rng.standard_normal((4000, 20)))) >= 20


def test_a_figure_outside_all_draws_is_unlikely_and_not_impossible():
    draws = stats.t(4).rvs((2000, 2), random_state=np.random.default_rng(5))
    near, far = scoring.log_density(draws, np.array([0.0, 30.0]), np.full(2, 4.0))
    assert -30 < far < -8 < near


def test_a_log_density_moves_with_the_figures_and_scales_as_a_density_does():
    draws = np.random.default_rng(5).standard_normal((500, 3))
    actual, df = np.array([0.1, 1.0, -2.0]), np.full(3, 10.0)
    one = scoring.log_density(draws, actual, df)
    np.testing.assert_allclose(scoring.log_density(7 + 2 * draws, 7 + 2 * actual, df), one - np.log(2), atol=1e-9)


# the script


def script(name):
    spec = importlib.util.spec_from_file_location(name, EXPERIMENTS / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_the_programme_as_delivered_is_that_of_the_tables():
    scenario = load_scenario(*script("hindcast").AS_DELIVERED)
    paid = {row["item"]: row["value"] for row in tables.read("programme") if row["area"] == "all"}
    assert scenario.budget.total_gbp == paid["core funding"] + paid["fourth year"] + paid["fifth year"]
    assert scenario.years == list(range(2018, 2026))
    assert scenario.sustainability.ending == "stop"
    assert len(scenario.areas.names) == 12
    assert scenario.measures == KNOWN


@pytest.mark.slow
@pytest.mark.skipif(not LAIT.exists(), reason="the wide files are not on this machine")
def test_four_of_five_figures_after_2017_lie_in_the_80_per_cent_intervals(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["hindcast.py", "--actuals", str(LAIT)])
    script("hindcast").main()
    last = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert tuple(last) == hindcast.KEYS
    assert last["n"] > 500
    assert 0.70 <= last["cov80"] <= 0.92
    assert abs(last["log_score_with"] - last["log_score_without"]) < 1
