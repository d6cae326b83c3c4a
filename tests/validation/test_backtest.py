"""A contest on a made-up panel: who takes part, what is scored, what may be known, and what is refused."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from same_process import SameProcess

from oa_sim import Refusal
from oa_sim.cli.main import main
from oa_sim.inference import area_forecast, baseline_fit, counterfactual, link_functions, observations
from oa_sim.inputs import panel, published_files, tables
from oa_sim.report import folder_writers
from oa_sim.scenario.load import load_learning
from oa_sim.validation import backtest, benchmark_forecasters, scoring
from oa_sim.validation.benchmark_forecasters import PEERS

pytest.importorskip("statsforecast", reason="the automatic peers are fitted by statsforecast, an extra")
COLUMNS = [
    *("model", "measure", "group", "year", "horizon", "scale", "n", "crps", "crps_ratio_rw", "cov50", "cov80", "cov95"),
]
SERIES = {  # column of the wide layout -> measure, and where its made-up figures lie
    "gld_fsm_pct": ("good_level_of_development", "disadvantaged", 50.0),
    "gld_nonfsm_pct": ("good_level_of_development", "other", 68.0),
    "neet1617_pct": ("neet_16_17", "all", 5.0),
    "susp_rate_pct": ("suspensions", "all", 4.0),
}
CODES, ENGLAND = tuple(range(301, 325)), 970
UNTIL, LATER = 2018, (2019, 2022)
FILES = {"scores.csv", "calibration.csv", "misses.csv", "backtest.html", "backtest.json"}


def figures(until=2022, shock=0.0):
    """Return made-up figures by (code, year, column), those after the cut moved by a shock (SD) that meets all."""
    rng = np.random.default_rng(7)
    found = {}
    for code in (*CODES, ENGLAND):
        level = 0.2 * rng.standard_normal() * (code != ENGLAND)
        for year in range(2013, max(LATER) + 1):
            for column, (measure, _, centre) in SERIES.items():
                noise = 0.05 * rng.standard_normal() * (code != ENGLAND)
                moved = 0.02 * (year - 2013) + shock * (year > UNTIL)
                latent = link_functions.to_latent(measure, centre) + level + noise + moved
                if year <= until and year not in (2020, 2021):
                    found[code, year, column] = float(link_functions.to_published(measure, latent))
    return found


def written(path, values):
    """Write figures in the wide layout, a row for each authority and year."""
    lines = [",".join(("la_code", "la_name", "academic_year", *SERIES))]
    for code, year in sorted({key[:2] for key in values}):
        place = "England" if code == ENGLAND else f"Place {code}"
        cells = [str(values.get((code, year, column), "")) for column in SERIES]
        lines.append(",".join([str(code), place, f"{year - 1}/{year % 100:02d}", *cells]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def asked(folder, *, train=None, actuals=None, **keys):
    """Return what a backtest takes, from figures that are written to a folder."""
    read = written(folder / "panel.csv", figures(UNTIL) if train is None else train)
    later = written(folder / "later.csv", figures() if actuals is None else actuals)
    return load_learning(
        f"panel.path={read}",
        f"panel.actuals={later}",
        f"panel.train_until={UNTIL}",
        f"outputs={folder / 'out'}",
        **keys,
    )


@pytest.fixture
def no_sampling(monkeypatch, tiny_posterior):
    """Let what is learned be the few shipped draws."""
    monkeypatch.setattr(baseline_fit, "learn", lambda *_, **__: tiny_posterior)


@pytest.fixture
def plain_peers(monkeypatch, no_sampling):
    """Leave out the automatic peers, which take seconds to start."""
    few = {name: PEERS[name] for name in ("random walk", "drift", "mean")}
    monkeypatch.setattr(benchmark_forecasters, "PEERS", few)
    monkeypatch.setattr(backtest, "ProcessPoolExecutor", SameProcess)


@pytest.fixture(scope="module")
def answered(tiny_posterior, tmp_path_factory):
    """Answer the door once with all peers; give the folder and what was printed."""
    folder = tmp_path_factory.mktemp("contest")
    learning = asked(folder)
    words = [f"panel.path={learning.panel.path}", f"panel.actuals={learning.panel.actuals}"]
    words += [f"panel.train_until={UNTIL}", f"outputs={folder / 'out'}", "--json"]
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baseline_fit, "learn", lambda *_, **__: tiny_posterior)
        patch.setattr("builtins.print", lambda *parts, **_: lines.extend(map(str, parts)))
        assert main(["backtest", *words]) == 0
    return json.loads(lines[-1])


@pytest.fixture(scope="module")
def table(answered):
    return pd.read_csv(f"{answered['folder']}/scores.csv")


def contest(learning):
    return backtest.contest(learning, lambda sentence: None)


def ours(learning, posterior):
    """Return our forecasts alone."""
    breaks = tables.read("breaks")
    history = panel.history(published_files.read(learning.panel.path), breaks, UNTIL)
    truth = panel.history(published_files.read(learning.panel.actuals), breaks)
    return backtest.ours(posterior, history, truth, breaks, list(LATER), learning.seed)


# what is written


def test_the_scores_have_exactly_these_columns(table):
    assert table.columns.tolist() == COLUMNS == scoring.COLUMNS


def test_all_seven_models_take_part_on_both_scales_in_every_cell(table):
    models = {backtest.OURS, *PEERS}
    assert len(models) == 7
    expected = {
        (model, measure, group, year, year - UNTIL, kind, len(CODES))
        for model in models
        for measure, group, _ in SERIES.values()
        for year in LATER
        for kind in ("relative", "level")
    }
    keys = list(
        table[["model", "measure", "group", "year", "horizon", "scale", "n"]].itertuples(index=False, name=None)
    )
    assert len(keys) == len(expected)
    assert set(keys) == expected


def test_every_score_is_a_number_in_its_range(table):
    assert np.isfinite(table[COLUMNS[6:]]).all().all()
    assert (table.crps > 0).all()
    assert table[["cov50", "cov80", "cov95"]].apply(lambda share: share.between(0, 1)).all().all()
    assert (table.cov50 <= table.cov80).all()
    assert (table.cov80 <= table.cov95).all()
    assert (table[table.model == "random walk"].crps_ratio_rw == 1).all()


def test_a_folder_holds_tables_a_page_and_what_made_them(answered, table):
    folder = Path(answered["folder"])
    assert {path.name for path in folder.iterdir()} == FILES
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    made = json.loads((folder / "backtest.json").read_text())
    assert made["train_until"] == "2017/18"
    assert [len(digest) for digest in made["files"].values()] == [64, 64]
    assert made["gates"]["verdict"] == answered["verdict"] == "PASS"
    assert any("no authority has a figure of phonics, disadvantaged" in line for line in made["read"])
    assert any(line.startswith("later figures: read") for line in made["read"])
    page = (folder / "backtest.html").read_text()
    assert all(name in page for name in (backtest.OURS, *PEERS))


def test_two_sentences_say_how_good_it_was(answered):
    assert len(answered["scores"]) == 2
    assert "random walk" in answered["scores"][0]


def test_the_same_question_twice_gives_the_same_scores(plain_peers, tmp_path):
    one, other = (contest(asked(tmp_path)) for _ in range(2))
    pd.testing.assert_frame_equal(one.scores.table, other.scores.table, check_exact=True)
    assert one.made == other.made


# what is scored


def test_nothing_after_the_cut_is_used(plain_peers, tmp_path):
    one, other = (contest(asked(tmp_path, train=figures(until))) for until in (UNTIL, 2022))
    pd.testing.assert_frame_equal(one.scores.table, other.scores.table, check_exact=True)


def test_the_figures_to_be_forecast_move_scores_and_no_forecast(tiny_posterior, tmp_path):
    one, other = (ours(asked(tmp_path, actuals=figures(shock=by)), tiny_posterior) for by in (0.0, 0.2))
    for mine, theirs in zip(one, other, strict=True):
        assert mine.cell == theirs.cell
        np.testing.assert_array_equal(mine.forecast.draws, theirs.forecast.draws)


def test_what_meets_all_of_england_moves_no_relative_figure(tiny_posterior, tmp_path):
    one, other = (ours(asked(tmp_path, actuals=figures(shock=by)), tiny_posterior) for by in (0.0, 0.2))
    for mine, theirs in zip(one, other, strict=True):
        if mine.scale == "relative":
            np.testing.assert_allclose(mine.actual, theirs.actual, atol=1e-9)
        else:
            assert (mine.actual < theirs.actual).all()


def test_a_forecast_is_of_every_authority_in_the_unit_of_its_scale(tiny_posterior, tmp_path):
    found = ours(asked(tmp_path), tiny_posterior)
    size = tiny_posterior.sizes["chain"] * tiny_posterior.sizes["draw"]
    for entry in found:
        assert entry.areas == tuple(f"Place {code}" for code in CODES)
        assert entry.forecast.draws.shape == (size, len(CODES))
        middle = np.median(entry.forecast.draws, axis=0)
        assert np.corrcoef(middle, entry.actual)[0, 1] > 0.5  # authorities keep their place
        assert abs(middle - entry.actual).max() < (1 if entry.scale == "relative" else 30)


def test_a_relative_forecast_is_the_exact_course_of_the_authority(tiny_posterior, tmp_path):
    learning = asked(tmp_path)
    history = panel.history(published_files.read(learning.panel.path), tables.read("breaks"), UNTIL)
    known, area = counterfactual.declared(observations.record(history), tables.read("breaks")), "Place 305"
    years = list(range(UNTIL + 1, max(LATER) + 1))
    course = area_forecast.relative(
        area_forecast.law(tiny_posterior, known.series), known, area, years,
        counterfactual.last_variance(known, area), backtest.stream(learning.seed, "area", area),
    )  # fmt: skip
    for entry in ours(learning, tiny_posterior):
        if entry.scale == "relative":
            s = known.series.index((entry.measure, entry.group))
            expected = sum(course)[:, s, years.index(entry.year)]
            np.testing.assert_allclose(entry.forecast.draws[:, entry.areas.index(area)], expected, atol=1e-6)


def test_an_authority_that_was_not_published_later_is_not_scored(plain_peers, tmp_path):
    later = {key: value for key, value in figures().items() if key != (301, 2022, "neet1617_pct")}
    found = contest(asked(tmp_path, actuals=later)).scores.table.set_index(["measure", "year"]).n
    assert (found.loc["neet_16_17", 2022] == len(CODES) - 1).all()
    assert (found.loc["neet_16_17", 2019] == len(CODES)).all()
    assert (found.loc["suspensions", 2022] == len(CODES)).all()


def test_an_authority_without_a_record_is_not_forecast(plain_peers, tmp_path):
    train = {key: value for key, value in figures(UNTIL).items() if key[0] != 301}
    found = contest(asked(tmp_path, train=train)).scores.table
    assert (found.n == len(CODES) - 1).all()


def test_an_authority_with_a_record_of_something_else_is_forecast_from_that(tiny_posterior, tmp_path):
    train = {key: value for key, value in figures(UNTIL).items() if key[0] != 301 or key[2] == "gld_fsm_pct"}
    # areas whose variances are alike, since made-up authorities are wilder than the law expects
    alike = tiny_posterior.assign(freedom=xr.full_like(tiny_posterior.freedom, 1e6))
    for entry in ours(asked(tmp_path, train=train), alike):
        spread = entry.forecast.draws.std(0)
        assert np.isfinite(spread).all()
        if entry.scale == "relative" and entry.group != "disadvantaged":
            assert spread[0] > 1.1 * np.median(spread)


def test_a_year_of_which_england_is_not_known_is_scored_as_published_alone(plain_peers, tmp_path):
    later = {key: value for key, value in figures().items() if key != (ENGLAND, 2022, "neet1617_pct")}
    found = contest(asked(tmp_path, actuals=later)).scores.table.set_index(["measure", "year", "scale"]).n
    assert (found.loc["neet_16_17", 2022, "relative"] == 0).all()
    assert (found.loc["neet_16_17", 2022, "level"] == len(CODES)).all()


# what is refused


def refused(learning):
    with pytest.raises(Refusal) as caught:
        contest(learning)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_backtest_without_a_year_is_refused(tmp_path):
    learning = asked(tmp_path)
    learning.panel.train_until = None
    assert "add panel.train_until=YEAR" in refused(learning)


def test_a_backtest_without_later_figures_is_refused(tmp_path):
    learning = asked(tmp_path)
    learning.panel.actuals = None
    assert "add panel.actuals=FILE" in refused(learning)


def test_actuals_that_end_before_the_cut_are_refused(tmp_path):
    assert "panel.actuals holds no figure after 2018" in refused(asked(tmp_path, actuals=figures(2017)))


def test_actuals_that_are_the_panel_itself_are_refused(tmp_path):
    assert "its last year is 2017/18" in refused(asked(tmp_path, actuals=figures(UNTIL)))


def test_a_cut_before_all_figures_is_refused(tmp_path):
    learning = asked(tmp_path)
    learning.panel.train_until = 2005
    assert "until must leave figures to use" in refused(learning)


def test_too_few_authorities_are_refused(tmp_path):
    few = {key: value for key, value in figures(UNTIL).items() if key[0] < 305 or key[0] == ENGLAND}
    assert "at least 20 authorities" in refused(asked(tmp_path, train=few))


def test_a_panel_without_england_is_refused(tmp_path):
    alone = {key: value for key, value in figures(UNTIL).items() if key[0] != ENGLAND}
    assert "England" in refused(asked(tmp_path, train=alone))


@pytest.mark.parametrize("which", ["panel.path", "panel.actuals"])
@pytest.mark.parametrize("content", ["", "area,value\nNorwich,1\n"])
def test_files_that_are_no_panel_are_refused_by_name(tmp_path, which, content):
    learning = asked(tmp_path)
    path = tmp_path / {"panel.path": "panel.csv", "panel.actuals": "later.csv"}[which]
    path.write_text(content)
    assert path.name in refused(learning)


def test_without_the_library_the_sentence_says_what_to_install(no_sampling, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    monkeypatch.setattr(backtest, "ProcessPoolExecutor", SameProcess)
    assert "install oa-sim[panel]" in refused(asked(tmp_path))


@pytest.mark.parametrize(
    "words",
    [
        ["panel.train_until=2018"],
        ["panel.path=panel.csv"],
        ["panel.path=panel.csv", "panel.train_until=2018"],
        ["panel.path=panel.csv", "panel.actuals=later.csv"],
        ["panel.path=panel.csv", "panel.actuals=panel.csv", "panel.train_until=2018"],
        ["panel.path=panel.csv", "panel.actuals=nowhere.csv", "panel.train_until=2018"],
        ["panel.path=panel.csv", "panel.actuals=later.csv", "panel.train_until=2018/19"],
        ["panel.path=panel.csv", "panel.actuals=later.csv", "panel.train_until=2018", "horizon=5"],
    ],
    ids=" ".join,
)
def test_a_backtest_that_cannot_be_answered_gets_one_sentence(words, tmp_path, monkeypatch, capsys):
    asked(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(["backtest", *words]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "Traceback" not in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


# marks


def test_a_year_that_was_not_collected_is_no_row(plain_peers, tmp_path):
    actuals = {key: value for key, value in figures().items() if key[1] != 2019 or key[2] != "neet1617_pct"}
    measure = SERIES["neet1617_pct"][0]
    found = contest(asked(tmp_path, actuals=actuals)).scores.table
    assert (found.n > 0).all()
    assert 2019 not in set(found[(found.measure == measure) & (found.group == "all")].year)


def test_a_fit_that_failed_is_marked_in_every_table(plain_peers, monkeypatch, tiny_posterior, tmp_path):
    gates = json.loads(tiny_posterior.attrs["gates"]) | {"verdict": "FAIL", "reason": "made up"}
    failed = tiny_posterior.assign_attrs(gates=json.dumps(gates))
    monkeypatch.setattr(baseline_fit, "learn", lambda *_, **__: failed)
    learning = asked(tmp_path)
    folder = folder_writers.write_contest(contest(learning), learning.outputs)
    for name in FILES:
        assert "FAIL" in (folder / name).read_text(encoding="utf-8"), name
    assert "oa_sim" not in set(pd.read_csv(folder / "scores.csv").model)


# figures that the panel lacks


def missing(folder, train, actuals, **keys):
    """Return what a backtest of the figures that a panel lacks takes."""
    read, later = written(folder / "panel.csv", train), written(folder / "later.csv", actuals)
    words = [f"panel.path={read}", f"panel.actuals={later}", "panel.score=missing", f"outputs={folder / 'out'}"]
    return load_learning(*words, **keys)


HELD_OUT = CODES[:4]


def without_last_years():
    return {key: value for key, value in figures().items() if key[0] not in HELD_OUT or key[1] <= UNTIL}


def test_only_what_the_panel_lacks_is_scored_from_the_last_year_that_it_has(plain_peers, tmp_path):
    found = contest(missing(tmp_path, without_last_years(), figures()))
    table = found.scores.table
    ours = table[table.model == "oa_sim"]
    assert set(ours.n) == {len(HELD_OUT)}
    assert set(zip(ours.year, ours.horizon, strict=True)) == {(year, year - UNTIL) for year in (2019, 2022)}
    assert set(ours.scale) == {"relative", "level"}
    assert len(ours) == 2 * 2 * len(SERIES)
    assert set(found.scores.misses.area) <= {f"Place {code}" for code in HELD_OUT}
    assert found.made["score"] == "missing"


def test_where_all_lack_the_last_years_the_scores_are_those_of_a_backtest(plain_peers, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    usual = contest(asked(one)).scores.table
    lacking = contest(missing(other, figures(UNTIL), figures())).scores.table
    keys = ["model", "measure", "group", "year", "horizon", "scale"]
    both = usual.merge(lacking, on=keys, suffixes=("", "_missing"))
    assert len(both) == len(usual) == len(lacking)
    np.testing.assert_allclose(both.crps, both.crps_missing, rtol=1e-4)
    np.testing.assert_array_equal(both.n, both.n_missing)


def test_england_is_known_where_the_panel_has_it(plain_peers, tmp_path):
    """A shock that meets all is in England's figures: the level of those held out follows it."""
    shocked = figures(shock=0.5)
    train = {key: value for key, value in shocked.items() if key[0] not in HELD_OUT or key[1] <= UNTIL}
    table = contest(missing(tmp_path, train, shocked)).scores.table
    level = table[(table.model == "oa_sim") & (table.scale == "level")]
    assert level.crps_ratio_rw.max() < 0.5


def test_england_is_drawn_where_the_panel_has_it_of_some_series_alone(plain_peers, tmp_path):
    train = without_last_years()
    lacks = {key: value for key, value in train.items() if key != (ENGLAND, 2022, "susp_rate_pct")}
    ours = contest(missing(tmp_path, lacks, figures())).scores.table
    ours = ours[(ours.model == "oa_sim") & (ours.year == 2022) & (ours.scale == "level")]
    assert len(ours) == len(SERIES)
    assert np.isfinite(ours.crps).all()


@pytest.mark.parametrize(
    ("train", "actuals", "extra", "words"),
    [
        (figures, figures, {}, "must have figures that panel.path lacks"),
        (without_last_years, figures, {"panel.train_until": UNTIL}, "leave out panel.train_until"),
    ],
)
def test_what_cannot_be_scored_as_missing_is_refused(train, actuals, extra, words, plain_peers, tmp_path):
    typed = [f"{key}={value}" for key, value in extra.items()]
    read, later = written(tmp_path / "panel.csv", train()), written(tmp_path / "later.csv", actuals())
    learning = load_learning(f"panel.path={read}", f"panel.actuals={later}", "panel.score=missing", *typed)
    with pytest.raises(Refusal, match=words):
        contest(learning)


def test_a_score_that_is_none_is_refused():
    with pytest.raises(Refusal, match="score"):
        load_learning("panel.path=a.csv", "panel.score=some")
