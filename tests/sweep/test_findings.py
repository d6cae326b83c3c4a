"""The verb sensitivity: a sweep's folder as a person would ask it, its marks, and its refusals."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import qmc

from oa_sim.cli.main import main
from oa_sim.report import folder_writers
from oa_sim.sweep import findings

KEYS = ["budget.total_gbp", "split"]


def sweep_in(folder, n=128, kind="sobol", **facts):
    """Write a sweep's folder as the verb sweep does, its answers by a law that is known."""
    folder.mkdir(exist_ok=True)
    u = qmc.Sobol(2, rng=1).random(n)
    split = np.where(u[:, 1] < 0.5, "equal", "per_pupil")
    table = pd.DataFrame({"scenario": range(n), KEYS[0]: 5e7 + 1e8 * u[:, 0], KEYS[1]: split})
    table["impact_mean"] = 2 * u[:, 0] + (split == "equal")
    table["impact_q05"], table["impact_q95"] = table.impact_mean - 1, table.impact_mean + 1
    table = table.assign(constant=1.0, verdict="PASS", n_draws=2000, failed="")
    known = {"format": 1, "oa_sim": "0", "code_hash": "c0de", "data_hash": "da7a", "keys": KEYS}
    known |= {"design": {"kind": kind, "n": n, "seed": 1}, "bounds": {KEYS[0]: [5e7, 1.5e8]}, "to_verify": {}}
    known["units"] = {"impact_mean": "percentage points"}
    (folder / "sweep.json").write_text(json.dumps(known | facts), encoding="utf-8")
    table.to_csv(folder / "summary.csv", index=False)
    return table


def ask(capsys, *words):
    code = main(["sensitivity", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def sweep(tmp_path):
    sweep_in(tmp_path / "sweep")
    return tmp_path / "sweep"


def test_the_answer_is_sentences_then_the_folder_with_its_files(capsys, sweep):
    code, out, err = ask(capsys, sweep, "fails=impact_q05<0")
    assert (code, err) == (0, "")
    *said, last = out.splitlines()
    folder = Path(last)
    assert folder.parent == sweep / "sensitivity"
    names = {"indices.csv", "tornado.csv", "tornado.svg", "boxes.csv", "sensitivity.json"}
    assert {path.name for path in folder.iterdir()} == names
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert "most comes from budget.total_gbp, 57% (90% interval" in said[0]  # 4 / 12 of 4 / 12 + 1 / 4
    assert "then from split, 43% (90% interval" in said[0]
    assert "budget.total_gbp changes impact_mean most: from" in said[1]
    assert re.search(r" percentage points \(90% interval .*\) where it is £\d\d.\dm to £\d\d.\dm to ", said[1])
    assert "Within one scenario the 90% interval is" in said[1]
    assert "split is By number of pupils" in said[2]
    facts = json.loads((folder / "sensitivity.json").read_text(encoding="utf-8"))
    assert facts["sweep"]["data_hash"] == "da7a"
    assert facts["sweep"]["code_hash"] == "c0de"
    assert facts["said"] == said


def test_the_same_question_has_the_same_answer_in_the_same_folder(capsys, sweep):
    first = ask(capsys, sweep)
    tables = {path.name: path.read_bytes() for path in Path(first[1].splitlines()[-1]).glob("*.[cs]*v*")}
    assert ask(capsys, sweep) == first
    assert {path.name: path.read_bytes() for path in Path(first[1].splitlines()[-1]).glob("*.[cs]*v*")} == tables


def test_parquet_and_csv_say_the_same(capsys, sweep):
    first = ask(capsys, sweep)
    table = pd.read_csv(sweep / "summary.csv", keep_default_na=False)
    table.to_parquet(sweep / "summary.parquet")
    (sweep / "summary.csv").unlink()
    assert ask(capsys, sweep) == first


def test_json_is_one_line_with_each_share_and_its_interval(capsys, sweep, tmp_path):
    code, out, err = ask(capsys, sweep, "--json", f"outputs={tmp_path / 'there'}")
    assert (code, err, out.count("\n")) == (0, "", 1)
    facts = json.loads(out)
    assert facts["verdict"] == "PASS"
    assert Path(facts["folder"]).parent == tmp_path / "there"
    first = facts["shares"][0]
    assert first["key"] == "budget.total_gbp"
    assert first["low"] <= 4 / 7 <= first["high"]


def test_fail_and_to_verify_travel_into_every_table_sentence_and_picture(capsys, tmp_path):
    table = sweep_in(tmp_path / "sweep", to_verify={"studies": ["One", "Two"]})
    table.loc[5, "verdict"] = "[FAIL]"
    table.to_csv(tmp_path / "sweep" / "summary.csv", index=False)
    _, out, _ = ask(capsys, tmp_path / "sweep", "fails=impact_q05<0")
    *said, folder = out.splitlines()
    assert "impact_mean [FAIL]" in said[0]
    assert any(line.startswith("[FAIL] 1 of 128 scenarios") for line in said)
    assert "2 studies, listed in sensitivity.json" in said[-1]
    for name in ("indices", "tornado", "boxes"):
        rows = pd.read_csv(Path(folder) / f"{name}.csv")
        assert (rows.verdict == "FAIL").all()
        assert (rows.to_verify == 2).all()
    assert "What moves impact mean [FAIL]" in (Path(folder) / "tornado.svg").read_text(encoding="utf-8")


def test_failed_scenarios_are_left_out_and_said(capsys, tmp_path):
    table = sweep_in(tmp_path / "sweep")
    table.loc[[3, 9], ["impact_mean", "impact_q05"]] = np.nan
    table.loc[[3, 9], "failed"] = "there is no money left for it."
    table.loc[[3, 9], "verdict"] = ""
    table.to_csv(tmp_path / "sweep" / "summary.csv", index=False)
    code, out, _ = ask(capsys, tmp_path / "sweep")
    assert code == 0
    assert (
        "2 of 128 scenarios have no result and are left out (the first is number 3: there is no money left for it)."
        in out
    )
    assert "between 126 scenarios" in out


def test_where_scenarios_failed_keys_may_go_together_and_it_is_said(capsys, tmp_path):
    table = sweep_in(tmp_path / "sweep")
    table.loc[[3, 9], ["impact_mean", "impact_q05"]] = np.nan
    table.loc[[3, 9], "failed"] = "there is no money left for it."
    table.to_csv(tmp_path / "sweep" / "summary.csv", index=False)
    _, out, _ = ask(capsys, tmp_path / "sweep")
    assert "Failed scenarios may leave keys correlated: shares then overlap" in out.splitlines()[1]
    low = table.impact_mean < 1
    table.assign(impact_mean=table.impact_mean.mask(low), failed=np.where(low, "no.", "")).to_csv(
        tmp_path / "sweep" / "summary.csv", index=False
    )
    _, out, _ = ask(capsys, tmp_path / "sweep")
    assert "keys correlated (clearly: budget.total_gbp with split): shares then overlap" in out.splitlines()[1]
    rows = pd.read_csv(Path(out.splitlines()[-1]) / "indices.csv")
    assert (rows.method == "given data, failed rows left out").all()
    sweep_in(tmp_path / "sweep")
    assert "correlated" not in ask(capsys, tmp_path / "sweep")[1]


def test_a_sweep_of_noise_names_no_key_that_moves_it(capsys, tmp_path):
    table = sweep_in(tmp_path / "sweep")
    table["impact_mean"] = np.random.default_rng(1).standard_normal(128)
    table.to_csv(tmp_path / "sweep" / "summary.csv", index=False)
    said = ask(capsys, tmp_path / "sweep")[1].splitlines()
    assert "no key alone has a share that is clear of chance" in said[0]
    assert "which may be chance: from" in said[1]
    assert not any("most comes from" in line or "changes impact_mean most" in line for line in said)


def test_a_sweep_in_which_all_failed_is_refused_with_the_first_reason(capsys, tmp_path):
    table = sweep_in(tmp_path / "sweep")
    table.assign(failed="there is no money left.")[["scenario", *KEYS, "failed"]].to_csv(
        tmp_path / "sweep" / "summary.csv", index=False
    )
    code, out, err = ask(capsys, tmp_path / "sweep")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "all 128 scenarios failed (the first: there is no money left)" in err


def test_an_unknown_name_is_answered_with_the_nearest_or_a_handful_never_all(capsys, tmp_path):
    table = sweep_in(tmp_path / "sweep")
    more = {f"{name}_{end}": 0.5 for name in map(str, range(60)) for end in ("mean", "q95")}
    pd.concat([table, pd.DataFrame(more, index=table.index)], axis=1).to_csv(tmp_path / "sweep" / "summary.csv")
    for words in (["headline=zzz"], ["fails=zzz<1"]):
        code, _, err = ask(capsys, tmp_path / "sweep", *words)
        assert code == 2
        assert "'zzz': choose impact_mean, 0_mean" in err
        assert len(err) < 250
    assert "did you mean 'impact_mean'?" in ask(capsys, tmp_path / "sweep", "headline=impact_men")[2]


def test_the_advice_fits_what_is_damaged_the_record_or_the_summary(capsys, tmp_path):
    sweep = tmp_path / "a sweep"
    sweep_in(sweep)
    (sweep / "summary.csv").write_bytes(b"")
    assert (
        f"summary cannot be read (EmptyDataError): write it again with oa-sim resume '{sweep}'" in ask(capsys, sweep)[2]
    )
    for text in ("{", "[1]", "{}"):
        (sweep / "sweep.json").write_text(text, encoding="utf-8")
        code, _, err = ask(capsys, sweep)
        assert code == 2
        assert "put sweep.json back from a copy" in err
        assert "resume" not in err  # which would refuse too


def test_few_scenarios_say_that_they_are_too_few(capsys, tmp_path):
    rng = np.random.default_rng(2)
    table = sweep_in(tmp_path / "sweep", 32, "latin_hypercube")
    table["impact_mean"] += 2 * rng.standard_normal(32)
    table.to_csv(tmp_path / "sweep" / "summary.csv", index=False)
    _, out, _ = ask(capsys, tmp_path / "sweep")
    assert "32 scenarios are too few to say what share comes from budget.total_gbp" in out


def test_a_sweep_that_does_not_name_its_doubts_says_so(capsys, tmp_path):
    sweep_in(tmp_path / "sweep")
    facts = json.loads((tmp_path / "sweep" / "sweep.json").read_text(encoding="utf-8"))
    del facts["to_verify"]
    (tmp_path / "sweep" / "sweep.json").write_text(json.dumps(facts), encoding="utf-8")
    _, out, _ = ask(capsys, tmp_path / "sweep")
    assert "How many figures are still to verify is not known" in out


def test_what_a_sweep_counts_and_speaks_of_is_said_with_its_unit(capsys, tmp_path):
    table = sweep_in(tmp_path / "sweep", to_verify=None, units={})
    about = {"headline_measure": "key_stage_2", "headline_group": "disadvantaged", "headline_year": 2028}
    table.assign(**about, to_verify=[3, *[7] * 127]).to_csv(tmp_path / "sweep" / "summary.csv", index=False)
    _, out, _ = ask(capsys, tmp_path / "sweep")
    assert re.search(r"from \S+ percentage points \(90% interval", out)
    assert (
        "impact_mean refers to key stage 2 reading, writing and maths (Year 6) of disadvantaged pupils in 2027/28"
        in out
    )
    assert "up to 7 figures still to verify" in out
    table.assign(**about | {"headline_year": [2027, *[2028] * 127]}).to_csv(tmp_path / "sweep" / "summary.csv")
    assert "refers to 2 different measures, groups or years" in ask(capsys, tmp_path / "sweep")[1]


@pytest.mark.parametrize(
    ("headline", "unit"),
    [
        ("impact_mean", "points"),
        ("projection_q05", "points"),
        ("impact_p_better", "probability"),
        ("headline_left_5y", "share of the peak"),
        ("benefit_per_pound_mean", "£ per £1"),
        ("gap_mean", findings.UNIT),
    ],
)
def test_a_headline_has_the_unit_that_its_name_and_measure_tell(headline, unit):
    rows = pd.DataFrame({"headline_measure": ["attainment_8"] * 2})
    assert findings.unit_of(rows, {}, headline) == unit
    assert findings.unit_of(rows, {"units": {headline: "of its own"}}, headline) == "of its own"


def test_a_varied_scenario_and_an_extended_sweep_are_understood(capsys, tmp_path):
    more = {"design": {"kind": "grid"}, "keys": ["scenario"], "bounds": {}}
    table = sweep_in(tmp_path / "sweep", extensions=[more])
    table["scenario_name"] = np.where(np.arange(128) % 2, "hand_over", "as_delivered")
    table.to_csv(tmp_path / "sweep" / "summary.csv", index=False)
    _, out, _ = ask(capsys, tmp_path / "sweep")
    assert "scenario_name" in pd.read_csv(Path(out.splitlines()[-1]) / "tornado.csv").key.tolist()
    assert "not one sample" in out


def test_a_list_of_scenarios_says_that_shares_may_overlap(capsys, tmp_path):
    sweep_in(tmp_path / "sweep", kind="list")
    assert "shares overlap" in ask(capsys, tmp_path / "sweep")[1]


def test_the_folder_of_a_run_answers_from_its_own_draws(capsys, tiny, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    origins = tiny.origins()
    origins.to_csv(folder / "uncertainty.csv", index=False)
    about = {"label": "x", "verdict": "PASS"} | tiny.manifest
    (folder / "run.json").write_text(json.dumps(about), encoding="utf-8")
    code, out, err = ask(capsys, folder, "headline=projection_mean")
    assert (code, err) == (0, "")
    rows = pd.read_csv(Path(out.splitlines()[-1]) / "indices.csv")
    assert set(rows.key) == {"programme", "national", "area", "together"}
    one = origins[(origins.area == "mean of areas") & (origins.quantity == "projection")].iloc[0]
    assert rows.share.iloc[0] == pytest.approx(one.share, rel=1e-5)
    assert rows.high.iloc[0] - rows.share.iloc[0] == pytest.approx(1.645 * one.standard_error, rel=1e-3)
    assert ask(capsys, folder, "headline=benefit")[0] == 2
    assert "needs many futures" in ask(capsys, folder, "fails=impact_q05<0")[2]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["headline=impact_men"], "unknown headline 'impact_men': did you mean 'impact_mean'?"),
        (["headline=n_draws"], "unknown headline"),
        (["headline=constant"], "'constant' is 1 in all 128 scenarios"),
        (["fails=impact_q0<0"], "did you mean 'impact_q05'?"),
        (["headlne=impact_mean"], "unknown key of sensitivity 'headlne': did you mean 'headline'?"),
        (["elsewhere"], "elsewhere: write it as in oa-sim sensitivity sweeps/money"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_sentence_and_leaves_nothing(capsys, sweep, words, why):
    code, out, err = ask(capsys, sweep, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert why in err
    assert not (sweep / "sensitivity").exists()


def test_a_folder_that_is_no_sweep_an_unfinished_one_or_a_damaged_one_is_refused(capsys, sweep, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "holds neither a sweep nor a run" in ask(capsys, tmp_path / "empty")[2]
    assert "is not a folder" in ask(capsys, tmp_path / "nowhere")[2]
    (sweep / "summary.csv").rename(sweep / "away.csv")
    assert "has no summary yet" in ask(capsys, sweep)[2]
    pd.read_csv(sweep / "away.csv").drop(columns="split").to_csv(sweep / "summary.csv")
    assert "no column 'split'" in ask(capsys, sweep)[2]
    (sweep / "sweep.json").write_text("{", encoding="utf-8")
    code, out, err = ask(capsys, sweep)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "not a whole sweep" in err


def test_a_sweep_in_which_nothing_was_varied_is_refused(capsys, tmp_path):
    sweep_in(tmp_path / "sweep", keys=[])
    assert "no key was varied" in ask(capsys, tmp_path / "sweep")[2]


@pytest.mark.parametrize(
    ("module", "words", "kind"), [("ema_workbench", ["fails=impact_q05<0"], "sobol"), ("SALib", [], "saltelli")]
)
def test_a_missing_extra_is_named_in_a_sentence(capsys, tmp_path, monkeypatch, module, words, kind):
    for name in list(sys.modules):
        if name.split(".")[0] == module:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    table = sweep_in(tmp_path / "sweep", kind=kind)
    base = table.iloc[:32].reset_index(drop=True)
    other = table.iloc[32:64].reset_index(drop=True)
    if kind == "saltelli":
        swapped = [base.assign(**{key: other[key]}) for key in KEYS]
        rows = pd.concat([base, *swapped, other], keys=range(4)).swaplevel().sort_index(kind="stable")
        rows.to_csv(tmp_path / "sweep" / "summary.csv", index=False)
    code, out, err = ask(capsys, tmp_path / "sweep", *words)
    assert (code, out) == (2, "")
    assert 'pip install "oa-sim[sensitivity]"' in err


def test_a_folder_that_cannot_be_filled_leaves_nothing_behind(sweep, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_writers, "write_json", full)
    code, _, err = ask(capsys, sweep)
    assert code == 2
    assert "No space left" in err
    assert not (sweep / "sensitivity").exists()


def test_asking_for_no_boxes_needs_no_extra(sweep):
    assert "boxes" not in findings.answer(sweep).tables
