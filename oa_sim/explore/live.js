// Live page: the levers go to the server once they rest, and its answers come back as figures.
// While an answer is awaited the last setting waits, so that no older answer can follow a newer one.
"use strict";

const REST = 60; // ms without a movement
let serial = 0, timer = null, isAwaiting = false, isBehind = false;

function later(ms) {
  document.body.classList.add("waiting");
  clearTimeout(timer);
  timer = setTimeout(() => { timer = null; send(); }, ms);
}

function settings() {
  const values = Object.fromEntries([...$("controls").querySelectorAll("[data-lever]")].map((lever) => [lever.dataset.lever, lever.value]));
  const labels = { place: view.places[$("place").value], measure: view.measures[$("measure").value].name, group: view.groups[$("group").value].name };
  return { ...values, ...labels, total_gbp: values.total_mgbp === "" ? null : Math.round(Number(values.total_mgbp) * 1e6) };
}

function send() {
  isBehind = isAwaiting;
  if (isAwaiting) return;
  isAwaiting = true;
  Shiny.setInputValue("setting", { ...settings(), serial: ++serial }, { priority: "event" });
}

function writeHorizon() {
  $("horizon-years").textContent = `${$("horizon").value} ${$("horizon-years").dataset.unit}`;
}

function moved(event) {
  const pair = $(event.target.dataset.pair);
  if (pair) pair.value = event.target.value;
  writeHorizon();
  if (event.target.dataset.lever || pair || ["place", "measure", "group"].includes(event.target.id)) later(REST);
}

function answered(answer) {
  isAwaiting = false;
  if (isBehind) return send();
  if (timer !== null || answer.serial !== serial) return; // a lever has moved since
  $("refused").textContent = answer.refused ?? "";
  $("answer").hidden = Boolean(answer.refused);
  if (!answer.refused) show(answer);
  document.body.classList.remove("waiting");
  document.body.dataset.answers = Number(document.body.dataset.answers || 0) + 1;
}

function show(answer) {
  const { place, measure: name, group } = answer.shown, first = view.cases.length === 0;
  Object.assign(chosen, { place: view.places.indexOf(place), measure: view.measures.findIndex((row) => row.name === name), group: view.groups.findIndex((row) => row.name === group) });
  Object.assign(view, { cases: [answer.case], years: answer.years });
  if (first) chosen.year = answer.case.last_funded_year;
  source.rows = (quantity) => answer.years.map((year, i) => rowOf(year, answer.figures[quantity].parts[i], answer.figures[quantity].decimals[i])).filter((row) => row !== null);
  $("sentences").replaceChildren(...answer.sentences.map((text) => element("p", text)));
  $("facts").replaceChildren(...answer.facts.map(([term, text]) => element("div", [element("dt", term), element("dd", text)])));
  writeChoices();
  write();
}

function begin() {
  Object.assign(chosen, view.start);
  writeChoices();
  $("controls").addEventListener("input", moved);
  $("controls").addEventListener("submit", (event) => {
    event.preventDefault();
    Shiny.setInputValue("save", { ...settings(), name: $("name").value, over: $("over").checked }, { priority: "event" });
  });
  $("back").addEventListener("click", () => {
    $("controls").reset();
    Object.assign(chosen, view.start);
    writeChoices();
    writeHorizon();
    later(0);
  });
  Shiny.addCustomMessageHandler("answer", answered);
  Shiny.addCustomMessageHandler("saved", ({ text, command, refused }) =>
    $("saved").replaceChildren(...(refused ? [element("p", refused, { class: "refused" })] : [element("p", text), element("p", element("code", command))])));
  jQuery(document).on("shiny:connected", () => later(0));
  jQuery(document).on("shiny:disconnected", () => {
    document.body.classList.add("waiting");
    $("saved").textContent = "The explorer has stopped. Start it again and reload this page.";
  });
  listenToReading();
}

document.addEventListener("DOMContentLoaded", begin);
