"""Worthwhile: what information is worth, in sentences and as pictures."""

import numpy as np
from matplotlib.figure import Figure

from oa_sim.decide.value_of_information import Information
from oa_sim.plots.picture import CHANGE, INK, NARROW, WITH, legible, picture
from oa_sim.projection.variance_decomposition import LABELS


def known(found: Information) -> str:
    """Return what it is worth to know each block and effect, as one SVG element."""
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
        axes.set_xlabel(f"{unit} that knowing it would be worth (lines: 90 % interval)")
        axes.tick_params(axis="y", length=0)
        figure.tight_layout()

    return picture("known", said, (6.6, 0.9 + 0.27 * len(table)), paint)


def trials(found: Information) -> str:
    """Return what trials are worth by their size, as one SVG element."""
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

    return picture("trials", said, (5.6, 3.4), paint)
