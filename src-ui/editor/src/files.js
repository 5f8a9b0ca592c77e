// Files that are pasted or dropped. The window takes them and answers, later, with the Markdown that stands for them;
// it goes to where they were put, wherever that has moved to by then.

import { StateEffect, StateField } from '@codemirror/state';
import { EditorView } from '@codemirror/view';

const place = StateEffect.define({ map: ({ id, pos }, changes) => ({ id, pos: changes.mapPos(pos, 1) }) });
const leave = StateEffect.define();

const places = StateField.define({
  create: () => new Map(),
  update(map, tr) {
    let next = map;
    if (tr.docChanged && map.size) next = new Map([...map].map(([id, pos]) => [id, tr.changes.mapPos(pos, 1)]));
    for (const effect of tr.effects) {
      if (effect.is(place)) next = new Map(next).set(effect.value.id, effect.value.pos);
      if (effect.is(leave)) {
        next = new Map(next);
        next.delete(effect.value);
      }
    }
    return next;
  },
});

let count = 0;

/** `take(files, insert)`: `insert(markdown)` puts it in place once, and an empty text gives the place up. */
export function files(take) {
  const receive = (view, list, pos) => {
    if (!list.length || view.state.readOnly) return false;
    count += 1;
    const id = count;
    view.dispatch({ effects: place.of({ id, pos }) });
    take(list, (markdown) => {
      const at = view.state.field(places).get(id);
      if (at === undefined) return;
      const { main } = view.state.selection;
      view.dispatch({
        changes: { from: at, insert: markdown },
        effects: leave.of(id),
        selection: main.empty && main.head === at ? { anchor: at + markdown.length } : undefined,
        userEvent: 'input.file',
      });
    });
    return true;
  };
  return [
    places,
    EditorView.domEventHandlers({
      paste(event, view) {
        const list = [...(event.clipboardData?.files ?? [])];
        // A copied passage may carry a picture of itself; its words are what is meant.
        if (!list.length || event.clipboardData.getData('text/plain')) return false;
        event.preventDefault();
        return receive(view, list, view.state.selection.main.to);
      },
      drop(event, view) {
        const list = [...(event.dataTransfer?.files ?? [])];
        if (!list.length) return false;
        event.preventDefault();
        const pos = view.posAtCoords({ x: event.clientX, y: event.clientY }, false);
        return receive(view, list, pos);
      },
      dragover(event) {
        if (!event.dataTransfer?.types.includes('Files')) return false;
        event.preventDefault();
        return true;
      },
    }),
  ];
}
