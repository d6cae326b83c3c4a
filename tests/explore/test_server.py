"""The live explorer as a server of its own process, driven in a real browser."""

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from test_session import recorded

from oa_sim import load_scenario

ROOT = Path(__file__).parents[2]
# a shell that starts the tests in the background lets them, and all that they start, ignore Ctrl-C
START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from oa_sim.cli.main import main
sys.exit(main(["explore", *sys.argv[1:]]))
"""


def opened(folder, *typed):
    """Start a server and return its process and what it said when it was ready."""
    surroundings = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(folder), "--json", *typed],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=surroundings,
    )
    return process, json.loads(process.stdout.readline())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Give the address and the folders of a server with every draw and area."""
    at = tmp_path_factory.mktemp("server")
    process, told = opened(recorded(at / "run", load_scenario()), f"outputs={at / 'kept'}")
    yield told
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="a browser is driven with playwright")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium here")
    switches = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(
            executable_path=program, args=[*switches, "--disable-component-update", "--disable-sync"]
        )
        yield found
        found.close()


WATCH = """() => { window.took = []; let began = null;
  document.getElementById("controls").addEventListener("input", () => { began = performance.now(); }, true);
  new MutationObserver(() => { if (began !== null) { took.push(performance.now() - began); began = null; } })
    .observe(document.body, { attributes: true, attributeFilter: ["data-answers"] }); }"""
SET = """([id, v]) => { const e = document.getElementById(id); e.value = v;
  e.dispatchEvent(new Event("input", { bubbles: true })); }"""
MOVES = [
    *(("split", "per_pupil"), ("ending", "hand_over"), ("portfolio", "teaching"), ("horizon", "15"), ("money", "60")),
    *(("split", "as_paid"), ("ending", "taper"), ("portfolio", "attendance"), ("money", "90.5"), ("horizon", "8")),
]


@pytest.fixture
def page(browser, server):
    """Give the page with its first answer, all that it asked for, and all that it complained of."""
    found = browser.new_page()
    found.asked, found.complaints = [], []
    found.on("request", lambda one: found.asked.append(one.url))
    found.on("websocket", lambda one: found.asked.append(one.url))
    found.on("console", lambda one: found.complaints.append(one.text) if one.type == "error" else None)
    found.on("pageerror", lambda one: found.complaints.append(str(one)))
    found.goto(server["url"])
    found.wait_for_selector('body[data-answers="1"]', timeout=60_000)
    yield found
    found.close()


def move(page, number, lever, value):
    page.evaluate(SET, [lever, value])
    page.wait_for_selector(f'body[data-answers="{number}"]', timeout=20_000)


@pytest.mark.slow
def test_from_a_lever_to_the_new_picture_takes_less_than_a_second(page, server):
    page.evaluate(WATCH)
    seen = set()
    for number, (lever, value) in enumerate(MOVES, start=2):
        move(page, number, lever, value)
        seen.add(page.inner_html("#chart"))
    took = page.evaluate("took")
    print(f"ten moves, ms: median {statistics.median(took):.0f}, worst {max(took):.0f}")
    assert len(took) == len(seen) == len(MOVES)
    assert max(took) < 1000
    assert {re.split("[/]", one)[2] for one in page.asked} == {server["url"].split("/")[2]}
    assert page.complaints == []


@pytest.mark.slow
def test_of_many_quick_movements_the_last_is_what_stays(page):
    for value in range(10, 200, 5):
        page.evaluate(SET, ["money", str(value)])
        page.wait_for_timeout(40 if value % 20 else 90)
    page.wait_for_selector("body:not(.waiting)", timeout=20_000)
    assert "195m" in page.inner_text("#sentences")
    page.wait_for_timeout(1500)
    assert "195m" in page.inner_text("#sentences")


SEEN = """() => { window.seen = []; const value = document.getElementById("money");
  new MutationObserver(() => {
    if (document.body.classList.contains("waiting")) return;
    const said = document.getElementById("sentences").textContent;
    seen.push([value.value, /([0-9.]+)m/.exec(said)[1]]);
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] }); }"""


@pytest.mark.slow
def test_whenever_the_page_does_not_wait_its_answer_is_of_what_the_levers_say(page):
    page.evaluate(SEEN)
    for i in range(60):  # an answer comes before, while and after a movement is at rest
        page.evaluate(SET, ["money", str(30 + i)])
        page.wait_for_timeout(62 + 7 * i % 90)
    page.wait_for_selector("body:not(.waiting)", timeout=20_000)
    seen = page.evaluate("seen")
    assert all(lever == answer for lever, answer in seen)
    assert seen[-1] == ["89", "89"]
    assert page.complaints == []


@pytest.mark.slow
def test_a_setting_is_saved_and_its_file_runs_to_the_same_numbers(page, server, tmp_path):
    for number, (lever, value) in enumerate(MOVES[:3], start=2):
        move(page, number, lever, value)
    page.fill("#name", "mine")
    page.click("button[type=submit]")
    page.wait_for_selector("#saved code")
    command = page.inner_text("#saved code")
    assert command == f"oa-sim run scenario={server['saves_to']}/mine.yaml"
    done = subprocess.run(
        [sys.executable, "-m", "oa_sim", *command.split()[1:], f"outputs={tmp_path}", "--json"],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    printed = set(re.findall(r"[0-9.]+[0-9]", " ".join(json.loads(done.stdout)["headline"])))
    figures = set(re.findall(r"[0-9.]+[0-9]", page.inner_text("#sentences")))
    assert len(figures) > 8
    assert figures <= printed
    page.click("button[type=submit]")
    page.wait_for_selector("#saved .refused")
    assert "there already" in page.inner_text("#saved")


@pytest.mark.slow
def test_the_page_is_worked_by_keyboard_and_has_no_violation_of_level_a_or_aa(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe looks at the page")
    page.focus("#horizon")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector('body[data-answers="2"]', timeout=20_000)
    assert page.inner_text("#horizon-years") == "11 years"
    assert "is expected to" in page.inner_text("#sentences")
    levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    assert axe.Axe().run(page, options={"runOnly": levels}).response["violations"] == []


@pytest.mark.slow
def test_other_names_other_origins_and_other_addresses_are_turned_away(server):
    port = int(server["url"].split(":")[2].strip("/"))
    for name, value in (("Host", f"evil.example:{port}"), ("Origin", "http://evil.example")):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(urllib.request.Request(server["url"], headers={name: value}), timeout=10)
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    for origin, wanted in ((server["url"].rstrip("/"), b" 101 "), ("http://evil.example", b" 403 ")):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            ask = f"GET /websocket/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{upgrade}Origin: {origin}\r\n\r\n"
            line.sendall(ask.encode())
            assert wanted in line.recv(200).splitlines()[0]
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), timeout=3):
        pass  # another address of this very machine: only 127.0.0.1 is listened to


@pytest.mark.slow
def test_ctrl_c_ends_it_as_it_ends_every_verb(tmp_path):
    folder = recorded(tmp_path / "run", load_scenario("sampler.draws=40", "areas=three_areas", "horizon=6"))
    process, told = opened(folder, f"outputs={tmp_path / 'kept'}")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=180)  # a busy machine takes its time
    assert told["url"].startswith("http://127.0.0.1:")
    assert process.returncode == 130
    assert errors == "ready\noa-sim: stopped; nothing unfinished was written\n"
