"""Folder writers: what a command found as the files that people open, written whole or not at all."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from oa_sim.atomic_write import atomic_folder
from oa_sim.errors import Refusal
from oa_sim.inference import posterior_files
from oa_sim.inference.baseline_fit import Learned
from oa_sim.simulation import narrative
from oa_sim.simulation.comparison import Comparison
from oa_sim.simulation.result import Result
from oa_sim.validation import leave_one_study_out
from oa_sim.validation.backtest import Contest
from oa_sim.validation.leave_one_study_out import Ledger

if TYPE_CHECKING:
    from oa_sim.decide.decision import Decision
    from oa_sim.decide.value_of_information import Information
    from oa_sim.sweep.findings import Findings
    from oa_sim.targets.assess import Promises
    from oa_sim.targets.monitor import Monitored

DIGITS = "%.6g"  # of tables; far more than the Monte Carlo error supports, so that rounding is never the cause


def check_writable(outputs: str | Path) -> None:
    """Refuse a folder that cannot be written, before anything slow is done and without leaving anything behind.

    Raises
    ------
    Refusal
        Where the nearest folder that exists does not take a file.
    """
    at = Path(outputs).absolute()
    try:
        while not at.exists() and at != at.parent:
            at = at.parent
        os.rmdir(tempfile.mkdtemp(prefix=".oa_sim-", dir=at))
    except OSError as error:
        raise Refusal(f"outputs={outputs} cannot be written ({error.strerror}): choose another folder") from None


def write(result: Result, outputs: str | Path) -> Path:
    """Write a run's folder, ``<outputs>/<scenario>/<run id>``, and return its path.

    The folder holds ``result.nc``, ``table.csv``, ``money.csv``, ``pupils_served.csv``, ``sustainability.csv``,
    ``retention.csv``, ``value.csv``, ``ranking.csv``, ``uncertainty.csv``, ``briefing.html`` and ``run.json``. The run
    id is made from the question, the tables and the versions, so the same run has the same folder.

    Raises
    ------
    Refusal
        Where it cannot be written; then nothing is left behind.
    """
    folder = Path(outputs) / result.manifest["scenario"]["name"] / result.manifest["run_id"]

    def fill(at: Path) -> None:
        with ThreadPoolExecutor(1) as beside:  # compressing the draws takes as long as all the rest
            saved = beside.submit(result.save, at / "result.nc")
            _write_texts(result, at)
            saved.result()

    return whole(folder, fill)


def _write_texts(result: Result, at: Path) -> None:
    """Write what people read: the tables, the page and the facts of the run."""
    from oa_sim.report import run_brief  # pictures take a second to load, and not every use of a result needs them
    from oa_sim.report.formats import html_pages

    sentences = narrative.headline(result)
    result.summary().to_csv(at / "table.csv", index=False, float_format=DIGITS)
    result.lasting().to_csv(at / "sustainability.csv", index=False, float_format=DIGITS)
    result.valued().to_csv(at / "value.csv", index=False, float_format=DIGITS)
    result.ranked().to_csv(at / "ranking.csv", index=False, float_format=DIGITS)
    result.origins().to_csv(at / "uncertainty.csv", index=False, float_format=DIGITS)
    result.retained().to_csv(at / "retention.csv", index=False, float_format="%.4g")
    result.pupils_served().to_csv(at / "pupils_served.csv", index=False, float_format=DIGITS)
    result.account().to_csv(at / "money.csv", index=False, float_format="%.0f")
    (at / "briefing.html").write_text(html_pages.brief_page(run_brief.run_document(result)), encoding="utf-8")
    facts = {"label": result.label, "verdict": result.manifest["gates"]["verdict"], "headline": sentences}
    write_json(at / "run.json", facts | result.manifest)


def write_comparison(comparison: Comparison, outputs: str | Path) -> Path:
    """Write a comparison's folder, ``<outputs>/compare/<id>``, and return its path.

    The folder holds ``compare.csv``, ``means.csv`` (mean of the areas), ``ranking.csv`` and ``compare.json``.

    Raises
    ------
    Refusal
        Where it cannot be written; then nothing is left behind.
    """
    ids = [result.manifest["run_id"] for result in comparison.results]
    folder = Path(outputs) / "compare" / hashlib.sha256("/".join(ids).encode()).hexdigest()[:12]

    def fill(at: Path) -> None:
        comparison.summary().to_csv(at / "compare.csv", index=False, float_format=DIGITS)
        comparison.means().to_csv(at / "means.csv", index=False, float_format=DIGITS)
        comparison.ranked().to_csv(at / "ranking.csv", index=False, float_format=DIGITS)
        labels = [result.label for result in comparison.results]
        facts = {"scenarios": labels, "headline": narrative.compared(comparison), "verdict": verdict_of(comparison)}
        write_json(at / "compare.json", facts | {"runs": [result.manifest for result in comparison.results]})

    return whole(folder, fill)


def verdict_of(comparison: Comparison) -> str:
    """Return PASS where every result passed its gates, FAIL otherwise."""
    verdicts = {result.manifest["gates"]["verdict"] for result in comparison.results}
    return "PASS" if verdicts == {"PASS"} else "FAIL"


def write_learned(found: Learned, outputs: str | Path) -> Path:
    """Write ``<outputs>/fit/<id>`` with ``learned.nc``, ``reading.txt`` and ``learned.json``, and return its path."""

    def fill(at: Path) -> None:
        posterior_files.write(found.posterior, at / "learned.nc")
        (at / "reading.txt").write_text("\n".join(found.read) + "\n", encoding="utf-8")
        write_json(at / "learned.json", found.facts | {"checksum": posterior_files.checksum(found.posterior)})

    return whole(Path(outputs) / "fit" / posterior_files.checksum(found.posterior)[:12], fill)


def write_ledger(found: Ledger, outputs: str | Path) -> Path:
    """Write ``<outputs>/evidence/<id>`` and return its path.

    The folder holds ``ledger.csv``, ``headlines.csv``, ``evidence.json`` and what the studies say, under the name by
    which the package would hold it.
    """

    def fill(at: Path) -> None:
        found.table.to_csv(at / "ledger.csv", index=False, float_format=DIGITS)
        found.headlines.to_csv(at / "headlines.csv", index=False, float_format=DIGITS)
        posterior_files.write(found.studied, at / found.file_name)
        facts = {
            "label": found.result.label,
            "verdict": found.verdict,
            "headline": leave_one_study_out.sentences(found),
        }
        write_json(at / "evidence.json", facts | found.result.manifest)

    return whole(Path(outputs) / "evidence" / found.result.manifest["run_id"], fill)


def write_contest(found: Contest, outputs: str | Path) -> Path:
    """Write ``<outputs>/backtest/<id>`` and return its path.

    The folder holds ``scores.csv``, ``calibration.csv``, ``misses.csv``, ``backtest.html`` and ``backtest.json``.
    """
    from oa_sim.report.formats import html_pages
    from oa_sim.validation import scoring  # pictures take a second to load

    def fill(at: Path) -> None:
        failed = found.made["gates"]["verdict"] != "PASS"
        for name, table in {"scores": "table", "calibration": "calibration", "misses": "misses"}.items():
            written = getattr(found.scores, table)
            if failed:  # the mark goes wherever the numbers go
                ours = {found.scores.ours: f"{found.scores.ours} [FAIL]"}
                mark = {"model": written["model"].replace(ours)} if "model" in written else {"verdict": "FAIL"}
                written = written.assign(**mark)
            written.to_csv(at / f"{name}.csv", index=False, float_format=DIGITS)
        page = html_pages.backtest_page(found.scores, found.read, found.made)
        (at / "backtest.html").write_text(page, encoding="utf-8")
        facts = {"verdict": scoring.verdict(found.scores), "read": found.read} | found.made
        write_json(at / "backtest.json", facts)

    identity = json.dumps(found.made, sort_keys=True).encode()
    return whole(Path(outputs) / "backtest" / hashlib.sha256(identity).hexdigest()[:12], fill)


def write_findings(found: "Findings", outputs: str | Path) -> Path:
    """Write ``<outputs>/<id>`` with what a sweep's headline rests on, and return its path.

    The folder holds ``indices.csv``, ``sensitivity.json`` and, as far as they were made, ``tornado.csv``,
    ``tornado.svg`` and ``boxes.csv``.
    """
    from oa_sim.plots import decision_charts  # pictures take a second to load

    def fill(at: Path) -> None:
        for name, table in found.tables.items():
            table.to_csv(at / f"{name}.csv", index=False, float_format=DIGITS)
        if found.scenarios is not None:
            svg = decision_charts.findings_picture(found).svg
            (at / "tornado.svg").write_text(svg + "\n", encoding="utf-8")
        write_json(at / "sensitivity.json", found.facts | {"said": found.sentences})

    return whole(Path(outputs) / found.identity, fill)


def write_json(path: Path, facts: dict) -> None:
    """Write facts with the time of writing."""
    written = {"written": datetime.now(UTC).isoformat(timespec="seconds")}
    path.write_text(json.dumps(facts | written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def whole(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a hidden folder beside the right place and move it there once it is whole."""
    try:
        with atomic_folder(folder) as part:
            fill(part)
    except OSError as error:
        raise Refusal(f"{folder} cannot be written ({error.strerror}): choose another with outputs=") from None
    return folder


def write_promises(found: "Promises", outputs: str | Path, sentences: list[str], more: dict) -> Path:
    """Write ``<outputs>/target/<id>`` with what can be promised and how targets are judged, and return its path.

    The folder holds ``promises.csv``, ``targets.csv``, ``ladder.svg``, ``target.json`` and, where the least money was
    asked for, ``plan.csv``.
    """
    from oa_sim.plots import target_charts
    from oa_sim.targets import attainable  # pictures take a second to load

    facts = {"headline": sentences} | {key: value for key, value in more.items() if key != "plan"} | found.facts
    text = json.dumps({"facts": facts, "targets": found.judged.to_csv()}, sort_keys=True, default=str)

    def fill(at: Path) -> None:
        attainable.tidy(found.promised).to_csv(at / "promises.csv", index=False, float_format=DIGITS)
        found.judged.to_csv(at / "targets.csv", index=False, float_format=DIGITS)
        if more.get("plan") is not None:
            more["plan"].to_csv(at / "plan.csv", index=False)
        (at / "ladder.svg").write_text(target_charts.ladder_picture(found).svg + "\n", encoding="utf-8")
        write_json(at / "target.json", facts)

    return whole(Path(outputs) / "target" / hashlib.sha256(text.encode()).hexdigest()[:12], fill)


def write_monitored(found: "Monitored", outputs: str | Path, sentences: list[str]) -> Path:
    """Write ``<outputs>/monitor/<id>`` with what this year's figures say, and return its path.

    The folder holds ``monitor.csv``, ``priorities.csv``, ``changes.csv``, ``updated.nc`` (weights and the years to
    come), ``trajectory.svg`` and ``monitor.json``.
    """
    from oa_sim.plots import target_charts  # pictures take a second to load

    def fill(at: Path) -> None:
        verdict = found.manifest["gates"]["verdict"]
        tables = {"monitor": found.figures, "priorities": found.priorities, "changes": found.changes}
        for name, table in tables.items():
            table.assign(verdict=verdict).to_csv(at / f"{name}.csv", index=False, float_format=DIGITS)
        found.updated().to_netcdf(at / "updated.nc", engine="h5netcdf")
        (at / "trajectory.svg").write_text(target_charts.trajectory_picture(found).svg + "\n", encoding="utf-8")
        write_json(at / "monitor.json", {"headline": sentences} | found.manifest)

    return whole(Path(outputs) / "monitor" / found.manifest["run_id"], fill)


def write_information(found: "Information", outputs: str | Path, sentences: list[str]) -> Path:
    """Write ``<outputs>/voi/<id>`` with what information is worth, and return its path.

    The folder holds ``voi.csv``, ``evsi.csv``, ``gates.csv``, ``decisions.csv``, ``voi.svg``, ``evsi.svg`` and
    ``voi.json``.
    """
    from oa_sim.plots import decision_charts  # pictures take a second to load

    def fill(at: Path) -> None:
        verdict = found.manifest["gates"]["verdict"]
        tables = {"voi": found.known, "evsi": found.trials, "gates": found.gates, "decisions": found.decisions}
        for name, table in tables.items():
            table.assign(verdict=verdict).to_csv(at / f"{name}.csv", index=False, float_format=DIGITS)
        (at / "voi.svg").write_text(decision_charts.information_value_picture(found).svg + "\n", encoding="utf-8")
        if len(found.trials):
            (at / "evsi.svg").write_text(decision_charts.trial_value_picture(found).svg + "\n", encoding="utf-8")
        write_json(at / "voi.json", {"headline": sentences} | found.manifest)

    return whole(Path(outputs) / "voi" / found.manifest["run_id"], fill)


def write_decision(found: "Decision", outputs: str | Path, sentences: list[str]) -> Path:
    """Write ``<outputs>/optimise/<id>`` with a plan, its proof and its stability, and return its path.

    The folder holds ``plan.csv``, ``paid.csv``, ``split.csv``, a table for each part of the sheet, ``front.csv``, four
    pictures and ``optimise.json``.
    """
    from oa_sim.plots import decision_charts  # pictures take a second to load

    def fill(at: Path) -> None:
        tables = {
            "plan": found.plan(),
            "paid": found.paid(),
            "split": found.split(),
            "front": found.front,
        } | found.sheet.tables
        for name, table in tables.items():
            table.to_csv(at / f"{name}.csv", index=False, float_format=DIGITS)
        for name in ("split", "response", "regret", "front"):
            picture = getattr(decision_charts, f"{name}_picture")(found)
            if picture:
                (at / f"{name}.svg").write_text(picture.svg + "\n", encoding="utf-8")
        write_json(at / "optimise.json", found.facts() | {"headline": sentences} | found.manifest)

    return whole(Path(outputs) / "optimise" / found.manifest["run_id"], fill)
