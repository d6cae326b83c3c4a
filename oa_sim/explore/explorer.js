// Page: words, chart, reading, table and files of what is chosen. Shared by the offline and the live page.
"use strict";

const view = JSON.parse(document.getElementById("view").textContent);
const LETTERS = "ABCD", WIDTH_OF_FILE = 960;
const WITH = "with the programme", WITHOUT = "without the programme", PUBLISHED = "published";
const $ = (id) => document.getElementById(id);
const chosen = { slots: [0], place: 0, measure: 0, group: 0, year: 0 };
const source = { rows: null }; // (quantity, scenario) gives the rows of what is chosen; each page sets it
let drawn = null, width = 0; // the width of the chart, px: kept, since to ask for it makes the browser lay out the page

function element(name, children, attributes = {}) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...[children].flat());
  return node;
}

const bdi = (text) => element("bdi", withoutOverrides(text), { dir: "auto" });
const measure = () => view.measures[chosen.measure];
const isProxy = (place = chosen.place) => view.proxy[place][chosen.group][chosen.measure] === 1;
const isOwn = (place = chosen.place) => view.estimated[place][chosen.group][chosen.measure] === 1;
const isMean = () => view.places[chosen.place] === MEAN_OF_AREAS;
const markOf = (k) => (view.cases[k].verdict === "FAIL" ? " [FAIL]" : "");
const letter = (slot) => (chosen.slots.length > 1 ? `${LETTERS[slot]}: ` : "");
const nameOf = (slot) => letter(slot) + isolated(view.cases[chosen.slots[slot]].label);
const withUnit = (text, unit) => (unit === "%" ? `${text}%` : `${text}\u00a0${unit}`);
const grouped = (number) => formats[0].format(number);
const count = (kind) => view.places.filter((name, place) => name !== MEAN_OF_AREAS && kind(place)).length;
const proxies = () => count(isProxy);

function placeName() {
  if (!isMean()) return isolated(view.places[chosen.place]);
  const counts = [...new Set(chosen.slots.map((k) => view.cases[k].n_areas).filter((n) => n > 0))];
  return counts.length === 1 ? `mean of the ${counts[0]} areas` : "mean of the areas of each scenario";
}

function proxyMark() {
  const marks = [];
  if (isProxy()) marks.push(!isMean() ? "county proxy" : proxies() === 1 ? "1 area is a county proxy" : `${proxies()} areas are county proxies`);
  if (isOwn()) marks.push(!isMean() ? "own estimate" : count(isOwn) === 1 ? "1 area is an own estimate" : `${count(isOwn)} areas are own estimates`);
  return marks.length ? ` (${marks.join(", ")})` : "";
}

const titleText = () => `${measure().label}, ${view.groups[chosen.group].label}, ${placeName()}${proxyMark()}`;

function unitTexts() {
  const better = measure().lower_is_better ? "; lower is better" : "";
  return [measure().unit, `impact, ${measure().change}`].map((text) => text + better);
}

// The rows of a published series, as those of a projection are.
function publishedRows() {
  const texts = view.past[chosen.place][chosen.group][chosen.measure];
  return view.past_years.map((year, i) => ({ year, text: { mean: texts[i] } })).filter((row) => row.text.mean !== null)
    .map((row) => ({ ...row, value: { mean: Number(plainNumber(row.text.mean)) } }));
}

// All that is shown, line by line: published, without the programme, each scenario, and its impact.
function linesShown() {
  const lines = [{ kind: "published", name: PUBLISHED, rows: publishedRows(), colour: INK, dash: "", shape: CIRCLE }], futures = new Set();
  chosen.slots.forEach((k, slot) => {
    const rows = source.rows("counterfactual", k), key = JSON.stringify(rows);
    if (futures.has(key) || !rows.length) return;
    futures.add(key);
    const name = futures.size > 1 ? `${WITHOUT}, scenario ${LETTERS[slot]}` : WITHOUT;
    lines.push({ kind: "counterfactual", name, slot, rows, colour: INK, dash: "6 3", isGrey: futures.size === 1 });
  });
  for (const kind of ["projection", "impact"])
    chosen.slots.forEach((k, slot) => {
      const alone = kind === "projection" ? `${WITH}: ` : "impact: ";
      lines.push({ kind, name: (chosen.slots.length === 1 || kind === "impact" ? alone : "") + nameOf(slot), mark: markOf(k), slot,
        rows: source.rows(kind, k), colour: COLOURS[slot], dash: DASHES[slot], shape: SHAPES[slot] });
    });
  return lines.filter((line) => line.rows.length).map((line) => ({ mark: "", ...line, unit: line.kind === "impact" ? measure().change : measure().unit }));
}

const interval = (text, low, high, unit = "") => `${text[low]}${unit} to ${text[high]}${unit}`;

// What each line has in the year that is read: in short, or with the median and the 50% interval.
function readings(lines, isWhole) {
  return lines.flatMap((line) => {
    const row = line.rows.find(({ year }) => year === chosen.year);
    if (!row) return [];
    const value = withUnit(row.text.mean, line.unit), sign = line.unit === "%" ? "%" : "";
    if (line.kind === "published") return [{ line, text: value }];
    const more = isWhole ? `median ${row.text.q50}${sign}, 50% interval ${interval(row.text, "q25", "q75", sign)}, ` : "";
    return [{ line, text: `${value} (${more}90% interval ${interval(row.text, "q05", "q95", sign)})` }];
  });
}

function inWords(lines) {
  const failed = chosen.slots.filter((k) => view.cases[k].failed).map((k) => ` No figures for ${isolated(view.cases[k].label)}: ${view.cases[k].failed}`);
  const texts = readings(lines, false).map(({ line, text }) => `${line.name}${line.mark} ${text}`).join("; ");
  return `In ${academicYear(chosen.year)}: ${texts || "no figure"}.${failed.join("")}`;
}

function keyInWords(lines) {
  const breaks = breaksShown(lines).length ? " Numbers above the chart mark breaks in the published series, listed below." : "";
  return `Lines show medians. Grey bands show the 50% and 90% intervals without the programme. Dotted lines show the 90% interval with it. The lower panel shows the impact, with its 50% and 90% intervals.${breaks}`;
}

function marksInWords() {
  const marks = chosen.slots.filter((k) => view.cases[k].verdict === "FAIL")
    .map((k) => `FAIL: do not use the figures of ${isolated(view.cases[k].label)}. Its checks failed: ${view.cases[k].reason}.`);
  if (isProxy() && isMean()) marks.push(`County proxy: in ${proxies()} of the areas, county figures stand in for the district.`);
  else if (isProxy()) marks.push(`County proxy: county figures stand in for ${isolated(view.places[chosen.place])}.`);
  if (isOwn()) marks.push(`Own estimate: the figures of ${isMean() ? `${count(isOwn)} of the areas` : isolated(view.places[chosen.place])} are estimates from school tables, by place of school.`);
  const unverified = Math.max(0, ...chosen.slots.map((k) => view.cases[k].to_verify));
  if (unverified) marks.push(`To verify: ${unverified} of the sources behind these figures are still to be checked.`);
  return [...marks, ...(view.notes ?? [])];
}

function breaksOfMeasure() {
  return (view.breaks ?? []).filter((row) => row.measure === measure().name).map((row, i) => ({ ...row, number: i + 1 }));
}

function breaksShown(lines) {
  const [first, last] = yearsShown(lines);
  return breaksOfMeasure().filter((row) => row.last_year >= first && row.first_year <= last);
}

function yearsShown(lines) {
  const years = lines.flatMap((line) => line.rows.map((row) => row.year));
  return years.length ? [Math.min(...years), Math.max(...years)] : [view.years[0], view.years[view.years.length - 1]];
}

function endsShown(last) {
  const letters = new Map();
  chosen.slots.forEach((k, slot) => {
    const year = view.cases[k].last_funded_year;
    if (!view.cases[k].failed && year >= view.years[0] && year < last) letters.set(year, [...(letters.get(year) ?? []), LETTERS[slot]]);
  });
  return [...letters].map(([year, slots]) => ({ year, text: letters.size > 1 ? `funding ends (${slots.join(", ")})` : "funding ends" }));
}

function sourceText() {
  const runs = chosen.slots.map((k, slot) => `${letter(slot)}run ${view.cases[k].run_id}`).join(", "), first = view.cases[chosen.slots[0]];
  return `Source: oa_sim ${first.version}; ${runs}; data ${first.data_hash.slice(0, 12)}; ${grouped(first.n_draws)} draws`;
}

function shownAs(lines) {
  const [first, last] = yearsShown(lines);
  return { lines, ends: endsShown(last), breaks: breaksShown(lines), first, last, start: view.years[0], units: unitTexts(), title: titleText(),
    notes: [keyInWords(lines), ...marksInWords()].join(" "), source: sourceText() };
}

function write() {
  const lines = linesShown(), [first, last] = yearsShown(lines);
  chosen.year = Math.min(Math.max(chosen.year, first), last);
  $("heading").textContent = titleText();
  $("marks").replaceChildren(...marksInWords().map((text) => element("li", text, text.startsWith("FAIL") ? { class: "fail" } : {})));
  $("key").textContent = keyInWords(lines);
  Object.assign($("year"), { min: first, max: last });
  writeTable(lines);
  writeBreaks();
  writeFooter();
  draw(lines);
  read(lines);
}

function read(lines = linesShown()) {
  const texts = readings(lines, true), year = academicYear(chosen.year);
  $("year").value = chosen.year;
  $("year_said").textContent = year;
  $("said").textContent = inWords(lines);
  $("year").setAttribute("aria-valuetext", `${year}: ${texts.map(({ line, text }) => `${line.name}${line.mark}, ${text}`).join("; ") || "no figure"}`);
  $("values").replaceChildren(...(texts.length ? [] : [element("li", "No figure in this year.")]), ...texts.map(({ line, text }) => {
    const item = element("li", [element("strong", line.name + line.mark), `: ${text}`]);
    item.style.setProperty("--line", line.colour);
    return item;
  }));
  for (const row of $("table").querySelectorAll("tbody tr[data-year]")) row.classList.toggle("read", Number(row.dataset.year) === chosen.year);
  markYear();
}

function markYear() {
  if (drawn) document.querySelector(".reading-mark").innerHTML = drawn.mark(chosen.year);
}

function writeTable(lines) {
  const head = ["Academic year", "Mean", "Median", "50% interval", "90% interval"], year = (row) => `<th scope="row">${academicYear(row.year)}</th>`;
  const cells = ({ kind }, { text }) => (kind === "published" ? `<td colspan="4" class="alone">${text.mean}</td>`
    : `<td>${text.mean}</td><td>${text.q50}</td><td>${interval(text, "q25", "q75")}</td><td>${interval(text, "q05", "q95")}</td>`);
  const bodies = lines.map((line) => {
    const name = escaped(`${line.name}${line.mark}${line.kind === "impact" ? `, ${line.unit}` : ""}`);
    const rows = line.rows.map((row) => `<tr data-year="${row.year}">${year(row)}${cells(line, row)}</tr>`);
    return `<tbody><tr><th scope="rowgroup" colspan="5"><span>${name}</span></th></tr>${rows.join("")}</tbody>`;
  });
  $("table").innerHTML = `<caption id="caption">${escaped(`${titleText()}, ${unitTexts()[0]}`)}</caption>
    <thead><tr>${head.map((cell) => `<th scope="col">${cell}</th>`).join("")}</tr></thead>${bodies.join("")}`;
}

function writeBreaks() {
  const kinds = { level_shift: "change of level", regraded: "graded differently", not_collected: "not collected" };
  const items = breaksOfMeasure().map((row) => {
    const years = [...new Set([row.first_year, row.last_year])].map(academicYear).join(" to ");
    return element("li", `${years}, ${kinds[row.kind] ?? row.kind}: ${row.what_changed}.`);
  });
  if (view.breaks === null) return $("breaks").replaceChildren(element("p", "Breaks in the published series are not shown, because these figures come from other tables than the package\u2019s.", { class: "note" }));
  return $("breaks").replaceChildren(...(items.length ? [element("h3", "Breaks in the published series"), element("ol", items)] : []));
}

function writeFooter() {
  const runs = chosen.slots.map((k, slot) => {
    const run = view.cases[k];
    const verdict = run.failed ? `failed: ${run.failed}` : `verdict ${run.verdict}: ${run.reason}; ${grouped(run.n_draws)} draws; to verify: ${run.to_verify}`;
    return element("p", [`${letter(slot)}run ${run.run_id}; `, bdi(run.label), `; ${verdict}; data ${run.data_hash}; oa_sim ${run.version}.`]);
  });
  $("about").replaceChildren(element("p", `Pupils: ${view.groups[chosen.group].meaning}. If the model is right, the true value lies in the 90% interval nine times in ten.`), ...runs);
}

function draw(lines) {
  const box = $("chart");
  box.setAttribute("aria-label", `Chart: ${titleText()}. ${keyInWords(lines)} ${inWords(lines)}`);
  drawn = lines.length ? pictureOf(shownAs(lines), width, false) : null;
  box.innerHTML = drawn?.picture ?? "";
  box.firstChild?.setAttribute("aria-hidden", "true"); // the label of its box says it in words
}

function option(text, value) {
  return element("option", withoutOverrides(text), { value, dir: "auto" });
}

function fill(select, options, value) {
  select.replaceChildren(...options);
  select.value = String(value);
}

// The choices that both pages have: area, measure and pupils. Lists are written anew only where they change.
function writeChoices() {
  const key = `${chosen.measure} ${chosen.group}`;
  if ($("place").dataset.of !== key) {
    const places = view.places.map((name, i) => option(name === MEAN_OF_AREAS ? "Mean of the areas" : name + (isProxy(i) ? " (county proxy)" : isOwn(i) ? " (own estimate)" : ""), i));
    $("place").replaceChildren(...places.sort((a, b) => (view.places[b.value] === MEAN_OF_AREAS) - (view.places[a.value] === MEAN_OF_AREAS)));
    $("measure").replaceChildren(...view.measures.map(({ label: text }, i) => option(text, i)));
    $("group").replaceChildren(...view.groups.map(({ label: text }, i) => option(text, i)).filter((_, i) => measure().groups.includes(view.groups[i].name)));
    $("place").dataset.of = key;
  }
  for (const id of ["place", "measure", "group"]) $(id).value = String(chosen[id]);
}

// The year under the pointer becomes the year that is read.
function point(event) {
  if (!drawn) return;
  const year = drawn.yearAt(event.clientX - $("chart").getBoundingClientRect().left);
  if (year !== chosen.year && year >= Number($("year").min) && year <= Number($("year").max)) {
    chosen.year = year;
    read();
  }
}

function save(href, kind) {
  const link = element("a", "", { href, download: `${measure().name}-${view.groups[chosen.group].name}.${kind}` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(href), 60000);
}

function csvOf(lines) {
  const head = ["scenario", "run_id", "area", "group", "measure", "quantity", "year", "academic_year", "unit", ...STATISTICS, "county_proxy", "own_estimate",
    "verdict", "to_verify", "n_draws", "data_hash", "oa_sim"];
  const rows = lines.flatMap((line) => line.rows.map(({ year, text }) => {
    const run = view.cases[chosen.slots[line.slot ?? 0]], own = (cell) => (line.kind === "published" ? null : cell);
    return [own(run.label), own(run.run_id), view.places[chosen.place], view.groups[chosen.group].name, measure().name, line.kind, year, academicYear(year),
      line.unit, ...STATISTICS.map((name) => text[name] ?? null), isProxy() ? "yes" : "no", isOwn() ? "yes" : "no", own(run.verdict), own(run.to_verify), own(run.n_draws), run.data_hash, run.version];
  }));
  return `\ufeff${[head, ...rows].map((row) => row.map(csvCell).join(",")).join("\r\n")}\r\n`;
}

function savePng() {
  const { picture, size } = pictureOf(shownAs(linesShown()), WIDTH_OF_FILE, true), image = new Image(), canvas = document.createElement("canvas");
  Object.assign(canvas, { width: 2 * size.width, height: 2 * size.height });
  image.addEventListener("load", () => {
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save(URL.createObjectURL(blob), "png"));
  });
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(picture)}`;
}

// The controls that both pages have below the chart.
function listenToReading() {
  $("year").addEventListener("input", () => { chosen.year = Number($("year").value); read(); });
  for (const kind of ["pointermove", "pointerdown"]) $("chart").addEventListener(kind, point);
  $("csv").addEventListener("click", () => save(URL.createObjectURL(new Blob([csvOf(linesShown())], { type: "text/csv;charset=utf-8" })), "csv"));
  $("png").addEventListener("click", savePng);
  const measured = () => Math.max($("chart").clientWidth, 240);
  width = measured();
  new ResizeObserver(() => {
    if (measured() === width) return;
    width = measured();
    if (!source.rows) return;
    draw(linesShown());
    markYear();
  }).observe($("chart"));
}
