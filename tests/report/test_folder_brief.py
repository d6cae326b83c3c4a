"""The brief of a folder: comparisons, pictures, and folders that are damaged."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from printed import book_text

from oa_sim.cli.main import main
from oa_sim.errors import Refusal
from oa_sim.report import document, folder_brief, folder_writers, reported_statistic
from oa_sim.report.formats import excel, html_pages
from oa_sim.report.reported_statistic import Origin


def of_comparison(tmp_path, run_tiny, tiny, change=lambda facts: facts):
    from oa_sim.simulation.comparison import Comparison

    made = Comparison((run_tiny("scenario=no_programme"), tiny), pd.DataFrame())
    at = folder_writers.write_comparison(replace(made, table=made.means()), tmp_path)
    facts = json.loads((at / "compare.json").read_text())
    (at / "compare.json").write_text(json.dumps(change(facts)))
    return folder_brief.read(at, folder_brief.kind_of(at))


def test_a_comparison_leads_with_the_headlines_measure_and_says_ready_numbers_on_record(tmp_path, run_tiny, tiny):
    found = of_comparison(tmp_path, run_tiny, tiny)
    assert document.plain(found.headline).startswith("Key stage 2")
    assert "compared with no programme" in document.plain(found.headline).lower()
    (grid,) = [grid for one in found.passages for grid in one.grids]
    assert all("Key stage 2" in row[0] for row in grid.rows)
    on_record = {one.text for one in found.figures}
    for one in found.passages[0].said:
        for number in folder_brief.NUMBER.findall(document.plain(one)):
            assert number in on_record
    row = next(row for row in book_text(excel.book(found)) if row["figure"].startswith("means.mean"))
    assert row["as printed"]


def test_a_failed_run_marks_every_figure_of_its_comparison(tmp_path, run_tiny, tiny):
    def failed(facts):
        facts["runs"][1]["gates"]["verdict"] = "FAIL"
        return facts | {"scenarios": [facts["scenarios"][0], f"{facts['scenarios'][1]} [FAIL]"]}

    found = of_comparison(tmp_path, run_tiny, tiny, failed)
    assert found.verdict == "FAIL"
    assert all(reported_statistic.FAILED in one.marks for one in found.figures)


@pytest.mark.parametrize(("verdict", "n_kept"), [("PASS", 5), ("FAIL", 3)])
def test_targets_for_which_the_first_page_has_no_room_stand_in_the_annex(tmp_path, run_tiny, tiny, verdict, n_kept):
    targets = [f"{colour}: target {n} {'x' * 480}" for n in range(4) for colour in ("RED", "AMBER", "GREEN")]
    ends = ["Hindsight remains.", "Not modelled: 12 targets."]

    def many(facts):
        facts["runs"][0]["gates"] |= {"verdict": verdict, "reason": "r" * 900}
        return facts | {"headline": ["The lead.", *targets, *ends]}

    found = of_comparison(tmp_path, run_tiny, tiny, many)
    lines = [document.plain(line) for line in found.passages[0].said]
    (rest,) = found.annex
    on_page = [line for line in lines if line in targets]
    assert len(on_page) == n_kept
    assert [*on_page, *map(document.plain, rest.said)] == targets
    assert lines[-2:] == ends
    where = lines[lines.index(on_page[-1]) + 1]
    assert where.startswith(f"{12 - n_kept} more targets are in the table on the next page")
    assert all(one.text for one in found.figures)


def test_pictures_of_a_folder_stand_on_their_page_with_titles(tmp_path, run_tiny, tiny):
    found = of_comparison(tmp_path, run_tiny, tiny)
    (tmp_path / "split.svg").write_text('<svg viewBox="0 0 9 9" role="img" aria-label="Who &lt;gets&gt; it"></svg>')
    drawn = folder_brief.pictures(tmp_path)
    page = html_pages.pictures_page(drawn, found)
    assert "Where the money goes" in page
    assert "Who &lt;gets&gt; it</p>" in page
    assert html_pages.pictures_page([], found) == ""


def test_a_damaged_folder_is_refused_and_nothing_is_left(tmp_path, capsys):
    (tmp_path / "result.nc").write_bytes(b"no result")
    assert main(["report", str(tmp_path)]) == 2
    assert "not a whole result" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()
    (tmp_path / "result.nc").unlink()
    (tmp_path / "target.json").write_text("{")
    with pytest.raises(Refusal, match="cannot be read"):
        folder_brief.read(tmp_path, folder_brief.kind_of(tmp_path))


ORIGIN = Origin("s", "run", "draws", "data", "1", 2000)


def test_rows_of_a_sweep_bear_their_own_marks():
    spec, basis = folder_brief.SPECS["sweep"], folder_brief.Basis(ORIGIN, (), {"impact_mean": "percentage points"})
    table = pd.DataFrame({
        "scenario": [0, 1], "impact_mean": [0.5, 0.7], "impact_q05": [0.2, 0.3], "impact_q95": [0.8, 1.1],
        "headline_p_half_left_10y": [0.001, 0.2], "to_verify": [3, 0], "verdict": ["PASS", "FAIL"],
        "last_funded_year": [2028, 2028],
    })  # fmt: skip
    found = folder_brief.figures_of("summary", table, spec, basis)
    assert found[0, "impact_mean"].marks == reported_statistic.VERIFY
    assert found[0, "impact_mean"].unit == "percentage points"
    assert reported_statistic.FAILED in found[1, "impact_mean"].marks
    assert found[0, "headline_p_half_left_10y"].text == "below 1%"
    assert (0, "last_funded_year") not in found
    sheet = folder_brief.sheet("summary", table, found)
    end = sheet.rows[0][sheet.head.index("impact_q05")]
    assert end.value == pytest.approx(0.2)
    assert end.text == found[0, "impact_mean"].interval.split(" to ")[0]
