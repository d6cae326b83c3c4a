import numpy as np

from oa_sim import formatting


def test_every_chance_has_one_word_and_words_follow_the_order_of_chances():
    words = [formatting.word(p) for p in np.linspace(0, 1, 1001)]
    assert list(dict.fromkeys(words)) == [name for name, *_ in formatting.YARDSTICK]
    for name, band, _ in formatting.YARDSTICK:
        low, high = (int(x) / 100 for x in band.split(" to "))
        assert formatting.word(low) == formatting.word(high) == name
