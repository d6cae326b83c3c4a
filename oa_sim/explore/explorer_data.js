// Data: the figures of the page, unpacked, and how a figure is said.
"use strict";

const NOT_KNOWN = 255, MOVED = 10;
const ORDER = ["mean", "q05", "q25", "q50", "q75", "q95"];
const MEDIAN = 3;
const NAME_OF_MEAN = "mean of areas";

async function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Whole numbers from their bytes, all lowest first; the sign is in the last bit.
function unfolded(bytes) {
  const n = bytes.length / 4, numbers = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const folded = (bytes[i] | (bytes[n + i] << 8) | (bytes[2 * n + i] << 16) | (bytes[3 * n + i] << 24)) >>> 0;
    numbers[i] = (folded >>> 1) ^ -(folded & 1);
  }
  return numbers;
}

async function unpacked(part) {
  return { numbers: unfolded(await inflated(part.numbers)), decimals: await inflated(part.decimals) };
}

// Into how many parts the last printed digit of a number is divided.
const partsOf = (places) => (places <= 0 ? 40 : 4);

// A number kept as parts of its last printed digit, as it is printed: with a true minus sign, and never minus nothing.
function printed(number, places) {
  const parts = partsOf(places);
  return signed((Math.floor((number + parts / 2) / parts) / 10 ** places).toFixed(Math.max(places, 0)));
}

function signed(text) {
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "\u2212");
}

// The year that ends in `year`, as people write it: 2026 is 2025/26.
function academic(year) {
  return `${year - 1}/${String(year % 100).padStart(2, "0")}`;
}

// A label without the signs that turn the direction of writing by force; no letter is lost.
function unturned(label) {
  return label.replace(/[\u202a-\u202e\u2066-\u2069]/gu, "");
}

// A label that cannot turn the direction of the words around it.
function apart(label) {
  return `\u2068${unturned(label)}\u2069`;
}

function figuresOf(view, parts) {
  const { places, groups, measures, years, cases } = view;
  const sizes = { counterfactual: Math.max(...view.figures.shared) + 1, projection: cases.length, impact: cases.length };

  // Where a number stands; `k` counts scenarios, or the futures without the programme that they share.
  function at(quantity, where, year, k) {
    const cell = ((where.place * groups.length + where.group) * measures.length + where.measure) * years.length + year;
    return { cell: cell * sizes[quantity] + k, step: places.length * groups.length * measures.length * years.length * sizes[quantity] };
  }

  // The parts of each statistic; null where there is no figure.
  function held(quantity, where, year, chosen) {
    const k = quantity === "counterfactual" ? view.figures.shared[chosen] : chosen;
    const { cell, step } = at(quantity, where, year, k);
    if (parts[quantity].decimals[cell] === NOT_KNOWN) return null;
    const decimals = parts[quantity].decimals[cell] - MOVED;
    let found = ORDER.map((_, i) => parts[quantity].numbers[i * step + cell]);
    if (quantity === "impact") found = found.map((number, i) => (i === MEDIAN ? number : number + found[MEDIAN]));
    if (quantity === "projection") {
      const without = held("counterfactual", where, year, chosen);
      if (without && without.decimals === decimals) found = found.map((number, i) => number + without.found[i]);
    }
    return { found, decimals };
  }

  // One figure: each statistic as text that is printed and as a number that is drawn.
  return function figure(quantity, where, year, chosen) {
    const whole = held(quantity, where, year, chosen);
    if (!whole) return null;
    const text = {}, value = {};
    ORDER.forEach((name, i) => {
      text[name] = printed(whole.found[i], whole.decimals);
      value[name] = whole.found[i] / partsOf(whole.decimals) / 10 ** whole.decimals;
    });
    return { year: years[year], text, value };
  };
}

// A cell of a CSV file. Text that a spreadsheet would take for a formula is led by an apostrophe; numbers are not text.
function csvCell(cell) {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const isNumber = /^\u2212?\d+(\.\d+)?$/u.test(cell);
  const plain = isNumber ? cell.replace("\u2212", "-") : /^[=+\-@\t\r]/u.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/u.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
