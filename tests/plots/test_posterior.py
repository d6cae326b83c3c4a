"""What was learned, as ArviZ draws it."""

import pytest

from oa_sim.plots import posterior


def test_arviz_draws_each_chain_of_each_hyperparameter(every_area):
    one = posterior.forest(every_area)
    rows = posterior.named(every_area.posterior)
    assert len(rows) > 10
    assert all(values.dims == ("chain", "draw") for values in rows.data_vars.values())
    assert all(str(name) in one.alternative for name in rows.data_vars)
    shown = one.svg.partition("</title>")[2]
    assert all(str(name).split()[0] in shown for name in rows.data_vars)
    assert one.png == posterior.forest(every_area).png
    assert one.svg == posterior.forest(every_area).svg
    trend = every_area.posterior.national_trend.values
    assert rows["strength of England's trend"].values == pytest.approx(trend)
    assert "level_sd" in posterior.forest(every_area, "level_sd").name
