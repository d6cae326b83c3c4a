"""The gallery: each question of experiments/ is asked in its quick form, and answers in one sentence."""

import contextlib
import importlib.util
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oa_sim import load_scenario
from oa_sim.inputs import tables
from oa_sim.scenario.overrides import groups

FOLDER = Path(__file__).parents[2] / "experiments"
LAIT = Path(__file__).resolve().parents[3] / "shared" / "facts" / "lait_to_2024_25.parquet"
SCRIPTS = (
    *("which_portfolio", "how_to_split", "does_it_last", "how_sure_are_we", "bought_in_or_embedded"),
    "levers_or_assumptions",
)


def script(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Ask a question in its quick form, once: its folder and what it printed."""
    kept = {}

    def answer(name):
        if name not in kept:
            home = tmp_path_factory.mktemp(name)
            with contextlib.chdir(home), contextlib.redirect_stdout(io.StringIO()) as printed:
                script(name).main("--quick")
            kept[name] = home / "outputs" / name, printed.getvalue()
        return kept[name]

    return answer


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_experiment_leaves_a_table_a_picture_and_one_sentence_with_its_interval(name, asked):
    folder, printed = asked(name)
    table = pd.read_csv(folder / "table.csv")
    assert len(table) > 2
    assert (table.n_draws > 0).all()
    picture = (folder / "figure.svg").read_text(encoding="utf-8")
    assert picture.startswith("<svg")
    assert "aria-label" in picture
    answer = printed.splitlines()[-1]
    assert answer.endswith(".")
    assert re.search(r"90% interval .* to ", answer)


def test_bought_in_tutoring_keeps_less_in_at_least_nine_draws_of_ten(asked):
    table = pd.read_csv(asked("bought_in_or_embedded")[0] / "table.csv")
    assert (table.p_keeps_less >= 0.9).all()


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_experiment_stands_in_the_gallery_and_fits_on_a_page(name):
    assert f"`{name}.py`" in (FOLDER / "README.md").read_text(encoding="utf-8")
    assert 40 <= len((FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 80


def test_probabilities_that_come_true_as_often_as_they_say_are_on_the_diagonal():
    asked, rng = script("are_ranks_calibrated"), np.random.default_rng(3)
    cells = pd.DataFrame({"p": rng.uniform(size=20_000)}).assign(measure="key_stage_2", group="all", known=2017)
    cells = cells.assign(reached=rng.uniform(size=len(cells)) < cells.p, year=2019, share=0.5, fifth=1.0)
    table = asked.by_band(cells)
    assert table.n.sum() == len(cells)
    assert ((table.said > table.least) & (table.said < table.most)).all()
    assert (table.reached - table.said).abs().max() < 0.05
    (row,) = asked.briers(cells, ["measure"]).itertuples()
    assert row.brier == pytest.approx(1 / 6, abs=0.01)  # the mean of p (1 - p)
    assert row.brier_base_rate == pytest.approx(1 / 4, abs=0.01)  # of one half
    turned = asked.by_band(cells.assign(p=1 - cells.p))
    assert (turned.reached - turned.said).abs().max() > 0.8


def test_every_ending_and_reading_that_is_compared_is_a_choice():
    assert set(script("does_it_last").ENDINGS) == set(groups()["sustainability"])
    assert set(script("how_sure_are_we").READINGS) <= set(groups()["evidence"])
    assert set(script("which_portfolio").PORTFOLIOS) <= set(groups()["portfolio"])
    assert load_scenario("split=per_pupil").split.rule in script("how_to_split").RULES


@pytest.mark.skipif(not LAIT.is_file(), reason="the figures of all authorities are not beside the repository")
def test_the_movements_in_the_package_are_those_of_the_tool_to_its_last_year(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["how_far_do_authorities_move", "--panel", str(LAIT)])
    script("how_far_do_authorities_move").main()
    assert capsys.readouterr().out == Path(tables.FOLDER, "movements.csv").read_text(encoding="utf-8")


@pytest.mark.slow
def test_how_fast_measures_all_that_it_says(asked, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    folder, printed = asked("how_fast")
    ratios = json.loads(printed.splitlines()[-1])
    wanted = {
        *("ratio_numpy", "ratio_ppc", "share_of_limit", "flatness_10_to_10000", "memory_ratio_100_to_10000"),
        *("peak_gib", "two_workers", "cost_per_area_ratio"),
    }
    assert wanted <= set(ratios)
    assert all(ratios[name] > 0 for name in wanted)
    assert ratios["ratio_ppc"] > ratios["ratio_numpy"] > 1  # even with few draws, where what is fixed weighs most
    assert (folder / "figure.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.slow
def test_the_law_in_jax_gives_the_figures_of_the_kernel(monkeypatch, capsys):
    pytest.importorskip("jax", reason="JAX is not among the dependencies: pip install jax")
    monkeypatch.syspath_prepend(FOLDER)
    measured = script("law_in_jax").main("--quick")
    assert measured["largest_difference"] < 2e-6  # of a hundredth of a figure, in single precision
    assert measured["block_ratio"] > 0
    assert measured["gradient_ratio"] > 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(" for a gradient.")
