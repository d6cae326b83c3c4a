"""IAMC: a result as the long table that a whole field of modelling exchanges, and that pyam loads.

A row for each model, scenario, region, variable, unit and year; a variable is a path such as
``Impact|Key stage 2|Disadvantaged|Mean``. A figure that is a county's says so in its unit, so that it never stands
beside a figure of the area's own as if it were one, and is never added to it.
"""

import pandas as pd

import oa_sim
from oa_sim.definitions import MEASURES, QUANTILES, QUANTITIES
from oa_sim.report import sanitise
from oa_sim.scenario import unverified
from oa_sim.simulation import result_tables
from oa_sim.simulation.result import Result

COLUMNS = ("model", "scenario", "region", "variable", "unit", "year", "value")
EVERYWHERE = "Mean of the areas"  # unweighted, as the headline has it
PROXY = "county proxy"
STEP = "|"  # between the parts of a variable, so in no part of it
NAMES = {
    "good_level_of_development": "Good level of development",
    "phonics": "Phonics",
    "key_stage_2": "Key stage 2",
    "attainment_8": "Attainment 8",
    "level_3_by_19": "Level 3 by 19",
    "he_entry_by_19": "Higher education entry by 19",
    "neet_16_17": "Not in education employment or training at 16 to 17",
    "persistent_absence": "Persistent absence",
    "suspensions": "Suspensions",
}
STATISTICS = {"mean": "Mean", "sd": "Standard deviation"} | {
    name: "Median" if at == 0.5 else f"{100 * at:.0f}th percentile" for name, at in QUANTILES.items()
}


def long_table(result: Result) -> pd.DataFrame:
    """Return mean, SD and quantiles of every quantity as a long table, by area and in the mean of the areas.

    Parameters
    ----------
    result
        Of a run. A label ends in ``[FAIL]`` where a gate failed, as everywhere.

    Returns
    -------
    DataFrame
        ``COLUMNS``; a unit is that of the measure, a change of a share is in percentage points. No two rows are of the
        same thing, and no cell is missing. Every text is ``harmless``.
    """
    table = pd.concat([result.summary(), *_everywhere(result)], ignore_index=True)
    table["unit"] = [_unit(*about) for about in zip(table.unit, table.quantity, table.proxy, strict=True)]
    parts = (table.quantity.map(str.capitalize), table.measure.map(NAMES), table.group.map(str.capitalize))
    table["branch"] = parts[0] + STEP + parts[1] + STEP + parts[2]
    keys = ["scenario", "area", "branch", "unit", "year"]
    rows = table.melt(keys, list(STATISTICS), "statistic", "value").rename(columns={"area": "region"})
    rows["variable"] = rows.branch + STEP + rows.statistic.map(STATISTICS)
    rows["model"] = _model(result)
    for name in ("scenario", "region"):
        rows[name] = rows[name].map(_part)
    rows = rows.astype({"year": int, "value": float})[list(COLUMNS)]
    return sanitise.in_table(rows.sort_values(list(COLUMNS[:-1]), kind="stable", ignore_index=True))


def meta(result: Result) -> pd.DataFrame:
    """Return what is to be known of a run beside its long table: verdict, draws, seed, hashes and what is to verify.

    Returns
    -------
    DataFrame
        One row, with the index (model, scenario) by which pyam takes it as ``meta``.
    """
    manifest = result.manifest
    facts = {name: manifest.get(name, "") for name in ("run_id", "seed", "data_hash", "code_hash", "posterior")}
    facts |= {"verdict": manifest["gates"]["verdict"], "n_draws": result.n_draws}
    facts |= {"price_base": manifest["price_base"], "to_verify": unverified.sentence(manifest.get("to_verify", {}))}
    at = [(sanitise.harmless(_model(result)), sanitise.harmless(_part(result.label)))]
    index = pd.MultiIndex.from_tuples(at, names=["model", "scenario"])
    return sanitise.in_table(pd.DataFrame([facts], index=index))


def _model(result: Result) -> str:
    """Return the name of the model, which is that of the version which made the numbers."""
    return f"oa_sim {result.manifest.get('oa_sim', oa_sim.__version__)}"


def _everywhere(result: Result) -> list[pd.DataFrame]:
    """Return the rows of the mean of the areas, reckoned draw by draw."""
    parts = []
    for measure in result.draws.measure.values.tolist():
        for group in MEASURES[measure].table_groups:
            at = {"measure": measure, "group": group}
            proxy = result.draws.proxy.sel(at).any("area").expand_dims(area=[EVERYWHERE])
            about = {"scenario": result.label, **at, "unit": MEASURES[measure].unit}
            for quantity in QUANTITIES:
                mean = result.draws[quantity].sel(at).mean("area", dtype=float).expand_dims(area=[EVERYWHERE])
                draws = mean.transpose("chain", "draw", "area", "year")
                parts.append(result_tables.described(draws, proxy).assign(**about, quantity=quantity))
    return parts


def _unit(unit: str, quantity: str, proxy: bool) -> str:
    """Return a unit with the mark of a county's figures."""
    said = "percentage points" if unit == "%" and quantity == "impact" else unit
    return f"{said} ({PROXY})" if proxy else said


def _part(text: str) -> str:
    """Return a label without what parts a variable."""
    return text.replace(STEP, "\u00a6")
