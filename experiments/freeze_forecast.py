"""Freeze the shipped posterior's forecast of years to come, before any figure of them is used.

    python experiments/freeze_forecast.py --panel FILE --years 2026 2027 --name to_2024_25 [--note WORDS]

FILE is the panel that the posterior was learned from. The folder ``oa_sim/data/track_record/NAME`` is written once: it
holds the forecast, the benchmarks' forecasts and a manifest with the SHA-256. ``--actuals FILE`` scores it against
figures that are out, and keeps the scores as the entry of the track record; ``oa-sim score`` gives the same table.
"""

import argparse
import sys
from pathlib import Path

from oa_sim.errors import Refusal
from oa_sim.report.folder_writers import DIGITS
from oa_sim.validation import scoring, track_record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panel", required=True, help="the panel that the posterior was learned from")
    parser.add_argument("--years", required=True, type=int, nargs="+", help="2026 is 2025/26")
    parser.add_argument("--name", required=True, help="of the forecast, such as to_2024_25")
    parser.add_argument("--into", default=track_record.FOLDER, type=Path, help="where its folder goes")
    parser.add_argument("--note", default="", help="what a reader must know of it")
    parser.add_argument("--actuals", help="figures that are out, to score it against")
    given = parser.parse_args()
    folder = given.into / given.name
    track_record.freeze(given.panel, given.years, folder, print, given.note)
    if given.actuals:
        contest = track_record.score(folder, given.actuals)
        contest.scores.table.to_csv(folder / track_record.SCORES, index=False, float_format=DIGITS)
        print(*scoring.verdict(contest.scores), sep="\n")


if __name__ == "__main__":
    try:
        main()
    except Refusal as refusal:
        sys.exit(str(refusal))
