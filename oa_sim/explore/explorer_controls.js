// Controls: what a reader chooses, points at and takes away.
"use strict";

const isGrid = (() => {
  const levels = view.keys.map((_, i) => new Set(view.cases.map((one) => one.values[i])).size);
  const distinct = new Set(view.cases.map((one) => JSON.stringify(one.values))).size;
  return view.keys.length > 0 && levels.reduce((all, one) => all * one, 1) === view.cases.length && distinct === view.cases.length;
})();

function option(label, value) {
  return element("option", unturned(label), { value, dir: "auto" });
}

function fill(select, options, value) {
  select.replaceChildren(...options);
  select.value = String(value);
}

function writeControls() {
  fill($("place"), view.places.map((name, i) => option(name === NAME_OF_MEAN ? "Mean of the areas" : name + (isProxy(i) ? " (county proxy)" : ""), i))
    .sort((one, other) => (view.places[other.value] === NAME_OF_MEAN) - (view.places[one.value] === NAME_OF_MEAN)), chosen.place);
  fill($("measure"), view.measures.map((one, i) => option(one.label, i)), chosen.measure);
  fill($("group"), view.groups.map((one, i) => option(one.label, i)).filter((_, i) => about().groups.includes(view.groups[i].name)), chosen.group);
  $("quantity").value = chosen.quantity;
  $("slots").replaceChildren(...(view.cases.length > 1 ? chosen.slots.map((_, slot) => slotFor(slot)) : []));
  $("comparing").hidden = view.cases.length < 2;
  $("add").disabled = chosen.slots.length >= Math.min(MOST, view.cases.length);
}

// One scenario that is shown: a choice for each key that varies, or a list of names.
function slotFor(slot) {
  const title = chosen.slots.length > 1 ? `Scenario ${LETTERS[slot]}` : "Scenario";
  const choices = element("div", isGrid ? keysFor(slot) : namesFor(slot), { class: "choices" });
  const parts = [element("legend", title), choices];
  if (chosen.slots.length > 1) {
    const button = element("button", `Remove ${title.toLowerCase().replace(/ .$/u, (end) => end.toUpperCase())}`, { type: "button" });
    button.addEventListener("click", () => { chosen.slots.splice(slot, 1); change(); $("add").focus(); });
    choices.append(element("p", button));
  }
  return element("fieldset", parts);
}

function labelled(words, control, id) {
  control.id = id;
  return element("p", [element("label", words, { for: id, dir: "auto" }), control]);
}

function keysFor(slot) {
  const own = view.cases[chosen.slots[slot]].values;
  return view.keys.map((key, i) => {
    const select = element("select", []);
    fill(select, [...new Set(view.cases.map((one) => one.values[i]))].map((value) => option(value, value)), own[i]);
    select.addEventListener("change", () => {
      const wanted = own.map((value, j) => (j === i ? select.value : value));
      chosen.slots[slot] = view.cases.findIndex((one) => one.values.every((value, j) => value === wanted[j]));
      change(select.id);
    });
    return labelled(key, select, `key-${slot}-${i}`);
  });
}

function namesFor(slot) {
  const select = element("select", []), all = view.cases.map((one, k) => option(one.label + markOf(k), k));
  fill(select, all, chosen.slots[slot]);
  select.addEventListener("change", () => { chosen.slots[slot] = Number(select.value); change(select.id); });
  const named = labelled("Name", select, `name-${slot}`);
  if (view.cases.length <= MANY) return [named];
  const search = element("input", [], { type: "search", autocomplete: "off" });
  search.addEventListener("input", () => {
    const sought = unturned(search.value).trim().toLowerCase();
    const found = all.filter((one, k) => k === chosen.slots[slot] || one.textContent.toLowerCase().includes(sought));
    fill(select, found, chosen.slots[slot]);
  });
  return [labelled("Find by a part of its name", search, `find-${slot}`), named];
}

// Show what is chosen; the control that was used keeps the focus.
function change(focus) {
  writeControls();
  write();
  if (focus) $(focus).focus();
}

function addSlot() {
  const next = view.cases.findIndex((one, k) => !chosen.slots.includes(k) && !one.failed);
  chosen.slots.push(next < 0 ? 0 : next);
  change();
  document.querySelector(`#slots fieldset:last-child :is(select, input)`).focus();
}

function chooseMeasure(measure) {
  const kept = view.groups[chosen.group].name;
  chosen.measure = measure;
  const has = about().groups;
  chosen.group = view.groups.findIndex((one) => one.name === (has.includes(kept) ? kept : has[has.length - 1]));
}

// The year under the pointer becomes the year that is read.
function point(event) {
  if (!drawn) return;
  const across = event.clientX - drawn.container().getBoundingClientRect().left - drawn.origin()[0];
  const year = Math.round(drawn.scale("x").invert(across));
  if (year !== chosen.year && year >= Number($("year").min) && year <= Number($("year").max)) {
    chosen.year = year;
    read();
  }
}

function save(href, kind) {
  const name = [about().name, view.groups[chosen.group].name, chosen.quantity].join("-");
  const link = element("a", "", { href, download: `${name}.${kind}` });
  document.body.append(link);
  link.click();
  link.remove();
}

function csvOf(lines) {
  const head = ["scenario", "run_id", "area", "group", "measure", "quantity", "year", "academic_year", "unit", "mean", "q05", "q25", "q50",
    "q75", "q95", "county_proxy", "verdict", "to_verify", "n_draws", "data_hash", "oa_sim"];
  const rows = lines.flatMap((line) => line.rows.map((one) => {
    const told = view.cases[chosen.slots[line.slot ?? 0]], isPublished = line.kind === "published";
    const numbers = isPublished ? [signed(one.said), null, null, null, null, null] : ["mean", "q05", "q25", "q50", "q75", "q95"].map((name) => one.text[name]);
    return [isPublished ? null : told.label, isPublished ? null : told.run_id, view.places[chosen.place], view.groups[chosen.group].name, about().name,
      line.kind, one.year, academic(one.year), unit(), ...numbers, isProxy() ? "yes" : "no", isPublished ? null : told.verdict,
      isPublished ? null : told.to_verify, isPublished ? null : told.n_draws, told.data_hash, told.version];
  }));
  return `\ufeff${[head, ...rows].map((row) => row.map(csvCell).join(",")).join("\r\n")}\r\n`;
}

function saveCsv() {
  const href = URL.createObjectURL(new Blob([csvOf(linesShown())], { type: "text/csv;charset=utf-8" }));
  save(href, "csv");
  setTimeout(() => URL.revokeObjectURL(href), 60000);
}

async function savePng() {
  const made = await vegaEmbed(document.createElement("div"), pictureOf(shownAs(linesShown()), WIDTH_OF_FILE, true), OPTIONS);
  save(await made.view.toImageURL("png", 2), "png");
  made.finalize();
}

function listen() {
  const choose = (id, act) => $(id).addEventListener("change", (event) => { act(event.target.value); change(id); });
  choose("place", (value) => { chosen.place = Number(value); });
  choose("measure", (value) => chooseMeasure(Number(value)));
  choose("group", (value) => { chosen.group = Number(value); });
  choose("quantity", (value) => { chosen.quantity = value; });
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("add").addEventListener("click", addSlot);
  $("year").addEventListener("input", () => { chosen.year = Number($("year").value); read(); });
  $("chart").addEventListener("pointermove", point);
  $("chart").addEventListener("pointerdown", point);
  $("csv").addEventListener("click", saveCsv);
  $("png").addEventListener("click", savePng);
  let width = $("chart").clientWidth;
  new ResizeObserver(() => {
    if ($("chart").clientWidth === width) return;
    width = $("chart").clientWidth;
    draw(linesShown());
  }).observe($("chart"));
}

async function begin() {
  const parts = {};
  for (const quantity of ["counterfactual", "projection", "impact"]) parts[quantity] = await unpacked(view.figures[quantity]);
  figure = figuresOf(view, parts);
  const able = view.cases.map((one, k) => k).filter((k) => !view.cases[k].failed);
  chosen.slots = view.keys.length === 0 && able.length <= MOST ? able : able.slice(0, 1);
  chosen.place = Math.max(0, view.places.indexOf(NAME_OF_MEAN));
  const favourite = view.measures.findIndex((one) => one.name === view.favourite);
  chooseMeasure(Math.max(0, favourite));
  chosen.year = Math.min(Math.max(view.cases[chosen.slots[0]].last_funded_year, view.years[0]), view.years[view.years.length - 1]);
  const failed = view.cases.filter((one) => one.verdict === "FAIL").length;
  if (failed) {
    const all = failed === view.cases.length ? "Baseline and evidence" : `In ${failed} of ${view.cases.length} scenarios baseline and evidence`;
    $("alarm").append(element("p", `FAIL: ${all} did not pass their gates: do not use their figures.`, { class: "fail" }));
  }
  listen();
  change();
}

begin().catch((error) => {
  $("said").textContent = "This browser cannot open the numbers of this page: use a newer one.";
  throw error;
});
