"""Folder writers: what a command found as the files that people open, written whole or not at all."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

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
    from oa_sim.plots.picture import Picture
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
    try:
        folder = Path(outputs).absolute()
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        os.rmdir(tempfile.mkdtemp(prefix=".oa_sim-", dir=nearest))
    except OSError as error:
        raise Refusal(f"outputs={outputs} cannot be written ({error.strerror}): choose another folder") from None


def whole(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a hidden folder beside the right place and move it there once it is whole.

    Raises
    ------
    Refusal
        Where it cannot be written; then nothing is left behind.
    """
    try:
        with atomic_folder(folder) as part:
            fill(part)
    except OSError as error:
        raise Refusal(f"{folder} cannot be written ({error.strerror}): choose another with outputs=") from None
    return folder


def write_json(path: Path, facts: dict[str, Any]) -> None:
    """Write facts with the time of writing."""
    written = {"written": datetime.now(UTC).isoformat(timespec="seconds")}
    path.write_text(json.dumps(facts | written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_tables(folder: Path, tables: Mapping[str, pd.DataFrame], form: str | None = DIGITS) -> None:
    """Write tables as CSV under their names."""
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format=form)


def _write_answer(
    folder: Path,
    facts: dict[str, Any],
    name: str,
    tables: Mapping[str, pd.DataFrame],
    pictures: "Mapping[str, Picture | None] | None" = None,
    more: Callable[[Path], object] = lambda part: None,
) -> Path:
    """Write a folder whole and return its path: facts under a name, tables, pictures, and what ``more`` writes."""

    def fill(part: Path) -> None:
        _write_tables(part, tables)
        for title, picture in (pictures or {}).items():
            if picture:
                (part / f"{title}.svg").write_text(f"{picture.svg}\n", encoding="utf-8")
        more(part)
        write_json(part / f"{name}.json", facts)

    return whole(folder, fill)


def _identity(text: str) -> str:
    """Return the name of a folder that is made from what it answers."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


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

    def fill(part: Path) -> None:
        with ThreadPoolExecutor(1) as beside:  # compressing the draws takes as long as all the rest
            saved = beside.submit(result.save, part / "result.nc")
            _write_texts(result, part)
            saved.result()

    return whole(Path(outputs) / result.manifest["scenario"]["name"] / result.manifest["run_id"], fill)


def _write_texts(result: Result, folder: Path) -> None:
    """Write what people read: the tables, the page and the facts of the run."""
    from oa_sim.report import run_brief  # pictures take a second to load, and not every use of a result needs them
    from oa_sim.report.formats import html_pages

    facts = {"label": result.label, "verdict": result.manifest["gates"]["verdict"]}
    facts["headline"] = narrative.headline(result)
    tables = {
        "table": result.summary(),
        "sustainability": result.lasting(),
        "value": result.valued(),
        "ranking": result.ranked(),
        "uncertainty": result.origins(),
        "pupils_served": result.pupils_served(),
    }
    _write_tables(folder, tables)
    _write_tables(folder, {"retention": result.retained()}, "%.4g")
    _write_tables(folder, {"money": result.account()}, "%.0f")
    page = html_pages.brief_page(run_brief.run_document(result))
    (folder / "briefing.html").write_text(page, encoding="utf-8")
    write_json(folder / "run.json", facts | result.manifest)


def write_comparison(comparison: Comparison, outputs: str | Path) -> Path:
    """Write ``<outputs>/compare/<id>``, with means over the areas in ``means.csv``, and return its path."""
    manifests = [result.manifest for result in comparison.results]
    facts = {
        "scenarios": [result.label for result in comparison.results],
        "headline": narrative.compared(comparison),
        "verdict": verdict_of(comparison),
        "runs": manifests,
    }
    tables = {"compare": comparison.summary(), "means": comparison.means(), "ranking": comparison.ranked()}
    folder = Path(outputs) / "compare" / _identity("/".join(manifest["run_id"] for manifest in manifests))
    return _write_answer(folder, facts, "compare", tables)


def verdict_of(comparison: Comparison) -> str:
    """Return PASS where every result passed its gates, FAIL otherwise."""
    return "PASS" if all(result.manifest["gates"]["verdict"] == "PASS" for result in comparison.results) else "FAIL"


def write_learned(fitted: Learned, outputs: str | Path) -> Path:
    """Write ``<outputs>/fit/<id>``: the posterior, ``reading.txt`` and ``learned.json``, and return its path."""
    checksum = posterior_files.checksum(fitted.posterior)

    def more(part: Path) -> None:
        posterior_files.write(fitted.posterior, part / "learned.nc")
        (part / "reading.txt").write_text("\n".join(fitted.read) + "\n", encoding="utf-8")

    facts = fitted.facts | {"checksum": checksum}
    return _write_answer(Path(outputs) / "fit" / checksum[:12], facts, "learned", {}, more=more)


def write_ledger(ledger: Ledger, outputs: str | Path) -> Path:
    """Write ``<outputs>/evidence/<id>`` and return its path.

    What the studies say is in it under the name by which the package would hold it.
    """
    facts = {"label": ledger.result.label, "verdict": ledger.verdict}
    facts |= {"headline": leave_one_study_out.sentences(ledger)} | ledger.result.manifest
    tables = {"ledger": ledger.table, "headlines": ledger.headlines}
    return _write_answer(
        Path(outputs) / "evidence" / facts["run_id"], facts, "evidence", tables,
        more=lambda part: posterior_files.write(ledger.studied, part / ledger.file_name),
    )  # fmt: skip


def write_contest(contest: Contest, outputs: str | Path, verb: str = "backtest") -> Path:
    """Write ``<outputs>/<verb>/<id>``: the scores, their report and its facts, and return its path."""
    from oa_sim.report.formats import html_pages
    from oa_sim.validation import district_backtest, scoring  # pictures take a second to load

    scores, made = contest.scores, contest.made
    tables = {"scores": scores.table, "calibration": scores.calibration, "misses": scores.misses}
    if contest.districts is not None:
        tables["district_scores"] = contest.districts
    if made["gates"]["verdict"] != "PASS":  # the mark goes wherever the numbers go
        ours = {scores.ours: f"{scores.ours} [FAIL]"}
        for name, table in tables.items():
            mark = {"model": table["model"].replace(ours)} if "model" in table else {"verdict": "FAIL"}
            tables[name] = table.assign(**mark)
    page = html_pages.backtest_page(scores, contest.read, made, contest.districts)
    said = [] if contest.districts is None else district_backtest.sentences(contest.districts)
    facts = {"verdict": [*scoring.verdict(scores), *said], "read": contest.read} | made
    return _write_answer(
        Path(outputs) / verb / _identity(json.dumps(made, sort_keys=True)), facts, verb, tables,
        more=lambda part: (part / f"{verb}.html").write_text(page, encoding="utf-8"),
    )  # fmt: skip


def write_findings(analysis: "Findings", outputs: str | Path) -> Path:
    """Write ``<outputs>/<id>`` with what a sweep's headline rests on, as far as it was made, and return its path."""
    from oa_sim.plots import decision_charts  # pictures take a second to load

    picture = decision_charts.findings_picture(analysis) if analysis.scenarios is not None else None
    facts = analysis.facts | {"said": analysis.sentences}
    return _write_answer(Path(outputs) / analysis.identity, facts, "sensitivity", analysis.tables, {"tornado": picture})


def write_promises(promises: "Promises", outputs: str | Path, sentences: list[str], more: dict[str, Any]) -> Path:
    """Write ``<outputs>/target/<id>`` with what can be promised and how targets are judged, and return its path.

    Where the least money was asked for, ``more`` has its plan.
    """
    from oa_sim.plots import target_charts
    from oa_sim.targets import attainable  # pictures take a second to load

    plan = more.get("plan")
    facts = {"headline": sentences} | {key: value for key, value in more.items() if key != "plan"} | promises.facts
    text = json.dumps({"facts": facts, "targets": promises.judged.to_csv()}, sort_keys=True, default=str)
    tables = {"promises": attainable.tidy(promises.promised), "targets": promises.judged}
    tables |= {"not_judged": promises.not_judged, "progress": promises.progress}
    pictures = {"ladder": target_charts.ladder_picture(promises)}
    return _write_answer(
        Path(outputs) / "target" / _identity(text), facts, "target", tables, pictures,
        more=lambda part: _write_tables(part, {} if plan is None else {"plan": plan}, None),
    )  # fmt: skip


def write_monitored(monitored: "Monitored", outputs: str | Path, sentences: list[str]) -> Path:
    """Write ``<outputs>/monitor/<id>`` with what this year's figures say, and return its path.

    ``updated.nc`` has the weights and the years to come.
    """
    from oa_sim.plots import target_charts  # pictures take a second to load

    tables = {"monitor": monitored.figures, "priorities": monitored.priorities, "changes": monitored.changes}
    facts = {"headline": sentences} | monitored.manifest
    return _write_answer(
        Path(outputs) / "monitor" / facts["run_id"], facts, "monitor", _with_verdict(tables, facts),
        {"trajectory": target_charts.trajectory_picture(monitored)},
        lambda part: monitored.updated().to_netcdf(part / "updated.nc", engine="h5netcdf"),
    )  # fmt: skip


def _with_verdict(tables: dict[str, pd.DataFrame], facts: dict[str, Any]) -> dict[str, pd.DataFrame]:
    return {name: table.assign(verdict=facts["gates"]["verdict"]) for name, table in tables.items()}


def write_information(information: "Information", outputs: str | Path, sentences: list[str]) -> Path:
    """Write ``<outputs>/voi/<id>`` with what information is worth, and return its path."""
    from oa_sim.plots import decision_charts  # pictures take a second to load

    tables = {"voi": information.known, "evsi": information.trials, "gates": information.gates}
    tables["decisions"] = information.decisions
    pictures = {"voi": decision_charts.information_value_picture(information)}
    if len(information.trials):
        pictures["evsi"] = decision_charts.trial_value_picture(information)
    facts = {"headline": sentences} | information.manifest
    folder = Path(outputs) / "voi" / facts["run_id"]
    return _write_answer(folder, facts, "voi", _with_verdict(tables, facts), pictures)


def write_decision(decision: "Decision", outputs: str | Path, sentences: list[str]) -> Path:
    """Write ``<outputs>/optimise/<id>`` with a plan, its proof and its stability, and return its path."""
    from oa_sim.plots import decision_charts  # pictures take a second to load

    tables = {"plan": decision.plan(), "paid": decision.paid(), "split": decision.split(), "front": decision.front}
    names = ("split", "response", "regret", "front")
    pictures = {name: getattr(decision_charts, f"{name}_picture")(decision) for name in names}
    facts = decision.facts() | {"headline": sentences} | decision.manifest
    folder = Path(outputs) / "optimise" / facts["run_id"]
    return _write_answer(folder, facts, "optimise", tables | decision.sheet.tables, pictures)
