"""Text from outside: no cell begins like a formula, and what harms nobody stays."""

import pandas as pd
import pytest

from oa_sim.report import sanitise
from oa_sim.report.sanitise import harmless as made_harmless

HOSTILE = (
    "=HYPERLINK('http://example.org')", "+1-2", "-cmd", "@SUM(A1)", "\t=1+1", "\r\n=1", "  =1+1", "\ufeff=1", "\uff1d1",
    "\u202eemosdnah", "a\x00b\x1b[31m", "line\nbreak", 'quo"ted, with, commas', "\u05e9\u05dc\u05d5\u05dd",
    "\U0001f9d1\u200d\U0001f3eb", "A|B", "x" * 200, "<script>alert(1)</script>", "'=1", "",
    "-0.3", "lone \ud800 half", "not a character \uffff",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_begins_like_a_formula_or_holds_what_cannot_be_written(text):
    found = made_harmless(text)
    begins = found.lstrip(" \ufeff")[:1]
    assert begins not in tuple("=+-@\uff1d") or found == "-0.3"
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in found)
    assert found.encode("utf-8").decode("utf-8") == found


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_harmless_stays_as_it_is(text):
    assert made_harmless(made_harmless(text)) == made_harmless(text)


@pytest.mark.parametrize("text", ["Norwich", "שלום", "🧑‍🏫 school", 'said "so"', "a = b", "2024/25", "Stoke-on-Trent"])
def test_a_name_that_harms_nobody_is_not_touched(text):
    assert made_harmless(text) == text


def test_a_table_keeps_its_numbers_and_loses_its_formulas():
    table = pd.DataFrame({"=a": ["=1", None, "b"], "n": [-1.5, 2.0, float("nan")], "is": [True, False, True]})
    found = sanitise.in_table(table)
    assert found["'=a"].tolist()[0] == "'=1"
    assert found["'=a"].isna().tolist() == [False, True, False]
    pd.testing.assert_series_equal(found["n"], table["n"])
    pd.testing.assert_series_equal(found["is"], table["is"])


def test_a_table_whose_columns_bear_one_name_twice_is_still_readable():
    assert sanitise.in_table(pd.DataFrame({"a": ["=1"]})).a.tolist() == ["'=1"]
