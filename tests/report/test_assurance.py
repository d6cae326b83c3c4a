"""The assurance pack: what was checked, what was not run, how sure it is, and what changed."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from oa_sim.report import assurance, run_statistics

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def log(tiny):
    return assurance.verification_log(tiny).set_index("check")


def verdict(result, check):
    return assurance.verification_log(result).set_index("check").verdict[check]


def test_a_sound_run_passes_what_can_be_checked(log):
    checked = log[log.verdict != assurance.NOT_RUN]
    assert set(checked.verdict) == {"PASS"}
    assert {"figures: impact", "figures: groups", "money: added up anew", "trace: run id"} <= set(checked.index)


def test_figures_that_do_not_hang_together_fail(tiny):
    draws = tiny.draws.copy()
    draws["impact"] = draws.impact + 0.01
    assert verdict(replace(tiny, draws=draws), "figures: impact") == "FAIL"
    draws = tiny.draws.copy(deep=True)
    draws.projection.loc[{"measure": "key_stage_2", "group": "all"}] += 0.01
    assert verdict(replace(tiny, draws=draws), "figures: groups") == "FAIL"
    draws = tiny.draws.copy(deep=True)
    draws.projection[{"chain": 0, "draw": 0, "area": 0, "year": 0}] = np.nan
    assert verdict(replace(tiny, draws=draws), "figures: finite") == "FAIL"


def test_a_pound_that_is_lost_fails(tiny):
    money = tiny.money.copy(deep=True)
    money.spend[dict.fromkeys(money.spend.dims, 0)] += 1
    assert verdict(replace(tiny, money=money), "money: added up anew") == "FAIL"
    account = tiny.manifest["account_gbp"] | {"difference": 1}
    assert verdict(replace(tiny, manifest=tiny.manifest | {"account_gbp": account}), "money: account") == "FAIL"


def test_a_run_that_says_it_is_another_fails(tiny):
    scenario = tiny.manifest["scenario"] | {"seed": 1}
    assert verdict(replace(tiny, manifest=tiny.manifest | {"scenario": scenario}), "trace: run id") == "FAIL"
    assert verdict(replace(tiny, manifest=tiny.manifest | {"data_hash": "0" * 64}), "trace: tables") == "FAIL"
    other = replace(tiny, manifest=tiny.manifest | {"code_hash": "0" * 64})
    assert verdict(other, "trace: code") == assurance.OTHER


def test_gates_are_judged_by_their_limits_and_said_where_they_are_not_known(tiny):
    gates = tiny.manifest["gates"] | {"verdict": "FAIL", "reason": "R-hat 1.2", "r_hat_max": 1.2}
    failed = replace(tiny, manifest=tiny.manifest | {"gates": gates})
    assert verdict(failed, "baseline: R-hat") == verdict(failed, "baseline: gates") == "FAIL"
    older = {key: value for key, value in tiny.manifest.items() if key != "synthesis"}
    assert verdict(replace(tiny, manifest=older), "synthesis: gates") == assurance.NOT_KNOWN


def test_no_money_has_no_impact_and_is_checked(run_tiny):
    log = assurance.verification_log(run_tiny("scenario=no_programme")).set_index("check")
    assert log.verdict["figures: no money"] == "PASS"


def test_what_was_not_run_says_so_with_its_command_and_nothing_on_record_is_made_up(log):
    record = log[log.verdict == assurance.NOT_RUN]
    assert {"backtest", "hindcast", "placebo", "promises kept", "tests"} <= set(record.index)
    assert record["from"].str.contains("run it: ").all()
    texts = "".join(
        (ROOT / name).read_text(encoding="utf-8") for name in ("docs/validation.md", "experiments/README.md")
    )
    for check, found in record.found.items():
        for number in re.findall(r"(?<![\d/])\d+(?:[.,]\d+)*(?![\d/])", found):
            assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)", texts), (check, number)


def test_the_statement_says_what_the_intervals_hold_and_what_they_do_not(tiny):
    said = assurance.uncertainty_statement(tiny)
    text = " ".join(said)
    assert "5th to the 95th percentile of 40 draws" in text
    for part in (
        "They allow for",
        "They do not allow for",
        "Monte Carlo error",
        "comes from",
        "to verify",
        "cannot be",
    ):
        assert part in text or (part == "comes from" and "too few" in text)
    assert all(line.endswith(".") for line in said)


def test_the_statement_says_the_monte_carlo_error_that_the_table_of_figures_has(every_area):
    (line,) = [line for line in assurance.uncertainty_statement(every_area) if line.startswith("Monte Carlo error")]
    assert f"would move by about {run_statistics.brief(every_area)['impact'].error:.2g}," in line


def test_without_money_there_is_no_error_to_speak_of(run_tiny):
    assert "none, since" in " ".join(assurance.uncertainty_statement(run_tiny("scenario=no_programme")))


def test_what_changed_begins_with_what_moves_results_and_is_whole():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for version in re.findall(r"^## (\S+)", text, flags=re.MULTILINE):
        found = assurance.changes(version)
        assert found[0].startswith("Moves results: ")
        section = re.search(rf"^## {re.escape(version)}$(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)[1]
        assert sum(line.startswith("- ") for line in section.splitlines()) == len(found) - 1
        words = " ".join(section.replace("**", "").split()).replace("- ", "")
        assert all(line.partition(": ")[2][:40] in words for line in found[1:])


def test_a_version_or_a_changelog_that_is_not_there_is_a_sentence(monkeypatch):
    assert "does not name it" in assurance.changes("99.0")[0]
    monkeypatch.setattr(assurance, "CHANGELOGS", ())
    assert "holds no changelog" in assurance.changes("0.5.0")[0]
