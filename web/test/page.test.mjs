// Drives the page in Chromium from disk. FILMATLAS_PAGE=path runs the general tests on an exported page;
// CHROMIUM=path names the browser (default /usr/bin/chromium).
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { makePage } from './make_page.mjs';
import { readPng } from './png.mjs';
import { synthetic } from './synthetic.mjs';

const ARGS = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--hide-scrollbars'];
const DESK = { width: 1280, height: 800 };
const MOBILE = { width: 390, height: 844 };
const given = process.env.FILMATLAS_PAGE ? resolve(process.env.FILMATLAS_PAGE) : null;

let browser;
const folder = mkdtempSync(join(tmpdir(), 'filmatlas-page-'));
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ARGS });
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
function write(html) {
  const path = join(folder, `page-${files++}.html`);
  writeFileSync(path, html);
  return path;
}

/** The payload of a page, read from its file, not through the page's own code. */
function payloadOf(path) {
  const html = readFileSync(path, 'utf8');
  const block = (id) => {
    const at = html.indexOf('>', html.indexOf(`id="${id}"`)) + 1;
    return html.slice(at, html.indexOf('</script>', at));
  };
  const manifest = JSON.parse(block('filmatlas-manifest'));
  const bytes = Buffer.from(block('filmatlas-binary').trim(), 'base64');
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const column = Object.fromEntries(manifest.binary.map((b) => [b.name, b.dtype === 'i32' ? new Int32Array(buffer, b.offset, b.count) : new Float32Array(buffer, b.offset, b.count)]));
  return { manifest, column };
}

/** Opens a page and records everything that must not happen. */
async function open(path, { viewport = DESK, hash = '', init = null, touch = false, fatal = false, scheme = 'light', motion = 'reduce' } = {}) {
  const context = await browser.newContext({ viewport, hasTouch: touch, isMobile: touch, reducedMotion: motion, colorScheme: scheme, offline: true });
  const page = await context.newPage();
  const url = pathToFileURL(path).href;
  const trouble = [];
  page.on('request', (r) => {
    if (r.url().split('#')[0] !== url) trouble.push(`request ${r.url().slice(0, 200)}`);
  });
  page.on('console', (m) => {
    if (m.type() === 'error' || m.type() === 'warning') {
      // A software renderer tells on itself when pixels are read back for a screenshot; that is not the page's doing.
      if (!/GPU stall due to ReadPixels|GL Driver Message|fallback to software WebGL|Automatic fallback/i.test(m.text())) trouble.push(`console ${m.type()}: ${m.text()}`);
    }
  });
  page.on('pageerror', (e) => trouble.push(`error ${e.message}`));
  page.on('dialog', (d) => {
    trouble.push(`dialog ${d.message()}`);
    d.dismiss().catch(() => {});
  });
  await page.addInitScript(() => {
    window.__violations = [];
    // Pixels of a canvas, read from a copy: the page's own canvases are not made for reading.
    window.__pixels = (selector) => {
      const canvas = document.querySelector(selector);
      const copy = Object.assign(document.createElement('canvas'), { width: canvas.width, height: canvas.height }).getContext('2d', { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      return copy.getImageData(0, 0, canvas.width, canvas.height);
    };
    document.addEventListener('securitypolicyviolation', (e) => window.__violations.push(`${e.violatedDirective} ${e.blockedURI}`));
  });
  if (init) await page.addInitScript(init);
  await page.goto(url + hash);
  if (!fatal) await page.waitForFunction(() => window.filmatlas !== undefined);
  return {
    page, trouble,
    async close() {
      const violations = await page.evaluate(() => window.__violations);
      await context.close();
      assert.deepEqual(trouble, []);
      assert.deepEqual(violations, []);
    },
  };
}

const idle = (page) => page.waitForFunction(() => window.filmatlas.camera.idle());
const rows = (n, count, seed = 1) => Array.from({ length: Math.min(n, count) }, (_, i) => (n <= count ? i : Math.floor(((i + 0.5 + 0.31 * Math.sin(seed + i)) * n) / count) % n));
const overlap = (a, b) => Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) > 0.01 && Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) > 0.01;
const clean = (s) => s.replace(/\s+/g, ' ').trim();

/** Every point that is in view and under no control or label is lit. */
async function assertLit(page, least) {
  await page.evaluate(() => {
    for (const s of ['.labels', '.marks']) document.querySelector(s).style.visibility = 'hidden';
  });
  const spots = await page.evaluate(() => {
    const out = [];
    const stage = document.querySelector('.stage');
    const step = Math.max(1, Math.floor(filmatlas.count / 400));
    for (let i = 0; i < filmatlas.count; i += step) {
      const s = filmatlas.screen(i);
      if (!s || s.x < 4 || s.y < 4 || s.x > innerWidth - 4 || s.y > innerHeight - 4) continue;
      const e = document.elementFromPoint(s.x, s.y);
      if (e && stage.contains(e)) out.push(s);
    }
    return out;
  });
  const png = readPng(await page.screenshot());
  const ratio = png.width / (await page.evaluate(() => innerWidth));
  const background = await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--bg').trim());
  const bg = [1, 3, 5].map((i) => parseInt(background.slice(i, i + 2), 16));
  const lit = spots.filter((s) => {
    const c = png.at(Math.floor(s.x * ratio), Math.floor(s.y * ratio));
    return Math.max(...c.map((v, i) => Math.abs(v - bg[i]))) > 30;
  }).length;
  await page.evaluate(() => {
    for (const s of ['.labels', '.marks']) document.querySelector(s).style.visibility = '';
  });
  assert.ok(spots.length >= least, `only ${spots.length} points in view`);
  assert.ok(lit >= 0.98 * spots.length, `${lit} of ${spots.length} points lit`);
}

/** No two label boxes meet; node labels are those, and only those, that the payload's intervals name. */
async function assertLabels(page, manifest, zooms) {
  const problems = [];
  let seen = 0;
  const fit = await page.evaluate(() => filmatlas.camera.fitView());
  const [x0, y0, x1, y1] = manifest.extent;
  for (let i = 0; i < zooms; i++) {
    const z = fit.z - 0.5 + (9 * i) / zooms;
    const at = i % 3 === 0 ? { x: fit.x, y: fit.y } : { x: x0 + (x1 - x0) * (0.5 + 0.3 * Math.sin(i * 2.1)), y: y0 + (y1 - y0) * (0.5 + 0.3 * Math.cos(i * 1.3)) };
    const state = await page.evaluate(([z, at]) => {
      filmatlas.camera.set({ z, ...at });
      const stage = document.querySelector('.stage').getBoundingClientRect();
      const controls = ['.top', '.view', '.zooms', '.notice', ...(innerWidth <= 760 ? ['.panel'] : [])].map((s) => document.querySelector(s).getBoundingClientRect()).filter((r) => r.width > 0).map((r) => ({ x: r.x, y: r.y, width: r.width, height: r.height }));
      const dom = [...document.querySelectorAll('.map-label')].map((e) => {
        const b = e.getBoundingClientRect();
        const range = document.createRange();
        range.selectNodeContents(e);
        const t = range.getBoundingClientRect();
        return { x: b.x, y: b.y, width: b.width, height: b.height, text: e.textContent, spill: Math.max(b.x - t.x, t.right - b.right, b.y - t.y - 1, t.bottom - b.bottom - 1) };
      });
      return { labels: filmatlas.visibleLabels(), dom, controls, camera: filmatlas.camera.get(), stage: { x: stage.x, y: stage.y, width: stage.width, height: stage.height } };
    }, [z, at]);
    seen += state.labels.length;
    if (state.labels.length > 150) problems.push(`z ${z}: ${state.labels.length} labels`);
    if (state.dom.length !== state.labels.length) problems.push(`z ${z}: ${state.dom.length} label elements for ${state.labels.length} labels`);
    for (let a = 0; a < state.dom.length; a++) {
      const d = state.dom[a];
      if (d.spill > 1.5) problems.push(`z ${z}: “${d.text}” leaves its box by ${d.spill.toFixed(1)}`);
      for (let b = 0; b < a; b++) if (overlap(d, state.dom[b])) problems.push(`z ${z}: “${d.text}” meets “${state.dom[b].text}”`);
      for (const c of state.controls) if (overlap(d, c)) problems.push(`z ${z}: “${d.text}” meets a control`);
    }
    const s = 2 ** state.camera.z;
    const shown = new Set(state.labels.filter((l) => l.kind === 'node').map((l) => l.id));
    manifest.nodes.forEach((d, id) => {
      const box = { x: state.stage.x + state.stage.width / 2 + (d.x - state.camera.x) * s - d.box[0] / 2, y: state.stage.y + state.stage.height / 2 - (d.y - state.camera.y) * s - d.box[1] / 2, width: d.box[0], height: d.box[1] };
      const inside = state.camera.z >= (d.zoom[0] ?? -Infinity) && state.camera.z < (d.zoom[1] ?? Infinity);
      const edge = state.controls.some((c) => overlap({ x: box.x - 4, y: box.y - 4, width: box.width + 8, height: box.height + 8 }, c));
      const whole = (slack) => box.x >= state.stage.x - slack && box.y >= state.stage.y - slack && box.x + box.width <= state.stage.x + state.stage.width + slack && box.y + box.height <= state.stage.y + state.stage.height + slack;
      if (shown.has(id) && !(inside && whole(1))) problems.push(`z ${z}: node ${id} is shown outside its interval or view`);
      if (!shown.has(id) && inside && !edge && whole(-1)) problems.push(`z ${z}: node ${id} is missing`);
    });
  }
  assert.deepEqual(problems.slice(0, 10), []);
  return seen;
}

function general(name, getPath) {
  describe(name, () => {
    let path;
    let manifest;
    let column;
    before(() => {
      path = getPath();
      ({ manifest, column } = payloadOf(path));
    });

    test('opens from disk without a request, an error or a policy violation, and draws', async () => {
      const p = await open(path);
      const stats = await p.page.evaluate(() => filmatlas.stats());
      let placed = 0;
      for (let i = 0; i < manifest.count; i++) if (Number.isFinite(column.x[i]) && Number.isFinite(column.y[i])) placed++;
      assert.equal(stats.drawnPoints, placed);
      assert.equal(stats.renderer, 'webgl2');
      await assertLit(p.page, Math.min(20, placed / 2));
      await p.close();
    });

    test('search finds items by a part of their title', async () => {
      const p = await open(path);
      const title = manifest.columns.find((c) => c.name === manifest.roles.title).values;
      const missed = [];
      for (const row of rows(manifest.count, 40)) {
        const t = String(title[row] ?? '').trim();
        const words = t.split(/[^\p{L}\p{N}]+/u).filter((w) => w.length > 1);
        if (!words.length) continue;
        const part = words.slice(Math.floor(words.length / 2)).join(' ');
        // A short part may be shared by more titles than the list holds: then any of them will do.
        const hits = (await p.page.evaluate((q) => filmatlas.search(q), part.toUpperCase())).filter((h) => h.kind === 'item');
        const whole = (await p.page.evaluate((q) => filmatlas.search(q), t)).filter((h) => h.kind === 'item');
        if (!hits.length || (hits.length < 30 && !hits.some((h) => h.id === row))) missed.push(`${part} (${t})`);
        if (!whole.some((h) => h.id === row || clean(h.title) === clean(t))) missed.push(t);
      }
      assert.deepEqual(missed, []);

      const row = rows(manifest.count, 3)[1] ?? 0;
      if (manifest.count) {
        await p.page.keyboard.press('/');
        await p.page.keyboard.type(String(title[row]).slice(0, 40));
        await p.page.waitForSelector('[role=option]');
        assert.equal(await p.page.getAttribute('#atlas-search', 'aria-expanded'), 'true');
        const options = p.page.locator('[role=option]');
        const texts = await options.locator('.option-title').allTextContents();
        const at = texts.findIndex((t) => clean(t) === clean(String(title[row])));
        assert.ok(at >= 0, `“${title[row]}” among ${texts.join(' | ')}`);
        for (let i = 0; i <= at; i++) await p.page.keyboard.press('ArrowDown');
        assert.equal(await p.page.getAttribute('#atlas-search', 'aria-activedescendant'), `atlas-option-${at}`);
        await p.page.keyboard.press('Enter');
        assert.equal(clean(await p.page.textContent('.item-card h2')), clean(String(title[row])));
      }
      await p.close();
    });

    test("the panel lists the payload's neighbours, for 100 items", async () => {
      const p = await open(path);
      const k = manifest.neighbors.k;
      for (const row of rows(manifest.count, 100)) {
        const want = [];
        for (let j = 0; j < k; j++) if (column.neighbors[row * k + j] >= 0) want.push({ row: column.neighbors[row * k + j], similarity: column.similarities[row * k + j] });
        const got = await p.page.evaluate((i) => {
          filmatlas.select(i);
          return {
            api: filmatlas.item(i).neighbors.map((n) => ({ row: n.row, similarity: n.similarity })),
            panel: [...document.querySelectorAll('.neighbors .item-button')].map((b) => ({ row: Number(b.dataset.row), text: b.querySelector('.similarity').textContent, title: b.querySelector('.item-title').textContent })),
            titles: filmatlas.item(i).neighbors.map((n) => n.title),
          };
        }, row);
        assert.deepEqual(got.api, want, `row ${row}`);
        assert.deepEqual(got.panel.map((n) => n.row), want.map((n) => n.row), `row ${row}`);
        assert.deepEqual(got.panel.map((n) => n.text), want.map((n) => n.similarity.toFixed(2)), `row ${row}`);
        assert.deepEqual(got.panel.map((n) => n.title), got.titles);
      }
      await p.close();
    });

    test('following a neighbour changes the address and Back returns; the address restores the page', async () => {
      const k = manifest.neighbors.k;
      const start = rows(manifest.count, 7).find((r) => k > 0 && column.neighbors[r * k] >= 0 && Number.isFinite(column.x[r]));
      if (start === undefined) return;
      const p = await open(path);
      const { page } = p;
      await page.evaluate((r) => filmatlas.select(r), start);
      await idle(page);
      const hash = () => page.evaluate(() => location.hash);
      const first = await hash();
      const view = await page.evaluate(() => filmatlas.camera.get());
      assert.match(first, /sel=/);
      await page.locator('.neighbors .item-button').first().click();
      await idle(page);
      const second = await hash();
      assert.notEqual(second, first);
      assert.deepEqual(await page.evaluate(() => filmatlas.selection()), { kind: 'item', row: column.neighbors[start * k] });
      await page.locator('.crumb').last().click({ timeout: 2000 }).catch(() => {});
      await page.goBack();
      if ((await hash()) !== second && (await hash()) !== first) assert.fail(`Back led to ${await hash()}`);
      if ((await hash()) === second) await page.goBack();
      await idle(page);
      assert.equal(await hash(), first);
      assert.deepEqual(await page.evaluate(() => filmatlas.selection()), { kind: 'item', row: start });
      const back = await page.evaluate(() => filmatlas.camera.get());
      assert.ok(Math.abs(back.z - view.z) < 1e-3 && Math.abs(back.x - view.x) * 2 ** view.z < 0.6);
      const title = await page.textContent('.item-card h2');
      await p.close();

      const q = await open(path, { hash: first });
      assert.equal(await q.page.textContent('.item-card h2'), title);
      await q.page.waitForTimeout(400);
      assert.equal(await q.page.evaluate(() => location.hash), first);
      await q.close();
    });

    test('lines to the neighbours: solid where the map keeps them near, dashed in another colour where it tears', async () => {
      const p = await open(path);
      const k = manifest.neighbors.k;
      const near = manifest.quality.k > 0 ? manifest.quality.k : k;
      const { x, y, neighbors } = column;
      const placed = (i) => Number.isFinite(x[i]) && Number.isFinite(y[i]);
      let torn = 0;
      for (const row of rows(manifest.count, 60)) {
        const want = [];
        for (let j = 0; j < k; j++) {
          const other = neighbors[row * k + j];
          if (other < 0) continue;
          let closer = 0;
          if (placed(row) && placed(other)) for (let i = 0; i < manifest.count; i++) if (i !== row && (x[i] - x[row]) ** 2 + (y[i] - y[row]) ** 2 < (x[other] - x[row]) ** 2 + (y[other] - y[row]) ** 2) closer++;
          want.push(closer >= near);
        }
        const got = await p.page.evaluate((i) => {
          filmatlas.select(i);
          filmatlas.stats();
          const data = __pixels('.marks').data;
          const seen = { accent: 0, torn: 0 };
          const close = (at, c) => data[at + 3] > 150 && c.every((v, d) => Math.abs(data[at + d] - v) < 12);
          for (let at = 0; at < data.length; at += 4) {
            if (close(at, [31, 87, 195])) seen.accent++;
            else if (close(at, [194, 65, 12])) seen.torn++;
          }
          return { torn: filmatlas.item(i).neighbors.map((n) => n.torn), seen, key: document.querySelector('.line-key')?.textContent ?? '' };
        }, row);
        assert.deepEqual(got.torn, want, `row ${row}`);
        const lost = want.filter(Boolean).length;
        torn += lost;
        if (!placed(row)) continue;
        assert.equal(got.seen.torn > 0, lost > 0, `row ${row}: ${JSON.stringify(got.seen)}`);
        assert.equal(/(\d+) torn away/.exec(got.key)?.[1] ?? '0', String(lost));
      }
      if (manifest.count > 1000) assert.ok(torn > 0);
      await p.close();
    });

    test('colours say how far each place may be trusted', async () => {
      if (!column.trust) return;
      const p = await open(path);
      const { page } = p;
      for (const name of ['trust', 'continuity', 'kept']) {
        await page.locator('#atlas-color').selectOption(`map:${name}`);
        const sorted = [...column[name]].filter(Number.isFinite).sort((a, b) => a - b);
        const ends = await page.locator('.ramp-ends span').allTextContents();
        const number = (s) => Number(s.replace(/[^0-9.]/g, ''));
        assert.ok(Math.abs(number(ends[0]) - sorted[Math.floor(0.02 * (sorted.length - 1))]) < 1e-3, `${name}: ${ends}`);
        assert.ok(Math.abs(number(ends[1]) - sorted[Math.ceil(0.98 * (sorted.length - 1))]) < 1e-3, `${name}: ${ends}`);
        const missing = column[name].length - sorted.length;
        assert.equal(await page.locator('.legend').getByText('without a value').count(), missing ? 1 : 0);
      }
      for (const row of rows(manifest.count, 20)) {
        const item = await page.evaluate((i) => filmatlas.item(i), row);
        assert.ok(Object.is(item.trust, column.trust[row]) && Object.is(item.continuity, column.continuity[row]), `row ${row}`);
      }
      // The colour of a point: the end of the ramp that its trust asks for.
      await page.locator('#atlas-color').selectOption('map:trust');
      await page.evaluate(() => {
        for (const s of ['.labels', '.marks']) document.querySelector(s).style.visibility = 'hidden';
      });
      const finite = rows(manifest.count, manifest.count).filter((i) => Number.isFinite(column.trust[i]) && Number.isFinite(column.x[i]));
      finite.sort((a, b) => column.trust[a] - column.trust[b]);
      const colors = [];
      for (const row of [finite[0], finite[finite.length - 1]]) {
        const s = await page.evaluate(([i, x, y]) => {
          filmatlas.camera.set({ z: filmatlas.camera.fitView().z + 9, x, y });
          return filmatlas.screen(i);
        }, [row, column.x[row], column.y[row]]);
        colors.push(readPng(await page.screenshot()).at(Math.round(s.x), Math.round(s.y)));
      }
      const near = (c, want) => Math.max(...c.map((v, i) => Math.abs(v - want[i]))) < 30;
      if (column.trust[finite[0]] < column.trust[finite[finite.length - 1]]) {
        assert.ok(near(colors[0], [217, 201, 138]), `least trusted: ${colors[0]}`);
        assert.ok(near(colors[1], [43, 47, 119]), `most trusted: ${colors[1]}`);
      }
      await p.close();
    });

    test('borders of regions: asked for or drawn at once, coarse first, finer with the zoom, and in the address', async () => {
      const land = manifest.territories;
      if (!land) return;
      const p = await open(path);
      const { page } = p;
      const box = page.getByLabel('Borders of regions');
      assert.equal(await box.isChecked(), land.owned);
      const drawn = () => page.evaluate(() => filmatlas.stats().borders);
      if (!land.owned) {
        assert.deepEqual((await drawn()).filter((v) => v > 0), []);
        await box.check();
      }
      assert.ok((await drawn())[0] > 0);
      const fit = await page.evaluate(() => filmatlas.camera.fitView());
      for (let level = 1; level < manifest.levels.length; level++) {
        const z = land.zoom[level];
        assert.ok(z >= (land.zoom[level - 1] ?? -Infinity));
        const at = async (zoom) => {
          await page.evaluate((c) => filmatlas.camera.set(c), { ...fit, z: zoom });
          return (await drawn())[level];
        };
        const [x0, , x1] = manifest.extent;
        // Somewhere in view there is a border, unless the zoom has come far into the map.
        if (z < fit.z + 1.5 && x1 > x0) assert.ok((await at(z + 0.6)) > 0, `level ${level} above its zoom`);
        if (z > fit.z - 1.5) assert.equal(await at(z - 0.1), 0, `level ${level} below its zoom`);
      }
      // Where the payload has a point of a coarse border, the canvas has ink.
      await page.evaluate(() => filmatlas.camera.fit());
      const camera = await page.evaluate(() => filmatlas.camera.get());
      const spots = [];
      for (let a = 0; a < land.borders; a++) {
        if (column.border_level[a] !== 0) continue;
        for (let i = column.border_begin[a]; i < column.border_begin[a + 1]; i += 7) spots.push([column.border_points[2 * i], column.border_points[2 * i + 1]]);
      }
      const inked = await page.evaluate(([spots, camera]) => {
        const { data, width } = __pixels('.borders');
        const stage = document.querySelector('.stage').getBoundingClientRect();
        let seen = 0;
        let dark = 0;
        for (const [mx, my] of spots) {
          const x = Math.round(stage.width / 2 + (mx - camera.x) * 2 ** camera.z);
          const y = Math.round(stage.height / 2 - (my - camera.y) * 2 ** camera.z);
          if (x < 3 || y < 3 || x > stage.width - 4 || y > stage.height - 4) continue;
          seen++;
          const inked = (dx, dy) => data[4 * ((y + dy) * width + x + dx) + 3] > 120;
          if ([-1, 0, 1].some((dy) => [-1, 0, 1].some((dx) => inked(dx, dy)))) dark++;
        }
        return [seen, dark];
      }, [spots, camera]);
      assert.ok(inked[0] > 10 && inked[1] >= 0.95 * inked[0], `${inked[1]} of ${inked[0]} border points have ink`);
      // A selected region stands out in the accent's colour.
      const accent = await page.evaluate(() => {
        filmatlas.selectNode(0);
        filmatlas.stats();
        const { data } = __pixels('.borders');
        let n = 0;
        for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200 && Math.abs(data[at] - 31) < 12 && Math.abs(data[at + 2] - 195) < 12) n++;
        return n;
      });
      assert.ok(accent > 50, `${accent} pixels of the selected region's border`);
      await box.setChecked(!land.owned);
      await page.waitForTimeout(400);
      const hash = await page.evaluate(() => location.hash);
      assert.match(hash, land.owned ? /./ : /borders=1/);
      await box.setChecked(false);
      assert.deepEqual((await drawn()).filter((v) => v > 0), []);
      await p.close();
      const q = await open(path, { hash: land.owned ? '#borders=0' : '#borders=1' });
      assert.equal(await q.page.getByLabel('Borders of regions').isChecked(), !land.owned);
      await q.close();
    });

    for (const [label, viewport, touch] of [['1280x800', DESK, false], ['390x844', MOBILE, true]]) {
      test(`labels never overlap, 30 zooms at ${label}`, async () => {
        const p = await open(path, { viewport, touch });
        const seen = await assertLabels(p.page, manifest, 30);
        if (manifest.count > 50) assert.ok(seen > 30, `only ${seen} labels were seen`);
        await p.close();
      });
    }

    test('the opening view names macro regions and puts the map into view', async () => {
      for (const [viewport, touch] of [[DESK, false], [MOBILE, true]]) {
        const p = await open(path, { viewport, touch });
        const labels = await p.page.evaluate(() => filmatlas.visibleLabels());
        const due = await p.page.evaluate(() => {
          const z = filmatlas.camera.get().z;
          let n = 0;
          for (let i = 0; i < filmatlas.nodeCount; i++) {
            const d = filmatlas.node(i);
            if (d.level === 0 && z >= d.zoom[0] && z < d.zoom[1]) n++;
          }
          return n;
        });
        const shown = labels.filter((l) => l.kind === 'node' && manifest.nodes[l.id].level === 0).length;
        assert.ok(shown >= Math.ceil(0.75 * due), `${shown} of ${due} macro labels at ${viewport.width} px`);
        const inside = await p.page.evaluate(() => {
          const stage = document.querySelector('.stage').getBoundingClientRect();
          let all = 0;
          let n = 0;
          for (let i = 0; i < filmatlas.count; i++) {
            const s = filmatlas.screen(i);
            if (!s) continue;
            all++;
            if (s.x >= stage.left && s.x <= stage.right && s.y >= stage.top && s.y <= stage.bottom) n++;
          }
          return all ? n / all : 1;
        });
        assert.ok(inside > 0.99, `${inside} of the points in view`);
        await p.close();
      }
    });

    test('both themes, the dialog and the panel work without trouble', async () => {
      const p = await open(path, { scheme: 'dark' });
      assert.equal(await p.page.getAttribute('html', 'data-theme'), 'dark');
      await assertLit(p.page, 0);
      await p.page.getByRole('button', { name: 'Use light colours' }).click();
      assert.equal(await p.page.getAttribute('html', 'data-theme'), 'light');
      await p.page.locator('.panel-head').getByRole('button', { name: 'About this atlas' }).click();
      assert.ok(await p.page.locator('dialog.about').isVisible());
      for (const a of manifest.attributions) assert.ok((await p.page.textContent('.foot')).includes(a));
      await p.page.keyboard.press('Escape');
      const nodes = manifest.nodes.length;
      for (const id of rows(nodes, 12)) {
        const card = await p.page.evaluate((i) => {
          filmatlas.selectNode(i);
          return document.querySelector('.node-card h2').textContent;
        }, id);
        assert.equal(clean(card), clean(manifest.nodes[id].label) || card);
      }
      await p.close();
    });
  });
}

if (given) {
  general(`page ${given.split('/').pop()}`, () => given);
} else {
  const small = synthetic(1500);
  let smallPath;
  const getSmall = () => (smallPath ??= write(makePage(small.manifest, small.binary)));
  general('synthetic, 1,500 items', getSmall);
  general('synthetic, 15,000 items of one level', () => {
    const s = synthetic(15000, { levels: ['macro'], ids: false, nan: 40 });
    return write(makePage(s.manifest, s.binary));
  });

  describe('hostile text', () => {
    for (const csp of [true, false]) {
      test(`is inert ${csp ? 'under the policy' : 'even without the policy'}`, async () => {
        const s = synthetic(300, { hostile: true });
        const p = await open(write(makePage(s.manifest, s.binary, { csp })));
        const { page } = p;
        for (let i = 0; i < 40; i++) await page.evaluate((r) => filmatlas.select(r), i * 7);
        for (let i = 0; i < s.manifest.nodes.length; i++) await page.evaluate((r) => filmatlas.selectNode(r), i);
        await page.locator('#atlas-search').fill('script');
        await page.waitForSelector('[role=option]');
        await page.keyboard.press('Escape');
        await page.locator('#atlas-color').selectOption('col:language');
        await page.locator('.legend-entry').first().click();
        await page.locator('.panel-head').getByRole('button', { name: 'About this atlas' }).click();
        await page.keyboard.press('Escape');
        await page.locator('.tab').first().click();
        await page.mouse.move(300, 400);
        const found = await page.evaluate(() => ({
          pwned: window.__pwned, elements: document.querySelectorAll('img, iframe, object, embed, svg[onload], body script:not([id]) ~ script').length,
          handlers: [...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => /^on/i.test(a.name))).length,
          links: [...document.querySelectorAll('a[href]')].filter((a) => !/^https?:/.test(a.href)).length,
        }));
        assert.deepEqual(found, { pwned: undefined, elements: 0, handlers: 0, links: 0 });
        const urls = [];
        for (const r of [0, 1, 3, 13]) {
          urls.push(await page.evaluate((i) => {
            filmatlas.select(i);
            return document.querySelector('.primary-link')?.getAttribute('href') ?? null;
          }, r));
        }
        assert.deepEqual(urls, ['https://example.org/item/0', null, null, null]);
        const link = page.locator('.primary-link');
        await page.evaluate(() => filmatlas.select(2));
        assert.equal(await link.getAttribute('rel'), 'noopener noreferrer');
        assert.equal(await link.getAttribute('target'), '_blank');
        await p.close();
      });
    }
  });

  describe('without WebGL 2', () => {
    test('the map is drawn on Canvas 2D and says so', async () => {
      const p = await open(getSmall(), {
        init: () => {
          const real = HTMLCanvasElement.prototype.getContext;
          HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
            return kind === 'webgl2' ? null : real.call(this, kind, ...rest);
          };
        },
      });
      const stats = await p.page.evaluate(() => filmatlas.stats());
      assert.equal(stats.renderer, 'canvas2d');
      assert.ok(stats.drawnPoints > 1000);
      assert.match(await p.page.locator('.notice').innerText(), /WebGL/);
      await assertLit(p.page, 100);
      await p.close();
    });
  });

  describe('small and damaged payloads', () => {
    for (const n of [0, 1, 3]) {
      test(`${n} items`, async () => {
        const s = synthetic(n);
        const p = await open(write(makePage(s.manifest, s.binary)));
        assert.equal(await p.page.evaluate(() => filmatlas.count), n);
        assert.ok(Number.isFinite(await p.page.evaluate(() => filmatlas.camera.get().z)));
        if (n === 0) assert.match(await p.page.locator('.notice').innerText(), /no items/);
        else {
          await assertLit(p.page, n);
          await p.page.evaluate(() => filmatlas.select(0));
          assert.equal(await p.page.textContent('.item-card h2'), await p.page.evaluate(() => filmatlas.item(0).title));
          await p.page.evaluate(() => filmatlas.selectNode(0));
        }
        await p.close();
      });
    }

    test('nothing on the map, empty columns, no hierarchy', async () => {
      const s = synthetic(20, { nan: 20, levels: ['macro'] });
      const view = new DataView(s.binary.buffer);
      for (const b of s.manifest.binary) if (b.name === 'leaf') for (let i = 0; i < b.count; i++) view.setInt32(b.offset + 4 * i, -1, true);
      s.manifest.nodes = [];
      for (const c of s.manifest.columns) c.values = c.values.map(() => null);
      for (let i = 0; i < 20; i++) view.setFloat32(4 * i, NaN, true);
      const p = await open(write(makePage(s.manifest, s.binary)));
      await p.page.evaluate(() => filmatlas.select(5));
      assert.equal(await p.page.textContent('.item-card h2'), 'Item 6');
      assert.match(await p.page.locator('.notice').innerText(), /No item/);
      await p.close();
    });

    const s = synthetic(50);
    const b64 = Buffer.from(s.binary).toString('base64');
    for (const [name, manifest, binary, words] of [
      ['another schema', { ...s.manifest, schema: 2 }, s.binary, /schema 2/],
      ['a cut binary', s.manifest, s.binary.slice(0, 400), /cut off/],
      ['base64 that is none', s.manifest, '*' + b64.slice(1), /base64/],
      ['a broken manifest', '{"format":"filmatlas-site",', s.binary, /manifest/],
      ['a column of another length', { ...s.manifest, columns: [{ name: 'title', kind: 'text', values: ['a'] }] }, s.binary, /holds 1 values/],
      ['borders beyond their points', { ...s.manifest, territories: { ...s.manifest.territories, points: 20 } }, s.binary, /“border_points”|outside their points/],
      ['a parent after its child', { ...s.manifest, nodes: [{ ...s.manifest.nodes[0], parent: 3 }] }, s.binary, /parent/],
    ]) {
      test(`${name}: a visible message`, async () => {
        const p = await open(write(makePage(manifest, binary)), { fatal: true });
        const box = p.page.locator('.fatal');
        await box.waitFor();
        assert.match(await box.innerText(), words);
        await p.close();
      });
    }
  });

  describe('interaction', () => {
    test('a click on a point selects it; on a node label it opens the card', async () => {
      const p = await open(getSmall());
      const { page } = p;
      const before = (await page.evaluate(() => filmatlas.camera.get())).z;
      let tried = 0;
      for (const row of rows(1500, 60)) {
        await page.evaluate(() => {
          filmatlas.select(null);
          filmatlas.camera.fit();
        });
        const s = await page.evaluate((r) => {
          const s = filmatlas.screen(r);
          const e = document.elementFromPoint(s.x, s.y);
          let near = 1e9;
          for (let i = 0; i < filmatlas.count; i++) {
            if (i === r) continue;
            const t = filmatlas.screen(i);
            near = Math.min(near, Math.hypot(t.x - s.x, t.y - s.y));
          }
          return e && e.closest('.stage') && !e.closest('.map-label') && near > 3 ? s : null;
        }, row);
        if (!s) continue;
        tried++;
        await page.mouse.click(s.x, s.y);
        assert.deepEqual(await page.evaluate(() => filmatlas.selection()), { kind: 'item', row });
      }
      assert.ok(tried > 15);
      await page.evaluate(() => {
        filmatlas.select(null);
        filmatlas.camera.fit();
      });
      const label = page.locator('.map-label.node').first();
      const id = Number(await label.getAttribute('data-node'));
      await label.click();
      assert.deepEqual(await page.evaluate(() => filmatlas.selection()), { kind: 'node', id });
      assert.ok((await page.evaluate(() => filmatlas.camera.get())).z > before);
      await p.close();
    });

    test('wheel, drag, double click and keys move the camera', async () => {
      const p = await open(getSmall());
      const { page } = p;
      const get = () => page.evaluate(() => filmatlas.camera.get());
      const a = await get();
      await page.mouse.move(600, 120);
      await page.mouse.wheel(0, -200);
      await page.waitForTimeout(60);
      const b = await get();
      assert.ok(b.z > a.z);
      // The map point under the pointer stays there.
      assert.ok(Math.abs(a.x + (600 - 450) / 2 ** a.z - (b.x + (600 - 450) / 2 ** b.z)) < 1e-6);
      await page.mouse.move(500, 100);
      await page.mouse.down();
      await page.mouse.move(560, 160, { steps: 4 });
      await page.mouse.up();
      const c = await get();
      assert.ok(Math.abs((b.x - c.x) * 2 ** b.z - 60) < 1 && Math.abs((c.y - b.y) * 2 ** b.z - 60) < 1);
      assert.equal(await page.evaluate(() => filmatlas.selection()), null);
      await page.locator('.stage').focus();
      await page.keyboard.press('+');
      assert.ok((await get()).z > c.z);
      const d = await get();
      await page.keyboard.press('ArrowRight');
      assert.ok((await get()).x > d.x);
      await page.keyboard.press('0');
      const e = await get();
      assert.ok(Math.abs(e.z - a.z) < 1e-9 && Math.abs(e.x - a.x) < 1e-9);
      await page.mouse.dblclick(880, 20);
      assert.ok((await get()).z > e.z + 0.9);
      await page.waitForTimeout(350);
      assert.match(await page.evaluate(() => location.hash), /^#z=/);
      await p.close();
    });

    test('the range filter, colours and theme are in the address and come back', async () => {
      const p = await open(getSmall());
      const { page } = p;
      const low = page.getByLabel('Year, from');
      const year = small.manifest.columns.find((c) => c.name === 'year').values;
      await low.focus();
      const min = Number(await low.getAttribute('min'));
      for (let i = 0; i < 60; i++) await page.keyboard.press('ArrowRight');
      const want = year.filter((v) => v !== null && v >= min + 60).length;
      assert.equal((await page.evaluate(() => filmatlas.stats())).shown, want);
      assert.match(await page.locator('.time .note').innerText(), new RegExp(want.toLocaleString('en')));
      await page.locator('#atlas-color').selectOption('col:runtime');
      assert.ok(await page.locator('.ramp').isVisible());
      await page.locator('#atlas-color').selectOption('col:language');
      assert.equal(await page.locator('.legend-entry').count(), 14);
      await page.getByRole('button', { name: 'Use dark colours' }).click();
      await page.locator('#atlas-search').fill('moon');
      await page.waitForTimeout(350);
      const hash = await page.evaluate(() => location.hash);
      await p.close();
      const q = await open(getSmall(), { hash });
      assert.equal(await q.page.evaluate(() => location.hash), hash);
      assert.equal((await q.page.evaluate(() => filmatlas.stats())).shown, want);
      assert.equal(await q.page.inputValue('#atlas-color'), 'col:language');
      assert.equal(await q.page.inputValue('#atlas-search'), 'moon');
      assert.equal(await q.page.getAttribute('html', 'data-theme'), 'dark');
      await q.page.waitForTimeout(350);
      assert.equal(await q.page.evaluate(() => location.hash), hash);
      await q.close();
    });

    test('odd addresses do no harm', async () => {
      for (const hash of ['#z=abc&x=&y=1e999', '#sel=n:99999&color=col:none&only=77', '#sel=i:%3Cscript%3E&time=5~1&theme=pink', '#%E0%A4%A', '#q=' + 'x'.repeat(5000)]) {
        const p = await open(getSmall(), { hash });
        assert.ok(Number.isFinite(await p.page.evaluate(() => filmatlas.camera.get().z)));
        await p.close();
      }
    });

    test('the whole journey by keyboard: search, read, follow, region tree', async () => {
      const p = await open(getSmall());
      const { page } = p;
      await page.keyboard.press('/');
      await page.keyboard.type('amelie');
      await page.waitForSelector('[role=option]');
      assert.match(await page.locator('[role=option] .option-title').first().innerText(), /Amélie/);
      await page.keyboard.press('Enter');
      const first = await page.evaluate(() => filmatlas.selection());
      assert.equal(first.kind, 'item');
      await page.keyboard.press('n');
      const next = await page.evaluate(() => filmatlas.selection());
      assert.equal(next.row, (await page.evaluate((r) => filmatlas.item(r).neighbors[0].row, first.row)));
      await page.keyboard.press('Escape');
      assert.equal(await page.evaluate(() => filmatlas.selection()), null);
      await page.locator('[role=treeitem][tabindex="0"]').focus();
      await page.keyboard.press('Home');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowDown');
      const id = await page.evaluate(() => Number(document.activeElement.dataset.node));
      await page.keyboard.press('Enter');
      assert.deepEqual(await page.evaluate(() => filmatlas.selection()), { kind: 'node', id });
      assert.equal(await page.evaluate((i) => filmatlas.node(i).level, id), 1);
      await p.close();
    });

    test('phone: nothing cut off, tap and pinch work, the sheet opens', async () => {
      const p = await open(getSmall(), { viewport: MOBILE, touch: true });
      const { page } = p;
      const layout = await page.evaluate(() => {
        const box = (s) => {
          const r = document.querySelector(s).getBoundingClientRect();
          return { s, left: r.left, top: r.top, right: r.right, bottom: r.bottom };
        };
        return { width: document.documentElement.scrollWidth, boxes: ['.search', '.view-toggle', '.zooms', '.panel'].map(box) };
      });
      assert.ok(layout.width <= MOBILE.width);
      for (const a of layout.boxes) {
        assert.ok(a.left >= 0 && a.right <= MOBILE.width && a.top >= 0 && a.bottom <= MOBILE.height, a.s);
        for (const b of layout.boxes) if (a.s < b.s) assert.ok(a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top, `${a.s} meets ${b.s}`);
      }
      await assertLit(page, 100);
      const z = (await page.evaluate(() => filmatlas.camera.get())).z;
      const cdp = await page.context().newCDPSession(page);
      const touch = (type, points) => cdp.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
      await touch('touchStart', [[180, 380], [210, 420]]);
      for (let i = 1; i <= 6; i++) await touch('touchMove', [[180 - 8 * i, 380 - 10 * i], [210 + 8 * i, 420 + 10 * i]]);
      await touch('touchEnd', []);
      await page.waitForTimeout(100);
      assert.ok((await page.evaluate(() => filmatlas.camera.get())).z > z + 0.8, 'pinch zooms');
      assert.equal(await page.evaluate(() => filmatlas.selection()), null);
      await page.waitForTimeout(400);
      const spot = await page.evaluate(() => {
        for (let i = 0; i < filmatlas.count; i++) {
          const s = filmatlas.screen(i);
          const e = s && s.x > 60 && s.x < 300 && s.y > 120 && s.y < 560 ? document.elementFromPoint(s.x, s.y) : null;
          if (e && e.closest('.stage') && !e.closest('.map-label')) return s;
        }
        return null;
      });
      await page.touchscreen.tap(spot.x, spot.y);
      await page.waitForSelector('.item-card');
      const sheet = await page.locator('.panel').boundingBox();
      assert.ok(sheet.height > 300 && sheet.y > 200);
      const row = (await page.evaluate(() => filmatlas.selection())).row;
      await idle(page);
      const s = await page.evaluate((r) => filmatlas.screen(r), row);
      assert.ok(s.y > 60 && s.y < sheet.y && s.x > 0 && s.x < MOBILE.width, 'the item stays visible above the sheet');
      await page.locator('.view-toggle').click();
      assert.ok(await page.locator('#atlas-color').isVisible());
      const card = await page.locator('.view').boundingBox();
      assert.ok(card.y + card.height <= sheet.y + 1 && card.x >= 0 && card.x + card.width <= MOBILE.width);
      await p.close();
    });

    test('with motion: a flight ends exactly where the address says, and Back flies home', async () => {
      const p = await open(getSmall(), { motion: 'no-preference' });
      const { page } = p;
      await page.evaluate(() => filmatlas.select(4));
      const hash = await page.evaluate(() => location.hash);
      assert.equal(await page.evaluate(() => filmatlas.camera.idle()), false);
      await idle(page);
      await page.waitForTimeout(400);
      assert.equal(await page.evaluate(() => location.hash), hash);
      await page.evaluate(() => filmatlas.select(filmatlas.item(4).neighbors[2].row));
      await idle(page);
      await page.goBack();
      await idle(page);
      await page.waitForTimeout(400);
      assert.equal(await page.evaluate(() => location.hash), hash);
      assert.equal((await page.evaluate(() => filmatlas.selection())).row, 4);
      await page.goForward();
      await idle(page);
      assert.notEqual(await page.evaluate(() => location.hash), hash);
      await p.close();
    });

    test('nothing is drawn while nothing changes', async () => {
      const p = await open(getSmall(), {
        init: () => {
          const real = window.requestAnimationFrame;
          window.__frames = 0;
          window.requestAnimationFrame = (f) => {
            window.__frames++;
            return real.call(window, f);
          };
        },
      });
      await p.page.waitForTimeout(500);
      const frames = await p.page.evaluate(() => window.__frames);
      await p.page.waitForTimeout(500);
      assert.equal(await p.page.evaluate(() => window.__frames), frames);
      await p.close();
    });

    test('a canvas at twice the pixels is sharp', async () => {
      const context = await browser.newContext({ viewport: { width: 900, height: 600 }, deviceScaleFactor: 2 });
      const page = await context.newPage();
      await page.goto(pathToFileURL(getSmall()).href);
      await page.waitForFunction(() => window.filmatlas);
      const size = await page.evaluate(() => [document.querySelector('.points').width, Math.round(document.querySelector('.stage').getBoundingClientRect().width * 2)]);
      assert.equal(size[0], size[1]);
      await assertLit(page, 50);
      await context.close();
    });
  });
}
