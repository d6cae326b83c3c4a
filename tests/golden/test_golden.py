"""Goldens: what the commands write, to the last bit on the machine that wrote them and to a millionth elsewhere.

One command writes them anew: python tests/golden/collect.py tests/golden/golden.json
"""

import json
from pathlib import Path

import collect
import numpy as np
import pytest

from oa_sim.report.formats import word

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text(encoding="utf-8"))
CLOSE = 1e-6  # of the size of an array


def same(name, found, expected):
    """Yield where two cases differ, by file and column or array."""
    for file in sorted({*found, *expected}):
        ours, theirs = found.get(file, {}), expected.get(file, {})
        for part in sorted({*ours, *theirs}):
            if part not in ours or part not in theirs:
                yield f"{name}/{file}: {part} is {'new' if part in ours else 'gone'}"
            elif collect.machine() == GOLDEN["machine"]:
                if ours[part] != theirs[part]:
                    yield f"{name}/{file}: {part} is not what it was"
            elif file == "printed" and name in collect.PRINTED:
                if ours[part] != theirs[part]:
                    yield f"{name}: what is printed is not what it was"
            elif "about" in theirs[part] and not alike(ours[part]["about"], theirs[part]["about"]):
                yield f"{name}/{file}: {part} is {ours[part]['about']}, was {theirs[part]['about']}"


def alike(ours, theirs):
    (n, finite, *numbers), (was_n, was_finite, *were) = ours, theirs
    size = max(abs(were[1]), 1e-12)
    if (n, finite, len(numbers)) != (was_n, was_finite, len(were)):
        return False
    return np.allclose(numbers, were, rtol=CLOSE, atol=CLOSE * size)


@pytest.mark.slow  # three minutes together
@pytest.mark.parametrize("cases", collect.PARTS, ids=lambda cases: cases[0])
def test_commands_write_what_they_wrote(cases, tmp_path):
    is_here = collect.machine() == GOLDEN["machine"]
    found = collect.collect(cases, tmp_path / "oa_sim_golden")
    differ = [
        line
        for name in cases
        if is_here or name not in collect.ONLY_HERE
        for line in same(name, found[name], GOLDEN["cases"][name])
    ]
    assert not differ, "\n".join(differ)


NAMES = ("f" * 12, "d" * 12)  # of code; the letters of one are a good deal narrower than those of the other


def in_word(name, beside):
    template = word.Template()
    pages = word.Layout(template, template.styles)
    rows = [("trace: code", f"{name} of 0.9.0", "the same"), ("limits", beside, "at most")]
    pages.table("Checks", ("Check", "Answer", "Limit"), [[word.Box(text) for text in row] for row in rows])
    return "".join(pages.blocks).encode()


def in_powerpoint(name, beside):
    cells = "".join(f"<a:tc><a:t>{text}</a:t></a:tc>" for text in (name, beside))
    grid = "".join(f'<a:gridCol w="{12700 * len(text) + ord(text[0])}"/>' for text in (name, beside))
    return f'<a:tbl><a:tblGrid>{grid}</a:tblGrid><a:tr h="{ord(name[0])}">{cells}</a:tr></a:tbl>'.encode()


@pytest.mark.parametrize("table", [in_word, in_powerpoint])
def test_a_name_of_code_moves_nothing_although_columns_are_as_wide_as_its_letters(table):
    one, other = (table(name, "60%") for name in NAMES)
    assert one.replace(NAMES[0].encode(), b"") != other.replace(NAMES[1].encode(), b"")
    assert collect.words(one) == collect.words(other)
    assert collect.words(one) != collect.words(table(NAMES[0], "61%"))


@pytest.mark.parametrize("table", [in_word, in_powerpoint])
def test_widths_count_in_a_table_without_a_name(table):
    without = table("no name", "60%").replace(b"0.9.0", b"now")
    wider = collect.WIDTHS.sub(r"\g<1>9", without.decode()).encode()
    assert wider != without
    assert collect.words(wider) != collect.words(without)


@pytest.mark.parametrize(
    ("change", "is_seen"), [(0.0, False), (1e-9, False), (1e-4, True)], ids=["none", "last digit", "a digit"]
)
def test_another_machine_may_have_another_last_digit_and_no_more(change, is_seen):
    draws = np.random.default_rng(1).normal(3.0, 2.0, 500)
    moved = draws + change * np.random.default_rng(2).normal(size=500)
    assert alike(collect.summary(moved), collect.summary(draws)) != is_seen
