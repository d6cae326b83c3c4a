"""Posterior: what ArviZ draws best, the hyperparameters of the baseline chain by chain, for those who assure.

The only file that knows the versions of ArviZ's plots: ArviZ 1 draws with a collection of plots, ArviZ 0.23 on axes.
Where chains agree, their lines lie under each other.
"""

import warnings
from types import ModuleType

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oa_sim.definitions import MEASURES, POSTERIOR_NAMES
from oa_sim.formatting import estimate
from oa_sim.plots.intervals import COLOURS
from oa_sim.plots.picture import INK, Picture, legible
from oa_sim.simulation.result import Result

FEW = 6  # values that a hyperparameter may have and still stand in the forest of all
INNER, OUTER = 0.5, 0.9
LINE = 58  # characters of a row's name
WIDTH, ROW, HEAD, FOOT = 7.4, 0.26, 0.1, 0.5  # inches
LEFT = 0.5  # of the width, for names


def forest(result: Result, *names: str) -> Picture:
    """Return hyperparameters of the baseline, chain by chain: a point for the median, lines for 50% and 90%.

    All variables of the posterior that have few values are drawn, unless some are named. Lines are intervals with equal
    tails; ArviZ 0.23 knows only those of highest density.
    """
    rows = named(result.posterior, *names)
    size = (WIDTH, round(HEAD + FOOT + ROW * len(rows.data_vars), 2))
    title = f"Hyperparameters of the baseline, {result.posterior.sizes['chain']} chains each{result.mark}"
    medians = []
    for name, values in rows.data_vars.items():
        low, middle, high = np.quantile(values.values, [(1 - OUTER) / 2, 0.5, (1 + OUTER) / 2])
        medians.append(f"{name} {estimate(middle, low, high)}")
    words = f"{title}; medians over all chains: {'; '.join(medians)}."
    return Picture("-".join(["forest", *names]), title, words, *size, lambda: _painted(rows, size))


def named(posterior: xr.Dataset, *names: str) -> xr.Dataset:
    """Return hyperparameters as one variable (chain, draw) for each value, named in words."""
    few = [str(name) for name, values in posterior.data_vars.items() if values[0, 0].size <= FEW]
    rows = {}
    for name in names or few:
        values, label = posterior[name], POSTERIOR_NAMES.get(name, name)
        others = [dim for dim in values.dims if dim not in ("chain", "draw")]
        for place in np.ndindex(*(values.sizes[dim] for dim in others)):
            value = values.isel(dict(zip(others, place, strict=True)))
            series = ", ".join(_series_name(str(value[dim].values)) for dim in others)
            rows[f"{label}: {series}" if series else label] = value.transpose("chain", "draw").variable
    return xr.Dataset(rows, {dim: posterior[dim].values for dim in ("chain", "draw")})


def _series_name(label: str) -> str:
    """Return the label of a series with its measure as people call it."""
    measure, comma, rest = label.partition(", ")
    return f"{MEASURES[measure].label.split(' (')[0]}{comma}{rest}" if measure in MEASURES else label


def _painted(rows: xr.Dataset, size: tuple[float, float]) -> Figure:
    """Return the figure, by whichever ArviZ there is."""
    labels = [legible(str(name), 2 * LINE, LINE) for name in rows.data_vars]
    plain = xr.Dataset({f"v{k:03}": values.variable for k, values in enumerate(rows.data_vars.values())}, rows.coords)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ArviZ 0.23 warns that ArviZ 1 is coming
        try:
            import arviz_plots
        except ImportError:
            return _on_axes(plain, labels, size)
        return _in_collection(arviz_plots, plain, labels, size)


def _in_collection(arviz_plots: ModuleType, rows: xr.Dataset, labels: list[str], size: tuple[float, float]) -> Figure:
    """Return the figure as ArviZ 1 draws it."""
    from matplotlib import pyplot

    looks = {"labels": {"fontsize": 7}, "point_estimate": {"s": 9}, "twig": {"width": 0.7}, "trunk": {"width": 1.6}}
    drawn = arviz_plots.plot_forest(
        rows, combined=False, backend="matplotlib", point_estimate="median", ci_kind="eti", ci_probs=(INNER, OUTER),
        labels=["__variable__"], aes={"color": ["chain"]}, color=list(COLOURS),
        visuals=looks, figure_kwargs={"figsize": size, "figsize_units": "inches"},
    )  # fmt: skip
    figure: Figure = drawn.viz["figure"].item()
    pyplot.close(figure)  # which the collection opened; it can still be saved
    for k, label in enumerate(labels):
        drawn.viz["variable_label"][f"v{k:03}"].item().set_text(label)
    names, axes = (drawn.viz["plot"].sel(column=column).item() for column in ("labels", "forest"))
    names.set_position((0.01, FOOT / size[1], LEFT - 0.03, 1 - (FOOT + HEAD) / size[1]))
    names.set_axis_off()
    _dress(axes, size)
    return figure


def _on_axes(rows: xr.Dataset, labels: list[str], size: tuple[float, float]) -> Figure:
    """Return the figure as ArviZ 0.23 draws it."""
    import arviz

    figure = Figure(figsize=size)
    axes = figure.subplots()
    n_chains = rows.sizes["chain"]
    colours = [COLOURS[k % len(COLOURS)] for k in range(n_chains)]
    arviz.plot_forest(rows, combined=False, hdi_prob=OUTER, ax=np.array([axes]), textsize=7, linewidth=0.9,
                      markersize=2.5, colors=colours[0] if n_chains == 1 else "cycle", show=False)  # fmt: skip
    axes.set_title("")
    axes.set_yticklabels(labels[::-1], fontsize=7)
    _dress(axes, size)
    return figure


def _dress(axes: Axes, size: tuple[float, float]) -> None:
    """Give the axes their place, a line at nothing and a name."""
    axes.set_position((LEFT, FOOT / size[1], 0.97 - LEFT, 1 - (FOOT + HEAD) / size[1]))
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=7)
    axes.set_xlabel("value; a line for each chain: 50% thick, 90% thin, point: median", fontsize=7)
