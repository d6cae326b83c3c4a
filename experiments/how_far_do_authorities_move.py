"""How far do authorities move against England in one to eight years, by how far behind or ahead they were.

All upper-tier authorities of a panel. The table it prints is ``oa_sim/data/movements.csv``: base rates that a target is
held against. Look at the 90% quantile of five years in the lowest band: how far one place in ten of those that were
furthest behind came.

    python experiments/how_far_do_authorities_move.py --panel FILE > movements.csv

FILE is the Local Authority Interactive Tool's data set, or any layout that ``oa-sim fit`` reads.
"""

import argparse
import csv
import sys

from oa_sim.errors import Refusal
from oa_sim.inputs import panel, published_files, schemas, tables
from oa_sim.targets import attainable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panel", help="figures of all authorities")
    asked = parser.parse_args()
    if not asked.panel:
        raise Refusal("movements are those of all authorities, got no figures: add --panel FILE")
    record = panel.history(published_files.read(asked.panel), tables.read("breaks"))
    writer = csv.DictWriter(sys.stdout, list(schemas.TABLES["movements"].columns), lineterminator="\n")
    writer.writeheader()
    for row in attainable.summarised(record):
        writer.writerow(row | {"source": "OWN-MOVEMENTS", "status": "found"})


if __name__ == "__main__":
    try:
        main()
    except Refusal as refusal:
        sys.exit(str(refusal))
