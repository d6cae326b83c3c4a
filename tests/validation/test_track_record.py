"""Frozen forecasts: written once, known by their hash, and scored as a backtest of the same forecast would be."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from test_backtest import UNTIL, SameProcess, figures, written

from oa_sim import Refusal
from oa_sim.cli.main import main
from oa_sim.inference import baseline_fit
from oa_sim.inputs import panel, published_files, tables
from oa_sim.validation import backtest, benchmark_forecasters, scoring, track_record
from oa_sim.validation.benchmark_forecasters import PEERS

FACTS = Path(__file__).resolve().parents[3] / "shared" / "facts"


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """Give the folder of a forecast of made-up authorities, and the panel that was known."""
    folder = tmp_path_factory.mktemp("frozen")
    known = written(folder / "panel.csv", figures(UNTIL))
    gates = {"verdict": "PASS", "reason": "made up"}
    made = {"panel_hash": published_files.read(known).data_hash, "until": UNTIL, "seed": 1}
    # made-up authorities move as no real ones do: with variances of their own they would be far too wild
    alike = baseline_fit.load(draws=100)
    alike = alike.assign(freedom=xr.full_like(alike.freedom, 1e6))
    posterior = alike.assign_attrs(made=json.dumps(made), gates=json.dumps(gates))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baseline_fit, "load", lambda: posterior)
        patch.setattr(backtest, "ProcessPoolExecutor", SameProcess)
        patch.setattr(benchmark_forecasters, "PEERS", {name: PEERS[name] for name in ("random walk", "drift")})
        told = []
        where = track_record.freeze(str(known), [2019, 2020], folder / "2018", told.append)
        with pytest.raises(Refusal, match="written once"):
            track_record.freeze(str(known), [2019], folder / "2018", told.append)
        other = written(folder / "other.csv", figures(UNTIL, shock=1.0) | {(301, 2013, "neet1617_pct"): 9.0})
        with pytest.raises(Refusal, match="learned from"):
            track_record.freeze(str(other), [2019], folder / "other", told.append)
    return where, posterior, known


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return written(tmp_path_factory.mktemp("later") / "later.csv", figures(2019))


def test_a_frozen_forecast_is_what_was_forecast_in_as_many_digits_as_matter(frozen):
    folder, _, _ = frozen
    forecast, facts = track_record.read(folder)
    assert facts["forecast_of"] == ["2018/19", "2019/20"]
    assert facts["last_year_known"] == "2017/18"
    assert forecast.quantiles.sizes["quantile"] == track_record.N_QUANTILES
    drawn = forecast.quantiles.sel(scale="level", series="neet_16_17 all", year=2019)
    assert bool((drawn.diff("quantile") >= 0).all())
    assert 1 < float(drawn.sel(quantile=0.5, method="nearest").mean()) < 12
    assert float(forecast.sd.min()) > 0


def test_the_scores_are_those_of_a_backtest_of_the_same_forecast(frozen, published):
    folder, posterior, known = frozen
    contest = track_record.score(folder, str(published))
    ours = contest.scores.table[contest.scores.table.model == backtest.OURS]
    assert set(ours.year) == {2019}  # the other year is not published
    assert set(ours.scale) == {"relative", "level"}
    history = panel.history(published_files.read(known), tables.read("breaks"))
    truth = panel.history(published_files.read(published), tables.read("breaks"))
    rows = tables.read("breaks")
    truth = truth.reindex(year=[*truth.year.values, 2020])  # as many years as were frozen: the same random numbers
    for entry in backtest.ours(posterior, history, truth, rows, [2019, 2020], 1):
        row = ours[(ours.measure == entry.measure) & (ours.group == entry.group) & (ours.scale == entry.scale)].iloc[0]
        exact = scoring.crps(entry.forecast, entry.actual)
        assert row.n == np.isfinite(exact).sum() == 24
        np.testing.assert_allclose(row.crps, exact.mean(), rtol=0.01)  # 99 quantiles stand for 400 draws


def test_the_same_file_gives_the_same_table(frozen, published):
    first, second = (track_record.score(frozen[0], str(published)).scores.table for _ in range(2))
    assert first.equals(second)


@pytest.mark.parametrize("place", [100, -1])
def test_a_changed_byte_is_refused(frozen, published, place, tmp_path):
    folder = tmp_path / "changed"
    folder.mkdir()
    for path in frozen[0].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    content = bytearray((folder / track_record.FORECAST).read_bytes())
    content[place] ^= 1
    (folder / track_record.FORECAST).write_bytes(content)
    with pytest.raises(Refusal, match="must be the forecast that was frozen"):
        track_record.score(folder, str(published))


def test_what_is_no_forecast_and_figures_of_other_years_are_refused(frozen, tmp_path, monkeypatch):
    monkeypatch.setattr(track_record, "FOLDER", frozen[0].parent)
    with pytest.raises(Refusal, match="unknown forecast"):
        track_record.find("never made")
    with pytest.raises(Refusal, match="is not there"):
        track_record.read(tmp_path)
    early = written(tmp_path / "early.csv", figures(UNTIL))
    with pytest.raises(Refusal, match="2018/19, 2019/20"):
        track_record.score(frozen[0], str(early))
    (tmp_path / track_record.FORECAST).write_bytes(b"nothing")
    (tmp_path / track_record.MANIFEST).write_text("{}")
    with pytest.raises(Refusal, match="SHA-256"):
        track_record.read(tmp_path)


def test_the_command_writes_the_scores_and_says_when_the_forecast_was_frozen(frozen, published, tmp_path, capsys):
    typed = ["score", str(published), f"forecast={frozen[0]}", f"outputs={tmp_path}"]
    assert main(typed) == 0
    *lines, where = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("The forecast 2018 was frozen on ")
    assert "relative to a random walk" in " ".join(lines)
    written_files = {path.name for path in Path(where).iterdir()}
    assert written_files == {"scores.csv", "calibration.csv", "misses.csv", "score.html", "score.json"}
    assert main([*typed, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["folder"] == where
    assert facts["forecast"] == "2018"
    table = pd.read_csv(Path(where) / "scores.csv")
    assert set(table.model) == {"oa_sim", "random walk", "drift"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "score takes one file, got none"),
        (["nowhere.csv"], "nowhere.csv"),
        (["a.csv", "b.csv"], "score takes one file, got a.csv, b.csv"),
        (["a.csv", "forcast=x"], "unknown key of score 'forcast': did you mean 'forecast'?"),
    ],
)
def test_what_score_cannot_read_is_refused(words, said, frozen, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(track_record, "FOLDER", frozen[0].parent)
    monkeypatch.chdir(tmp_path)
    assert main(["score", *words]) == 2
    refusal = capsys.readouterr().err
    assert said in refusal
    assert len(refusal.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_each_forecast_in_the_package_is_whole_and_its_scores_are_an_entry():
    for name, folder in track_record.frozen().items():
        forecast, facts = track_record.read(folder)
        assert facts["name"] == name
        assert forecast.sizes["area"] > 100
        if (folder / track_record.SCORES).exists():
            table = pd.read_csv(folder / track_record.SCORES)
            assert set(table.model) == {"oa_sim", *forecast.benchmark.values.tolist()}
            assert set(table.scale) == {"relative", "level"}


@pytest.mark.skipif(not FACTS.is_dir(), reason="the published figures of 2023/24 and 2024/25 are not in the project")
@pytest.mark.parametrize("name", ["la_panel_2023_24_and_2024_25.csv", "lait_to_2024_25.parquet"])
def test_a_published_file_gives_the_table_of_the_shipped_entry(name):
    folder = track_record.find("to_2022_23")
    table = track_record.score(folder, str(FACTS / name)).scores.table
    shipped = pd.read_csv(folder / track_record.SCORES)
    keys = ["model", "measure", "group", "year", "horizon", "scale"]
    both = shipped.merge(table, on=keys, suffixes=("", "_now"))
    assert len(both) == len(shipped)
    if name.endswith(".csv"):  # the file that the entry was made from; the other has more digits, and more years
        np.testing.assert_array_equal(both.n, both.n_now)
        np.testing.assert_allclose(both.crps, both.crps_now, rtol=1e-5)
    else:
        np.testing.assert_allclose(both.crps, both.crps_now, rtol=0.1)
