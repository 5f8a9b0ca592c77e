// Line endings. The editor's own text knows only "\n"; which ending each break has in the source is kept here, so that
// a text comes out as it went in: LF, CRLF, lone CR, or a mixture of them. A new break gets the ending that the
// text uses most.

import { MapMode, StateEffect, StateField } from '@codemirror/state';
import { invertedEffects } from '@codemirror/commands';

/**
 * The endings of a text: `base` is that of nearly all breaks, `at` and `kinds` are the positions and the endings of
 * the odd ones, in the order of the text.
 */
const plain = { base: '\n', at: [], kinds: [] };

/** Splits a source into the editor's text and its endings. */
export function read(source) {
  if (!source.includes('\r')) return { text: source, endings: plain };
  const count = {};
  const breaks = /\r\n?|\n/g;
  for (const [kind] of source.matchAll(breaks)) count[kind] = (count[kind] ?? 0) + 1;
  // Of two that are as frequent, the one that comes first.
  const base = Object.keys(count).reduce((best, kind) => (count[kind] > count[best] ? kind : best));
  const endings = { base, at: [], kinds: [] };
  let shrunk = 0;
  const text = source.replace(breaks, (kind, at) => {
    if (kind !== base) {
      endings.at.push(at - shrunk);
      endings.kinds.push(kind);
    }
    shrunk += kind.length - 1;
    return '\n';
  });
  return { text, endings };
}

/** All endings at once, together with a text from outside. Positions are those of the new text. */
export const resetEndings = StateEffect.define();

/** Odd endings that come back with the breaks that an undo brings back. */
const restoreEndings = StateEffect.define({
  map: (value, changes) => ({ ...value, at: value.at.map((pos) => changes.mapPos(pos, 1)) }),
});

const kept = (changes, pos) => changes.mapPos(pos, 1, MapMode.TrackAfter);

function follow(value, changes) {
  const at = [];
  const kinds = [];
  value.at.forEach((pos, n) => {
    const now = kept(changes, pos);
    if (now !== null) {
      at.push(now);
      kinds.push(value.kinds[n]);
    }
  });
  return { ...value, at, kinds };
}

function merge(value, added) {
  const all = value.at.map((pos, n) => [pos, value.kinds[n]]);
  added.at.forEach((pos, n) => all.push([pos, added.kinds[n]]));
  all.sort((a, b) => a[0] - b[0]);
  return { ...value, at: all.map(([pos]) => pos), kinds: all.map(([, kind]) => kind) };
}

const field = StateField.define({
  create: () => plain,
  update(value, tr) {
    if (tr.docChanged && value.at.length) value = follow(value, tr.changes);
    for (const effect of tr.effects) {
      if (effect.is(resetEndings)) value = effect.value;
      else if (effect.is(restoreEndings)) value = merge(value, effect.value);
    }
    return value;
  },
});

const remember = invertedEffects.of((tr) => {
  const value = tr.startState.field(field);
  const lost = { at: [], kinds: [] };
  value.at.forEach((pos, n) => {
    if (kept(tr.changes, pos) !== null) return;
    lost.at.push(pos);
    lost.kinds.push(value.kinds[n]);
  });
  return lost.at.length ? [restoreEndings.of(lost)] : [];
});

export const lineEndings = (endings) => [field.init(() => endings), remember];

const isPlain = (value) => value.base === '\n' && !value.at.length;

/** Where a position of the editor lies in the source, both in UTF-16 units. */
export function toSource(state, pos) {
  const value = state.field(field);
  if (isPlain(value)) return pos;
  let at = pos + (state.doc.lineAt(pos).number - 1) * (value.base.length - 1);
  for (let n = 0; n < value.at.length && value.at[n] < pos; n += 1) at += value.kinds[n].length - value.base.length;
  return at;
}

/** Where an offset of the source lies in the editor; within an ending it is the end of the line. */
export function fromSource(state, offset) {
  const { doc } = state;
  if (isPlain(state.field(field))) return Math.max(0, Math.min(offset, doc.length));
  let low = 1;
  let high = doc.lines;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (toSource(state, doc.line(middle).from) <= offset) low = middle;
    else high = middle - 1;
  }
  const line = doc.line(low);
  return Math.max(line.from, Math.min(line.to, line.from + offset - toSource(state, line.from)));
}

/** A part of the text as the source has it. */
export function sliceSource(state, from = 0, to = state.doc.length) {
  const value = state.field(field);
  if (isPlain(value)) return state.doc.sliceString(from, to);
  let out = '';
  let done = from;
  const plainly = (until) => {
    const text = state.doc.sliceString(done, until);
    out += value.base === '\n' ? text : text.replaceAll('\n', value.base);
    done = until;
  };
  value.at.forEach((pos, n) => {
    if (pos < from || pos >= to) return;
    plainly(pos);
    out += value.kinds[n];
    done = pos + 1;
  });
  plainly(to);
  return out;
}

/** Changes in one go beyond which the whole text is told instead. */
const MOST_CHANGES = 40;

/**
 * Tells what an update has changed of the source: `change(from, to, text, last)`, the last change of the text first, so
 * that each one's offsets hold when it is applied.
 */
export function tell({ changes, startState, state }, change) {
  const all = [];
  changes.iterChanges((...range) => all.push(range));
  if (all.length > MOST_CHANGES) {
    change(0, toSource(startState, startState.doc.length), sliceSource(state), true);
    return;
  }
  for (let n = all.length - 1; n >= 0; n -= 1) {
    const [fromA, toA, fromB, toB] = all[n];
    change(toSource(startState, fromA), toSource(startState, toA), sliceSource(state, fromB, toB), n === 0);
  }
}
