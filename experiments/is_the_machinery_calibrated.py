"""Is the machinery calibrated.

Draws hyperparameters from the priors, plays a small record forward year by year (five series, two authority sizes,
gaps, a break), fits the baseline to it, and ranks the truth among draws of the posterior, again and again. If the
simulator, the density, its gradient and the sampler all say the same, ranks are uniform. Look at the smallest p-value:
with K hyperparameters, one below 0.01 / K would be no chance.

    python experiments/is_the_machinery_calibrated.py [simulations]
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # the simulator is written apart from the model
import ranks

SEED = 2018


def main(simulations: str = "400") -> None:
    names, found, diverging = ranks.ranks_of_many(int(simulations), SEED)
    highest = ranks.DRAWS
    table = pd.DataFrame(
        {
            "p": ranks.p_values(found),
            "mean rank": found.mean(axis=0) / highest,  # 0.5 where neither too high nor too low
            "SD of rank": found.std(axis=0) / highest,  # 0.29 where neither too sure nor too unsure
        },
        pd.Index(names, name="hyperparameter"),
    ).sort_values("p")
    print(table.round(4).to_string())
    few = 0.01 / len(table)
    print(
        f"{simulations} simulations, {diverging} divergences: the smallest of {len(table)} p-values is "
        f"{table.p.min():.4f} (by chance about {1 / len(table):.3f}), {int((table.p < 0.01).sum())} lie below "
        f"0.01, and {int((table.p < few).sum())} below {few:.5f}."
    )
    Path("outputs").mkdir(exist_ok=True)
    table.to_csv("outputs/is_the_machinery_calibrated.csv")
    np.save("outputs/is_the_machinery_calibrated.npy", found)


if __name__ == "__main__":
    main(*sys.argv[1:])
