"""The live explorer: what a lever does, what a file keeps, and who is let in."""

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest

from oa_sim import load_scenario
from oa_sim.compiled import simulate
from oa_sim.definitions import MEAN_OF_AREAS
from oa_sim.errors import Refusal
from oa_sim.explore import page, server, session, views
from oa_sim.explore.server import Guard
from oa_sim.scenario import schema
from oa_sim.simulation import narrative, summaries
from oa_sim.simulation.scenario_run import run

FEW = ("sampler.draws=40", "areas=three_areas", "horizon=6")
HOSTILE = "<script>alert(1)</script>\"'&\u202eabc" + "x" * 200
TOLD = {"split": "equal", "portfolio": "balanced", "ending": "stop", "horizon": 6, "total_gbp": 1e8}
TOLD |= {"place": MEAN_OF_AREAS, "measure": "key_stage_2", "group": "disadvantaged"}


def recorded(folder, scenario):
    """Write what the explorer reads of a run, without the run."""
    from oa_sim.compiled import input_cache
    from oa_sim.simulation import run_manifest

    known = input_cache.known(scenario)
    made = {"scenario": run_manifest.question(scenario), "data_hash": known.data_hash, "posterior": known.checksum}
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(made | {"code_hash": run_manifest.code_hash()}), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("live") / "run", load_scenario(*FEW))


@pytest.fixture(scope="module")
def base(folder):
    return session.opened(folder)


def test_the_setting_at_the_start_is_the_scenario_of_the_run(base):
    assert asdict(session.scenario(session.start(base), base)) == asdict(load_scenario(*FEW))
    assert base.notes == ()


@pytest.mark.parametrize(
    ("moved", "typed"),
    [
        ({"split": "per_pupil"}, ["split=per_pupil"]),
        ({"portfolio": "teaching", "total_gbp": 5.5e7}, ["portfolio=teaching", "budget.total_gbp=5.5e7"]),
        ({"ending": "taper", "horizon": 15}, ["sustainability=taper", "horizon=15"]),
        ({"ending": "hand_over"}, ["sustainability=hand_over"]),
        ({"portfolio": "delivery_plans", "ending": "extend"}, ["portfolio=delivery_plans", "sustainability=extend"]),
    ],
)
def test_a_lever_does_what_the_words_typed_to_run_do_and_its_file_says_the_same(base, tmp_path, moved, typed):
    asked = replace(session.start(base), **moved)
    wanted = load_scenario(*FEW, *typed)
    assert asdict(session.scenario(asked, base)) == asdict(wanted)
    path, command = session.save(asked, base, "mine", tmp_path)
    assert asdict(load_scenario(f"scenario={path}")) == asdict(wanted) | {"name": "mine"}
    assert command == f"oa-sim run scenario={path}"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_typed_beside_a_scenario_file_has_the_last_word(base, tmp_path):
    path, _ = session.save(replace(session.start(base), portfolio="teaching"), base, "mine", tmp_path)
    found = load_scenario(f"scenario={path}", "horizon=9", "portfolio=tutoring", "name=other")
    assert (found.horizon, found.portfolio.name, found.name) == (9, "tutoring", "other")
    assert len(found.areas.names) == 3


def test_shares_of_ones_own_come_back_from_a_file(tmp_path):
    areas = "areas=[Stoke-on-Trent, Fenland and East Cambridgeshire]"
    shares = "split.shares={Stoke-on-Trent: 0.25, Fenland and East Cambridgeshire: 0.75}"
    own = load_scenario(
        areas, "split=custom", shares, "portfolio=custom", "portfolio.shares={maths_mastery: 1.0}", *FEW[:1]
    )
    base = session.opened(recorded(tmp_path / "run", own))
    assert session.start(base).split == session.start(base).portfolio == session.AS_BEFORE
    path, _ = session.save(session.start(base), base, "mine", tmp_path / "kept")
    assert asdict(load_scenario(f"scenario={path}")) == asdict(own) | {"name": "mine"}


def test_the_numbers_and_sentences_equal_those_of_a_run(base):
    setting = replace(session.start(base), ending="hand_over", total_gbp=2e8)
    answer, result = session.answer(setting, base), run(session.scenario(setting, base))
    draws = narrative.mean_draws(result, "impact", *summaries.headline_measure(result), summaries.headline_year(result))
    impact = answer.figures.impact.sel(year=summaries.headline_year(result))
    for name, wanted in (("mean", draws.mean()), ("q05", np.quantile(draws, 0.05)), ("q95", np.quantile(draws, 0.95))):
        assert abs(impact.sel(statistic=name) - wanted) < 1e-4  # per cent: a millionth of a share
    shown = {name: getattr(setting, name) for name in session.SHOWN}
    offline = page.live_figures(views.of_results([result]).figures.isel(scenario=0).sel(shown))
    for quantity, live in page.live_figures(answer.figures).items():  # what both pages print, digit by digit
        assert live["decimals"] == offline[quantity]["decimals"]
        digits = [np.floor(np.array(part["parts"]) / page.PARTS + 0.5) for part in (live, offline[quantity])]
        np.testing.assert_array_equal(*digits)
    printed = set(re.findall(r"[0-9.]+[0-9]", " ".join(narrative.headline(result))))
    for sentence in answer.sentences:
        figures = set(re.findall(r"[0-9.]+[0-9]", sentence))
        assert len(figures) > 4
        assert figures <= printed


def test_an_answer_has_figures_of_every_year_and_the_same_bytes_when_it_is_asked_for_again(base):
    setting = session.start(base)
    message = server.answer_message(TOLD | {"serial": 3}, base)
    assert message["serial"] == 3
    assert message["shown"] == {name: TOLD[name] for name in session.SHOWN}
    assert len(message["years"]) == setting.horizon
    for part in message["figures"].values():
        assert np.array(part["parts"]).shape == (setting.horizon, 6)
    assert json.dumps(message) == json.dumps(server.answer_message(TOLD | {"serial": 3}, base))
    assert server.answer_message(TOLD | {"horizon": 99, "serial": 4}, base)["refused"].startswith("horizon must be")


def test_every_measure_place_and_ending_has_figures(base):
    for measure in base.scenario.measures:
        changed = {"measure": measure, "place": base.scenario.areas.names[0], "total_gbp": 0}
        figures = server.answer_message(TOLD | changed, base)["figures"]
        assert 127 not in {digits for part in figures.values() for digits in part["decimals"]}
    for ending in schema.ENDINGS:
        figures = session.answer(session.setting(TOLD | {"ending": ending}, base), base).figures
        assert figures.impact.sel(statistic="mean").max() > 0


def test_a_failed_check_is_in_the_answer_and_a_proxy_and_other_code_are_in_the_page(base):
    summary = simulate.summary(base.scenario)
    case = session._case(base, summary.attrs | {"verdict": "FAIL", "reason": "made up"})
    assert (case.verdict, case.reason) == ("FAIL", "made up")
    assert case.to_verify == summary.attrs["to_verify"] > 0
    text = server.levers_page(replace(base, notes=("made with other code",)), "folder")
    data = json.loads(re.search(r'id="view">(.*?)</script>', text).group(1))
    assert data["notes"] == ["made with other code"]
    np.testing.assert_array_equal(data["proxy"], summary.proxy)
    first = base.known.history.published.sel(
        area=base.scenario.areas.names[0], group="all", measure="suspensions", year=data["past_years"]
    )
    shown = data["past"][0][2][base.scenario.measures.index("suspensions")]
    np.testing.assert_allclose([np.nan if text is None else float(text) for text in shown], first, atol=0.051)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {"split": "custom"},
        {"portfolio": HOSTILE},
        {"ending": "../stop"},
        {"horizon": "many"},
        {"horizon": 6.5},
        {"total_gbp": None},
        {"total_gbp": float("nan")},
        {"place": "Atlantis"},
        {"measure": "__class__"},
        {"group": ["all"]},
    ],
)
def test_a_page_that_tells_what_no_lever_has_is_refused_in_a_sentence(base, wrong):
    with pytest.raises(Refusal):
        session.setting(wrong if wrong is None else TOLD | wrong, base)


@pytest.mark.parametrize("outside", [{"horizon": 4}, {"horizon": 16}, {"total_gbp": -1.0}, {"total_gbp": 1e12}])
def test_a_lever_beyond_its_end_is_refused_as_run_would(base, outside):
    with pytest.raises(Refusal, match="must be"):
        session.answer(session.setting(TOLD | outside, base), base)


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "a b", "x" * 65, "\u00e9t\u00e9", "=1+1", ".", "con.yaml", HOSTILE]
)
def test_a_name_that_no_scenario_has_is_not_saved(base, tmp_path, name):
    with pytest.raises(Refusal, match="name must be"):
        session.save(session.start(base), base, name, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_file_is_not_written_over_unless_that_is_said(base, tmp_path):
    at = session.start(base)
    path, _ = session.save(at, base, "mine", tmp_path)
    before = path.read_bytes()
    with pytest.raises(Refusal, match="there already"):
        session.save(replace(at, horizon=9), base, "mine", tmp_path)
    assert path.read_bytes() == before
    session.save(replace(at, horizon=9), base, "mine", tmp_path, over=True)
    assert load_scenario(f"scenario={path}").horizon == 9


@pytest.mark.parametrize("changed", ["data_hash", "posterior"])
def test_other_tables_or_another_posterior_are_refused(folder, tmp_path, changed):
    made = json.loads((folder / "run.json").read_text(encoding="utf-8")) | {changed: "0" * 64}
    (tmp_path / "run.json").write_text(json.dumps(made), encoding="utf-8")
    with pytest.raises(Refusal, match=r"was not made from the (tables|posterior) installed here"):
        session.opened(tmp_path)


def test_other_code_is_said_and_a_folder_that_is_no_run_is_refused(folder, tmp_path):
    made = json.loads((folder / "run.json").read_text(encoding="utf-8")) | {"code_hash": "other"}
    (tmp_path / "run.json").write_text(json.dumps(made), encoding="utf-8")
    assert "other code" in session.opened(tmp_path).notes[0]
    with pytest.raises(Refusal, match="neither a run nor a sweep"):
        session.opened(tmp_path / "nothing")


def test_hostile_names_are_only_text_in_the_page(base):
    own, names = base.scenario, [HOSTILE, *base.scenario.areas.names[1:]]
    history = base.known.history.sel(area=own.areas.names).assign_coords(area=names)
    changed = replace(own, areas=replace(own.areas, names=names))
    portfolios, known = {HOSTILE: own.portfolio}, base.known._replace(history=history)
    page = server.levers_page(replace(base, scenario=changed, portfolios=portfolios, known=known), HOSTILE)
    assert page.count("<script") == page.count("</script") == 2
    assert "&lt;script&gt;alert" in page
    assert "&#34;&#39;&amp;" in page
    assert r"\u003cscript\u003ealert" in page


def scope(kind="http", **headers):
    return {"type": kind, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}


def test_the_guard_lets_in_only_its_own_page():
    guard, own = Guard(None, 8000), "http://127.0.0.1:8000"
    assert guard.is_welcome(scope(host="127.0.0.1:8000"))
    assert guard.is_welcome(scope("websocket", host="localhost:8000", origin="http://localhost:8000"))
    assert not guard.is_welcome(scope("websocket", host="127.0.0.1:8000"))
    for host in ("evil.example:8000", "127.0.0.1", "127.0.0.1:8001", "127.0.0.1:8000.evil.example", ""):
        assert not guard.is_welcome(scope(host=host, origin=own))
    for origin in ("null", "http://evil.example", "http://127.0.0.1:9", "https://127.0.0.1:8000"):
        assert not guard.is_welcome(scope(host="127.0.0.1:8000", origin=origin))
    assert not guard.is_welcome(scope())
