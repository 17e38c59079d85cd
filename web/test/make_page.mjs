// Wraps a payload into the page, byte for byte as the exporter does.
// As a command: node make_page.mjs manifest.json binary.bin out.html
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');

export const escapeHtml = (s) => String(s).replace(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c]);
export const escapeJson = (s) => s.replace(/[<>&\u2028\u2029]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
const sha256 = (s) => createHash('sha256').update(s, 'utf8').digest('base64');

export function makePage(manifest, binary, { csp = true } = {}) {
  const js = readFileSync(join(dist, 'atlas.js'), 'utf8');
  const css = readFileSync(join(dist, 'atlas.css'), 'utf8');
  const policy = `default-src 'none'; script-src 'sha256-${sha256(js)}'; style-src 'sha256-${sha256(css)}'; img-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'`;
  const json = typeof manifest === 'string' ? manifest : escapeJson(JSON.stringify(manifest));
  const b64 = typeof binary === 'string' ? binary : Buffer.from(binary.buffer ?? binary, binary.byteOffset ?? 0, binary.byteLength).toString('base64');
  const title = typeof manifest === 'string' ? 'Atlas' : manifest.title;
  return [
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n',
    csp ? `<meta http-equiv="Content-Security-Policy" content="${policy}">\n` : '',
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">\n',
    `<title>${escapeHtml(title)}</title><style>${css}</style></head><body>\n`,
    `<noscript><h1>${escapeHtml(title)}</h1><p>This page needs JavaScript.</p></noscript>\n`,
    `<script type="application/json" id="filmatlas-manifest">${json}</script>\n`,
    `<script type="application/octet-stream" id="filmatlas-binary">${b64}</script>\n`,
    `<script>${js}</script>\n</body></html>\n`,
  ].join('');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [manifest, binary, out] = process.argv.slice(2);
  if (!out) throw new Error('usage: make_page.mjs manifest.json binary.bin out.html');
  writeFileSync(out, makePage(JSON.parse(readFileSync(manifest, 'utf8')), readFileSync(binary)));
}
