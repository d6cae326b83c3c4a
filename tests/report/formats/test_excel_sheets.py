"""The sheets of a workbook: numbers as they are printed, texts that a cell can hold."""

import numpy as np
import pytest
from test_excel import MINUS, displayed

from oa_sim.report.formats import excel_sheets


@pytest.mark.parametrize(
    ("value", "text", "shown", "form"),
    [
        (0.6251, "63%", 0.6251, "0%"),
        (0.125, "12%", 0.12, "0%"),  # Python rounds a half to the even digit, a spreadsheet away from zero
        (131571.4, "130,000", 130000.0, "#,##0"),
        (-0.04, "0.0", 0.0, "#,##0.0"),
        (-1.26, f"{MINUS}1.3", -1.26, "#,##0.0"),
        (0.997, "above 99%", 0.997, '"above 99%"'),
        (np.inf, "none", "none", "@"),
        (1234567.0, "1,234,567", 1234567.0, "#,##0"),
        (108_000_000.0, "\u00a3108m", 108_000_000.0, '\u00a3#,##0,,"m"'),
        (21_640_000.0, "\u00a321.6m", 21_640_000.0, '\u00a3#,##0.0,,"m"'),
        (1_250_000_000.0, "\u00a31.25bn", 1_250_000_000.0, '\u00a3#,##0.00,,,"bn"'),
        (-132_000.0, f"{MINUS}\u00a3132,000", -132_000.0, "\u00a3#,##0"),
    ],
)
def test_a_number_is_shown_as_it_is_printed(value, text, shown, form):
    assert excel_sheets.shown(value, text) == (shown, form)
    if form != "@":
        assert displayed(shown, form).replace("-", MINUS) == text


def test_text_that_a_cell_cannot_hold_is_cut_with_an_ellipsis():
    cut = excel_sheets.text("\U0001f600" * 40_000)
    assert len(cut.encode("utf-16-le")) // 2 <= 32_767
    assert cut.endswith("\u2026")
