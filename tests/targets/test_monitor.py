"""New figures: exact densities, weights that agree with reading anew, intervals that keep their coverage, tables."""

import re

import numpy as np
import pandas as pd
import pytest

from oa_sim import load_scenario
from oa_sim.errors import Refusal
from oa_sim.inputs import tables
from oa_sim.plots import target_charts
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
    with pytest.raises(Refusal, match="no figures of 2024 or later"):
        monitor.monitor(load_scenario("areas=[Derby]", "sampler.draws=20"), Monitor(figures="package"))
    with pytest.raises(Refusal, match="not a folder of a monitor"):
        monitor.monitor(scenario, Monitor(figures="package", last=str(tmp_path)))
    twice = small(tmp_path / "twice.csv", *["Derby,key_stage_2,all,2022,50"] * 2)
    with pytest.raises(Refusal, match=r"twice\.csv row 3: Derby, key_stage_2, all, 2022 stands in row 2 already"):
        monitor.monitor(scenario, Monitor(figures=twice))
