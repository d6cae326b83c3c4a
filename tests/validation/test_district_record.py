"""What a file of districts says, what is refused of it, and how school tables compare with published figures."""

import numpy as np
import pandas as pd
import pytest

from oa_sim import Refusal
from oa_sim.validation import district_record as record

HEAD = "lad13cd,lad13nm,year,ks2_rwm_all,n,ks2_rwm_disadvantaged,n_dis_published,dis_share_pct,eligible"
ROWS = ["E07000008,Cambridge,2018,60,900,40,200,25,950", "E07000008,Cambridge,2019,62,900,41,200,25,950"]


def written(folder, rows, head=HEAD):
    path = folder / "districts.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return str(path)


def test_the_figure_of_other_pupils_follows_from_the_mean_and_the_share(tmp_path):
    known = record.read(written(tmp_path, ROWS), "panel.districts")
    cell = known.loc[("E07000008", "other", 2019)]
    assert cell.value == pytest.approx((62 - 0.25 * 41) / 0.75)
    assert cell.pupils == pytest.approx(900 * 0.75)
    assert cell.share == 0.25
    assert len(known) == 6


def test_a_figure_without_one_of_disadvantaged_pupils_is_of_all_alone_and_the_smallest_are_left_out(tmp_path):
    rows = ["E07000008,Cambridge,2018,60,900,,0,25,950", "E09000001,City of London,2018,80,30,70,10,30,30"]
    known = record.read(written(tmp_path, rows), "panel.districts")
    assert known.index.tolist() == [("E07000008", "all", 2018)]


@pytest.mark.parametrize(
    ("rows", "head", "sentence"),
    [
        (ROWS, HEAD.replace("ks2_rwm_all", "ks2"), "needs the columns .* got no ks2_rwm_all"),
        (
            ["E07999999,Nowhere,2018,60,900,40,200,25,950"],
            HEAD,
            "row 2: lad13cd must be the code of a district .*E07999",
        ),
        ([*ROWS, ROWS[0]], HEAD, "row 4: E07000008, 2018 stands in row 2 already"),
        (["E07000008,Cambridge,2018,160,900,40,200,25,950"], HEAD, "ks2_rwm_all must be 0 to 100, got 160"),
        (["E07000008,Cambridge,2018,60,900,40,200,-1,950"], HEAD, "dis_share_pct must be 0 to 100, got -1"),
        (["E07000008,Cambridge,18,60,900,40,200,25,950"], HEAD, "year must be the year in which"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_in_one_sentence(tmp_path, rows, head, sentence):
    with pytest.raises(Refusal, match=sentence):
        record.read(written(tmp_path, rows, head), "panel.districts")


def test_a_file_that_is_not_there_is_named_with_its_key(tmp_path):
    with pytest.raises(Refusal, match=r"panel.districts_actuals must name a file"):
        record.read(str(tmp_path / "none.csv"), "panel.districts_actuals")


def test_what_is_later_than_the_last_known_is_forecast_and_a_gap_is_not(tmp_path):
    later = record.read(written(tmp_path, [*ROWS, "E07000008,Cambridge,2023,58,900,39,200,25,950"]), "later")
    known = later[later.index.get_level_values("year") == 2019]
    asked = record.targets(known, later)
    assert set(asked.index.get_level_values("year")) == {2023}
    assert set(asked["last"]) == {2019}
    assert len(asked) == 3
    with pytest.raises(Refusal, match="must have figures that panel"):
        record.targets(later, later)


def test_a_county_is_summed_only_where_all_its_districts_are_known(tmp_path):
    codes = record.places()
    codes = codes[codes.authority == "Somerset"].index
    rows = [f"{code},x,{year},{50 + i},{100 * (i + 1)},40,50,25,950" for year in (2018, 2019)
            for i, code in enumerate(codes) if year == 2018 or i]  # fmt: skip
    known = record.read(written(tmp_path, rows), "panel.districts")
    known = known.assign(relative=known.value.map(record.latent) - 0.1)
    sums = record.county_sums(known, record.places())
    assert {year for _, _, year in sums} == {2018}
    cells = known.xs(("other", 2018), level=("group", "year"))
    mean = np.average(cells.value, weights=cells.pupils)
    assert sums["Somerset", "other", 2018] == pytest.approx(record.latent(mean) - 0.1)


def test_each_district_has_an_authority_and_a_tier():
    places = record.places()
    assert places.index.is_unique
    assert set(places.tier) == {"county", "authority"}
    assert pd.notna(places.authority).all()
