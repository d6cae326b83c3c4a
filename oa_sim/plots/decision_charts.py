"""Decision charts: what moves a headline, where the money goes, what it brings, and what it costs to choose otherwise.

Two more pictures show what closing gaps costs and what information is worth.
"""

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oa_sim.decide.decision import Decision
from oa_sim.decide.value_of_information import Information
from oa_sim.definitions import PHASES
from oa_sim.formatting import chance, estimate, pounds, significant, with_error
from oa_sim.plots.intervals import PAINT
from oa_sim.plots.picture import CHANGE, INK, NARROW, WIDE, WITH, Look, Picture, drawn, legible, name_rows
from oa_sim.projection.variance_decomposition import LABELS
from oa_sim.sweep.findings import Findings
from oa_sim.sweep.sensitivity import HIGH, LOW, VALUE, draws_interval, span

ACROSS = 4  # small pictures side by side
SMALLEST_SHARE = 0.001  # of the money; less cannot be seen
LEAST_DRAWN = 1e5  # pounds of an intervention, below which its response is not shown
Z_90 = 1.645  # standard errors from the middle of a 90% interval to its ends
LINE = 24  # characters of a key's name in a picture
MOST_DRAWN = 15  # keys in a tornado; the table has them all


def information_value_picture(information: Information) -> Picture:
    """Return what it is worth to know each block and effect."""
    table = information.known[information.known.kind.isin(["all", "block", "effect"])].reset_index(drop=True)
    unit = table.unit.iloc[0]
    names = [_in_words(LABELS.get(name, name)) for name in table.known]
    rows = zip(names, table.value, table.error, strict=True)
    words = "; ".join(f"{name}: {with_error(value, error, unit=unit)}" for name, value, error in rows)

    def paint(figure: Figure) -> None:
        axes, places = figure.subplots(), np.arange(len(table))
        shade = [INK if kind == "all" else WITH if kind == "block" else NARROW for kind in table.kind]
        axes.barh(places, table.value, 0.62, color=shade, xerr=Z_90 * table.error, ecolor=CHANGE)
        name_rows(axes, [legible(name, 48) for name in names])
        axes.set_xlim(0)
        axes.set_xlabel(f"{_on_axis(unit)} that knowing it would be worth (lines: 90% interval)")
        figure.tight_layout()

    return drawn("known", "", words, (6.6, 0.9 + 0.27 * len(table)), paint)


def trial_value_picture(information: Information) -> Picture:
    """Return what trials are worth by their size."""
    table, unit = information.trials, information.trials.unit.iloc[0]
    best = table.groupby("trial_of").value.max().sort_values(ascending=False).head(4)
    words = "; ".join(
        f"a trial of {_in_words(str(name))} up to {significant(value, unit=unit)}" for name, value in best.items()
    )

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for name, mark, shade in zip(best.index, "os^D", (WITH, CHANGE, INK, NARROW), strict=False):
            trials = table[table.trial_of == name].sort_values("pupils")
            axes.errorbar(trials.pupils, trials.value, Z_90 * trials.error, marker=mark, color=shade, capsize=2,
                          label=legible(_in_words(str(name))))  # fmt: skip
        axes.set_xscale("log")
        axes.set_ylim(0)
        axes.set_xlabel("pupils in the trial")
        axes.set_ylabel(f"{_on_axis(unit)} that it is worth")
        axes.legend(frameon=False)
        figure.tight_layout()

    return drawn("trials", "", words, (5.6, 3.4), paint)


def split_picture(decision: Decision) -> Picture:
    """Return the money of each area by phase, and what an equal split would give."""
    scenario = decision.optimum.judge.scenario
    phase_of = np.array([intervention.phase for intervention in scenario.interventions.values()])
    by_phase = {phase: decision.optimum.planned[:, phase_of == phase].sum(axis=(1, 2)) for phase in PHASES}
    whole = sum(spent.sum() for spent in by_phase.values())
    by_phase = {phase: spent for phase, spent in by_phase.items() if spent.sum() > SMALLEST_SHARE * whole}
    areas, total = scenario.areas.names, np.array(list(by_phase.values())).sum(axis=0)
    order = np.argsort(-total, kind="stable")
    equal = float(np.sum(total)) / len(areas)
    words = (
        f"Money of the best plan by area, from {areas[order[0]]} with {pounds(total[order[0]])} to "
        f"{areas[order[-1]]} with {pounds(total[order[-1]])}; an equal split would give each {pounds(equal)}."
    )

    def paint(figure: Figure) -> None:
        axes, places, left = figure.subplots(), np.arange(len(areas)), np.zeros(len(areas))
        for (phase, spent), (colour, hatch) in zip(by_phase.items(), PAINT, strict=False):
            look: Look = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0.6}
            width = spent[order] / 1e6
            axes.barh(places, width, 0.64, left, label=_in_words(phase), **look)
            left = left + width
        axes.axvline(equal / 1e6, color=INK, linewidth=1, linestyle="--")
        axes.text(equal / 1e6, -0.75, " equal split", va="bottom", color=INK)
        name_rows(axes, [legible(areas[i]) for i in order], above=0.9)
        axes.set_xlabel("£m over all funded years")
        axes.legend(frameon=False, loc="lower right")
        figure.tight_layout()

    return drawn("split", "Money of the best plan by area", words, (6.4, 1.2 + 0.3 * len(areas)), paint)


def response_picture(decision: Decision) -> Picture | None:
    """Return what each intervention's money brings beside the rest of the plan; None where no line has money."""
    table, unit = decision.sheet.response, decision.optimum.judge.objective.unit
    names = [name for name in table.intervention.unique() if table[table.intervention == name].gbp.max() >= LEAST_DRAWN]
    if not names:
        return None
    in_plan = table[(table.part == 1) & table.intervention.isin(names)]
    most = in_plan.loc[in_plan["mean"].idxmax()]
    words = (
        f"What the money of each of {len(names)} interventions brings beside the rest of the plan, with 90% "
        f"intervals: most from {_in_words(most.intervention)}, {significant(most['mean'], unit=unit)} for "
        f"{pounds(most.gbp)}."
    )
    down = -(-len(names) // ACROSS)

    def paint(figure: Figure) -> None:
        panels = list(figure.subplots(down, ACROSS, squeeze=False).flat)
        for axes, name in zip(panels, names, strict=False):
            line = table[table.intervention == name].sort_values("gbp")
            axes.fill_between(line.gbp / 1e6, line.q05, line.q95, color=WIDE, linewidth=0)
            axes.plot(line.gbp / 1e6, line["mean"], color=WITH)
            planned = line[line.part == 1].iloc[0]
            axes.plot(planned.gbp / 1e6, planned["mean"], "o", color=CHANGE, markersize=4)
            axes.set_title(legible(_in_words(name), 24))
            axes.set_xlim(0)
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        figure.supxlabel("£m over all funded years (dot: the plan)", fontsize=8)
        figure.supylabel(_on_axis(unit), fontsize=8)
        figure.tight_layout()

    title = "What each intervention's money brings beside the rest of the plan"
    return drawn("response", title, words, (7.2, 0.5 + 1.55 * down), paint)


def regret_picture(decision: Decision) -> Picture:
    """Return what it costs to choose each plan where another would have been better."""
    table = decision.sheet.candidates.sort_values("expected_regret", kind="stable")
    unit = decision.optimum.judge.objective.unit
    first, last = table.iloc[0], table.iloc[-1]
    expected, worst = (
        [significant(plan[column], unit=unit) for plan in (first, last)]
        for column in ("expected_regret", "worst_regret")
    )
    words = (
        f"Regret of {len(table)} plans: on average {expected[0]} with {first.plan}, {expected[1]} with {last.plan}; at "
        f"worst {worst[0]} and {worst[1]}."
    )

    def paint(figure: Figure) -> None:
        axes, places = figure.subplots(), np.arange(len(table))
        axes.barh(places, table.worst_regret, 0.62, color=WIDE, label="at worst")
        axes.barh(places, table.expected_regret, 0.62, color=WITH, label="on average")
        for row, (p, worst) in enumerate(zip(table.p_best, table.worst_regret, strict=True)):
            axes.text(worst, row, f" best in {chance(p)}", va="center", color=INK)
        name_rows(axes, [legible(plan) for plan in table.plan])
        axes.set_xlim(0, 1.2 * max(float(table.worst_regret.max()), 1e-9))
        axes.set_xlabel(f"{_on_axis(unit)} fewer than the best plan of each draw")
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        figure.tight_layout()

    return drawn("regret", "Regret: what it costs to choose each plan", words, (6.8, 1.0 + 0.32 * len(table)), paint)


def front_picture(decision: Decision) -> Picture | None:
    """Return what closing gaps costs in pupils helped; None where there is no front."""
    table = decision.front
    if table.empty:
        return None
    first, last = table.iloc[0], table.iloc[-1]
    words = (
        f"Between the two ends of the front pupils who reach a standard go from {significant(first.pupils, 4)} to "
        f"{significant(last.pupils, 4)}, and disadvantaged pupils among them beyond the others' gain from "
        f"{significant(first.gap_closed)} to {significant(last.gap_closed)}; 90% intervals are wide because the draws "
        f"are shared."
    )

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for row in table.itertuples():
            axes.plot([row.pupils_q05, row.pupils_q95], [row.gap_closed] * 2, color=NARROW, linewidth=0.8)
            axes.plot([row.pupils] * 2, [row.gap_closed_q05, row.gap_closed_q95], color=NARROW, linewidth=0.8)
        axes.plot(table.pupils, table.gap_closed, "o-", color=WITH, markersize=4)
        plan = (first.pupils, first.gap_closed)
        axes.plot(*plan, "D", color=CHANGE, markersize=6)
        axes.annotate("the plan", plan, textcoords="offset points", xytext=(8, -10), color=INK)
        axes.set_xlabel("pupils who reach a standard and would not have")
        axes.set_ylabel("disadvantaged pupils beyond the others' gain")
        figure.tight_layout()

    return drawn("front", "What closing gaps costs in pupils helped", words, (5.4, 3.8), paint)


def findings_picture(findings: Findings) -> Picture:
    """Return the tornado of a sweep's findings."""
    facts = findings.facts
    mark = "" if facts["verdict"] == "PASS" else f" [{facts['verdict']}]"
    return tornado_picture(findings.tables["tornado"], findings.scenarios, facts["headline"], facts["unit"], mark)


def tornado_picture(ends: pd.DataFrame, rows: pd.DataFrame, headline: str, unit: str, mark: str = "") -> Picture:
    """Return the tornado, which stands alone: how far a headline moves between the ends of each varied key.

    ``ends`` come from ``sensitivity.tornado``, ``rows`` are the scenarios behind it, and the mark stands beside the
    title where the numbers carry a doubt.
    """
    keys = list(dict.fromkeys(ends.key))[:MOST_DRAWN]
    middle, within = float(rows[headline].mean()), draws_interval(rows, headline)
    height, subject = 1.75 + 0.42 * len(keys), _in_words(headline)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        figure.subplots_adjust(left=0.3, right=0.96, bottom=0.95 / height, top=1 - 0.42 / height)
        if within:
            axes.axvspan(*within, color=WIDE, linewidth=0, label="draws of a scenario, 90%")
        axes.axvline(middle, color=INK, linewidth=0.9, label="mean of all scenarios")
        for place, key in enumerate(keys):
            part = ends[ends.key == key]
            _paint_key(axes, part, place, is_narrow=part.swing.max() < ends.swing.max() / 4)
        name_rows(axes, [_plain("\n".join(lines(key))) for key in keys])
        axes.spines.left.set_visible(False)
        axes.margins(x=0.2)
        axes.set_xlabel(f"{_plain(subject)}, {_plain(_on_axis(unit))}")
        figure.suptitle(_plain(f"What moves {subject}{mark}"), x=0.02, ha="left", fontsize=9)
        marks = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
        figure.legend(marks.values(), marks, loc="lower center", ncols=3, frameon=False, fontsize=7)

    words = [f"What moves {subject}{mark}, {_on_axis(unit)}; mean of all scenarios {significant(middle)}."]
    if within:
        low, high = map(significant, within)
        words.append(f"The draws of a scenario run from {low} to {high} (90%, mean of scenarios).")
    for key in keys:
        moved = []
        for row in span(ends[ends.key == key]):
            has_interval = row["low"] < row["high"]  # over a whole grid the mean is what it is
            mean = estimate(row["mean"], row["low"], row["high"]) if has_interval else significant(row["mean"])
            moved.append(f"{row['where']}: {mean}")
        words.append(f"{key} {'; '.join(moved)}.")
    return drawn("tornado", f"What moves {subject}{mark}", " ".join(words), (6.4, height), paint)


def _paint_key(axes: Axes, part: pd.DataFrame, place: int, *, is_narrow: bool) -> None:
    """Draw one key: low end hollow, high end filled, values as diamonds, each with its interval."""
    lesser, greater = span(part)
    axes.hlines(place, lesser["mean"], greater["mean"], color=NARROW, linewidth=6)
    looks = {LOW: ("o", "white", WITH), HIGH: ("o", WITH, WITH), VALUE: ("D", "white", CHANGE)}
    names = {LOW: "low end of the key", HIGH: "high end", VALUE: "one value of the key"}
    for row in part.itertuples():
        shape, face, edge = looks[row.end]
        axes.hlines(place, row.low, row.high, color=edge, linewidth=1.2)
        axes.plot(row.mean, place, shape, markersize=5, color=edge, markerfacecolor=face, label=names[row.end])
    inset = -3 if is_narrow else 10  # points; two labels of a narrow bar would stand in each other's place
    for row, side, inwards in ((lesser, "right", inset), (greater, "left", -inset)):
        axes.annotate(
            legible(row["where"], 30), (row["mean"], place),
            (inwards, 6), textcoords="offset points", ha=side, va="bottom", fontsize=6.5,
        )  # fmt: skip


def lines(key: str, width: int = LINE) -> list[str]:
    """Return a key in lines of ``width`` characters at most, broken after a dot, else an underscore, else anywhere."""
    pieces = []
    for piece in re.findall(r"[^.]*\.|[^.]+", key):
        parts = [piece] if len(piece) <= width else re.findall(r"[^_]*_|[^_]+", piece)
        pieces += [part[start : start + width] for part in parts for start in range(0, len(part), width)]
    broken = [""]
    for piece in pieces:
        if len(broken[-1] + piece) > width:
            broken.append("")
        broken[-1] += piece
    return broken


def _in_words(name: str) -> str:
    return name.replace("_", " ")


def _on_axis(unit: str) -> str:
    return "£" if unit == "GBP" else unit


def _plain(text: str) -> str:
    """Return a text in which the picture finds no formula."""
    return text.replace("$", r"\$")
