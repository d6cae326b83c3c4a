"""Would the model have seen what was coming, and is there a programme to be seen in it.

Trained on figures up to 2016/17, given the programme as it was delivered and the pandemic as breaks of unknown size,
the twelve areas are projected to 2024/25 and held against what was then published: all of the six areas that are
authorities, and the early years of the six districts (from our own tables, to 2018/19). The same run without the
programme stands beside it. Look at the 80% coverage, and at the difference of the log scores over its standard error;
on the relative scale (area less England) the pandemic cancels.

    python experiments/hindcast.py --actuals FILE [--panel FILE]

``--actuals`` is the Local Authority Interactive Tool's data set, parquet or CSV, as it is downloaded. ``--panel``
learns again from a panel of authorities, into ``outputs``; without it the posterior beside this script is used. The
last line is JSON. Young people not in education, employment or training are not judged: their series begins in 2017/18.

Some hindsight is left: figures of 2016/17 came out in the autumn of 2017; studies of effects, sizes of year groups and
how districts differ from their counties are those of our tables today; breaks to come are declared, though not their
size. The law itself was written by people who had seen the record up to 2022/23.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from oa_sim.errors import Refusal
from oa_sim.inference import baseline_fit, posterior_files
from oa_sim.inputs import published_files, tables
from oa_sim.scenario.load import load_learning, load_scenario
from oa_sim.validation import hindcast

UNTIL = 2017
LONGER = ("sampler.tune=500", "sampler.thin=5")  # few years say little of what moves slowly
SHIPPED = tables.FOLDER / f"learned_until_{UNTIL}.nc"
AS_DELIVERED = (
    "scenario=as_delivered",  # 72m GBP over three years, then 18m and 18m
    "start_year=2018",
    "horizon=8",
    "split=as_paid",  # equal for three years, then as published
    "portfolio=balanced",
    "sustainability=stop",  # it ended in August 2022
    # learning lost in the pandemic is a declared break of unknown size, so its event is left out
    "organisation.events=[general_election_2017, change_of_minister_2018, covid_19_delivery]",
    "measures=[good_level_of_development, phonics, key_stage_2, attainment_8, level_3_by_19, he_entry_by_19, "
    "persistent_absence, suspensions]",
)


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def learn(panel: str) -> Path:
    """Learn from a panel and keep what was learned where results go."""
    learning = load_learning(f"panel.path={panel}", f"panel.train_until={UNTIL}", *LONGER)
    found = hindcast.learn(learning, say)
    made = json.loads(found.attrs["made"])
    made["command"] = f"python experiments/hindcast.py --actuals FILE --panel {Path(panel).name}"
    path = Path(learning.outputs) / SHIPPED.name
    posterior_files.write(found.assign_attrs(made=json.dumps(made)), path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actuals", required=True, help="what was published later, in the tool's layout")
    parser.add_argument("--panel", help="a panel of all authorities to learn from again")
    asked = parser.parse_args()
    reading = published_files.read(asked.actuals)
    posterior = learn(asked.panel) if asked.panel else SHIPPED
    print(hindcast.check(baseline_fit.read(posterior), UNTIL))
    with tempfile.TemporaryDirectory() as folder:
        data = hindcast.as_known(UNTIL, Path(folder))
        scenario = load_scenario(*AS_DELIVERED, f"posterior={posterior}", f"data_folder={data}")
        judged = hindcast.judge(scenario, reading, say)
    for scale, found in judged.items():
        for what in ("measure", "group", "year", "area"):
            print(f"Coverage on the {scale} scale by {what}", *hindcast.coverage_by(found, what), sep="\n  ")
        print(f"On the {scale} scale: {hindcast.summary(found)}")
        print(f"On the {scale} scale {hindcast.verdict(found)}.")
    print("Areas share England's course, so on the level scale the true standard error is larger than that by area.")
    print(json.dumps(hindcast.summary(judged["level"])))


if __name__ == "__main__":
    try:
        main()
    except Refusal as refusal:
        print(f"hindcast: {refusal}", file=sys.stderr)
        sys.exit(2)
