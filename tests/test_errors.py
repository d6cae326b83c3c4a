"""Refusals: one sentence on one line, with the rule, the value and the remedy."""

import pytest

from oa_sim import errors
from oa_sim.errors import Refusal

AREAS = ["Derby", "Norwich", "Oldham"]


def test_a_refusal_is_one_sentence_on_one_line_whatever_it_is_made_of():
    assert str(Refusal("  the file\n\tis  gone:\r\n write it again ")) == "the file is gone: write it again"
    assert issubclass(Refusal, ValueError)
    assert errors.InvalidRequest is Refusal


@pytest.mark.parametrize(("typed", "meant"), [("Oldam", "Oldham"), ("NORWICH", "Norwich"), ("derbi", "Derby")])
def test_the_nearest_name_is_the_one_that_was_meant_in_its_own_spelling(typed, meant):
    assert errors.nearest(typed, AREAS) == meant
    assert errors.nearest(typed, reversed(AREAS)) == meant


@pytest.mark.parametrize("name", AREAS)
def test_a_known_name_is_nearest_to_itself(name):
    assert errors.nearest(name, AREAS) == name


def test_where_nothing_is_alike_no_name_is_guessed():
    assert errors.nearest("xyzzy", AREAS) is None
    assert errors.nearest("Oldham", []) is None
    assert errors.nearest(7, ["70", "1"]) == "70"  # what is no text is read as it is written


def test_an_unknown_name_is_answered_with_the_nearest_or_with_all():
    assert str(errors.unknown("area", "Oldam", AREAS)) == "unknown area 'Oldam': did you mean 'Oldham'?"
    assert str(errors.unknown("area", "xyzzy", iter(AREAS))) == (
        "unknown area 'xyzzy': choose from Derby, Norwich, Oldham"
    )


def test_one_of_takes_just_the_known_names():
    errors.one_of("area", "Derby", AREAS)
    with pytest.raises(Refusal, match="unknown area 'derby': did you mean 'Derby'"):
        errors.one_of("area", "derby", AREAS)
