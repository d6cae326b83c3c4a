import io

import pandas as pd
import pytest

from oa_sim.definitions import QUANTITIES
from oa_sim.report.formats import data_files

HOSTILE = (
    "=HYPERLINK('http://example.org')", "+1-2", "-cmd", "@SUM(A1)", "\t=1+1", "\r\n=1", "  =1+1", "\ufeff=1", "\uff1d1",
    "\u202eemosdnah", "a\x00b\x1b[31m", "line\nbreak", 'quo"ted, with, commas', "\u05e9\u05dc\u05d5\u05dd",
    "\U0001f9d1\u200d\U0001f3eb", "A|B", "x" * 200, "<script>alert(1)</script>", "'=1", "",
    "-0.3", "lone \ud800 half", "not a character \uffff",
)  # fmt: skip
IDENTITY = list(data_files.COLUMNS[:-1])


@pytest.fixture(scope="module")
def long_table(tiny):
    return data_files.long_table(tiny)


def test_the_long_table_has_the_columns_and_no_two_rows_of_one_thing(long_table):
    assert list(long_table.columns) == list(data_files.COLUMNS)
    assert not long_table.duplicated(IDENTITY).any()
    assert not long_table.isna().any().any()
    assert (long_table.unit.str.len() > 0).all()


def test_a_variable_is_a_path_of_four_parts_and_each_branch_has_every_statistic(long_table):
    parts = long_table.variable.str.split("|", expand=True)
    assert parts.shape[1] == 4
    assert not parts.isna().any().any()
    assert set(parts[0]) == {quantity.capitalize() for quantity in QUANTITIES}
    each = long_table.assign(branch=parts[0] + parts[1] + parts[2]).groupby(["branch", "region", "year"]).size()
    assert (each == len(data_files.STATISTICS)).all()


def test_the_long_table_says_what_the_table_of_the_run_says(long_table, tiny):
    row = tiny.summary().query("measure == 'key_stage_2' and group == 'disadvantaged' and quantity == 'impact'").iloc[3]
    same = long_table[(long_table.region == row.area) & (long_table.year == row.year)].set_index("variable").value
    assert same["Impact|Key stage 2|Disadvantaged|Mean"] == row["mean"]
    assert same["Impact|Key stage 2|Disadvantaged|5th percentile"] == row.q05
    assert same["Impact|Key stage 2|Disadvantaged|95th percentile"] == row.q95


def test_the_mean_of_the_areas_is_reckoned_draw_by_draw(long_table, tiny):
    year = int(tiny.draws.year.values[2])
    draws = tiny.draws.impact.sel(measure="key_stage_2", group="disadvantaged", year=year).mean("area", dtype=float)
    found = (
        long_table[(long_table.region == data_files.MEAN_REGION) & (long_table.year == year)]
        .set_index("variable")
        .value
    )
    assert found["Impact|Key stage 2|Disadvantaged|Mean"] == pytest.approx(float(draws.mean()))
    assert found["Impact|Key stage 2|Disadvantaged|95th percentile"] == pytest.approx(float(draws.quantile(0.95)))


@pytest.mark.parametrize(
    ("kind", "mark", "measure"), [("proxy", data_files.PROXY, "phonics"), ("estimated", data_files.OWN, "key_stage_2")]
)
def test_a_figure_of_a_district_says_of_what_kind_it_is_in_its_unit(long_table, tiny, kind, mark, measure):
    of_kind = tiny.draws[kind].sel(measure=measure, group="all").to_series().astype(bool)
    assert of_kind.any()
    assert not of_kind.all()
    rows = long_table[long_table.variable == f"Impact|{measure.replace('_', ' ').capitalize()}|All|Mean"]
    for area, is_marked in of_kind.items():
        assert (rows[rows.region == area].unit.str.contains(mark) == is_marked).all()
    assert rows[rows.region == data_files.MEAN_REGION].unit.str.contains(mark).all()


def test_a_change_of_a_share_is_in_percentage_points_and_a_level_in_per_cent(long_table):
    starts = long_table.variable.str.split("|").str[0]
    is_share = long_table.variable.str.contains("Key stage 2")
    assert long_table[is_share & (starts == "Impact")].unit.str.startswith("percentage points").all()
    assert long_table[is_share & (starts == "Projection")].unit.str.startswith("%").all()


def test_a_failed_gate_stands_in_the_scenario_of_every_row(tiny):
    from dataclasses import replace

    failed = replace(tiny, manifest=tiny.manifest | {"gates": tiny.manifest["gates"] | {"verdict": "FAIL"}})
    assert data_files.long_table(failed).scenario.str.endswith("[FAIL]").all()


def named(result, name):
    """Return a result whose first area has another name."""
    from dataclasses import replace

    areas = [name, *result.draws.area.values[1:].tolist()]
    return replace(result, draws=result.draws.assign_coords(area=areas))


@pytest.mark.parametrize("name", HOSTILE[:18])
def test_a_hostile_name_of_an_area_survives_the_way_through_csv(tiny, name):
    table = data_files.long_table(named(tiny, name))
    again = pd.read_csv(io.StringIO(table.to_csv(index=False)), keep_default_na=False)
    assert again.region.tolist() == table.region.tolist()
    assert not again.region.str.contains("|", regex=False).any()
    assert again.variable.str.count(r"\|").eq(3).all()


@pytest.mark.filterwarnings("ignore")  # pyam's own libraries warn when they are loaded
def test_pyam_loads_it_and_writes_it_again(tiny, tmp_path):
    try:
        import pyam
    except Exception as error:  # it needs a database library that not every version of it can load
        pytest.skip(f"pyam does not load ({type(error).__name__}); the laws of the shape are checked without it")
    table = data_files.long_table(named(tiny, "=HYPERLINK(1)|x"))
    frame = pyam.IamDataFrame(table)
    assert len(frame) == len(table)
    frame.to_csv(tmp_path / "long.csv")
    again = pyam.IamDataFrame(tmp_path / "long.csv")
    pd.testing.assert_series_equal(again._data.sort_index(), frame._data.sort_index())
