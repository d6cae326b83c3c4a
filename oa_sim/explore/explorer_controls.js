// Offline page: the figures that it embeds, and the scenarios that a reader compares.
"use strict";

const MOST = 4, MANY = 12;
const isGrid = (() => {
  const levels = view.keys.map((_, i) => new Set(view.cases.map(({ values }) => values[i])).size);
  const distinct = new Set(view.cases.map(({ values }) => JSON.stringify(values))).size;
  return view.keys.length > 0 && levels.reduce((product, n) => product * n, 1) === view.cases.length && distinct === view.cases.length;
})();

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

// Whole numbers from their bytes, all lowest first; the sign is in the last bit.
function unfold(buffer) {
  const bytes = new Uint8Array(buffer), n = bytes.length / 4;
  return Int32Array.from({ length: n }, (_, i) => {
    const folded = (bytes[i] | (bytes[n + i] << 8) | (bytes[2 * n + i] << 16) | (bytes[3 * n + i] << 24)) >>> 0;
    return (folded >>> 1) ^ -(folded & 1);
  });
}

// The rows of what is chosen. Numbers lie in the order statistic, place, group, measure, year, scenario; all but the
// median are kept as their distance from it.
function embeddedRows(figures) {
  const { places, groups, measures, years, cases } = view;
  return (quantity, k) => {
    const { numbers, decimals } = figures[quantity], size = places.length * groups.length * measures.length * years.length * cases.length;
    const start = ((chosen.place * groups.length + chosen.group) * measures.length + chosen.measure) * years.length;
    return years.map((year, i) => {
      const cell = (start + i) * cases.length + k, median = numbers[MEDIAN * size + cell];
      return rowOf(year, STATISTICS.map((_, s) => numbers[s * size + cell] + (s === MEDIAN ? 0 : median)), decimals[cell]);
    }).filter((row) => row !== null);
  };
}

function writeControls() {
  writeChoices();
  $("slots").replaceChildren(...(view.cases.length > 1 ? chosen.slots.map((_, slot) => slotFor(slot)) : []));
  $("comparing").hidden = view.cases.length < 2;
  $("add").disabled = chosen.slots.length >= Math.min(MOST, view.cases.length);
}

// One scenario that is shown: a choice for each key that varies, or a list of names.
function slotFor(slot) {
  const title = chosen.slots.length > 1 ? `Scenario ${LETTERS[slot]}` : "Scenario", choices = element("div", isGrid ? keysFor(slot) : namesFor(slot));
  if (chosen.slots.length > 1) {
    const button = element("button", `Remove scenario ${LETTERS[slot]}`, { type: "button" });
    button.addEventListener("click", () => { chosen.slots.splice(slot, 1); change(); $("add").focus(); });
    choices.append(element("p", button));
  }
  return element("fieldset", [element("legend", title), choices]);
}

function labelled(text, control, id) {
  control.id = id;
  return element("p", [element("label", text, { for: id, dir: "auto" }), control]);
}

function keysFor(slot) {
  const own = view.cases[chosen.slots[slot]].values;
  return view.keys.map((key, i) => {
    const select = element("select", []);
    fill(select, [...new Set(view.cases.map(({ values }) => values[i]))].map((value) => option(value, value)), own[i]);
    select.addEventListener("change", () => {
      const wanted = own.map((value, j) => (j === i ? select.value : value));
      chosen.slots[slot] = view.cases.findIndex(({ values }) => values.every((value, j) => value === wanted[j]));
      change(select.id);
    });
    return labelled(key, select, `key-${slot}-${i}`);
  });
}

function namesFor(slot) {
  const select = element("select", []), names = view.cases.map((run, k) => option(run.label + markOf(k), k));
  fill(select, names, chosen.slots[slot]);
  select.addEventListener("change", () => { chosen.slots[slot] = Number(select.value); change(select.id); });
  const named = labelled("Name", select, `name-${slot}`);
  if (view.cases.length <= MANY) return [named];
  const search = element("input", [], { type: "search", autocomplete: "off" });
  search.addEventListener("input", () => {
    const text = withoutOverrides(search.value).trim().toLowerCase();
    fill(select, names.filter((node, k) => k === chosen.slots[slot] || node.textContent.toLowerCase().includes(text)), chosen.slots[slot]);
  });
  return [labelled("Find by part of the name", search, `find-${slot}`), named];
}

// Show what is chosen; the control that was used keeps the focus.
function change(focus) {
  writeControls();
  write();
  if (focus) $(focus).focus();
}

function addSlot() {
  const next = view.cases.findIndex((run, k) => !chosen.slots.includes(k) && !run.failed);
  chosen.slots.push(next < 0 ? 0 : next);
  change();
  document.querySelector("#slots fieldset:last-child :is(select, input)").focus();
}

function chooseMeasure(i) {
  const group = view.groups[chosen.group].name, { groups } = view.measures[i];
  chosen.measure = i;
  chosen.group = view.groups.findIndex(({ name }) => name === (groups.includes(group) ? group : groups[groups.length - 1]));
}

function listen() {
  const choose = (id, act) => $(id).addEventListener("change", (event) => { act(Number(event.target.value)); change(id); });
  choose("place", (i) => { chosen.place = i; });
  choose("measure", chooseMeasure);
  choose("group", (i) => { chosen.group = i; });
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("add").addEventListener("click", addSlot);
  listenToReading();
}

async function begin() {
  const figures = {};
  for (const [quantity, { numbers, decimals }] of Object.entries(view.figures))
    figures[quantity] = { numbers: unfold(await inflate(numbers)), decimals: new Int8Array(await inflate(decimals)) };
  source.rows = embeddedRows(figures);
  const usable = view.cases.map((_, k) => k).filter((k) => !view.cases[k].failed);
  chosen.slots = view.keys.length === 0 && usable.length <= MOST ? usable : usable.slice(0, 1);
  chosen.place = Math.max(0, view.places.indexOf(MEAN_OF_AREAS));
  chooseMeasure(Math.max(0, view.measures.findIndex(({ name }) => name === view.favourite)));
  chosen.year = Math.min(Math.max(view.cases[chosen.slots[0]].last_funded_year, view.years[0]), view.years[view.years.length - 1]);
  const failed = view.cases.filter(({ verdict }) => verdict === "FAIL").length;
  if (failed) $("alarm").append(element("p", `FAIL: do not use the figures of ${failed} of the ${view.cases.length} scenarios. Their checks failed.`, { class: "fail" }));
  listen();
  change();
}

begin().catch((error) => {
  $("said").textContent = "This browser is too old to open the figures of this page. Use a newer one.";
  throw error;
});
