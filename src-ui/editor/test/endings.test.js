import assert from 'node:assert/strict';
import test from 'node:test';
import { history, redo, undo } from '@codemirror/commands';
import { EditorState } from '@codemirror/state';
import { fromSource, lineEndings, read, sliceSource, tell, toSource } from '../src/endings.js';

function open(source) {
  const { text, endings } = read(source);
  return EditorState.create({ doc: text, extensions: [lineEndings(endings), history()] });
}

const apply = (state, spec) => state.update(spec).state;

function command(state, run) {
  let after = state;
  run({ state, dispatch: (tr) => { after = tr.state; } });
  return after;
}

const SOURCES = ['', 'a', 'a\n', 'a\r\nb\r\n', 'a\rb\rc', 'a\r\nb\nc\r\nd', '\r\n\n\r\r\n', 'é😀\r\n\n漢\r', 'x\n\r\n'];

test('a text comes out as it went in, whatever its line endings', () => {
  for (const source of SOURCES) assert.equal(sliceSource(open(source)), source, JSON.stringify(source));
});

test('offsets cross to the source and back', () => {
  for (const source of SOURCES) {
    const state = open(source);
    for (let pos = 0; pos <= state.doc.length; pos += 1) {
      assert.equal(sliceSource(state, 0, pos).length, toSource(state, pos), JSON.stringify([source, pos]));
      assert.equal(fromSource(state, toSource(state, pos)), pos, JSON.stringify([source, pos]));
    }
  }
});

test('an edit changes no ending but those within it, and a new line gets the usual one', () => {
  let state = open('one\r\ntwo\nthree\r\nfour\r\n');
  state = apply(state, { changes: { from: 3, insert: '!\n' } });
  assert.equal(sliceSource(state), 'one!\r\n\r\ntwo\nthree\r\nfour\r\n');
  const two = state.doc.toString().indexOf('two');
  state = apply(state, { changes: { from: two, to: two + 3, insert: 'TWO' } });
  assert.equal(sliceSource(state), 'one!\r\n\r\nTWO\nthree\r\nfour\r\n');
});

test('undo brings an odd ending back with its line', () => {
  const source = 'one\r\ntwo\nthree\r\nfour\rfive\r\n';
  let state = open(source);
  state = apply(state, { changes: { from: 2, to: state.doc.length - 2, insert: 'x' } });
  assert.equal(sliceSource(state), 'onxe\r\n');
  state = command(state, undo);
  assert.equal(sliceSource(state), source);
  state = command(state, redo);
  assert.equal(sliceSource(state), 'onxe\r\n');
  state = command(state, undo);
  assert.equal(sliceSource(state), source);
});

test('undone later, past other edits, it is still right', () => {
  let state = open('a\r\nb\nc\r\n');
  state = apply(state, { changes: { from: 3, to: 4 } });
  assert.equal(sliceSource(state), 'a\r\nbc\r\n');
  state = apply(state, { changes: { from: 0, insert: 'zz\n' }, annotations: [], userEvent: 'input' });
  state = command(state, undo);
  state = command(state, undo);
  assert.equal(sliceSource(state), 'a\r\nb\nc\r\n');
});

test('edits at random are those of a model that knows the ending of every line', () => {
  let seed = 7;
  const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n; };
  const kinds = ['\n', '\r\n', '\r'];
  for (let round = 0; round < 300; round += 1) {
    const model = [];
    for (let n = 0; n < 12; n += 1) model.push('w', String(n % 10), kinds[random(3)]);
    const source = model.join('');
    const { base } = read(source).endings;
    let state = open(source);
    for (let edit = 0; edit < 8; edit += 1) {
      const from = random(state.doc.length + 1);
      const to = Math.min(state.doc.length, from + random(9));
      const insert = ['', 'x', '\n', 'y\nz'][random(4)];
      state = apply(state, { changes: { from, to, insert } });
      model.splice(from, to - from, ...[...insert].map((c) => (c === '\n' ? base : c)));
      assert.equal(sliceSource(state), model.join(''), JSON.stringify([source, from, to, insert]));
    }
    for (let before = null; before !== state; ) {
      before = state;
      state = command(state, undo);
    }
    assert.equal(sliceSource(state), source);
  }
});

test('what is told of an update makes the new source of the old one', () => {
  let seed = 11;
  const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n; };
  const kinds = ['\n', '\r\n', '\r'];
  for (let round = 0; round < 300; round += 1) {
    let source = '';
    for (let n = 0; n < 20; n += 1) source += `😀${n}${kinds[random(3)]}`;
    let state = open(source);
    for (let edit = 0; edit < 6; edit += 1) {
      const changes = [];
      const many = random(10) === 0 ? 60 : 1 + random(3);
      for (let n = 0, at = 0; n < many && at < state.doc.length; n += 1) {
        const from = Math.min(state.doc.length, at + random(6));
        const to = Math.min(state.doc.length, from + random(5));
        changes.push({ from, to, insert: ['', 'x', '\n', 'y\r\nz', 'é\n\n'][random(5)] });
        at = to + 1;
      }
      const tr = random(4) === 0 ? null : state.update({ changes });
      let update = tr && { changes: tr.changes, startState: state, state: tr.state };
      if (!update) undo({ state, dispatch: (t) => { update = { changes: t.changes, startState: state, state: t.state }; } });
      if (!update) continue;
      let lasts = 0;
      tell(update, (from, to, text, last) => {
        source = source.slice(0, from) + text + source.slice(to);
        lasts += last ? 1 : 0;
      });
      state = update.state;
      assert.equal(source, sliceSource(state));
      assert.ok(lasts === 1 || update.changes.empty);
    }
  }
});
