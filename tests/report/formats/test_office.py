"""What Word and PowerPoint share: text for XML, texts that fit, and columns that fill a table."""

import pytest

from oa_sim.report.formats import office
from oa_sim.report.formats.office import columns, lines, shortened, width


@pytest.mark.parametrize(("raw", "safe"), [
    ("bell\x07", "bell"), ("half \ud800 pair", "half  pair"), ("a\nb\tc", "a b c"), ("\u202eturned\u202c", "turned"),
    ("no\ufffe", "no"), ("\U0001f600 \u2020 \u2212 \u00e9", "\U0001f600 \u2020 \u2212 \u00e9"),
])  # fmt: skip
def test_text_for_xml_keeps_what_is_seen_and_drops_what_is_refused(raw, safe):
    assert office.xml_safe(raw) == safe


def test_a_text_is_cut_only_where_it_does_not_fit_and_then_at_its_end():
    assert shortened("West Somerset", 100, 8) == "West Somerset"
    cut = shortened("West Somerset and a far longer name", 80, 8)
    assert cut.endswith("\u2026")
    assert lines(cut, 80, 8) == 1
    assert lines("N" * 100, 80, 8) == -(-width("N" * 100, 8) // 80)


def test_columns_fill_the_table_and_never_break_a_figure():
    rows = [["A long name of an area that needs two lines", "12,345,678", "medium"]] * 3
    widths = columns(("Area", "Money, GBP", "Risk"), rows, 160, 8, pad=10, right=[False, True, False])
    assert sum(widths) == pytest.approx(160)
    assert widths[1] >= width("12,345,678", 8) + 10
