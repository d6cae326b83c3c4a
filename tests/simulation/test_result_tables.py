"""The tables of a result: columns, rows, units and order."""

import numpy as np

from oa_sim.definitions import MEASURES, QUANTILES, QUANTITIES, TABLE_COLUMNS


def test_the_table_has_the_promised_columns(tiny):
    assert tuple(tiny.summary().columns) == TABLE_COLUMNS


def test_the_table_has_every_figure_once_and_none_missing(tiny):
    table = tiny.summary()
    expected = {
        (area, group, measure, year, quantity)
        for area in ("Blackpool", "Norwich", "Oldham")
        for measure, about in MEASURES.items()
        for group in about.table_groups
        for year in range(2024, 2029)
        for quantity in QUANTITIES
    }
    keys = list(table[["area", "group", "measure", "year", "quantity"]].itertuples(index=False, name=None))
    assert len(keys) == len(expected)
    assert set(keys) == expected
    assert not table.isna().any().any()


def test_quantiles_stand_in_order(every_area):
    assert (np.diff(every_area.summary()[list(QUANTILES)].values, axis=1) >= 0).all()


def test_each_row_bears_its_measures_unit(tiny):
    table = tiny.summary()
    assert (table.unit == table.measure.map(lambda name: MEASURES[name].unit)).all()


def test_a_choice_of_measures_is_a_choice_of_rows(run_tiny):
    assert set(run_tiny("measures=[phonics,suspensions]").summary().measure) == {"phonics", "suspensions"}


def test_what_lasts_has_a_row_for_each_area_group_and_measure(tiny):
    groups = sum(len(about.table_groups) for about in MEASURES.values())
    rows = tiny.lasting()
    assert (rows.intervention == "all").sum() == 3 * groups
    assert set(rows.risk) <= {"high", "medium", "low", "none"}
    assert rows.reason.str.len().min() > 20
