"""Decision charts: where the money goes, what it brings, and what it costs to choose otherwise.

Two more pictures show what closing gaps costs and what information is worth.
"""

import numpy as np
from matplotlib.figure import Figure

from oa_sim.decide.decision import Decision
from oa_sim.decide.value_of_information import Information
from oa_sim.definitions import PHASES
from oa_sim.plots.intervals import PAINT
from oa_sim.plots.picture import CHANGE, INK, NARROW, WIDE, WITH, Picture, drawn, legible
from oa_sim.projection.variance_decomposition import LABELS

ACROSS = 4  # small pictures side by side
SMALLEST_SHARE = 0.001  # of the money; less cannot be seen


def information_value_picture(found: Information) -> Picture:
    """Return what it is worth to know each block and effect."""
    table = found.known[found.known.kind.isin(["all", "block", "effect"])].reset_index(drop=True)
    unit = table.unit.iloc[0]
    names = [LABELS.get(name, name).replace("_", " ") for name in table.known]
    each = zip(names, table.value, table.error, strict=True)
    said = "; ".join(f"{name}: {value:,.3g} ± {error:.2g} {unit}" for name, value, error in each)

    def paint(figure: Figure) -> None:
        axes, at = figure.subplots(), np.arange(len(table))
        shade = [INK if kind == "all" else WITH if kind == "block" else NARROW for kind in table.kind]
        axes.barh(at, table.value, 0.62, color=shade, xerr=1.645 * table.error, ecolor=CHANGE)
        axes.set_yticks(at, [legible(name, 48) for name in names])
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.set_xlim(0)
        axes.set_xlabel(f"{unit} that knowing it would be worth (lines: 90% interval)")
        axes.tick_params(axis="y", length=0)
        figure.tight_layout()

    return drawn("known", "", said, (6.6, 0.9 + 0.27 * len(table)), paint)


def trial_value_picture(found: Information) -> Picture:
    """Return what trials are worth by their size."""
    table = found.trials
    best = table.groupby("trial_of").value.max().sort_values(ascending=False).head(4)
    said = "; ".join(f"a trial of {name.replace('_', ' ')} up to {value:,.3g}" for name, value in best.items())

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for (name, _), mark, shade in zip(best.items(), "os^D", (WITH, CHANGE, INK, NARROW), strict=False):
            mine = table[table.trial_of == name].sort_values("pupils")
            axes.errorbar(mine.pupils, mine.value, 1.645 * mine.error, marker=mark, color=shade, capsize=2,
                          label=legible(name.replace("_", " ")))  # fmt: skip
        axes.set_xscale("log")
        axes.set_ylim(0)
        axes.set_xlabel("pupils in the trial")
        axes.set_ylabel(f"{table.unit.iloc[0]} that it is worth")
        axes.legend(frameon=False)
        figure.tight_layout()

    return drawn("trials", "", said, (5.6, 3.4), paint)


def split_picture(found: Decision) -> Picture:
    """Return the money of each area by phase, and what an equal split would give."""
    about = found.optimum.judge.scenario
    names = list(about.interventions)
    phase_of = np.array([about.interventions[name].phase for name in names])
    by_phase = {phase: found.optimum.planned[:, phase_of == phase].sum(axis=(1, 2)) for phase in PHASES}
    whole = sum(by_phase.values()).sum()
    phases = [phase for phase, pounds in by_phase.items() if pounds.sum() > SMALLEST_SHARE * whole]
    money = np.stack([by_phase[phase] for phase in phases])
    areas, total = about.areas.names, money.sum(axis=0)
    order = np.argsort(-total, kind="stable")
    equal = total.sum() / len(areas) / 1e6
    first = areas[order[0]]
    words = (
        f"Money of the best plan by area, from {first} with {total[order[0]] / 1e6:.1f}m GBP to {areas[order[-1]]} "
        f"with {total[order[-1]] / 1e6:.1f}m; an equal split would give each {equal:.1f}m."
    )

    def paint(figure: Figure) -> None:
        axes, at, left = figure.subplots(), np.arange(len(areas)), np.zeros(len(areas))
        for phase, pounds, (colour, hatch) in zip(phases, money[:, order] / 1e6, PAINT, strict=False):
            label = phase.replace("_", " ")
            axes.barh(at, pounds, 0.64, left, color=colour, hatch=hatch, edgecolor="white", linewidth=0.6, label=label)
            left = left + pounds
        axes.axvline(equal, color=INK, linewidth=1, linestyle="--")
        axes.text(equal, -0.75, " equal split", va="bottom", color=INK)
        axes.set_yticks(at, [legible(areas[i]) for i in order])
        axes.set_ylim(len(areas) - 0.4, -0.9)
        axes.set_xlabel("m GBP over all funded years")
        axes.tick_params(axis="y", length=0)
        axes.legend(frameon=False, loc="lower right")
        figure.tight_layout()

    return drawn("split", "Money of the best plan by area", words, (6.4, 1.2 + 0.3 * len(areas)), paint)


def response_picture(found: Decision) -> Picture | None:
    """Return what each intervention's money brings beside the rest of the plan."""
    table, unit = found.sheet.response, found.optimum.judge.objective.unit
    if table.empty:
        return None
    names = [name for name in table.intervention.unique() if table[table.intervention == name].gbp.max() >= 1e5]
    if not names:
        return None
    at_plan = table[(table.part == 1) & table.intervention.isin(names)]
    most = at_plan.loc[at_plan["mean"].idxmax()]
    words = (
        f"What the money of each of {len(names)} interventions brings beside the rest of the plan, with 90% "
        f"intervals: most from {most.intervention.replace(chr(95), chr(32))}, {most['mean']:,.3g} {unit} for "
        f"{most.gbp / 1e6:.1f}m GBP."
    )
    down = -(-len(names) // ACROSS)

    def paint(figure: Figure) -> None:
        grid = figure.subplots(down, ACROSS, squeeze=False)
        for axes, name in zip(grid.flat, names, strict=False):
            mine = table[table.intervention == name].sort_values("gbp")
            x = mine.gbp / 1e6
            axes.fill_between(x, mine.q05, mine.q95, color=WIDE, linewidth=0)
            axes.plot(x, mine["mean"], color=WITH)
            here = mine[mine.part == 1].iloc[0]
            axes.plot(here.gbp / 1e6, here["mean"], "o", color=CHANGE, markersize=4)
            axes.set_title(legible(name.replace("_", " "), 24))
            axes.set_xlim(0)
        for axes in list(grid.flat)[len(names) :]:
            axes.set_visible(False)
        figure.supxlabel("m GBP over all funded years (dot: the plan)", fontsize=8)
        figure.supylabel(unit, fontsize=8)
        figure.tight_layout()

    title = "What each intervention's money brings beside the rest of the plan"
    return drawn("response", title, words, (7.2, 0.5 + 1.55 * down), paint)


def regret_picture(found: Decision) -> Picture:
    """Return what it costs to choose each plan where another would have been better."""
    table = found.sheet.candidates.sort_values("expected_regret", kind="stable")
    unit = found.optimum.judge.objective.unit
    first, last = table.iloc[0], table.iloc[-1]
    words = (
        f"Regret of {len(table)} plans: on average {first.expected_regret:,.3g} {unit} with {first.plan}, "
        f"{last.expected_regret:,.3g} with {last.plan}; at worst {first.worst_regret:,.3g} and "
        f"{last.worst_regret:,.3g}."
    )

    def paint(figure: Figure) -> None:
        axes, at = figure.subplots(), np.arange(len(table))
        axes.barh(at, table.worst_regret, 0.62, color=WIDE, label="at worst")
        axes.barh(at, table.expected_regret, 0.62, color=WITH, label="on average")
        for row, (p, worst) in enumerate(zip(table.p_best, table.worst_regret, strict=True)):
            axes.text(worst, row, f" best in {100 * p:.0f}%", va="center", color=INK)
        axes.set_yticks(at, [legible(plan) for plan in table.plan])
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.set_xlim(0, 1.2 * max(float(table.worst_regret.max()), 1e-9))
        axes.set_xlabel(f"{unit} fewer than the best plan of each draw")
        axes.tick_params(axis="y", length=0)
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        figure.tight_layout()

    return drawn("regret", "Regret: what it costs to choose each plan", words, (6.8, 1.0 + 0.32 * len(table)), paint)


def front_picture(found: Decision) -> Picture | None:
    """Return what closing gaps costs in pupils helped; None where there is no front."""
    table = found.front
    if table.empty:
        return None
    first, last = table.iloc[0], table.iloc[-1]
    words = (
        f"Between the two ends of the front pupils who reach a standard go from {first.pupils:,.4g} to "
        f"{last.pupils:,.4g}, and disadvantaged pupils among them beyond the others' gain from {first.gap_closed:,.3g} "
        f"to {last.gap_closed:,.3g}; 90% intervals are wide because the draws are shared."
    )

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        x, y = table.pupils, table.gap_closed
        for row in table.itertuples():
            axes.plot([row.pupils_q05, row.pupils_q95], [row.gap_closed] * 2, color=NARROW, linewidth=0.8)
            axes.plot([row.pupils] * 2, [row.gap_closed_q05, row.gap_closed_q95], color=NARROW, linewidth=0.8)
        axes.plot(x, y, "o-", color=WITH, markersize=4)
        axes.plot(x.iloc[0], y.iloc[0], "D", color=CHANGE, markersize=6)
        axes.annotate("the plan", (x.iloc[0], y.iloc[0]), textcoords="offset points", xytext=(8, -10), color=INK)
        axes.set_xlabel("pupils who reach a standard and would not have")
        axes.set_ylabel("disadvantaged pupils beyond the others' gain")
        figure.tight_layout()

    return drawn("front", "What closing gaps costs in pupils helped", words, (5.4, 3.8), paint)
