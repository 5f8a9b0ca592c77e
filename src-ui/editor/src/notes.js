// Ranges that something outside is said about, marked in the text. They move with every edit.

import { StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView } from '@codemirror/view';
import { fromSource } from './endings.js';

const setNotes = StateEffect.define();

const field = StateField.define({
  create: () => Decoration.none,
  update(marks, tr) {
    marks = marks.map(tr.changes);
    for (const effect of tr.effects) if (effect.is(setNotes)) marks = effect.value;
    return marks;
  },
  provide: (self) => EditorView.decorations.from(self),
});

/** Shows these instead of those that were there: `[{from, to, id, state}]`, offsets of the source. */
export function showNotes(view, notes) {
  const ranges = [];
  for (const { from, to, id, state } of notes) {
    const [start, end] = [fromSource(view.state, from), fromSource(view.state, to)];
    if (start >= end) continue;
    const attributes = { 'data-note': id };
    ranges.push(Decoration.mark({ class: `cm-note cm-note-${state}`, attributes }).range(start, end));
  }
  view.dispatch({ effects: setNotes.of(Decoration.set(ranges, true)) });
}

const noteOf = (target) => target.closest?.('[data-note]')?.getAttribute('data-note') ?? null;

/** `tell(id, what)`: `click`, or `over` and `out` of the pointer. */
export function notes(tell) {
  let over = null;
  const hover = (id) => {
    if (id === over) return;
    if (over !== null) tell(over, 'out');
    over = id;
    if (id !== null) tell(id, 'over');
  };
  return [
    field,
    EditorView.domEventHandlers({
      click(event) {
        const id = noteOf(event.target);
        if (id !== null) tell(id, 'click');
      },
      mouseover: (event) => hover(noteOf(event.target)),
      mouseleave: () => hover(null),
    }),
  ];
}
