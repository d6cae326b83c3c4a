// Chart: the picture of what is chosen, as a specification in Vega-Lite. Data in, specification out.
"use strict";

const INK = "#222222", WIDE = "#d9d9d9", NARROW = "#a6a6a6";
const COLOURS = ["#0072b2", "#b34700", "#009e73", "#997700"];
const DASHES = [[1, 0], [8, 3], [2, 2], [10, 3, 2, 3]];
const SHAPES = ["circle", "square", "triangle-up", "diamond"];
const WITH = "with the programme", WITHOUT = "without the programme", PUBLISHED = "published";

// Words broken into lines of at most `most` characters, a longer word broken where it must be.
function linesOf(text, most) {
  const lines = [""];
  for (const word of text.split(/\s+/u)) {
    const signs = Array.from(word);
    for (let at = 0; at < Math.max(signs.length, 1); at += most) {
      const piece = signs.slice(at, at + most).join("");
      const last = lines[lines.length - 1];
      if (last && Array.from(last).length + 1 + Array.from(piece).length > most) lines.push(piece);
      else lines[lines.length - 1] = last ? `${last} ${piece}` : piece;
    }
  }
  return lines;
}

// A name as a picture can hold it: on one line, and shortened before its mark, which is never cut off.
function inPicture(line, most) {
  const signs = Array.from(line.name.replace(/[\p{Cc}\u2028\u2029]+/gu, " "));
  const short = signs.length > most ? `${signs.slice(0, most - 1).join("")}\u2026\u2069` : signs.join("");
  return short + line.mark;
}

// shown: {lines: [{name, mark, colour, dash, shape, points, band}], ends, first, last, start, breaks, unit, isImpact, year,
// title, notes, source}; a point is {year, value}, a row of a band {year, q05, q25, q75, q95}.
function pictureOf(shown, width, isFile) {
  const names = shown.lines.map((line) => inPicture(line, Math.floor((width - 130) / 6.5)));
  const across = { field: "year", type: "quantitative" };
  const room = Math.max(2, Math.floor(width / 70));
  const step = Math.max(1, Math.ceil((shown.last - shown.first + 1) / room));
  const ticks = [];
  for (let year = shown.last; year >= shown.first; year -= step) ticks.unshift(year);
  const axis = {
    values: ticks, grid: false, labelExpr: "(datum.value - 1) + '/' + slice('' + datum.value, 2)", labelOverlap: false,
    title: isFile ? ["academic year", "", ...linesOf(shown.source, Math.floor(width / 7.5))] : "academic year",
    titleFontWeight: "normal", titlePadding: 8,
  };
  const x = { ...across, scale: { domain: [shown.first - 0.6, shown.last + 0.6], nice: false, zero: false }, axis };
  const y = { type: "quantitative", scale: { zero: shown.isImpact, nice: true },
    axis: { title: linesOf(shown.unit, 40), titleFontWeight: "normal", gridColor: "#e6e6e6", tickCount: 6 } };
  const layer = rulesOf(shown, x);
  for (const line of shown.lines.filter((one) => one.band)) layer.push(...bandsOf(line, x, y, shown));
  layer.push(...coursesOf(shown, names, x, y, width), ...wordsOf(shown, x), ...(isFile ? [] : readingOf(shown, x, y)));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json", width, height: width < 480 ? 300 : 380,
    autosize: { type: "fit-x", contains: "padding" }, background: "#ffffff", padding: isFile ? 16 : 4,
    params: [{ name: "at", value: shown.year }],
    ...(isFile ? { title: titleOf(shown, width) } : {}),
    layer, resolve: { scale: { color: "shared" } },
    config: { aria: false, font: "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif", view: { stroke: null },
      axis: { labelColor: INK, titleColor: INK, labelFontSize: 12, titleFontSize: 12, domainColor: INK, tickColor: INK },
      legend: { labelColor: INK, labelFontSize: 12, symbolSize: 90 }, title: { color: INK, subtitleColor: INK } },
  };
}

function titleOf(shown, width) {
  return { text: linesOf(shown.title, Math.floor(width / 11)), subtitle: linesOf(shown.notes, Math.floor(width / 7.5)),
    anchor: "start", fontSize: 16, subtitleFontSize: 12, subtitlePadding: 6, offset: 12 };
}

// A layer of its own data; none where there is nothing to draw.
function plain(values, mark, encoding) {
  return values.length ? [{ data: { values }, mark, encoding }] : [];
}

function breaksIn(shown) {
  return shown.breaks.filter((one) => one.last_year >= shown.first && one.first_year <= shown.last);
}

function endsIn(shown) {
  return shown.ends.filter((one) => one.year >= shown.first && one.year < shown.last);
}

const isShift = (one) => one.kind === "level_shift";
const startsIn = (shown) => (shown.first < shown.start ? [{ year: shown.start - 0.5 }] : []);

// Breaks of the published series, where the projection starts, and the end of the money.
function rulesOf(shown, x) {
  const spans = breaksIn(shown).filter((one) => !isShift(one)).map((one) => ({ from: one.first_year - 0.5, to: one.last_year + 0.5 }));
  const shifts = breaksIn(shown).filter(isShift).map((one) => ({ year: one.first_year - 0.5 }));
  const ends = endsIn(shown).map((one) => ({ year: one.year + 0.5 }));
  return [
    ...plain(spans, { type: "rect", color: "#efefef" }, { x: { ...x, field: "from" }, x2: { field: "to" } }),
    ...plain(shifts, { type: "rule", color: "#555555", strokeDash: [3, 3] }, { x }),
    ...plain(startsIn(shown), { type: "rule", color: INK }, { x }),
    ...plain(ends, { type: "rule", color: INK, strokeDash: [1, 3], strokeWidth: 1.5 }, { x }),
  ];
}

// What the rules mean, above the plot, where nothing lies behind the words.
function wordsOf(shown, x) {
  const numbers = breaksIn(shown).map((one) => ({ year: isShift(one) ? one.first_year - 0.5 : (one.first_year + one.last_year) / 2, said: String(one.number) }));
  const words = endsIn(shown).map((one) => ({ year: one.year + 0.5, said: one.said }));
  const text = { x, text: { field: "said" } };
  return [
    ...plain(numbers, { type: "text", color: INK, fontSize: 11, fontWeight: "bold" }, { ...text, y: { value: -9 } }),
    ...plain(startsIn(shown).map((one) => ({ ...one, said: "projected \u2192" })), { type: "text", color: INK, fontSize: 11, align: "left" }, { ...text, y: { value: -9 } }),
    ...plain(words, { type: "text", color: INK, fontSize: 11, align: "center" }, { ...text, y: { value: startsIn(shown).length ? -24 : -9 } }),
  ];
}

function bandsOf(line, x, y, shown) {
  const faint = shown.lines.length > 2 ? 0.1 : 0.18;
  const part = (low, high, colour, opacity) => ({ data: { values: line.band },
    mark: { type: "area", color: colour, opacity, line: false }, encoding: { x, y: { ...y, field: low }, y2: { field: high } } });
  const edge = (field) => ({ data: { values: line.band },
    mark: { type: "line", color: line.colour, strokeDash: [2, 2], strokeWidth: 1 }, encoding: { x, y: { ...y, field } } });
  if (line.isGrey) return [part("q05", "q95", WIDE, 1), part("q25", "q75", NARROW, 1)];
  if (!shown.isImpact) return [edge("q05"), edge("q95")];
  return [part("q05", "q95", line.colour, faint), part("q25", "q75", line.colour, 1.6 * faint), edge("q05"), edge("q95")];
}

function coursesOf(shown, names, x, y, width) {
  const values = shown.lines.flatMap((line, i) => line.points.map((point) => ({ ...point, line: names[i] })));
  const scale = (key) => ({ domain: names, range: shown.lines.map((line) => line[key]) });
  const legend = { title: null, orient: "bottom", direction: "vertical", columns: 1, labelLimit: 0, offset: 14 };
  const by = (key, more) => ({ field: "line", type: "nominal", scale: scale(key), ...more });
  const encoding = { x, y: { ...y, field: "value" }, color: by("colour", { legend }) };
  const zero = shown.isImpact ? [{ data: { values: [{}] }, mark: { type: "rule", color: INK }, encoding: { y: { ...y, datum: 0 } } }] : [];
  const course = (line) => ({ data: { values: line.points }, mark: { type: "line", strokeWidth: 2, color: line.colour, strokeDash: line.dash },
    encoding: { x, y: { ...y, field: "value" } } });
  return [...zero, ...shown.lines.map(course),
    { data: { values }, mark: { type: "point", filled: true, size: 40, opacity: 1 }, encoding: { ...encoding, shape: by("shape", { legend }) } }];
}

// The year that is read: a line that moves without the picture being drawn anew.
function readingOf(shown, x, y) {
  const values = shown.lines.flatMap((line) => line.points);
  const filter = [{ filter: "datum.year == at" }];
  return [
    { data: { values: [{}] }, mark: { type: "rule", color: "#00507d", strokeWidth: 1.5, opacity: 0.7 },
      encoding: { x: { ...x, field: undefined, datum: { expr: "at" } } } },
    { data: { values }, transform: filter, mark: { type: "point", color: INK, size: 110, filled: false, strokeWidth: 1.5 },
      encoding: { x, y: { ...y, field: "value" } } },
  ];
}
