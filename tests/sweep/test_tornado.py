"""Tornados: the lengths of their bars, their words and their keys."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import qmc
from test_sensitivity import KEYS, WEIGHTS, holds, linear, table_of

from oa_sim.plots import decision_charts
from oa_sim.sweep import tornado


@pytest.mark.parametrize(
    ("key", "lines"),
    [
        ("organisation.schools_take", ["organisation.", "schools_take"]),
        ("budget.total_gbp", ["budget.total_gbp"]),
        ("a_very_long_name_without_a_dot", ["a_very_long_name_", "without_a_dot"]),
        ("x" * 30, ["x" * 24, "x" * 6]),
    ],
)
def test_a_long_key_is_broken_after_a_dot_or_an_underscore(key, lines):
    assert decision_charts.lines(key) == lines


def test_the_picture_does_not_break_a_key_inside_a_word():
    long = "organisation.schools_take"
    table = table_of(qmc.Sobol(4, rng=3).random(64), linear, [long, "b", "c", "d"])
    rows = tornado.table(table, [long, "b", "c", "d"], "y")
    svg = decision_charts.tornado_picture(rows, table, "y", "points").svg
    assert ">schools_take<" in svg.partition("</title>")[2]


def test_a_tornado_of_a_sum_moves_by_nine_tenths_of_each_weight():
    table = table_of(qmc.Sobol(4, rng=3).random(1024), linear)
    found = tornado.table(table, KEYS, "y")
    assert found.key.drop_duplicates().tolist() == KEYS  # the greatest first
    swing = found.groupby("key").swing.first()[KEYS]
    np.testing.assert_allclose(swing, 0.9 * WEIGHTS, atol=0.1)
    mean = found[found.end == "high end"].set_index("key").loc[KEYS]
    assert holds(mean, 3.0 + 0.45 * WEIGHTS).all()
    ends = found[(found.key == "a") & (found.end == "low end")].iloc[0]
    assert ends.value_from < 0.01
    assert 0.09 < ends.value_to < 0.11


def test_a_tornado_of_a_grid_has_the_means_of_its_values():
    a, b = np.meshgrid([1, 2, 3], ["x", "y"], indexing="ij")
    table = pd.DataFrame({"a": a.ravel(), "b": b.ravel()})
    table["y"] = 2.0 * table.a + (table.b == "y")
    found = tornado.table(table, ["a", "b"], "y")
    assert found[found.key == "a"]["mean"].tolist() == [2.5, 4.5, 6.5]
    assert found[found.key == "a"].end.tolist() == ["low end", "value", "high end"]
    assert found[found.key == "b"]["where"].tolist() == ["x", "y"]
    assert (found.low == found.high).all()


def test_the_picture_says_in_words_what_it_shows_and_takes_no_text_for_a_formula():
    table = table_of(qmc.Sobol(4, rng=3).random(64), linear)
    table["d"] = np.where(table.d < 0.5, "$x$", "<y>")
    table = table.rename(columns={"y": "impact_mean"}).assign(impact_q05=1.0, impact_q95=5.0)
    drawn = decision_charts.tornado_picture(
        tornado.table(table, KEYS, "impact_mean"), table, "impact_mean", "points", " [FAIL]"
    )
    svg = drawn.svg
    assert svg.startswith("<svg xmlns=")
    assert drawn.png.startswith(b"\x89PNG")
    label = svg.partition('aria-label="')[2].partition('">')[0]
    assert "impact mean [FAIL], points" in label
    assert "draws of a scenario run from 1.00 to 5.00" in label
    assert "&lt;y&gt;" in label
    assert "What moves impact mean [FAIL]" in svg.partition("</title>")[2]
    assert "$x$" in svg.partition("</title>")[2]
