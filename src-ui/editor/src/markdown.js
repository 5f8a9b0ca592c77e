// Markdown as a language of the editor, and how its lines look: code and tables in the fixed-width face, quotes and
// the boxes of tasks marked.

import { Language, defineLanguageFacet, languageDataProp, syntaxHighlighting, syntaxTree } from '@codemirror/language';
import { RangeSetBuilder } from '@codemirror/state';
import { Decoration, EditorView, ViewPlugin } from '@codemirror/view';
import { styleTags, tags as t } from '@lezer/highlight';
import { GFM, parseCode, parser } from '@lezer/markdown';
import { highlighter, parserFor } from './code.js';

const data = defineLanguageFacet({ commentTokens: { block: { open: '<!--', close: '-->' } }, closeBrackets: { brackets: [] } });

const language = new Language(
  data,
  parser.configure([
    GFM,
    parseCode({ codeParser: (info) => parserFor(info), htmlParser: parserFor('html') }),
    { props: [languageDataProp.add({ Document: data }), styleTags({ TaskMarker: t.processingInstruction })] },
  ]),
  [],
  'markdown',
);

const LINES = {
  FencedCode: Decoration.line({ class: 'cm-code-line' }),
  CodeBlock: Decoration.line({ class: 'cm-code-line' }),
  Table: Decoration.line({ class: 'cm-table-line' }),
  Blockquote: Decoration.line({ class: 'cm-quote-line' }),
};
const OPEN = Decoration.mark({ class: 'cm-task', attributes: { title: 'Click to tick' } });
const DONE = Decoration.mark({ class: 'cm-task cm-task-done', attributes: { title: 'Click to untick' } });

function decorate(view) {
  const found = [];
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(view.state).iterate({
      from,
      to,
      enter: ({ name, from: start, to: end }) => {
        if (name in LINES) {
          const last = Math.min(end, to);
          for (let at = Math.max(start, from); at <= last; ) {
            const line = view.state.doc.lineAt(at);
            found.push([line.from, line.from, LINES[name]]);
            at = line.to + 1;
          }
        } else if (name === 'TaskMarker') {
          const done = view.state.doc.sliceString(start + 1, start + 2) !== ' ';
          found.push([start, end, done ? DONE : OPEN]);
        }
        // Within a fence there is another language; its tree has none of these.
        return name !== 'FencedCode';
      },
    });
  }
  found.sort((a, b) => a[0] - b[0] || a[2].startSide - b[2].startSide);
  const builder = new RangeSetBuilder();
  for (const [from, to, decoration] of found) builder.add(from, to, decoration);
  return builder.finish();
}

const looks = ViewPlugin.fromClass(
  class {
    constructor(view) {
      this.tree = syntaxTree(view.state);
      this.decorations = decorate(view);
    }

    update(update) {
      const tree = syntaxTree(update.state);
      if (!update.docChanged && !update.viewportChanged && tree === this.tree) return;
      this.tree = tree;
      this.decorations = decorate(update.view);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

/** The change that ticks or unticks a box at a position, or nothing when there is none. */
export function tick(state, pos) {
  for (const side of [1, -1]) {
    const node = syntaxTree(state).resolveInner(pos, side);
    if (node.name !== 'TaskMarker') continue;
    const open = state.doc.sliceString(node.from + 1, node.from + 2) === ' ';
    return { from: node.from + 1, to: node.from + 2, insert: open ? 'x' : ' ' };
  }
  return null;
}

const ticking = EditorView.domEventHandlers({
  mousedown(event, view) {
    if (event.button || event.detail > 1 || !event.target.closest?.('.cm-task') || view.state.readOnly) return false;
    const changes = tick(view.state, view.posAtDOM(event.target));
    if (!changes) return false;
    event.preventDefault();
    view.dispatch({ changes, userEvent: 'input.tick' });
    return true;
  },
});

/** Whether a position is within code, where marks are only characters. */
export function inCode(state, pos) {
  for (let node = syntaxTree(state).resolveInner(pos, -1); node; node = node.parent) {
    if (/Code|CodeText|HTMLBlock|CommentBlock/.test(node.name)) return true;
    // The tree of another language within a fence.
    if (node.type.isTop && node.name !== 'Document') return true;
  }
  return false;
}

export const markdown = [language, syntaxHighlighting(highlighter), looks, ticking];
