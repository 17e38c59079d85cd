// Builds dist/atlas.js and dist/atlas.css. `node build.mjs --check` fails when the checked-in files differ.
import { build } from 'esbuild';
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const common = { bundle: true, minify: true, write: false, legalComments: 'none', charset: 'ascii', logLevel: 'warning' };

const js = await build({ ...common, entryPoints: [join(here, 'src/main.ts')], format: 'iife', target: 'es2020' });
const css = await build({ ...common, entryPoints: [join(here, 'src/atlas.css')], target: ['chrome100', 'firefox100', 'safari15'] });
const files = { 'atlas.js': js.outputFiles[0].text, 'atlas.css': css.outputFiles[0].text };

for (const [name, text] of Object.entries(files)) {
  if (/<\/script|<!--|<script|<\/style/i.test(text)) throw new Error(`${name}: holds a sequence that would break out of its element`);
  if (/\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write/.test(text)) throw new Error(`${name}: holds a forbidden call`);
  const path = join(here, 'dist', name);
  if (process.argv.includes('--check')) {
    if (readFileSync(path, 'utf8') !== text) throw new Error(`${name}: dist is not what src builds`);
  } else {
    mkdirSync(join(here, 'dist'), { recursive: true });
    writeFileSync(path, text);
  }
  console.log(`${name} ${Buffer.byteLength(text)} bytes`);
}
