import assert from 'node:assert/strict';
import test from 'node:test';
import { ensureSyntaxTree } from '@codemirror/language';
import { EditorSelection, EditorState } from '@codemirror/state';
import * as format from '../src/format.js';
import { markdown, tick } from '../src/markdown.js';
import * as tables from '../src/tables.js';
import { naming } from '../src/complete.js';

/** `‸` is the cursor, `«` and `»` the selection. */
function open(marked) {
  const doc = marked.replace(/[‸«»]/g, '');
  const at = (sign) => marked.replace(/[‸«»]/g, (c) => (c === sign ? c : '')).indexOf(sign);
  const selection = marked.includes('‸') ? EditorSelection.cursor(at('‸')) : EditorSelection.range(at('«'), at('»'));
  const state = EditorState.create({ doc, selection: { anchor: selection.anchor, head: selection.head }, extensions: [markdown] });
  ensureSyntaxTree(state, doc.length, 1000);
  return state;
}

function show(state) {
  const { from, to, empty } = state.selection.main;
  const text = state.doc.toString();
  return empty ? `${text.slice(0, from)}‸${text.slice(from)}` : `${text.slice(0, from)}«${text.slice(from, to)}»${text.slice(to)}`;
}

function run(command, marked) {
  const state = open(marked);
  let after = null;
  const took = command({ state, dispatch: (tr) => { after = tr.state; } });
  return took ? show(after ?? state) : null;
}

test('marks are put around words and taken away again', () => {
  assert.equal(run(format.bold, 'a «b c» d'), 'a **«b c»** d');
  assert.equal(run(format.bold, 'a **«b c»** d'), 'a «b c» d');
  assert.equal(run(format.bold, 'a «**b c**» d'), 'a «b c» d');
  assert.equal(run(format.bold, 'a wo‸rd'), 'a **wo‸rd**');
  assert.equal(run(format.italic, 'a **«b»** c'), 'a ***«b»*** c');
  assert.equal(run(format.italic, 'a ***«b»*** c'), 'a **«b»** c');
  assert.equal(run(format.code, '‸'), '`‸`');
});

test('a link asks for what is missing', () => {
  assert.equal(run(format.link, '«words» x'), '[words](‸) x');
  assert.equal(run(format.link, '«https://a.b/c»'), '[‸](https://a.b/c)');
  assert.equal(run(format.link, '‸'), '[‸]()');
});

test('enter goes on with a list or a quote, ends it on an empty item, and changes no other line', () => {
  assert.equal(run(format.enter, '- a‸'), '- a\n- ‸');
  assert.equal(run(format.enter, '  * a‸b'), '  * a\n  * ‸b');
  assert.equal(run(format.enter, '9. a‸\n10. b\n11. c'), '9. a\n10. ‸\n10. b\n11. c');
  assert.equal(run(format.enter, '- [x] done‸'), '- [x] done\n- [ ] ‸');
  assert.equal(run(format.enter, '> said‸'), '> said\n> ‸');
  assert.equal(run(format.enter, '> - said‸'), '> - said\n> - ‸');
  assert.equal(run(format.enter, '- a\n- ‸'), '- a\n‸');
  assert.equal(run(format.enter, '> - a\n> - ‸'), '> - a\n> ‸');
  assert.equal(run(format.enter, 'words‸'), null);
  assert.equal(run(format.enter, '-‸ a'), null);
  assert.equal(run(format.enter, '```\n- a‸\n```'), null);
  assert.equal(run(format.enter, '```yaml\n- a‸\n```'), null);
});

test('lines become items, tasks and quotes, and what they were', () => {
  assert.equal(run(format.bullets, 'a‸'), '- a‸');
  assert.equal(run(format.bullets, '- a‸'), 'a‸');
  assert.equal(run(format.tasks, '«a\n\nb»'), '- [ ] «a\n\n- [ ] b»');
  assert.equal(run(format.tasks, '- a‸'), '- [ ] a‸');
  assert.equal(run(format.bullets, '- [ ] a‸'), '- a‸');
  assert.equal(run(format.numbers, '«a\nb»'), '1. «a\n2. b»');
  assert.equal(run(format.quote, '- a‸'), '> - a‸');
});

test('a fence is longer than those within it', () => {
  assert.equal(run(format.fence, '«a\n```\nb»'), '````‸\na\n```\nb\n````');
  assert.equal(run(format.fence, '‸'), '```\n‸\n```');
});

test('a box is ticked where it is, and only there', () => {
  const state = open('- [ ] a\n- [x] b [ ] c‸');
  const at = (pos) => { const change = tick(state, pos); return change && state.update({ changes: change }).state.doc.toString(); };
  assert.equal(at(3), '- [x] a\n- [x] b [ ] c');
  assert.equal(at(11), '- [ ] a\n- [ ] b [ ] c');
  assert.equal(at(17), null);
});

const TABLE = '| a | b |\n|---|:-:|\n| 1 | 2 |';

test('tab goes from cell to cell, over the rule, and begins a row at the end', () => {
  assert.equal(run(tables.nextCell, TABLE.replace('a', '‸a')), '| a | «b» |\n|---|:-:|\n| 1 | 2 |');
  assert.equal(run(tables.nextCell, TABLE.replace('b', 'b‸')), '| a | b |\n|---|:-:|\n| «1» | 2 |');
  assert.equal(run(tables.nextCell, TABLE.replace('2', '2‸')), `${TABLE}\n| ‸ |  |`);
  assert.equal(run(tables.previousCell, TABLE.replace('1', '1‸')), '| a | «b» |\n|---|:-:|\n| 1 | 2 |');
  assert.equal(run(tables.nextCell, 'no ta‸ble'), null);
});

test('a table is aligned when that is asked for: wide characters, escaped bars, missing edges', () => {
  const text = run(tables.alignTable, 'a‸ | long\n--|--:\n漢字 | x\\|y').replace('‸', '');
  assert.equal(text, '| a    | long |\n| ---- | ---: |\n| 漢字 | x\\|y |');
  assert.equal(run(tables.alignTable, text.replace('| a', '| a‸')).replace('‸', ''), text);
});

test('names are told from what only looks like one', () => {
  const at = (marked) => { const state = open(marked); return naming(state, state.selection.main.head); };
  assert.deepEqual(at('hi @ad‸'), { kind: 'agent', typed: 'ad', from: 3 });
  assert.deepEqual(at('@‸'), { kind: 'agent', typed: '', from: 0 });
  assert.equal(at('mail a@b‸'), null);
  assert.deepEqual(at('see ACM-1‸'), { kind: 'issue', typed: 'ACM-1', from: 4 });
  assert.deepEqual(at('see #log in‸'), { kind: 'issue', typed: 'log in', from: 4 });
  assert.equal(at('#‸'), null);
  assert.equal(at('# He‸'), null);
  assert.deepEqual(at('/rev‸'), { kind: 'skill', typed: 'rev', from: 0 });
  assert.equal(at('a/b‸'), null);
  assert.equal(at('`@ad‸`'), null);
  assert.equal(at('```\n@ad‸\n```'), null);
  assert.equal(at('```js\n@ad‸\n```'), null);
});
