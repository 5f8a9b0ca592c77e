import assert from 'node:assert/strict';
import test from 'node:test';
import { highlight } from '../src/highlight.js';

function kinds(code, language) {
  const runs = highlight(code, language);
  const found = {};
  for (let n = 0; n < runs.length; n += 3) (found[runs[n + 2].slice(4)] ??= []).push(code.slice(runs[n], runs[n + 1]));
  return found;
}

test('each language has its words told', () => {
  const rust = kinds('/// doc\nfn main<\'a>() -> Option<u8> { println!("a\\"b"); let c = \'x\'; 0x1f }', 'rust');
  assert.deepEqual(rust.comment, ['/// doc']);
  assert.deepEqual(rust.keyword, ['fn', 'let']);
  assert.deepEqual(rust.string, ['"a\\"b"', "'x'"]);
  assert.deepEqual(rust.variable, ["'a"]);
  assert.deepEqual(rust.function, ['main', 'println!']);
  assert.deepEqual(rust.number, ['0x1f']);
  const js = kinds('const re = /a[/]b/g, s = `x ${1}`; // end\nfoo(a / b / c)', 'ts');
  assert.deepEqual(js.string, ['/a[/]b/g', '`x ${1}`']);
  assert.deepEqual(js.comment, ['// end']);
  assert.deepEqual(kinds('{"a": "b", "c": [1, true]}', 'json'), { property: ['"a"', '"c"'], string: ['"b"'], number: ['1'], keyword: ['true'] });
  assert.deepEqual(kinds('a: b # c\n- d e: "f"', 'yaml'), { property: ['a', 'd e'], comment: ['# c'], string: ['"f"'] });
  assert.deepEqual(kinds('+a\n-b\n c', 'diff'), { inserted: ['+a'], deleted: ['-b'] });
  assert.deepEqual(kinds('SELECT a FROM t -- x', 'sql'), { keyword: ['SELECT', 'FROM'], comment: ['-- x'] });
  assert.deepEqual(kinds('def f(x):\n  """doc"""', 'python'), { keyword: ['def'], function: ['f'], string: ['"""doc"""'] });
  assert.deepEqual(kinds('cargo test --all $X # y', 'sh'), { property: ['--all'], variable: ['$X'], comment: ['# y'] });
  assert.deepEqual(kinds('<a href="x">', 'html'), { keyword: ['<a', '>'], property: ['href'], string: ['"x"'] });
  assert.deepEqual(kinds('.a { color: #fff; margin: 4px }', 'css'), { type: ['.a'], property: ['color', 'margin'], number: ['#fff', '4px'] });
  assert.deepEqual(kinds('func f() error { return nil }', 'go'), { keyword: ['func', 'return', 'nil'], function: ['f'], type: ['error'] });
});

test('runs are in order, apart, and within the code', () => {
  for (const language of ['rust', 'js', 'python', 'yaml', 'html', 'css', 'sql', 'sh', 'toml', 'ruby', 'java']) {
    const code = 'a "b 😀 \' ` /* # -- <c d="e> 12 $f @g \\ \n::x!(y) [z]\n'.repeat(40);
    const runs = highlight(code, language);
    let end = 0;
    for (let n = 0; n < runs.length; n += 3) {
      assert.ok(runs[n] >= end && runs[n + 1] > runs[n] && runs[n + 1] <= code.length, language);
      end = runs[n + 1];
    }
  }
});

test('no text holds the reader up', () => {
  for (const part of ['"', "'", '/', '/*', '`', '\\', ' ', '-', '<', 'a', 'a ', '\n', '[', '$', '{"', ': ', 'r#"', '#[']) {
    const code = part.repeat(Math.floor(150_000 / part.length));
    for (const language of ['rust', 'js', 'python', 'yaml', 'json', 'html', 'css', 'sql', 'sh', 'toml', 'ruby', 'java', 'go', 'diff']) {
      const begun = performance.now();
      highlight(code, language);
      const took = performance.now() - begun;
      assert.ok(took < 2000, `${language} on ${JSON.stringify(part)} took ${took} ms`);
    }
  }
});

test('an unknown language and a very long text stay as they are', () => {
  assert.deepEqual(highlight('fn x', 'klingon'), []);
  assert.deepEqual(highlight('fn x', ''), []);
  assert.deepEqual(highlight('fn x '.repeat(50_000), 'rust'), []);
});
