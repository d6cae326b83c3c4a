// Chart: the outcome above and the impact below, as SVG. Shared by the offline and the live page; no library is needed.
"use strict";

const INK = "#222222", WIDE = "#d9d9d9", NARROW = "#a6a6a6", READ = "#00507d";
const COLOURS = ["#0072b2", "#b34700", "#009e73", "#997700"];
const DASHES = ["", "8 3", "2 2", "10 3 2 3"];
const CIRCLE = "M-3.2 0a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0-6.4 0";
const SHAPES = [CIRCLE, "M-3-3h6v6h-6z", "M0-4L4 3H-4z", "M0-4.5L4 0 0 4.5-4 0z"];
const FONT = "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif";
const LEFT = 52, RIGHT = 12, LETTER = 6.6; // px; LETTER is the usual width of a character
const DOTTED = { "stroke-dasharray": "2 2", "stroke-width": 1 };

// Markup of an element: written whole, the picture is there in a third of the time that its nodes take one by one.
function svg(name, attributes, children = "") {
  const pairs = Object.entries(attributes).filter(([, value]) => value !== "").map(([key, value]) => ` ${key}="${escaped(value)}"`);
  return `<${name}${pairs.join("")}>${[children].flat(2).join("")}</${name}>`;
}

const segment = (x1, y1, x2, y2, look = {}) => svg("path", { d: `M${x1.toFixed(1)} ${y1.toFixed(1)}L${x2.toFixed(1)} ${y2.toFixed(1)}`, stroke: INK, ...look });
const symbol = (shape, x, y, look) => svg("path", { d: shape, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, ...look });
const label = (x, y, text, anchor = "start", look = {}) => svg("text", { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor, ...look }, escaped(text));

// Words broken into lines of at most `most` characters, a longer word broken where it must be.
function linesOf(text, most) {
  const lines = [""];
  for (const word of text.split(/\s+/u)) {
    const letters = Array.from(word);
    for (let start = 0; start < Math.max(letters.length, 1); start += most) {
      const piece = letters.slice(start, start + most).join(""), last = lines[lines.length - 1];
      if (last && Array.from(last).length + 1 + Array.from(piece).length > most) lines.push(piece);
      else lines[lines.length - 1] = last ? `${last} ${piece}` : piece;
    }
  }
  return lines;
}

// A name on one line, shortened before its mark, which is never cut off.
function shortName(line, most) {
  const letters = Array.from(line.name.replace(/[\p{Cc}\u2028\u2029]+/gu, " "));
  return (letters.length > most ? `${letters.slice(0, most - 1).join("")}\u2026\u2069` : letters.join("")) + line.mark;
}

// A round step that gives at least so many numbers on an axis.
function roundStep(span, least) {
  const size = 10 ** Math.floor(Math.log10(span / least));
  return [5, 2, 1].map((times) => times * size).find((step) => span / step >= least);
}

// Axes between two heights: turns years and values into places, and draws lines and bands.
class Panel {
  constructor(x, values, top, bottom, least) {
    const low = Math.min(...values), high = Math.max(...values), room = 0.08 * (high - low) || 1;
    Object.assign(this, { x, top, bottom, low: low - room, high: high + room, step: roundStep(high - low + 2 * room, least) });
  }

  y(value) {
    return this.bottom - ((this.bottom - this.top) * (value - this.low)) / (this.high - this.low);
  }

  points(rows, name) {
    return rows.map((row) => `${this.x(row.year).toFixed(1)},${this.y(row.value[name]).toFixed(1)}`);
  }

  line(rows, name, look) {
    return svg("polyline", { points: this.points(rows, name).join(" "), fill: "none", ...look });
  }

  band(rows, low, high, look) {
    return svg("polygon", { points: [...this.points(rows, low), ...this.points(rows, high).reverse()].join(" "), ...look });
  }

  upright(year, look) {
    return segment(this.x(year), this.top, this.x(year), this.bottom, look);
  }

  // Grid and numbers of the values; the axis of years is drawn by `yearAxis`.
  grid(width) {
    const places = Math.max(0, -Math.floor(Math.log10(this.step) + 1e-9)), parts = [];
    for (let i = Math.ceil(this.low / this.step); i <= Math.floor(this.high / this.step); i++) {
      const y = this.y(i * this.step);
      parts.push(segment(LEFT, y, width - RIGHT, y, { stroke: "#e6e6e6" }), label(LEFT - 6, y + 4, signed((i * this.step).toFixed(places)), "end"));
    }
    return [...parts, segment(LEFT, this.top, LEFT, this.bottom), segment(LEFT, this.bottom, width - RIGHT, this.bottom)];
  }
}

// A published series broken where a year has no figure.
function unbroken(rows) {
  const runs = [];
  for (const row of rows) {
    const run = runs[runs.length - 1];
    if (run && run[run.length - 1].year === row.year - 1) run.push(row);
    else runs.push([row]);
  }
  return runs;
}

function bandsOf(panel, line, isFaint) {
  if (line.kind === "published") return [];
  const edges = ["q05", "q95"].map((name) => panel.line(line.rows, name, { stroke: line.colour, ...DOTTED }));
  const both = (outer, inner) => [panel.band(line.rows, "q05", "q95", outer), panel.band(line.rows, "q25", "q75", inner)];
  if (line.kind === "counterfactual") return line.isGrey ? both({ fill: WIDE }, { fill: NARROW }) : edges;
  if (line.kind === "projection") return edges;
  const opacity = isFaint ? 0.1 : 0.18;
  return [...both({ fill: line.colour, "fill-opacity": opacity }, { fill: line.colour, "fill-opacity": 1.6 * opacity }), ...edges];
}

function lineOf(panel, line) {
  const isPublished = line.kind === "published", name = isPublished ? "mean" : "q50";
  const look = { stroke: line.colour, "stroke-width": isPublished ? 1.4 : 2, "stroke-dasharray": line.dash };
  const marks = line.shape ? line.rows.map((row) => symbol(line.shape, panel.x(row.year), panel.y(row.value[name]), { fill: line.colour })) : [];
  return [...(isPublished ? unbroken(line.rows) : [line.rows]).map((rows) => panel.line(rows, name, look)), ...marks];
}

// Breaks of the published series, numbered above the panel; those that are no change of level are shaded.
function breaksOf(panel, breaks) {
  return breaks.flatMap((row) => {
    const isShift = row.kind === "level_shift", from = panel.x(row.first_year - 0.5), to = panel.x(row.last_year + 0.5);
    const mark = isShift ? panel.upright(row.first_year - 0.5, { stroke: "#555555", "stroke-dasharray": "3 3" })
      : svg("rect", { x: from, y: panel.top, width: to - from, height: panel.bottom - panel.top, fill: "#efefef" });
    return [mark, label(isShift ? from : (from + to) / 2, panel.top - 6, String(row.number), "middle", { "font-weight": "bold" })];
  });
}

function yearAxis(panel, shown, width) {
  const step = Math.max(1, Math.ceil((shown.last - shown.first + 1) / Math.max(2, Math.floor((width - LEFT) / 74)))), parts = [];
  for (let year = shown.last; year >= shown.first; year -= step) {
    const x = panel.x(year);
    parts.push(segment(x, panel.bottom, x, panel.bottom + 4), label(x, panel.bottom + 17, academicYear(year), x > width - 30 ? "end" : "middle"));
  }
  return parts;
}

function legend(lines, top, width) {
  return lines.flatMap((line, i) => {
    const y = top + 18 * i, look = { stroke: line.colour, "stroke-width": 2, "stroke-dasharray": line.dash };
    return [segment(LEFT, y, LEFT + 30, y, look), ...(line.shape ? [symbol(line.shape, LEFT + 15, y, { fill: line.colour })] : []),
      label(LEFT + 38, y + 4, shortName(line, Math.floor((width - LEFT - 60) / LETTER) - line.mark.length))];
  });
}

function block(text, top, width, size) {
  return linesOf(text, Math.floor((width - 16) / (0.56 * size))).map((words, i) => label(8, top + 1.35 * size * (i + 1), words, "start", { "font-size": size }));
}

// shown: {lines, ends, breaks, first, last, start, units: [of the outcome, of the impact], title, notes, source}.
// Returns the picture as markup, its size, the year at a place across, and what marks the year that is read.
function pictureOf(shown, width, isFile) {
  const head = isFile ? block(shown.title, 4, width, 16) : [], notes = isFile ? block(shown.notes, 8 + 22 * head.length, width, 12) : [];
  const top = 22 * head.length + 17 * notes.length + (isFile ? 12 : 0), tall = width < 480 ? 230 : 300;
  const x = (year) => LEFT + ((width - LEFT - RIGHT) * (year - shown.first + 0.6)) / (shown.last - shown.first + 1.2);
  const impacts = shown.lines.filter((line) => line.kind === "impact"), outcomes = shown.lines.filter((line) => line.kind !== "impact");
  const valuesOf = (lines) => lines.flatMap((line) => line.rows.flatMap((row) => Object.values(row.value)));
  const upper = new Panel(x, valuesOf(outcomes), top + 38, top + 38 + tall, 5);
  const lower = new Panel(x, [0, ...valuesOf(impacts)], upper.bottom + 48, upper.bottom + 48 + 0.45 * tall, 3);
  const parts = [...head, ...notes], panels = [[upper, outcomes, shown.units[0]], [lower, impacts, shown.units[1]]];
  panels.forEach(([panel, lines, title], i) => {
    parts.push(...(i ? [] : breaksOf(panel, shown.breaks)), ...panel.grid(width), ...lines.flatMap((line) => bandsOf(panel, line, impacts.length > 2)));
    if (i) parts.push(segment(LEFT, panel.y(0), width - RIGHT, panel.y(0)));
    parts.push(panel.upright(shown.start - 0.5), ...lines.flatMap((line) => lineOf(panel, line)));
    for (const end of shown.ends) parts.push(panel.upright(end.year + 0.5, { "stroke-dasharray": "1 3", "stroke-width": 1.5 }));
    for (const end of i ? shown.ends : []) parts.push(label(x(end.year + 0.5), panel.top - 6, end.text, "middle"));
    parts.push(label(8, panel.top - 24, title, "start", { "font-weight": 600 }));
  });
  parts.push(label(x(shown.start - 0.5) + 3, upper.top - 6, "projected \u2192"), ...yearAxis(lower, shown, width));
  const under = lower.bottom + 44, source = isFile ? block(shown.source, under + 18 * outcomes.length, width, 12) : [];
  const reading = svg("g", { class: "reading-mark", stroke: READ, fill: "none", "stroke-width": 1.5 });
  const size = { width, height: under + 18 * outcomes.length + 17 * source.length + (isFile ? 10 : 0) };
  const picture = svg("svg", { xmlns: "http://www.w3.org/2000/svg", ...size, viewBox: `0 0 ${size.width} ${size.height}`, "font-family": FONT, "font-size": 12, fill: INK },
    [...(isFile ? [svg("rect", { ...size, fill: "#ffffff" })] : []), ...parts, ...legend(outcomes, under, width), ...source, reading]);
  const ring = (panel, line, year) => line.rows.filter((row) => row.year === year).map((row) => svg("circle", { cx: x(year), cy: panel.y(row.value[line.kind === "published" ? "mean" : "q50"]), r: 5.5 }));
  return { picture, size, yearAt: (px) => Math.round(shown.first - 0.6 + ((px - LEFT) * (shown.last - shown.first + 1.2)) / (width - LEFT - RIGHT)),
    mark: (year) => panels.flatMap(([panel, lines]) => [panel.upright(year, { stroke: READ, opacity: 0.7 }), ...lines.flatMap((line) => ring(panel, line, year))]).join("") };
}
