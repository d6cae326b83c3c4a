"""How far may a district lie from its county, given its early-years figures.

Compares, over all upper-tier authorities, the level of each series with the level of the good level of
development of all pupils (means of 2016 to 2019, latent scale, relative to England). The slope and the
residual SD fill ``oa_sim/data/proxies.csv``; look at the residual SD: it is how wide a county proxy has to be.

    python experiments/how_far_is_a_district.py path/to/la_panel.csv
"""

import sys

import numpy as np
import pandas as pd

from oa_sim.inference import link_functions
from oa_sim.inputs.areas import GLD

YEARS = range(2016, 2020)
TOO_SMALL = ("City of London", "Isles of Scilly")
COLUMNS = {
    (GLD, "disadvantaged"): "gld_fsm_pct",
    (GLD, "other"): "gld_nonfsm_pct",
    ("phonics", "disadvantaged"): "phonics_y1_fsm_pct",
    ("phonics", "other"): "phonics_y1_pct",  # of all pupils, since others are not in the panel
    ("key_stage_2", "disadvantaged"): "ks2_rwm_exp_disadv_pct",
    ("key_stage_2", "other"): "ks2_rwm_exp_nondisadv_pct",
    ("attainment_8", "disadvantaged"): "att8_disadv",
    ("attainment_8", "other"): "att8_nondisadv",
    ("level_3_by_19", "disadvantaged"): "l3_19_fsm_pct",
    ("level_3_by_19", "other"): "l3_19_pct",  # of all pupils
    ("he_entry_by_19", "disadvantaged"): "he19_fsm_pct",
    ("he_entry_by_19", "other"): "he19_pct",  # of all pupils
    ("neet_16_17", "all"): "neet1617_pct",
    ("persistent_absence", "all"): "pa10_pct",
    ("suspensions", "all"): "susp_rate_pct",
}


def level(panel: pd.DataFrame, measure: str, column: str) -> pd.Series:
    """Return each authority's mean distance from England, SD."""
    latent = pd.Series(link_functions.to_latent(measure, panel[column]), panel.index)
    england = latent[panel.la_name == "England"].set_axis(panel.year[panel.la_name == "England"])
    distance = latent - panel.year.map(england)
    return distance.groupby(panel.la_name).mean().drop("England").dropna()


def main(path: str) -> None:
    panel = pd.read_csv(path)
    panel["year"] = panel.academic_year.str[:4].astype(int) + 1
    panel = panel[panel.year.isin(YEARS) & ~panel.la_name.isin(TOO_SMALL)]
    early = level(panel, GLD, "gld_pct")
    print("measure,group,slope,residual_sd,n_authorities")
    for (measure, group), column in COLUMNS.items():
        here = level(panel, measure, column)
        both = early.index.intersection(here.index)
        slope, intercept = np.polyfit(early[both], here[both], 1)
        residual = here[both] - intercept - slope * early[both]
        print(f"{measure},{group},{slope:.2f},{residual.std(ddof=2):.3f},{len(both)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
