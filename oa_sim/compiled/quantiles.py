"""Quantiles: mean, spread and quantiles of draws without sorting all of them.

A quantile needs the one or two draws at its rank. The selection has four passes over the draws of a row:

1. each draw goes into one of 1,024 bins of equal width (``_into_bins``), and the draws of each bin are counted;
2. the counts tell which bins hold the ranks sought (``_stretches``);
3. the draws of those bins are marked (``_mark``) and copied side by side (``_gather``);
4. these few are sorted (``_sorted``) and read at the ranks (``_pick``).

The answer is exactly that of a full sort, which tests hold it to. Bins are small unsigned numbers, so that a processor
compares many at once and no index is checked for counting from the end. What ``np.partition`` takes beside it stands in
``docs/decisions/refused_libraries.md``.
"""

from typing import NamedTuple

import numpy as np

from oa_sim.compiled.jit import Number, compiled, summing

N_BINS, BINS_AT_ONCE = 1024, 32  # so many are passed over at once where none holds a rank
SAMPLED = 128  # draws from which the bins' range is guessed; those beyond it go into the first and the last bin
FEW, LANES = 128, 16  # draws that are sorted by counting how many are less; so many are compared at once
STRETCHES_AT_ONCE, WORD = 4, 8  # looked for in one pass over the bins; marks that are passed over as one number
ZERO, ONE, LAST_BIN = np.float32(0.0), np.float32(1.0), np.float32(N_BINS - 1)
NO_BIN, NEXT = np.uint16(2**16 - 1), np.uint32(1)


class Room(NamedTuple):
    """The arrays that a selection works in."""

    bins: np.ndarray  # (draw), filled up to whole words with no bin
    is_held: np.ndarray  # (draw), filled up: whether its bin holds a rank
    words: np.ndarray  # (draw / WORD): the same memory, so many marks a number
    held: np.ndarray  # (draw, filled up): those whose bins hold a rank
    ordered: np.ndarray  # (FEW): a few of them in ascending order
    counts: np.ndarray  # (N_BINS)
    first: np.ndarray  # (stretch), filled up: its first bin; a stretch is the bins of ranks that follow each other
    span: np.ndarray  # (stretch), filled up: its bins after the first
    size: np.ndarray  # (stretch): draws in it
    lower: np.ndarray  # (stretch): draws below it


@compiled
def room_for(n_draws: int, n_ranks: int) -> Room:
    """Return room for so many draws and ranks."""
    filled, wide = -(-n_draws // WORD) * WORD, n_ranks + STRETCHES_AT_ONCE
    is_held = np.zeros(filled, np.bool_)
    return Room(
        np.full(filled, NO_BIN, np.uint16), is_held, is_held.view(np.uint64), np.empty(filled + LANES, np.float32),
        np.empty(FEW, np.float32), np.empty(N_BINS, np.uint32),
        np.empty(wide, np.uint16), np.empty(wide, np.uint16), np.empty(n_ranks, np.int64), np.empty(n_ranks, np.int64),
    )  # fmt: skip


@summing
def mean(draws: np.ndarray) -> Number:
    """Return the mean of draws."""
    total = 0.0
    for d in range(draws.size):
        total += np.float64(draws[d])
    return total / draws.size


@summing
def _moments(row: np.ndarray, out: np.ndarray) -> None:
    """Write mean and SD of draws."""
    n, first = row.size, np.float64(row[0])
    total, squares = 0.0, 0.0
    for d in range(n):
        deviation = np.float64(row[d]) - first  # from a draw, so that no digit is lost in the squares
        total += deviation
        squares += deviation * deviation
    mean_deviation = total / n
    out[0] = first + mean_deviation
    out[1] = np.sqrt(max(squares - n * mean_deviation * mean_deviation, 0.0) / max(n - 1, 1))


@summing
def _sides(row: np.ndarray, out: np.ndarray) -> None:
    """Write the shares of draws above and below 0; counted in single precision, exact to 16 million."""
    above = below = ZERO
    for d in range(row.size):
        above += ONE if row[d] > ZERO else ZERO
        below += ONE if row[d] < ZERO else ZERO
    out[-2], out[-1] = above / row.size, below / row.size


@compiled
def _range(row: np.ndarray) -> tuple[Number, Number]:
    """Return between what most draws lie, from a few of them taken at even steps."""
    step, n = max(row.size // SAMPLED, 1), min(SAMPLED, row.size)
    low = high = row[0]
    for i in range(1, n):
        low, high = min(low, row[i * step]), max(high, row[i * step])
    return low, high


@compiled
def _into_bins(row: np.ndarray, low: Number, scale: Number, bins: np.ndarray) -> None:
    """Write the bin of each draw; those beyond the range go into the first and the last."""
    for d in range(row.size):
        place = (row[d] - low) * scale
        place = place if place > ZERO else ZERO  # in this order NaN falls into a bin too, and not beside them
        bins[d] = np.uint16(np.int32(place if place < LAST_BIN else LAST_BIN))


@compiled
def _stretches(ranks: np.ndarray, room: Room) -> int:
    """Write which stretches of bins hold ranks, how many draws lie in and below each; return how many stretches."""
    # Bins are passed over from the lowest, many at once where no rank lies among them. ``below`` counts the draws in
    # the bins passed, ``r`` the ranks found, ``n`` the stretches: two ranks in a row whose bins have only empty bins
    # between them share a stretch, as do all ranks in one bin.
    counts, below, r, n = room.counts, 0, 0, 0
    for block in range(0, N_BINS, BINS_AT_ONCE):
        in_block = 0
        for b in range(block, block + BINS_AT_ONCE):
            in_block += counts[b]
        b, end = block, below + in_block
        while r < ranks.size and ranks[r] < end:  # otherwise none of these holds a rank
            while ranks[r] >= below + counts[b]:
                below += counts[b]
                b += 1
            if n and ranks[r] == ranks[r - 1] + 1:  # between the two no bin holds any draw
                room.span[n - 1] = b - room.first[n - 1]
                room.size[n - 1] += counts[b]
            else:
                room.first[n], room.span[n], room.size[n], room.lower[n] = b, 0, counts[b], below
                n += 1
            below += counts[b]
            b += 1
            while r < ranks.size and ranks[r] < below:
                r += 1
        below = end
    room.first[n : n + STRETCHES_AT_ONCE], room.span[n : n + STRETCHES_AT_ONCE] = N_BINS, 0  # which no draw is in
    return n


@compiled
def _mark(n_stretches: int, room: Room) -> None:
    """Mark the draws whose bins lie in a stretch."""
    # Four stretches in each pass over the bins; the first pass writes the marks, so that none need be cleared.
    bins, first, span, is_held = room.bins, room.first, room.span, room.is_held
    for s in range(0, n_stretches, STRETCHES_AT_ONCE):
        a, b, c, d = first[s], first[s + 1], first[s + 2], first[s + 3]
        to_a, to_b, to_c, to_d = span[s], span[s + 1], span[s + 2], span[s + 3]
        if s == 0:
            _mark_first(bins, a, b, c, d, to_a, to_b, to_c, to_d, is_held)
        else:
            _mark_more(bins, a, b, c, d, to_a, to_b, to_c, to_d, is_held)


@compiled
def _is_in(place: int, first: int, span: int) -> Number:
    return np.uint16(place - first) <= span  # a bin before the first is, without a sign, far beyond the last


@compiled
def _mark_first(
    bins: np.ndarray, a: int, b: int, c: int, d: int, to_a: int, to_b: int, to_c: int, to_d: int, is_held: np.ndarray
) -> None:
    for i in range(bins.size):
        own = bins[i]
        is_held[i] = _is_in(own, a, to_a) | _is_in(own, b, to_b) | _is_in(own, c, to_c) | _is_in(own, d, to_d)


@compiled
def _mark_more(
    bins: np.ndarray, a: int, b: int, c: int, d: int, to_a: int, to_b: int, to_c: int, to_d: int, is_held: np.ndarray
) -> None:
    for i in range(bins.size):
        own = bins[i]
        is_held[i] |= _is_in(own, a, to_a) | _is_in(own, b, to_b) | _is_in(own, c, to_c) | _is_in(own, d, to_d)


@compiled
def _gather(row: np.ndarray, room: Room) -> Number:
    """Write the marked draws side by side, and return how many they are."""
    # Marks are passed over eight at a time, as one number, where none of them is set.
    n, held, words, is_held, whole = np.uint64(0), room.held, room.words, room.is_held, row.size // WORD
    for w in range(whole):
        if words[w]:
            for d in range(w * WORD, w * WORD + WORD):  # written always and kept where it is marked
                held[n] = row[d]
                n += np.uint64(is_held[d])
    for d in range(whole * WORD, row.size):
        held[n] = row[d]
        n += np.uint64(is_held[d])
    return n


@compiled
def _sorted(held: np.ndarray, n: int, ordered: np.ndarray) -> np.ndarray:
    """Return the first ``n`` held draws in ascending order."""
    if n > FEW:
        held[:n].sort()
        return held
    # A few draws are sorted without a branch: each goes to the place that is the number of draws less than it, which
    # vector code counts. Of equal draws all but the first leave their places at minus infinity, filled up afterwards.
    filled = -(-n // LANES) * LANES
    held[n:filled] = np.inf
    ordered[:n] = -np.inf
    for i in range(n):
        draw, less = held[i], np.int32(0)
        for d in range(filled):
            less = np.int32(less + np.int32(held[d] < draw))
        ordered[less] = draw
    for i in range(1, n):
        ordered[i] = max(ordered[i], ordered[i - 1])
    return ordered


@compiled
def _pick(ranks: np.ndarray, n_stretches: int, ordered: np.ndarray, room: Room, out: np.ndarray) -> None:
    """Write the draws at the ranks, of the held ones in order."""
    r, begin = 0, 0
    for s in range(n_stretches):
        end = begin + room.size[s]
        while r < ranks.size and ranks[r] - room.lower[s] < room.size[s]:
            out[r] = ordered[begin + ranks[r] - room.lower[s]]
            r += 1
        begin = end


@compiled
def at_ranks(row: np.ndarray, ranks: np.ndarray, room: Room, out: np.ndarray) -> None:
    """Write the draws of a row, in any order, at ranks in ascending order, 0 the least draw."""
    low, high = _range(row)
    if high > low:
        _into_bins(row, low, np.float32(N_BINS) / (high - low), room.bins)
        room.counts[:] = 0
        for d in range(row.size):
            room.counts[room.bins[d]] += NEXT
        n_stretches = _stretches(ranks, room)
        _mark(n_stretches, room)
        _pick(ranks, n_stretches, _sorted(room.held, _gather(row, room), room.ordered), room, out)
    elif (row == row[0]).all():
        out[:] = row[0]
    else:  # the draws from which the range is guessed are equal, but not all
        held = room.held[: row.size]
        held[:] = row
        held.sort()
        for r in range(ranks.size):
            out[r] = held[ranks[r]]


class Sought(NamedTuple):
    """Which quantiles are sought, and the ranks between which they lie."""

    shares: np.ndarray  # (quantile)
    ranks: np.ndarray  # (rank), ascending
    below: np.ndarray  # (quantile): rank below it
    at: np.ndarray  # (quantile, 2): where the ranks below and above it stand among the ranks
    found: np.ndarray  # (rank): room for the draws there


@compiled
def sought(shares: np.ndarray, n_draws: int) -> Sought:
    """Return the ranks of the quantiles of so many draws."""
    below, is_sought = np.empty(shares.size, np.int64), np.zeros(n_draws, np.bool_)
    for q in range(shares.size):
        below[q] = int(shares[q] * (n_draws - 1))
        is_sought[below[q]] = is_sought[min(below[q] + 1, n_draws - 1)] = True
    ranks, place = np.flatnonzero(is_sought), np.cumsum(is_sought) - 1
    at = np.empty((shares.size, 2), np.int64)
    for q in range(shares.size):
        at[q, 0], at[q, 1] = place[below[q]], place[min(below[q] + 1, n_draws - 1)]
    return Sought(shares, ranks, below, at, np.empty(ranks.size, np.float32))


@compiled
def between(wanted: Sought, q: int, n_draws: int) -> Number:
    """Return a quantile of draws once they are found: on the straight line between the two at its ranks."""
    below, above = np.float64(wanted.found[wanted.at[q, 0]]), np.float64(wanted.found[wanted.at[q, 1]])
    return below + (above - below) * (wanted.shares[q] * (n_draws - 1) - wanted.below[q])


@compiled
def describe_one(row: np.ndarray, wanted: Sought, room: Room, out: np.ndarray) -> None:
    """Write mean, SD, quantiles, and the shares of draws (draw) above and below 0 (statistic); see ``describe``."""
    _moments(row, out)
    _sides(row, out)
    at_ranks(row, wanted.ranks, room, wanted.found)
    for q in range(wanted.shares.size):
        out[2 + q] = between(wanted, q, row.size)


@compiled
def describe(values: np.ndarray, shares: np.ndarray, out: np.ndarray) -> None:
    """Write mean, SD, quantiles, and the shares of draws above and below 0 (row, 4 + quantile), of draws (row, draw).

    ``shares`` are those of the quantiles, 0 to 1, ascending.
    """
    wanted = sought(shares, values.shape[1])
    room = room_for(values.shape[1], wanted.ranks.size)
    for row in range(values.shape[0]):
        describe_one(values[row], wanted, room, out[row])
