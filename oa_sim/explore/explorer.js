// Page: what is chosen, and everything that follows from it: words, picture, reading, table and files.
"use strict";

const view = JSON.parse(document.getElementById("view").textContent);
const MOST = 4, MANY = 12, LETTERS = "ABCD";
const WIDTH_OF_FILE = 960;
// no code is made of text, and nothing is loaded
const OPTIONS = { ast: true, actions: false, tooltip: false, defaultStyle: false, renderer: "svg", mode: "vega-lite" };
const $ = (id) => document.getElementById(id);
const chosen = { slots: [], place: 0, measure: 0, group: 0, quantity: "projection", year: 0 };
let figure = null, drawn = null, drawing = 0;

function element(name, words, attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  for (const part of [words].flat()) made.append(part);
  return made;
}

const bdi = (label) => element("bdi", unturned(label), { dir: "auto" });
const about = () => view.measures[chosen.measure];
const whose = () => view.groups[chosen.group].label;
const isImpact = () => chosen.quantity === "impact";
const isProxy = (place = chosen.place) => view.proxy[place][chosen.group][chosen.measure] === 1;
const markOf = (k) => (view.cases[k].verdict === "FAIL" ? " [FAIL]" : "");
const letter = (slot) => (chosen.slots.length > 1 ? `${LETTERS[slot]}: ` : "");
const named = (slot) => letter(slot) + apart(view.cases[chosen.slots[slot]].label);
const unit = () => (isImpact() ? about().change : about().unit);
const withUnit = (text) => (unit() === "%" ? `${text}\u00a0%` : text);

function placeNamed(place) {
  const name = view.places[place];
  if (name !== NAME_OF_MEAN) return apart(name);
  const counts = [...new Set(chosen.slots.map((k) => view.cases[k].n_areas).filter((n) => n > 0))];
  return counts.length === 1 ? `mean of the ${counts[0]} areas` : "mean of the areas of each scenario";
}

// Which of the places that are shown rest on a county's figures.
function proxies() {
  return view.places.filter((name, place) => name !== NAME_OF_MEAN && isProxy(place)).length;
}

function proxyInWords() {
  if (!isProxy()) return "";
  if (view.places[chosen.place] !== NAME_OF_MEAN) return " (county proxy)";
  return proxies() === 1 ? " (1 area is a county proxy)" : ` (${proxies()} areas are county proxies)`;
}

function titled() {
  const what = isImpact() ? "Impact on " : "";
  const label = isImpact() && !about().label.startsWith("Attainment 8") ? about().label[0].toLowerCase() + about().label.slice(1) : about().label;
  return `${what}${label}, ${whose()}, ${placeNamed(chosen.place)}${proxyInWords()}`;
}

function unitInWords() {
  const better = about().lower_is_better ? "; lower is better" : "";
  const said = unit() === "%" ? "per cent" : unit();
  return (isImpact() ? `change in ${said}` : said) + better;
}

// All that is shown, line by line: published, without the programme, and each scenario.
function linesShown() {
  const where = { place: chosen.place, group: chosen.group, measure: chosen.measure };
  const row = (quantity, k) => view.years.map((_, year) => figure(quantity, where, year, k)).filter((one) => one !== null);
  const lines = [];
  if (!isImpact()) {
    const past = view.past[chosen.place][chosen.group][chosen.measure];
    const rows = view.past_years.map((year, i) => ({ year, said: past[i] })).filter((one) => one.said !== null);
    if (rows.length) lines.push({ kind: "published", name: PUBLISHED, rows, colour: INK, dash: [1, 0], shape: "circle" });
    const apartFrom = new Set();
    chosen.slots.forEach((k, slot) => {
      const which = view.figures.shared[k];
      if (apartFrom.has(which) || view.cases[k].failed) return;
      apartFrom.add(which);
      const name = apartFrom.size > 1 ? `${WITHOUT}, as ${LETTERS[slot]} has it` : WITHOUT;
      lines.push({ kind: "counterfactual", name, slot, rows: row("counterfactual", k), colour: INK, dash: [5, 3], shape: "cross",
        isGrey: apartFrom.size === 1 });
    });
  }
  const isAlone = !isImpact() && chosen.slots.length === 1;
  chosen.slots.forEach((k, slot) => lines.push({ kind: chosen.quantity, name: isAlone ? `${WITH}: ${named(slot)}` : named(slot),
    mark: markOf(k), slot, rows: row(chosen.quantity, k), colour: COLOURS[slot], dash: DASHES[slot], shape: SHAPES[slot] }));
  return lines.map((line) => ({ mark: "", ...line }));
}

const interval = (text, low, high) => `${text[low]} to ${text[high]}`;

function readingOfLine(line, isWhole) {
  const at = line.rows.find((one) => one.year === chosen.year);
  if (!at) return null;
  if (line.kind === "published") return withUnit(signed(at.said));
  const wide = `90\u00a0% interval ${interval(at.text, "q05", "q95")}`;
  const whole = `median ${at.text.q50}, 50\u00a0% interval ${interval(at.text, "q25", "q75")}, ${wide}`;
  return `${withUnit(at.text.mean)} (${isWhole ? whole : wide})`;
}

function readings(lines, isWhole) {
  return lines.map((line) => ({ line, said: readingOfLine(line, isWhole) })).filter((one) => one.said !== null);
}

function inWords(lines) {
  const failed = chosen.slots.filter((k) => view.cases[k].failed).map((k) => ` No numbers for ${apart(view.cases[k].label)}: ${view.cases[k].failed}`);
  const said = readings(lines, false).map((one) => `${one.line.name}${one.line.mark}, ${one.said}`).join("; ");
  return `In ${academic(chosen.year)}, ${unitInWords()}: ${said || "no figure"}.${failed.join("")}`;
}

function yearsShown(lines) {
  const all = lines.flatMap((line) => line.rows.map((one) => one.year));
  return all.length ? [Math.min(...all), Math.max(...all)] : [view.years[0], view.years[view.years.length - 1]];
}

function breaksHere() {
  return isImpact() ? [] : (view.breaks ?? []).filter((one) => one.measure === about().name).map((one, i) => ({ ...one, number: i + 1 }));
}

function endsHere() {
  const by = new Map();
  chosen.slots.forEach((k, slot) => {
    const year = view.cases[k].last_funded_year;
    if (!view.cases[k].failed) by.set(year, [...(by.get(year) ?? []), LETTERS[slot]]);
  });
  return [...by].map(([year, letters]) => ({ year, said: by.size > 1 ? `money ends (${letters.join(", ")})` : "money ends" }));
}

function source() {
  const runs = chosen.slots.map((k, slot) => `${letter(slot)}run ${view.cases[k].run_id}`).join(", ");
  const one = view.cases[chosen.slots[0]];
  return `Source: oa_sim ${one.version}; ${runs}; data ${one.data_hash.slice(0, 12)}; ${one.n_draws.toLocaleString("en-GB")} draws`;
}

// Published figures to draw: a year without one parts the line.
function withGaps(rows) {
  const by = new Map(rows.map((one) => [one.year, Number(one.said)]));
  const points = [];
  for (let year = rows[0].year; year <= rows[rows.length - 1].year; year++) points.push({ year, value: by.get(year) ?? null });
  return points;
}

function shownAs(lines) {
  const [first, last] = yearsShown(lines);
  const drawnLines = lines.filter((line) => line.rows.length).map((line) => ({ ...line, 
    points: line.kind === "published" ? withGaps(line.rows) : line.rows.map((one) => ({ year: one.year, value: one.value.q50 })),
    band: line.kind === "published" ? null : line.rows.map((one) => ({ year: one.year, ...one.value })) }));
  return { lines: drawnLines, ends: endsHere(), first, last, start: view.years[0], breaks: breaksHere(), unit: unitInWords(),
    isImpact: isImpact(), year: chosen.year, title: titled(), notes: [keyInWords(), ...marksInWords()].join(" "), source: source() };
}

function keyInWords() {
  const bands = isImpact() ? "Lines are medians; the darker band holds 50\u00a0% and the lighter, with dotted edges, 90\u00a0%."
    : "Lines are medians. Grey: the 50\u00a0% and 90\u00a0% bands without the programme; dotted: the edges of the 90\u00a0% band with it.";
  const [first, last] = yearsShown(linesShown());
  return breaksHere().some((one) => one.last_year >= first && one.first_year <= last) ? `${bands} Numbers at the top: declared breaks of the published series.` : bands;
}

function marksInWords() {
  const said = chosen.slots.filter((k) => view.cases[k].verdict === "FAIL")
    .map((k) => `FAIL: ${apart(view.cases[k].label)} did not pass its gates, do not use its figures: ${view.cases[k].reason}.`);
  if (isProxy() && view.places[chosen.place] === NAME_OF_MEAN)
    said.push(`County proxy: in ${proxies()} of the areas a county\u2019s figures stand in for the district.`);
  else if (isProxy()) said.push(`County proxy: a county\u2019s figures stand in for ${apart(view.places[chosen.place])}.`);
  const doubts = Math.max(0, ...chosen.slots.map((k) => view.cases[k].to_verify));
  if (doubts) said.push(`To verify: ${doubts} of the sources behind these figures are still to be verified.`);
  return said;
}

function write() {
  const lines = linesShown(), [first, last] = yearsShown(lines);
  const low = isImpact() ? view.years[0] : first;
  chosen.year = Math.min(Math.max(chosen.year, low), last);
  Object.assign($("year"), { min: low, max: last });
  $("heading").textContent = titled();
  $("said").textContent = inWords(lines);
  $("marks").replaceChildren(...marksInWords().map((said) => element("li", said, said.startsWith("FAIL") ? { class: "fail" } : {})));
  $("key").textContent = keyInWords();
  writeTable(lines);
  writeBreaks();
  writeAbout();
  read(lines);
  draw(lines);
}

function read(lines = linesShown()) {
  const found = readings(lines, true);
  $("year").value = chosen.year;
  $("year_said").textContent = academic(chosen.year);
  const spoken = found.map((one) => `${one.line.name}${one.line.mark}, ${one.said}`).join("; ") || "no figure";
  $("year").setAttribute("aria-valuetext", `${academic(chosen.year)}: ${spoken}`);
  $("values").replaceChildren(...found.map((one) => {
    const item = element("li", [element("strong", one.line.name + one.line.mark), `: ${one.said}`]);
    item.style.setProperty("--line", one.line.colour);
    return item;
  }));
  if (!found.length) $("values").append(element("li", "No figure in this year."));
  for (const row of $("table").querySelectorAll("tbody tr[data-year]")) row.classList.toggle("read", Number(row.dataset.year) === chosen.year);
  if (drawn) drawn.signal("at", chosen.year).runAsync();
}

function writeTable(lines) {
  const head = ["Academic year", "Mean", "Median", "50\u00a0% interval", "90\u00a0% interval"];
  const bodies = lines.filter((line) => line.rows.length).map((line) => {
    const top = element("tr", element("th", element("span", line.name + line.mark), { scope: "rowgroup", colspan: head.length }));
    const rows = line.rows.map((one) => {
      const cells = line.kind === "published" ? [element("td", signed(one.said), { colspan: 4, class: "alone" })]
        : [one.text.mean, one.text.q50, interval(one.text, "q25", "q75"), interval(one.text, "q05", "q95")].map((cell) => element("td", cell));
      return element("tr", [element("th", academic(one.year), { scope: "row" }), ...cells], { "data-year": one.year });
    });
    return element("tbody", [top, ...rows]);
  });
  const caption = `${titled()}, ${unitInWords()}`;
  $("table").replaceChildren(element("caption", caption, { id: "caption" }),
    element("thead", element("tr", head.map((cell) => element("th", cell, { scope: "col" })))), ...bodies);
}

function writeBreaks() {
  const kinds = { level_shift: "the level shifts", regraded: "graded otherwise", not_collected: "not collected" };
  const said = breaksHere().map((one) => {
    const when = one.first_year === one.last_year ? academic(one.first_year) : `${academic(one.first_year)} to ${academic(one.last_year)}`;
    return element("li", `${when}, ${kinds[one.kind] ?? one.kind}: ${one.what_changed}.`);
  });
  if (view.breaks === null) return $("breaks").replaceChildren(element("p", "Declared breaks are not shown: the figures are made from other tables than this page knows.", { class: "note" }));
  return $("breaks").replaceChildren(...(said.length ? [element("h3", "Declared breaks of the published series"), element("ol", said)] : []));
}

function writeAbout() {
  const lines = chosen.slots.map((k, slot) => {
    const one = view.cases[k];
    const verdict = one.failed ? `failed: ${one.failed}` : `verdict ${one.verdict}: ${one.reason}; ${one.n_draws.toLocaleString("en-GB")} draws; to verify: ${one.to_verify}`;
    return element("p", [`${letter(slot)}run ${one.run_id}; `, bdi(one.label), `; ${verdict}; data ${one.data_hash}; oa_sim ${one.version}.`]);
  });
  const group = view.groups[chosen.group];
  $("about").replaceChildren(element("p", `Pupils: ${group.meaning}. The 90\u00a0% interval holds the true value in nine cases of ten if the model is right.`), ...lines);
}

async function draw(lines) {
  const turn = ++drawing, shown = shownAs(lines), box = $("chart"), inside = document.createElement("div");
  box.setAttribute("aria-label", `Chart: ${titled()}. ${keyInWords()} ${inWords(lines)}`);
  if (!shown.lines.length) {
    drawn = null;
    return box.replaceChildren();
  }
  inside.setAttribute("aria-hidden", "true"); // the picture is said in words by the label of its box
  const made = await vegaEmbed(inside, pictureOf(shown, box.clientWidth, false), OPTIONS);
  if (turn !== drawing) return made.finalize();
  box.replaceChildren(inside);
  drawn?.finalize();
  drawn = made.view;
}
