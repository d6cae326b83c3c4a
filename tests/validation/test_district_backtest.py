"""Districts that a file lacks: what is known of them is taken in, nothing later is, and scores are what they say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from same_process import SameProcess
from scipy.stats import kurtosis, norm

from oa_sim import Refusal
from oa_sim.cli.main import main
from oa_sim.inference import baseline_fit
from oa_sim.inputs import panel, published_files, tables
from oa_sim.validation import backtest, benchmark_forecasters, district_backtest, district_record
from oa_sim.validation.benchmark_forecasters import PEERS
from oa_sim.validation.district_backtest import COUNTY, OURS

FACTS = Path(__file__).resolve().parents[3] / "shared" / "facts"
YEARS = (2016, 2017, 2018, 2019, 2023, 2024, 2025)
PLACES = district_record.places()
COUNTIES = ("Cambridgeshire", "Somerset")
CODES = [*PLACES.index[PLACES.authority.isin(COUNTIES)], *PLACES.index[PLACES.tier == "authority"][:8]]
LONE, SOMERSET = "E07000008", "E07000187"  # Cambridge, and Mendip
UNITARY = "E06000001"
ABOVE = 0.02  # SD, of school tables above published figures
SHARE = 0.25
COLUMNS = [
    *(
        "model",
        "measure",
        "group",
        "year",
        "n",
        "crps",
        "crps_ratio_county",
        "crps_ratio_rw",
        "cov50",
        "cov80",
        "cov95",
    ),
]


def made_up():
    """Return figures of districts (code, year: disadvantaged, other) and of authorities (name, year), as published."""
    rng = np.random.default_rng(11)
    own, whole = {}, {}
    for name in dict.fromkeys(PLACES.authority[CODES]):
        codes = [code for code in CODES if PLACES.authority[code] == name]
        level, apart = 0.1 * rng.standard_normal(), 0.1 * rng.standard_normal(len(codes))
        apart -= apart.mean()
        for year in YEARS:
            noise = 0.04 * rng.standard_normal((len(codes), 2))
            latent = np.array([-0.1, 0.45]) + level + apart[:, None] + noise
            for code, pair in zip(codes, latent, strict=True):
                own[code, year] = 100 * norm.cdf(pair)
            mean = np.mean([own[code, year] for code in codes], axis=0)
            whole[name, year] = 100 * norm.cdf(norm.ppf(mean / 100) - ABOVE)
    return own, whole


OWN, WHOLE = made_up()


def rows(own, lacks=()):
    head = "lad13cd", "year", "ks2_rwm_all", "n", "ks2_rwm_disadvantaged", "n_dis_published", "dis_share_pct"
    cells = [(code, year, SHARE * poor + (1 - SHARE) * other, 800, poor, 200, 100 * SHARE)
             for (code, year), (poor, other) in own.items() if (code, year) not in lacks]  # fmt: skip
    return pd.DataFrame(cells, columns=head)


def authorities(lacks=()):
    names = dict.fromkeys(name for name, _ in WHOLE)
    codes = {name: str(301 + i) for i, name in enumerate(names)} | {"England": "970"}
    figures = WHOLE | {("England", year): (46.0, 67.0) for year in YEARS}
    lines = [
        (codes[name], name, f"{year - 1}/{year % 100:02d}", pair[0], pair[1], SHARE * pair[0] + (1 - SHARE) * pair[1])
        for (name, year), pair in figures.items() if (name, year) not in lacks
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=["la_code", "la_name", "academic_year", "ks2_rwm_exp_disadv_pct",
                                        "ks2_rwm_exp_nondisadv_pct", "ks2_rwm_exp_pct"])  # fmt: skip


@pytest.fixture(scope="module")
def posterior():
    return baseline_fit.load().isel(draw=slice(60))


@pytest.fixture
def known(posterior, tmp_path):
    """Return what makes the setting and the draws of figures that districts and authorities lack."""

    def of(lacks, whole_lacks=(), own=None):
        own = OWN if own is None else own
        authorities(whole_lacks).to_csv(tmp_path / "panel.csv", index=False)
        rows(own, lacks).to_csv(tmp_path / "known.csv", index=False)
        rows(own).to_csv(tmp_path / "later.csv", index=False)
        history = panel.history(published_files.read(tmp_path / "panel.csv"), tables.read("breaks"))
        read = district_record.read(str(tmp_path / "known.csv"), "known")
        asked = district_record.targets(read, district_record.read(str(tmp_path / "later.csv"), "later"))
        given = district_record.setting(posterior, history, read, asked, 3)
        return given, asked, district_backtest.forecasts(given, asked)

    of.folder = tmp_path
    return of


def lacking(*codes, years=(2024, 2025)):
    return {(code, year) for code in codes for year in years}


def relative(code, year, group):
    """Return a figure less England's, SD."""
    place = 0 if group == "disadvantaged" else 1
    return norm.ppf(OWN[code, year][place] / 100) - norm.ppf((0.46, 0.67)[place])


def test_one_district_of_a_county_follows_from_the_others(known):
    _, _, alone = known(lacking(LONE))
    siblings = [code for code in CODES if PLACES.authority[code] == "Cambridgeshire"]
    _, _, none = known(lacking(*siblings))
    for group in ("disadvantaged", "other"):
        narrow, wide = (drawn[OURS][LONE, group, 2024] for drawn in (alone, none))
        assert narrow.std() < wide.std()
        assert abs(narrow.mean() - relative(LONE, 2024, group)) < 3 * narrow.std()
    # and where the county is not known either, all that is left is how districts differ
    _, _, blind = known(lacking(*siblings), {("Cambridgeshire", 2024), ("Cambridgeshire", 2025)})
    assert blind[OURS][LONE, "other", 2025].std() > none[OURS][LONE, "other", 2025].std()


def test_the_districts_of_a_county_add_up_to_it(known):
    siblings = [code for code in CODES if PLACES.authority[code] == "Cambridgeshire"]
    _, _, drawn = known(lacking(*siblings))
    mean = np.mean([drawn[OURS][code, "other", 2025].mean() for code in siblings])
    assert mean == pytest.approx(np.mean([relative(code, 2025, "other") for code in siblings]), abs=0.02)


def test_a_district_that_is_an_authority_is_the_published_figure_and_the_difference_of_method(known):
    given, _, drawn = known(lacking(UNITARY))
    draws = drawn[OURS][UNITARY, "other", 2024]
    published = norm.ppf(WHOLE[PLACES.authority[UNITARY], 2024][1] / 100) - norm.ppf(0.67)
    assert np.median(draws) == pytest.approx(published + ABOVE, abs=0.005)
    assert draws.std() < 0.02
    assert given.method.of(PLACES.authority[UNITARY], "other", 2024)[0] == pytest.approx(ABOVE, abs=0.003)
    assert (UNITARY, "other", 2024) not in drawn[COUNTY]


def test_a_gap_in_the_panel_is_filled_from_the_districts(known):
    given, _, _ = known(lacking(LONE), {("Somerset", 2023), (PLACES.authority[UNITARY], 2023)})
    s = given.record.series.index(("key_stage_2", "other"))
    at = int(np.flatnonzero(given.record.years == 2023)[0])
    for name in ("Somerset", PLACES.authority[UNITARY]):
        a = given.record.areas.index(name)
        expected = norm.ppf(WHOLE[name, 2023][1] / 100) - norm.ppf(0.67)
        assert given.record.observed[s, a, at] == 1
        assert given.record.relative[s, a, at] == pytest.approx(expected, abs=0.01)


def test_nothing_later_is_used_and_another_county_changes_nothing(known):
    lacks = lacking(LONE)
    _, _, drawn = known(lacks)
    other = {key: value * (0.9 if key in lacks else 1.0) for key, value in OWN.items()}
    _, _, again = known(lacks, own=other)
    for key, draws in drawn[OURS].items():
        np.testing.assert_array_equal(draws, again[OURS][key])
    _, _, more = known(lacks | lacking(UNITARY))
    np.testing.assert_allclose(drawn[OURS][LONE, "other", 2024], more[OURS][LONE, "other", 2024], atol=1e-9)


def test_the_mean_of_all_lies_between_both_groups_and_the_last_known_year_may_be_long_ago(known):
    _, asked, drawn = known(lacking(LONE, years=(2018, 2019, 2023, 2024, 2025)))
    assert set(asked["last"]) == {2017}
    country = {"disadvantaged": 0.46, "other": 0.67, "all": SHARE * 0.46 + (1 - SHARE) * 0.67}
    low, high, both = (
        norm.cdf(np.median(drawn[OURS][LONE, group, 2024]) + norm.ppf(country[group]))
        for group in ("disadvantaged", "other", "all")
    )
    assert low < both < high
    assert np.isfinite(list(drawn[OURS].values())).all()


def test_where_nothing_of_a_county_is_known_its_districts_have_its_tails(known):
    siblings = [code for code in CODES if PLACES.authority[code] == "Cambridgeshire"]
    lacks = lacking(*siblings), {("Cambridgeshire", 2024), ("Cambridgeshire", 2025)}
    given, _, drawn = known(*lacks)
    course, _ = district_backtest._authority(given, "Cambridgeshire", [2024, 2025])
    county = course[:, 1, 1]
    mean = np.mean([drawn[OURS][code, "other", 2025] for code in siblings], axis=0)
    assert np.corrcoef(mean, county)[0, 1] > 0.95  # draw by draw, so it is of the county's form
    assert kurtosis(mean) == pytest.approx(kurtosis(county), abs=0.5)


def test_a_panel_that_shares_nothing_with_the_districts_is_refused(known, monkeypatch):
    monkeypatch.setattr(district_record, "_published", lambda *_: {})
    with pytest.raises(Refusal, match="must share key stage 2 of both groups"):
        known(lacking(LONE))


def test_a_district_without_a_share_has_that_of_another(known):
    given, _, _ = known(lacking(LONE))
    left = given.known.drop(index=LONE, level="code")
    drawn = district_backtest._share(replace(given, known=left), LONE, 2024, 50)
    np.testing.assert_allclose(drawn, SHARE)


@pytest.fixture
def plain_peers(monkeypatch):
    """Leave out the automatic peers, which take seconds to start, and the other processes."""
    monkeypatch.setattr(benchmark_forecasters, "PEERS", {name: PEERS[name] for name in ("random walk", "mean")})
    monkeypatch.setattr(backtest, "ProcessPoolExecutor", SameProcess)


def test_the_scores_have_their_columns_and_each_ratio_its_rival(known, plain_peers):
    lacks = lacking(LONE, SOMERSET, UNITARY)
    given, asked, drawn = known(lacks)
    england = {(group, year): norm.ppf(share) for year in (2024, 2025)
               for group, share in (("disadvantaged", 0.46), ("other", 0.67), ("all", 0.6175))}  # fmt: skip
    entries = district_backtest.entries(drawn, asked, england)
    own = [entry for entry in entries if entry.model == OURS]
    record = district_backtest.record(given)
    peers = backtest.peers(own, backtest.outlooks(record, own), record)
    table = district_backtest.table([*entries, *peers])
    assert table.columns.tolist() == COLUMNS
    assert len(table) == 4 * 3 * 2  # models, groups, years
    assert set(table[table.model == COUNTY].n) == {2}
    assert set(table[table.model != COUNTY].n) == {3}
    np.testing.assert_allclose(table[table.model == COUNTY].crps_ratio_county, 1.0)
    np.testing.assert_allclose(table[table.model == "random walk"].crps_ratio_rw, 1.0)
    assert np.isfinite(table[COLUMNS[4:]]).all().all()
    cell = table[(table.group == "other") & (table.year == 2024)].set_index("model")
    assert cell.crps_ratio_rw[OURS] == pytest.approx(cell.crps[OURS] / cell.crps["random walk"])
    two_tier = [district_backtest.table([entry]).crps.iloc[0] for entry in entries
                if entry.group == "other" and entry.year == 2024 and entry.model == COUNTY]  # fmt: skip
    assert two_tier[0] == pytest.approx(cell.crps[COUNTY])
    assert cell.crps_ratio_county[OURS] != pytest.approx(cell.crps[OURS] / cell.crps[COUNTY])  # not of the same figures
    lone = district_backtest.table([entry for entry in entries if entry.model == OURS])
    assert lone[["crps_ratio_county", "crps_ratio_rw"]].isna().all().all()  # there is none to compare with
    first, second = district_backtest.sentences(table)
    assert "18 held-out figures" in first
    assert second.startswith("Its 50%, 80% and 95% intervals cover")


def test_a_year_without_england_is_refused(known):
    _, asked, drawn = known(lacking(LONE))
    with pytest.raises(Refusal, match=r"England's key stage 2 of 2023/24"):
        district_backtest.entries(drawn, asked, {})


def test_a_district_whose_authority_the_panel_lacks_is_left_out_and_said(known):
    _, asked, _ = known(lacking(LONE, UNITARY))
    history = panel.history(published_files.read(known.folder / "panel.csv"), tables.read("breaks"))
    kept, lines = district_record.in_panel(asked, history.drop_sel(area="Hartlepool"))
    assert set(kept.index.get_level_values("code")) == {LONE}
    assert lines[-1] == "the districts of Hartlepool are left out: the panel does not have it"
    with pytest.raises(Refusal, match=r"panel.path must have Hartlepool"):
        district_record.in_panel(asked, history.isel(area=slice(0)))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["panel.districts=c.csv"], "go together, got one: add panel.districts_actuals=FILE"),
        (["panel.districts_actuals=d.csv"], "go together, got one: add panel.districts=FILE"),
        (["panel.districts=c.csv", "panel.districts_actuals=d.csv"], "panel.districts must name a file"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(capsys, words, sentence):
    assert main(["backtest", "panel.path=a.csv", "panel.actuals=b.csv", "panel.score=missing", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_districts_are_scored_where_figures_are_missing_alone(capsys):
    words = ["panel.actuals=b.csv", "panel.train_until=2019", "panel.districts=c.csv", "panel.districts_actuals=d.csv"]
    assert main(["backtest", "panel.path=a.csv", *words]) == 2
    assert "set panel.score=missing" in capsys.readouterr().err


@pytest.mark.skipif(not FACTS.is_dir(), reason="needs the facts beside the repository")
def test_real_districts_are_forecast_better_than_by_themselves_or_by_their_county(posterior, plain_peers, tmp_path):
    breaks = tables.read("breaks")
    both = pd.concat([pd.read_csv(FACTS / f"la_panel{name}.csv") for name in ("", "_2023_24_and_2024_25")])
    both.to_csv(tmp_path / "panel.csv", index=False)
    history = panel.history(published_files.read(tmp_path / "panel.csv"), breaks)
    districts = pd.read_csv(FACTS / "districts" / "key_stage_2_by_district.csv")
    held = sorted(districts[districts.year == 2025].lad13cd)[::6]
    districts[~(districts.lad13cd.isin(held) & (districts.year > 2023))].to_csv(tmp_path / "known.csv", index=False)
    later = district_record.read(str(FACTS / "districts" / "key_stage_2_by_district.csv"), "later")
    read = district_record.read(str(tmp_path / "known.csv"), "known")
    table, lines = backtest.of_districts(posterior, history, history, read, district_record.targets(read, later), 5)
    ours = table[table.model == OURS]
    assert ours.n.min() > 30
    assert (ours.crps_ratio_rw < 0.95).all()
    assert ours.crps_ratio_county.mean() < 0.85
    held_80 = np.average(ours.cov80, weights=ours.n)
    assert 0.7 < held_80 < 0.9
    assert "City of London" in lines[0]
