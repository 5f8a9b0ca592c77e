// Builds what the window loads of this folder: `node build.mjs [FOLDER]`, by default `dist/`. The same sources and
// lock file give the same bytes on every machine.

import { build } from 'esbuild';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, 'dist');

const result = await build({
  absWorkingDir: here,
  entryPoints: ['src/editor.js', 'src/highlight.js'],
  alias: { 'style-mod': './src/style-mod.js' },
  outdir: out,
  bundle: true,
  splitting: true,
  chunkNames: 'shared',
  format: 'esm',
  target: 'safari17',
  charset: 'utf8',
  minify: true,
  legalComments: 'none',
  metafile: true,
  write: false,
  logLevel: 'warning',
});

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
for (const { path, contents } of result.outputFiles) await writeFile(join(out, basename(path)), contents);

// Everything that ended up in the files, with its licence.
const inside = new Set();
for (const path of Object.keys(result.metafile.inputs)) {
  const found = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
  if (found) inside.add(found[1]);
}
const texts = new Map();
for (const name of [...inside].sort()) {
  const folder = join(here, 'node_modules', name);
  const { version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} has no licence with it`);
  const text = (await readFile(join(folder, file), 'utf8')).replaceAll('\r', '').trim();
  texts.set(text, [...(texts.get(text) ?? []), `${name} ${version} (${license})`]);
}
const parts = [...texts].map(([text, names]) => `${names.join(', ')}\n\n${text}\n`);
await writeFile(
  join(out, 'LICENSES.txt'),
  `What the editor's files are made of besides this program's own sources.\n\n${parts.join(`\n${'-'.repeat(78)}\n\n`)}`,
);

for (const { path, contents } of result.outputFiles) console.log(`${basename(path)}: ${Math.ceil(contents.length / 1024)} KiB`);
