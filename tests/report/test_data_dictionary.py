import hashlib
import json
import re

import pandas as pd
import pytest

from oa_sim.errors import Refusal
from oa_sim.report import data_dictionary
from oa_sim.report.folder_writers import _write_texts
from oa_sim.report.formats import data_files

OF_A_RUN = ("table", "value", "ranking", "sustainability", "retention", "pupils_served", "money", "uncertainty")
TYPES = {"string", "number", "integer", "year", "boolean"}


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    at = tmp_path_factory.mktemp("run")
    _write_texts(tiny, at)
    data_files.long_table(tiny).head(50).to_csv(at / "long.csv", index=False)
    return at


@pytest.fixture(scope="module")
def found(folder, tiny):
    return data_files.descriptor(folder, [f"{name}.csv" for name in (*OF_A_RUN, "long")], tiny.manifest)


def test_every_column_of_every_table_of_a_run_has_a_meaning_a_type_and_no_other_home(folder):
    written = {path.stem: pd.read_csv(path, nrows=2) for path in folder.glob("*.csv")}
    assert set(OF_A_RUN) < set(written)
    known = data_dictionary.dictionary(written)
    assert list(known.columns) == list(data_dictionary.COLUMNS)
    assert len(known) == sum(len(table.columns) for table in written.values())
    assert (known.meaning.str.len() > 3).all()
    assert set(known.type) <= TYPES


def test_a_figure_has_a_unit(folder):
    known = data_dictionary.dictionary({path.stem: pd.read_csv(path, nrows=2) for path in folder.glob("*.csv")})
    figures = known[known.type.isin(["number", "integer"])]
    assert (figures.unit.str.len() > 0).all()


def test_a_column_that_nobody_explained_is_refused_with_the_nearest_name():
    with pytest.raises(Refusal, match=r"'p_frist' of table 'ranking'.*'p_first'"):
        data_dictionary.dictionary({"ranking": pd.DataFrame(columns=["area", "p_frist"])})
    with pytest.raises(Refusal, match="has no meaning"):
        data_dictionary.dictionary({"table": pd.DataFrame(columns=["xyzzy"])})


def test_a_comparison_and_the_dictionary_itself_are_explained():
    from oa_sim.simulation.comparison import COLUMNS

    names = {"compare": COLUMNS, "dictionary": data_dictionary.COLUMNS, "long": data_files.COLUMNS}
    data_dictionary.dictionary({name: pd.DataFrame(columns=list(columns)) for name, columns in names.items()})


PROMISES = (
    "scenario,area,measure,group,year,scale,unit,last,last_year,promised_50,mc_error_50,promised_70,mc_error_70,"
    "promised_90,mc_error_90,england_mean,england_q05,england_q95,own_mean,own_q05,own_q95,programme_mean,"
    "programme_q05,programme_q95,own_share_of_move,warning,needed_against_england,base_rate,base_rate_n,"
    "base_rate_years,proxy,n_draws,verdict"
)
TARGETS = (
    "area,measure,group,unit,scale,baseline_year,baseline,target_year,target,probability,mc_error,colour,base_rate,"
    "base_rate_n,warning,judged_from,needed_against_england,base_rate_years,own_share_of_move,programme_mean,"
    "expected_q05,expected,expected_q95,published,published_year,published_of,met,proxy,status,source,n_draws,verdict,"
    "run_id,what,goal,share_of_districts,ranks,ranks_of,calibration_reached,calibration_n,calibration_least,"
    "calibration_most,calibration_longest"
)
NOT_JUDGED = "why,area,what,target_year,source,status"
PROGRESS = "area,measure,group,year,value,unit,rank,n_districts,top_half,how_made"
OF_TARGETS = {"promises": PROMISES, "targets": TARGETS, "not_judged": NOT_JUDGED, "progress": PROGRESS}


@pytest.mark.parametrize(("name", "header"), OF_TARGETS.items())
def test_the_tables_of_targets_are_explained_and_a_chance_of_any_size_is(name, header):
    known = data_dictionary.dictionary({name: pd.DataFrame(columns=[*header.split(","), "promised_60"])}).set_index(
        "column"
    )
    assert known.meaning["promised_60"].endswith("60%")
    assert (known.meaning.str.len() > 3).all()


DECIDED = {
    "plan": "area,intervention,year,gbp",
    "paid": "area,intervention,year,gbp",
    "split": "area,gbp,share,gbp_per_pupil,worth_mean,worth_q05,worth_q95,unit,proxy,n_draws",
    "prices": "constraint,limit_gbp,used_gbp,kind,price_per_million_gbp,unit,to_change",
    "views": "view,plan,mean,place,alarm",
    "candidates": "plan,split,buys,value,mean,sd,q05,q10,q25,q50,q75,q90,q95,gain_of_best_mean,gain_of_best_se,"
    "gain_of_best_q05,gain_of_best_q95,p_best,p_worse_than_best_plan,expected_regret,worst_regret,loses,n_draws",
}


@pytest.mark.parametrize("name", DECIDED)
def test_the_tables_of_the_best_plan_are_explained(name):
    known = data_dictionary.dictionary({name: pd.DataFrame(columns=DECIDED[name].split(","))})
    figures = known[known.type == "number"]
    assert (figures.unit.str.len() > 0).all()
    assert set(known.column) >= set(data_dictionary.TABLES[name]) - {"gain_of_best", "worth"}


def test_no_meaning_is_left_over_that_no_table_has(folder):
    known = data_dictionary.dictionary({path.stem: pd.read_csv(path, nrows=2) for path in folder.glob("*.csv")})
    for table in OF_A_RUN:
        columns = set(known[known.table == table].column)
        unused = {
            name for name in data_dictionary.TABLES[table] if name not in columns and name not in ("unit", "q50", "q10")
        }
        assert not unused, f"{table}: {unused}"


def test_the_ends_of_an_interval_are_explained_by_what_they_are_the_ends_of():
    meaning, unit, kind = data_dictionary.about("sustainability", "left_5y_q05")
    assert meaning.startswith("lower end of the 90% interval of")
    assert (unit, kind) == data_dictionary.about("sustainability", "left_5y")[1:]


def test_the_descriptor_keeps_the_rules_of_the_specification(found, folder):
    assert found["profile"] == "tabular-data-package"
    assert re.fullmatch(r"[a-z0-9._-]+", found["name"])
    assert all(source["title"] for source in found["sources"])
    assert all(licence["name"] and licence["path"].startswith("https://") for licence in found["licenses"])
    names = [resource["name"] for resource in found["resources"]]
    assert len(set(names)) == len(names) == len(OF_A_RUN) + 1
    for resource in found["resources"]:
        content = (folder / resource["path"]).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == "sha256:" + hashlib.sha256(content).hexdigest()
        assert resource["mediatype"] == "text/csv"
        header = content.decode().splitlines()[0].split(",")
        assert [field["name"] for field in resource["schema"]["fields"]] == header


def test_the_same_tables_have_the_same_descriptor_and_it_is_plain_json(found, folder, tiny):
    again = data_files.descriptor(folder, [f"{name}.csv" for name in (*OF_A_RUN, "long")], tiny.manifest)
    assert json.dumps(again) == json.dumps(found)


def test_each_cell_is_of_the_type_that_the_descriptor_gives_it(found, folder):
    read = {"number": float, "integer": int, "year": int, "boolean": {"True": True, "False": False}.__getitem__}
    for resource in found["resources"]:
        table = pd.read_csv(folder / resource["path"], dtype=str, keep_default_na=False)
        for field in resource["schema"]["fields"]:
            for cell in table[field["name"]].unique():
                if cell and field["type"] != "string":
                    read[field["type"]](cell)


def test_a_file_without_columns_is_no_table(tiny, tmp_path):
    pd.DataFrame().to_csv(tmp_path / "retention.csv", index=False)
    assert data_files.descriptor(tmp_path, ["retention.csv"], tiny.manifest)["resources"] == []


def test_a_file_that_is_not_there_or_lies_elsewhere_is_refused(folder, tiny):
    with pytest.raises(Refusal, match="cannot be read"):
        data_files.descriptor(folder, ["nothing.csv"], tiny.manifest)
    with pytest.raises(Refusal, match="beneath its folder"):
        data_files.descriptor(folder, ["../table.csv"], tiny.manifest)


def test_a_failed_gate_and_what_is_to_verify_stand_in_the_descriptor(folder, tiny):
    failed = tiny.manifest | {"gates": tiny.manifest["gates"] | {"verdict": "FAIL"}}
    said = data_files.descriptor(folder, ["table.csv"], failed)
    assert "[FAIL]" in said["title"]
    assert "to verify" in said["description"]


@pytest.mark.filterwarnings("ignore")  # its own libraries warn when they are loaded
def test_frictionless_finds_nothing_wrong(found, folder):
    frictionless = pytest.importorskip(
        "frictionless", reason="frictionless is not installed; its rules are kept by hand"
    )
    (folder / data_files.FILE_NAME).write_text(json.dumps(found), encoding="utf-8")
    report = frictionless.validate(str(folder / data_files.FILE_NAME))
    assert report.valid, report.flatten(["type", "message"])
