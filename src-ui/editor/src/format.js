// What the keys and the toolbar write. Each command changes what is selected, or the lines of the selection, and
// nothing else: numbers of later items and the width of columns stay as they were written.

import { indentLess, indentMore } from '@codemirror/commands';
import { EditorSelection } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { inCode } from './markdown.js';

const wordAt = (state, range) => (range.empty ? (state.wordAt(range.head) ?? range) : range);

/** Puts a mark around the selection or the word at the cursor, or takes it away. */
const wrap = (mark) => ({ state, dispatch }) => {
  const n = mark.length;
  const change = state.changeByRange((range) => {
    const { from, to } = wordAt(state, range);
    const around = (a, b) => state.sliceDoc(Math.max(0, a - n), a) === mark && state.sliceDoc(b, b + n) === mark;
    // `*` is also half of `**`.
    const whole = (a, b) =>
      n > 1 || (state.sliceDoc(a - 2, a - 1) !== mark && state.sliceDoc(b + 1, b + 2) !== mark) ||
      (state.sliceDoc(a - 3, a) === mark.repeat(3) && state.sliceDoc(b, b + 3) === mark.repeat(3));
    if (around(from, to) && whole(from, to)) {
      const moved = (pos) => pos - n;
      return {
        changes: [{ from: from - n, to: from }, { from: to, to: to + n }],
        range: EditorSelection.range(moved(range.anchor), moved(range.head)),
      };
    }
    const text = state.sliceDoc(from, to);
    if (text.length >= 2 * n && text.startsWith(mark) && text.endsWith(mark) && whole(from + n, to - n)) {
      return {
        changes: [{ from, to: from + n }, { from: to - n, to }],
        range: EditorSelection.range(from, to - 2 * n),
      };
    }
    return {
      changes: [{ from, insert: mark }, { from: to, insert: mark }],
      range: EditorSelection.range(range.anchor + n, range.head + n),
    };
  });
  dispatch(state.update(change, { scrollIntoView: true, userEvent: 'input.format' }));
  return true;
};

export const bold = wrap('**');
export const italic = wrap('*');
export const strike = wrap('~~');
export const code = wrap('`');

const ADDRESS = /^(?:https?:\/\/|mailto:)\S+$/;

/** Makes the selection a link; the cursor goes to what is missing. */
export function link({ state, dispatch }) {
  const change = state.changeByRange((range) => {
    const { from, to } = wordAt(state, range);
    const text = state.sliceDoc(from, to);
    const address = ADDRESS.test(text);
    const insert = address ? `[](${text})` : `[${text}]()`;
    const cursor = from + (address || !text ? 1 : insert.length - 1);
    return { changes: { from, to, insert }, range: EditorSelection.cursor(cursor) };
  });
  dispatch(state.update(change, { scrollIntoView: true, userEvent: 'input.format' }));
  return true;
}

function selectedLines(state) {
  const lines = [];
  for (const { from, to } of state.selection.ranges) {
    for (let line = state.doc.lineAt(from); ; line = state.doc.line(line.number + 1)) {
      if (lines.at(-1)?.number !== line.number) lines.push(line);
      if (line.to >= to) break;
    }
  }
  return lines;
}

const BULLET = /^(\s*)(?:[-+*]|\d+[.)])\s+(?:\[[ xX]\]\s+)?/;

/** Puts a prefix before each selected line, or takes it away when all have it. `is` tells a line that has it. */
const prefix = (is, mark) => ({ state, dispatch }) => {
  const lines = selectedLines(state);
  const written = lines.length > 1 ? lines.filter((line) => line.text.trim()) : lines;
  const all = written.every((line) => is.test(line.text));
  const changes = written.map((line, n) => {
    const [, indent] = /^(\s*)/.exec(line.text);
    const at = line.from + indent.length;
    if (all) return { from: at, to: line.from + is.exec(line.text)[0].length };
    const old = mark === '> ' ? indent.length : (BULLET.exec(line.text)?.[0].length ?? indent.length);
    return { from: at, to: line.from + old, insert: typeof mark === 'string' ? mark : mark(n) };
  });
  // A cursor at the beginning of its line stays behind what is put before it.
  const set = state.changes(changes);
  const move = (pos) => set.mapPos(pos, 1);
  const ranges = state.selection.ranges.map((range) => EditorSelection.range(move(range.anchor), move(range.head)));
  const selection = EditorSelection.create(ranges, state.selection.mainIndex);
  dispatch(state.update({ changes: set, selection, scrollIntoView: true, userEvent: 'input.format' }));
  return true;
};

export const bullets = prefix(/^\s*[-+*]\s+(?!\[[ xX]\]\s)/, '- ');
export const numbers = prefix(/^\s*\d+[.)]\s+/, (n) => `${n + 1}. `);
export const tasks = prefix(/^\s*[-+*]\s+\[[ xX]\]\s+/, '- [ ] ');
export const quote = prefix(/^\s*>\s?/, '> ');

/** Puts the selected lines into a fenced block. */
export function fence({ state, dispatch }) {
  const lines = selectedLines(state);
  const [from, to] = [lines[0].from, lines.at(-1).to];
  const text = state.sliceDoc(from, to);
  // A fence is longer than any within.
  const longest = Math.max(2, ...[...text.matchAll(/^\s*(`{3,})/gm)].map((m) => m[1].length));
  const mark = '`'.repeat(longest + 1);
  const changes = [{ from, insert: `${mark}\n` }, { from: to, insert: `\n${mark}` }];
  dispatch(
    state.update({
      changes,
      // The cursor waits for the name of the language when there is code already.
      selection: EditorSelection.cursor(text.trim() ? from + mark.length : from + mark.length + 1),
      scrollIntoView: true,
      userEvent: 'input.format',
    }),
  );
  return true;
}

// The beginning of a line that a list or a quote goes on with: quotes, indentation, marker, space, box.
const CONTINUED = /^((?:\s*>\s?)*)(\s*)(?:([-+*])|(\d{1,9})([.)]))(\s+)(\[[ xX]\]\s+)?/;
const QUOTED = /^(?:\s*>\s?)+/;

/** Enter goes on with a list or a quote; on an item without words it ends the list. */
export function enter({ state, dispatch }) {
  const { main } = state.selection;
  if (state.selection.ranges.length > 1 || inCode(state, main.from)) return false;
  const line = state.doc.lineAt(main.from);
  const item = CONTINUED.exec(line.text);
  const begun = item ?? QUOTED.exec(line.text);
  if (!begun || main.from < line.from + begun[0].length || main.to > line.to) return false;
  if (!line.text.slice(begun[0].length).trim()) {
    // The mark of an item without words goes, and what is around it stays.
    const keep = item ? item[1] : '';
    dispatch(
      state.update({
        changes: { from: line.from + keep.length, to: line.to },
        selection: EditorSelection.cursor(line.from + keep.length),
        scrollIntoView: true,
        userEvent: 'delete',
      }),
    );
    return true;
  }
  let insert = `\n${begun[0]}`;
  if (item) {
    const [, quotes, indent, bullet, number, dot, space, box] = item;
    const marker = bullet ?? `${Number(number) + 1}${dot}`;
    insert = `\n${quotes}${indent}${marker}${space}${box ? '[ ] ' : ''}`;
  }
  dispatch(
    state.update({
      changes: { from: main.from, to: main.to, insert },
      selection: EditorSelection.cursor(main.from + insert.length),
      scrollIntoView: true,
      userEvent: 'input',
    }),
  );
  return true;
}

const inList = (state) => {
  const { main } = state.selection;
  return BULLET.test(state.doc.lineAt(main.from).text) && !inCode(state, main.from);
};

/** Tab moves an item in and out; anywhere else it goes to the next field, as in every form. */
export const itemIn = (view) => inList(view.state) && indentMore(view);
export const itemOut = (view) => inList(view.state) && /^\s/.test(view.state.doc.lineAt(view.state.selection.main.from).text) && indentLess(view);

/** An address pasted onto words makes them a link. */
export const pasteAddress = EditorView.domEventHandlers({
  paste(event, view) {
    const { main } = view.state.selection;
    const text = event.clipboardData?.getData('text/plain').trim() ?? '';
    const words = view.state.sliceDoc(main.from, main.to);
    if (main.empty || !ADDRESS.test(text) || words.includes('\n') || ADDRESS.test(words) || inCode(view.state, main.from)) {
      return false;
    }
    const insert = `[${words}](${text})`;
    view.dispatch({
      changes: { from: main.from, to: main.to, insert },
      selection: EditorSelection.cursor(main.from + insert.length),
      userEvent: 'input.paste',
    });
    event.preventDefault();
    return true;
  },
});
