// Data: figures as text that is printed and as numbers that are drawn. Shared by the offline and the live page.
"use strict";

const STATISTICS = ["mean", "q05", "q25", "q50", "q75", "q95"];
const MEDIAN = 3, NOT_KNOWN = 127, PARTS = 10; // PARTS: parts of the last printed digit in which a number is stored
const MEAN_OF_AREAS = "mean of areas";
const formats = Array.from({ length: 10 }, (_, places) => new Intl.NumberFormat("en-GB", { minimumFractionDigits: places, maximumFractionDigits: places }));

// A number stored in parts of its last printed digit, as Python's formatter prints it.
function printed(parts, decimals) {
  return signed(formats[Math.max(decimals, 0)].format(Math.floor((parts + PARTS / 2) / PARTS) / 10 ** decimals));
}

// A number with a true minus sign, and no minus before zero.
function signed(text) {
  return Number(plainNumber(text)) === 0 ? text.replace("-", "") : text.replace("-", "\u2212");
}

// A printed number as machines read it.
function plainNumber(text) {
  return text.replaceAll(",", "").replace("\u2212", "-");
}

// One year of a quantity: each statistic as text and as a number; null where there is no figure.
function rowOf(year, parts, decimals) {
  if (decimals === NOT_KNOWN) return null;
  const row = { year, text: {}, value: {} };
  STATISTICS.forEach((name, i) => {
    row.text[name] = printed(parts[i], decimals);
    row.value[name] = parts[i] / PARTS / 10 ** decimals;
  });
  return row;
}

// The year that ends in `year`, as people write it: 2026 is 2025/26.
function academicYear(year) {
  return `${year - 1}/${String(year % 100).padStart(2, "0")}`;
}

// A label without characters that force the direction of writing; no letter is lost.
function withoutOverrides(label) {
  return label.replace(/[\u202a-\u202e\u2066-\u2069]/gu, "");
}

// A label that cannot turn the direction of the words around it.
function isolated(label) {
  return `\u2068${withoutOverrides(label)}\u2069`;
}

// A text as markup that says it and does nothing else.
function escaped(text) {
  return String(text).replace(/[&<>"']/gu, (letter) => `&#${letter.charCodeAt(0)};`);
}

// A cell of a CSV file. Text that a spreadsheet would take for a formula begins with an apostrophe; a number does not.
function csvCell(cell) {
  if (cell === null) return "";
  const text = String(cell), isNumber = /^\u2212?[\d,]+(\.\d+)?$/u.test(text);
  const plain = isNumber ? plainNumber(text) : /^[=+\-@\t\r]/u.test(text) ? `'${text}` : text;
  return /[",\r\n]/u.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
