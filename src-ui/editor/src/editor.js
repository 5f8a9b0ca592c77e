// The Markdown editor of the window: CodeMirror with what this program needs of it. The text is the source itself,
// and nothing of it changes but by what the writer does. All offsets that cross to the window are UTF-16 units of the
// source with its own line endings.

import { history, historyKeymap, moveLineDown, moveLineUp, redo, standardKeymap, toggleTabFocusMode, undo } from '@codemirror/commands';
import { Annotation, Compartment, EditorSelection, EditorState, Transaction } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { completion } from './complete.js';
import { fromSource, lineEndings, read, resetEndings, sliceSource, tell, toSource } from './endings.js';
import { files } from './files.js';
import { finding, openSearchPanel } from './find.js';
import * as format from './format.js';
import { markdown } from './markdown.js';
import { notes, showNotes } from './notes.js';
import * as tables from './tables.js';

export { highlight } from './highlight.js';

/** Set on changes that come from the window, which knows them already. */
const outside = Annotation.define();

/**
 * Longer texts have no colours, as longer ones are not drawn where they are read: telling their parts anew would take a
 * frame's time at every key.
 */
const LONGEST = 400_000;

const COMMANDS = {
  bold: format.bold,
  italic: format.italic,
  strike: format.strike,
  code: format.code,
  link: format.link,
  bullets: format.bullets,
  numbers: format.numbers,
  tasks: format.tasks,
  quote: format.quote,
  fence: format.fence,
  table: tables.insertTable,
  align: tables.alignTable,
  find: openSearchPanel,
  undo,
  redo,
};

const keys = (calls) => [
  { key: 'Mod-Enter', run: () => calls.submit?.() ?? false },
  { key: 'Mod-b', run: format.bold },
  { key: 'Mod-i', run: format.italic, preventDefault: true },
  { key: 'Mod-e', run: format.code },
  { key: 'Mod-Shift-x', run: format.strike },
  { key: 'Mod-Shift-k', run: format.link },
  { key: 'Mod-Shift-8', run: format.bullets },
  { key: 'Mod-Shift-7', run: format.numbers },
  { key: 'Mod-Shift-9', run: format.tasks },
  { key: 'Enter', run: format.enter },
  { key: 'Tab', run: tables.nextCell, shift: tables.previousCell },
  { key: 'Tab', run: format.itemIn, shift: format.itemOut },
  { key: 'Alt-ArrowUp', run: moveLineUp },
  { key: 'Alt-ArrowDown', run: moveLineDown },
  { key: 'Ctrl-m', run: toggleTabFocusMode },
  ...historyKeymap,
  ...standardKeymap,
  { key: 'Escape', run: () => calls.cancel?.() ?? false },
];

/**
 * Makes an editor within `parent`.
 *
 * `options`: `value`, `selection` (`[anchor, head]` in lines that end with one unit), `label`, `placeholder`, `testid`,
 * `readOnly`, `plain` (no marks, no names: a file that is not Markdown).
 *
 * `calls`: `change(from, to, text, last)`, and when wanted `submit()` and `cancel()`, which say whether they took the
 * key, `offer(kind, typed)`, `files(list, insert)`, `select(from, to)`, `note(id, what)`.
 */
export function create(parent, options, calls) {
  const { text, endings } = read(options.value);
  const writable = new Compartment();
  const locked = (on) => [EditorState.readOnly.of(on), EditorView.contentAttributes.of(on ? { 'aria-readonly': 'true' } : {})];
  const attributes = { 'aria-label': options.label, spellcheck: 'true', autocapitalize: 'sentences', autocorrect: 'on', writingsuggestions: 'true' };
  if (options.testid) attributes['data-testid'] = options.testid;
  const clamp = (pos) => Math.max(0, Math.min(pos, text.length));
  const [anchor, head] = options.selection ?? [text.length, text.length];
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      selection: EditorSelection.single(clamp(anchor), clamp(head)),
      extensions: [
        lineEndings(endings),
        history({ newGroupDelay: 400 }),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of(attributes),
        placeholder(options.placeholder ?? ''),
        writable.of(locked(!!options.readOnly)),
        text.length > LONGEST ? [] : markdown,
        calls.offer ? completion(calls.offer) : [],
        finding,
        notes((id, what) => calls.note?.(id, what)),
        files((list, insert) => calls.files?.(list, insert)),
        format.pasteAddress,
        keymap.of(keys(calls)),
        EditorView.updateListener.of((update) => {
          const own = update.docChanged && !update.transactions.some((tr) => tr.annotation(outside));
          if (own) tell(update, calls.change);
          if (calls.select && (update.selectionSet || update.docChanged)) {
            const { from, to } = update.state.selection.main;
            calls.select(toSource(update.state, from), toSource(update.state, to));
          }
        }),
      ],
    }),
  });
  // A key that was taken here means nothing to what is around.
  view.dom.addEventListener('keydown', (event) => {
    if (event.defaultPrevented) event.stopPropagation();
  });
  return new Handle(view, writable, locked);
}

class Handle {
  #view;
  #writable;
  #locked;

  constructor(view, writable, locked) {
    this.#view = view;
    this.#writable = writable;
    this.#locked = locked;
  }

  /** The source, as it would be saved. */
  text() {
    return sliceSource(this.#view.state);
  }

  /** Takes another text from outside: only what differs is changed, so that cursor and marks stay. */
  setText(source) {
    const { text, endings } = read(source);
    const old = this.#view.state.doc.toString();
    let start = 0;
    const shorter = Math.min(old.length, text.length);
    while (start < shorter && old.charCodeAt(start) === text.charCodeAt(start)) start += 1;
    let end = 0;
    while (end < shorter - start && old.charCodeAt(old.length - 1 - end) === text.charCodeAt(text.length - 1 - end)) end += 1;
    this.#view.dispatch({
      changes: { from: start, to: old.length - end, insert: text.slice(start, text.length - end) },
      effects: resetEndings.of(endings),
      annotations: [outside.of(true), Transaction.addToHistory.of(false)],
    });
  }

  focus() {
    this.#view.focus();
  }

  setReadOnly(on) {
    this.#view.dispatch({ effects: this.#writable.reconfigure(this.#locked(on)) });
  }

  setNotes(json) {
    showNotes(this.#view, JSON.parse(json));
  }

  /** Selects a range of the source and shows it. */
  reveal(from, to) {
    const { state } = this.#view;
    const selection = EditorSelection.single(fromSource(state, from), fromSource(state, to));
    this.#view.dispatch({ selection, effects: EditorView.scrollIntoView(selection.main, { y: 'center' }) });
  }

  run(name) {
    const view = this.#view;
    if (view.state.readOnly && name !== 'find') return;
    if (name !== 'find') view.focus();
    COMMANDS[name]?.(view);
  }

  destroy() {
    this.#view.destroy();
  }
}
