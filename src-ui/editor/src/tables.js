// Tables: Tab goes from cell to cell, and a table is aligned when that is asked for, never by itself.

import { syntaxTree } from '@codemirror/language';
import { EditorSelection } from '@codemirror/state';

function tableAt(state, pos) {
  for (const side of [-1, 1]) {
    for (let node = syntaxTree(state).resolveInner(pos, side); node; node = node.parent) {
      if (node.name === 'Table') return node;
    }
  }
  return null;
}

/** The cells of a row with where their words lie, and the row's indentation or quote marks. */
export function cells(text) {
  const [lead] = /^\s*(?:>\s?)*\s*/.exec(text);
  const bars = [];
  for (let n = lead.length; n < text.length; n += 1) {
    if (text[n] === '\\') n += 1;
    else if (text[n] === '|') bars.push(n);
  }
  const edges = [...bars];
  if (edges[0] !== lead.length) edges.unshift(lead.length - 1);
  if (!bars.length || text.slice(bars.at(-1) + 1).trim()) edges.push(text.length);
  const found = [];
  for (let n = 0; n + 1 < edges.length; n += 1) {
    const raw = text.slice(edges[n] + 1, edges[n + 1]);
    const words = raw.trim();
    const from = edges[n] + 1 + (words ? raw.indexOf(words) : Math.min(1, raw.length));
    found.push({ from, to: from + words.length, text: words });
  }
  return { lead, cells: found };
}

function rows(state, table) {
  const found = [];
  for (let line = state.doc.lineAt(table.from); ; line = state.doc.line(line.number + 1)) {
    found.push({ line, ...cells(line.text) });
    if (line.to >= table.to || line.number === state.doc.lines) return found;
  }
}

const isDelimiter = (row) => row.cells.length > 0 && row.cells.every((cell) => /^:?-+:?$/.test(cell.text));

const step = (by) => ({ state, dispatch }) => {
  const { head } = state.selection.main;
  const table = tableAt(state, head);
  if (!table) return false;
  const all = rows(state, table);
  const line = state.doc.lineAt(head);
  const stops = all
    .filter((row) => !isDelimiter(row))
    .flatMap((row) => row.cells.map((cell) => ({ from: row.line.from + cell.from, to: row.line.from + cell.to })));
  const here = stops.findLastIndex((stop) => stop.from <= head);
  const next = here + by;
  if (next < 0 || (here < 0 && by < 0)) return false;
  if (next < stops.length) {
    const { from, to } = stops[next];
    dispatch(state.update({ selection: EditorSelection.single(from, to), scrollIntoView: true, userEvent: 'select' }));
    return true;
  }
  // Beyond the last cell a row begins, as wide as the head.
  const last = all.at(-1);
  const insert = `\n${last.lead}|${'  |'.repeat(all[0].cells.length)}`;
  dispatch(
    state.update({
      changes: { from: last.line.to, insert },
      selection: EditorSelection.cursor(last.line.to + 1 + last.lead.length + 2),
      scrollIntoView: true,
      userEvent: 'input',
    }),
  );
  return line !== null;
};

export const nextCell = step(1);
export const previousCell = step(-1);

const segments = new Intl.Segmenter();
const WIDE = /\p{Extended_Pictographic}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u;

/** Columns that a text takes in a fixed-width face. */
export function width(text) {
  let n = 0;
  for (const { segment } of segments.segment(text)) n += WIDE.test(segment) ? 2 : 1;
  return n;
}

/** Gives the columns of the table at the cursor one width each. */
export function alignTable({ state, dispatch }) {
  const table = tableAt(state, state.selection.main.head);
  if (!table) return false;
  const all = rows(state, table);
  const count = Math.max(...all.map((row) => row.cells.length));
  const rule = all.find(isDelimiter);
  const sides = Array.from({ length: count }, (_, n) => {
    const text = rule?.cells[n]?.text ?? '';
    return { left: text.startsWith(':'), right: text.length > 1 && text.endsWith(':') };
  });
  const widths = sides.map((_, n) =>
    Math.max(3, ...all.filter((row) => row !== rule).map((row) => width(row.cells[n]?.text ?? ''))),
  );
  const fill = (text, n) => {
    const room = widths[n] - width(text);
    const before = sides[n].right ? (sides[n].left ? room >> 1 : room) : 0;
    return ' '.repeat(before) + text + ' '.repeat(room - before);
  };
  const changes = [];
  for (const row of all) {
    const words = sides.map((side, n) => {
      if (row !== rule) return fill(row.cells[n]?.text ?? '', n);
      return `${side.left ? ':' : '-'}${'-'.repeat(widths[n] - 2)}${side.right ? ':' : '-'}`;
    });
    const text = `${row.lead}| ${words.join(' | ')} |`;
    if (text !== row.line.text) changes.push({ from: row.line.from, to: row.line.to, insert: text });
  }
  if (changes.length) dispatch(state.update({ changes, userEvent: 'input.format' }));
  return true;
}

/** Writes an empty table below the line of the cursor. */
export function insertTable({ state, dispatch }) {
  const line = state.doc.lineAt(state.selection.main.head);
  const before = line.text.trim() ? '\n\n' : '';
  const insert = `${before}| Column | Column |\n| ------ | ------ |\n|        |        |`;
  const start = line.to + before.length + 2;
  dispatch(
    state.update({
      changes: { from: line.to, insert },
      selection: EditorSelection.single(start, start + 'Column'.length),
      scrollIntoView: true,
      userEvent: 'input.format',
    }),
  );
  return true;
}
