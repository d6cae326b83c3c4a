"""Selection: mean, spread and quantiles of draws without putting all of them in order.

A quantile needs the one or two draws at its rank. Draws are counted into bins of equal width; only the bins that hold a
rank that is asked for are put in order. The answer is exactly that of a full sort.
"""

from typing import NamedTuple

import numpy as np

from oa_sim.compiled import compiled, summing

N_BINS, TOGETHER = 1024, 64  # so many are passed over at once where none holds a rank
SAMPLED = 128  # draws from which the bins' range is guessed; those beyond it go into the first and the last bin
FEW = 60  # draws that are put in order by insertion
ZERO, LAST_BIN = np.float32(0.0), np.float32(N_BINS - 1)


class Room(NamedTuple):
    """Room to work in."""

    bins: np.ndarray  # (draw)
    held: np.ndarray  # (2 draw)
    counts: np.ndarray  # (N_BINS)
    slots: np.ndarray  # (N_BINS): where the draws of a bin begin among those that are held; -1: not held
    starts: np.ndarray  # (rank + 1)
    lower: np.ndarray  # (rank)


@compiled
def room_for(n_draws, n_ranks):
    """Return room for so many draws and ranks."""
    return Room(
        np.empty(n_draws, np.int32), np.empty(2 * n_draws, np.float32), np.empty(N_BINS, np.int32),
        np.empty(N_BINS, np.int32), np.empty(n_ranks + 1, np.int32), np.empty(n_ranks, np.int32),
    )  # fmt: skip


@summing
def mean(draws):
    """Return the mean of draws."""
    total = 0.0
    for d in range(draws.size):
        total += np.float64(draws[d])
    return total / draws.size


@summing
def _moments(row, out):
    """Write mean and SD of draws."""
    n, first = row.size, np.float64(row[0])
    total, squares = 0.0, 0.0
    for d in range(n):
        off = np.float64(row[d]) - first  # about a draw, so that no digit is lost in the squares
        total += off
        squares += off * off
    mean = total / n
    out[0] = first + mean
    out[1] = np.sqrt(max(squares - n * mean * mean, 0.0) / max(n - 1, 1))


@compiled
def _sides(row, out):
    """Write the shares of draws above and below 0, and return how many differ from the first."""
    first, above, below, other = row[0], np.int32(0), np.int32(0), np.int32(0)
    for d in range(row.size):
        above += np.int32(row[d] > ZERO)
        below += np.int32(row[d] < ZERO)
        other += np.int32(row[d] != first)
    out[-2], out[-1] = above / row.size, below / row.size
    return other


@compiled
def _range(row):
    """Return between what most draws lie, from a few of them taken at even steps."""
    step, n = max(row.size // SAMPLED, 1), min(SAMPLED, row.size)
    low = high = row[0]
    for i in range(1, n):
        low, high = min(low, row[i * step]), max(high, row[i * step])
    return low, high


@compiled
def _into_bins(row, low, scale, bins):
    for d in range(row.size):
        at = (row[d] - low) * scale
        at = at if at > ZERO else ZERO  # in this order what is no number falls into a bin too, and not beside them
        bins[d] = np.int32(at if at < LAST_BIN else LAST_BIN)


@compiled
def _in_order(some):
    """Put draws in ascending order where they stand."""
    if some.size > FEW:
        some.sort()
        return
    for i in range(1, some.size):
        one, at = some[i], i
        while at > 0 and some[at - 1] > one:
            some[at] = some[at - 1]
            at -= 1
        some[at] = one


@compiled
def _wanted(ranks, counts, slots, starts, lower):
    """Write which bins hold a rank, where each begins among those held and how many lie below; return their number."""
    below, begin, r, n_wanted = 0, 0, 0, 0
    slots[:] = -1
    for first in range(0, N_BINS, TOGETHER):
        here = np.int32(0)
        for b in range(first, first + TOGETHER):
            here += counts[b]
        if r == ranks.size or ranks[r] >= below + here:  # none of these holds a rank
            below += here
            continue
        for b in range(first, first + TOGETHER):
            if r < ranks.size and ranks[r] < below + counts[b]:
                slots[b], starts[n_wanted], lower[n_wanted] = begin, begin, below
                begin += counts[b]
                n_wanted += 1
                while r < ranks.size and ranks[r] < below + counts[b]:
                    r += 1
            below += counts[b]
    starts[n_wanted] = begin
    return n_wanted


@compiled
def at_ranks(row, ranks, room, out):
    """Write the draws at some ranks.

    Parameters
    ----------
    row : array (draw)
        In any order.
    ranks : array (rank)
        Places in ascending order, 0 the least draw.
    room
        From ``room_for``.
    out : array (rank)
        Where they are written.
    """
    n, held, bins, counts, slots = row.size, room.held, room.bins, room.counts, room.slots
    low, high = _range(row)
    if not high > low:  # nearly all are alike
        held[:n] = row
        held[:n].sort()
        for r in range(ranks.size):
            out[r] = held[ranks[r]]
        return
    counts[:] = 0
    _into_bins(row, low, np.float32(N_BINS) / (high - low), bins)
    for d in range(n):
        counts[bins[d]] += 1
    n_wanted = _wanted(ranks, counts, slots, room.starts, room.lower)
    n_held = 0
    for d in range(n):  # written always and kept where it is wanted: a branch would be guessed wrong too often
        b = bins[d]
        held[n_held], bins[n_held] = row[d], b
        n_held += slots[b] >= 0
    some = held[n:]
    for i in range(n_held):
        slot = slots[bins[i]]
        some[slot] = held[i]
        slots[bins[i]] = slot + 1
    r = 0
    for w in range(n_wanted):
        mine = some[room.starts[w] : room.starts[w + 1]]
        _in_order(mine)
        while r < ranks.size and ranks[r] < room.lower[w] + mine.size:
            out[r] = mine[ranks[r] - room.lower[w]]
            r += 1


@compiled
def describe(values, shares, out):
    """Write mean, SD, quantiles, and the shares of draws above and below 0 (row, statistic).

    Parameters
    ----------
    values : array (row, draw)
        In any order.
    shares
        Of the quantiles, 0 to 1, ascending; between two draws a quantile lies on the straight line.
    out : array (row, 4 + quantile)
        Where they are written.
    """
    n, n_quantiles = values.shape[1], shares.size
    room = room_for(n, 2 * n_quantiles)
    ranks, found = np.empty(2 * n_quantiles, np.int32), np.empty(2 * n_quantiles, np.float32)
    for q in range(n_quantiles):
        ranks[2 * q] = int(shares[q] * (n - 1))
        ranks[2 * q + 1] = min(ranks[2 * q] + 1, n - 1)
    for row in range(values.shape[0]):
        _moments(values[row], out[row])
        if _sides(values[row], out[row]):
            at_ranks(values[row], ranks, room, found)
        else:
            found[:] = values[row, 0]
        for q in range(n_quantiles):
            low, high = np.float64(found[2 * q]), np.float64(found[2 * q + 1])
            out[row, 2 + q] = low + (high - low) * (shares[q] * (n - 1) - ranks[2 * q])
