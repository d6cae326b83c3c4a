"""Threads: every place is done once, whatever the number of places, and what goes wrong in any part is said."""

import threading

import pytest

from oa_sim.compiled import jit


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 100])
@pytest.mark.parametrize("whole", [False, True])
def test_every_place_is_done_once(n, whole):
    done = [0] * n

    def work(first, last):
        for i in range(first, last):
            done[i] += 1

    jit.in_parts(work, n, whole=whole)
    assert done == [1] * n


def test_parts_are_done_side_by_side():
    met = threading.Barrier(jit.THREADS, timeout=20)
    jit.in_parts(lambda first, last: met.wait(), jit.THREADS)


@pytest.mark.parametrize("wrong", [0, 1])
def test_what_goes_wrong_in_a_part_is_said(wrong):
    def work(first, last):
        if first == wrong:
            raise ValueError(f"place {first}")

    with pytest.raises(ValueError, match=f"place {wrong}"):
        jit.in_parts(work, 2)
    jit.in_parts(lambda first, last: None, 2)


def test_several_may_ask_at_once():
    done = []

    def ask(name):
        for _ in range(50):
            jit.in_parts(lambda first, last: done.append((name, first)), 4)

    asking = [threading.Thread(target=ask, args=(name,)) for name in range(4)]
    for one in asking:
        one.start()
    for one in asking:
        one.join(timeout=60)
    assert sorted(done) == sorted((name, first) for name in range(4) for first in (0, 2) for _ in range(50))
