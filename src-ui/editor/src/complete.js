// Names while they are typed: agents after `@`, issues after `#` or by the beginning of their identifier, skills and
// routines after `/`. What there is to offer comes from the window.

import { autocompletion, completionKeymap, acceptCompletion, startCompletion } from '@codemirror/autocomplete';
import { Prec } from '@codemirror/state';
import { keymap, tooltips } from '@codemirror/view';
import { inCode } from './markdown.js';

const NAMES = [
  { kind: 'agent', pattern: /(?:^|[^\p{L}\p{N}_@/])@([\w-]{0,40})$/u, mark: 1 },
  // One `#` alone begins a heading.
  { kind: 'issue', pattern: /(?:^|[\s([{"'*])#([^\s#][^\n#]{0,50})$/, mark: 1 },
  { kind: 'issue', pattern: /(?:^|[\s([{"'*])([A-Z][A-Z0-9]{1,9}-\d{0,7})$/, mark: 0 },
  { kind: 'skill', pattern: /(?:^|\s)\/([\w-]{0,40})$/, mark: 1 },
];

/** What is being named before a position: the kind, what is typed of it, and where it begins. */
export function naming(state, pos) {
  const line = state.doc.lineAt(pos);
  const before = line.text.slice(Math.max(0, pos - line.from - 70), pos - line.from);
  for (const { kind, pattern, mark } of NAMES) {
    const match = pattern.exec(before);
    if (match && !inCode(state, pos)) return { kind, typed: match[1], from: pos - match[1].length - mark };
  }
  return null;
}

/** Time for one more letter to be typed before the issues are searched. */
const PAUSE = 90;

const source = (offer) => async (context) => {
  const found = naming(context.state, context.pos);
  if (!found) return null;
  if (found.kind === 'issue') {
    await new Promise((done) => setTimeout(done, PAUSE));
    if (context.aborted) return null;
  }
  const options = JSON.parse(await offer(found.kind, found.typed));
  if (context.aborted || !options.length) return null;
  return {
    from: found.from,
    filter: false,
    options: options.map(({ label, detail, insert }, n) => ({
      label: insert,
      displayLabel: label,
      detail,
      boost: -n,
      apply(view, _, from, to) {
        const space = /\s/.test(view.state.sliceDoc(to, to + 1)) ? '' : ' ';
        view.dispatch({
          changes: { from, to, insert: insert + space },
          selection: { anchor: from + insert.length + 1 },
          userEvent: 'input.complete',
        });
      },
    })),
  };
};

/** `offer(kind, typed)` resolves to a JSON list of `{label, detail, insert}`, best first. */
export const completion = (offer) => [
  // The list is wider than a small field, and a dialog or a page that scrolls would cut it off.
  tooltips({ parent: document.body }),
  autocompletion({
    override: [source(offer)],
    defaultKeymap: false,
    icons: false,
    interactionDelay: 60,
    activateOnTypingDelay: 0,
    maxRenderedOptions: 12,
  }),
  Prec.highest(
    keymap.of([
      ...completionKeymap.filter(({ key }) => key && key !== 'Ctrl-Space'),
      { key: 'Tab', run: acceptCompletion },
      { key: 'Ctrl-Space', run: startCompletion },
    ]),
  ),
];
