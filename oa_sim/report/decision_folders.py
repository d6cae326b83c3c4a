"""Filing: promises, plans, monitored figures and the worth of information as the files that people open."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from oa_sim.report.run_folder import DIGITS, whole, write_json

if TYPE_CHECKING:  # what these need takes long to load
    from oa_sim.decide.decision import Decision
    from oa_sim.decide.value_of_information import Information
    from oa_sim.targets.assess import Promises
    from oa_sim.targets.monitor import Monitored


def write_promises(found: "Promises", outputs: str | Path, sentences: list[str], more: dict) -> Path:
    """Write ``<outputs>/target/<id>`` with what can be promised and how targets are judged, and return its path.

    The folder holds ``promises.csv``, ``targets.csv``, ``ladder.svg``, ``target.json`` and, where the least money was
    asked for, ``plan.csv``.
    """
    from oa_sim.plots import target_ladder
    from oa_sim.targets import attainable  # pictures take a second to load

    facts = {"headline": sentences} | {key: value for key, value in more.items() if key != "plan"} | found.facts
    text = json.dumps({"facts": facts, "targets": found.judged.to_csv()}, sort_keys=True, default=str)

    def fill(at: Path) -> None:
        attainable.tidy(found.promised).to_csv(at / "promises.csv", index=False, float_format=DIGITS)
        found.judged.to_csv(at / "targets.csv", index=False, float_format=DIGITS)
        if more.get("plan") is not None:
            more["plan"].to_csv(at / "plan.csv", index=False)
        (at / "ladder.svg").write_text(target_ladder.ladder(found) + "\n", encoding="utf-8")
        write_json(at / "target.json", facts)

    return whole(Path(outputs) / "target" / hashlib.sha256(text.encode()).hexdigest()[:12], fill)


def write_monitored(found: "Monitored", outputs: str | Path, sentences: list[str]) -> Path:
    """Write ``<outputs>/monitor/<id>`` with what this year's figures say, and return its path.

    The folder holds ``monitor.csv``, ``priorities.csv``, ``changes.csv``, ``updated.nc`` (weights and the years to
    come), ``trajectory.svg`` and ``monitor.json``.
    """
    from oa_sim.plots import trajectories  # pictures take a second to load

    def fill(at: Path) -> None:
        verdict = found.manifest["gates"]["verdict"]
        tables = {"monitor": found.figures, "priorities": found.priorities, "changes": found.changes}
        for name, table in tables.items():
            table.assign(verdict=verdict).to_csv(at / f"{name}.csv", index=False, float_format=DIGITS)
        found.updated().to_netcdf(at / "updated.nc", engine="h5netcdf")
        (at / "trajectory.svg").write_text(trajectories.trajectory(found) + "\n", encoding="utf-8")
        write_json(at / "monitor.json", {"headline": sentences} | found.manifest)

    return whole(Path(outputs) / "monitor" / found.manifest["run_id"], fill)


def write_information(found: "Information", outputs: str | Path, sentences: list[str]) -> Path:
    """Write ``<outputs>/voi/<id>`` with what information is worth, and return its path.

    The folder holds ``voi.csv``, ``evsi.csv``, ``gates.csv``, ``decisions.csv``, ``voi.svg``, ``evsi.svg`` and
    ``voi.json``.
    """
    from oa_sim.plots import voi_charts  # pictures take a second to load

    def fill(at: Path) -> None:
        verdict = found.manifest["gates"]["verdict"]
        tables = {"voi": found.known, "evsi": found.trials, "gates": found.gates, "decisions": found.decisions}
        for name, table in tables.items():
            table.assign(verdict=verdict).to_csv(at / f"{name}.csv", index=False, float_format=DIGITS)
        (at / "voi.svg").write_text(voi_charts.known(found) + "\n", encoding="utf-8")
        if len(found.trials):
            (at / "evsi.svg").write_text(voi_charts.trials(found) + "\n", encoding="utf-8")
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
        pictures = {name: getattr(decision_charts, name)(found) for name in ("split", "response", "regret", "front")}
        for name, svg in pictures.items():
            if svg:
                (at / f"{name}.svg").write_text(svg + "\n", encoding="utf-8")
        write_json(at / "optimise.json", found.facts() | {"headline": sentences} | found.manifest)

    return whole(Path(outputs) / "optimise" / found.manifest["run_id"], fill)
