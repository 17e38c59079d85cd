// The search engine alone: ranks, folding, typos, and its time on 100,000 titles.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = await build({ entryPoints: [join(here, '../src/search.ts')], bundle: true, write: false, format: 'esm', target: 'es2020' });
const { Search, fold } = await import('data:text/javascript;base64,' + Buffer.from(out.outputFiles[0].text).toString('base64'));

function atlas(titles, nodes = []) {
  return { count: titles.length, titles, nodes, itemZoom: new Float32Array(titles.length).fill(1) };
}
const find = (titles, q) => new Search(atlas(titles)).find(q).map((h) => [h.title, h.tier]);

test('folding', () => {
  assert.equal(fold('  Le Fabuleux Destin d’Amélie—Poulain! '), 'le fabuleux destin damelie poulain');
  assert.equal(fold('ŁÓDŹ Straße Ærø'), 'lodz strasse aero');
  assert.equal(fold('東京物語'), '東京物語');
  assert.equal(fold('???'), '???');
});

test('tiers come in order', () => {
  const titles = ['Scalien', 'The Alien', 'Aliens', 'Alien', 'Alien Nation', 'Alein', 'Zulu'];
  assert.deepEqual(find(titles, 'alien'), [['Alien', 'exact'], ['Alien Nation', 'prefix'], ['Aliens', 'prefix'], ['The Alien', 'word'], ['Scalien', 'substring'], ['Alein', 'typo']]);
  assert.deepEqual(find(['The Godfather: Part II', 'Godzilla'], 'part godfather'), [['The Godfather: Part II', 'words']]);
  assert.deepEqual(find(['Amélie'], 'AMELIE'), [['Amélie', 'exact']]);
  assert.deepEqual(find(['abc'], 'abd'), []);
  assert.deepEqual(find(['Stranger'], 'strnager'), [['Stranger', 'typo']]);
  assert.deepEqual(find([], 'x'), []);
});

test('regions are found by label and keyword', () => {
  const nodes = [{ id: 0, label: 'Crime and noir', keywords: ['heist', 'gangster'], size: 10, level: 0 }, { id: 1, label: 'Heist comedies', keywords: [], size: 3, level: 1 }];
  const hits = new Search(atlas(['The Heist'], nodes)).find('heist');
  assert.deepEqual(hits.map((h) => [h.kind, h.id]), [['node', 1], ['node', 0], ['item', 0]]);
});

test('typos: edit distance agrees with a plain dynamic programme', () => {
  const osa = (a, b) => {
    const d = Array.from({ length: a.length + 1 }, (_, i) => [i, ...new Array(b.length).fill(0)]);
    for (let j = 0; j <= b.length; j++) d[0][j] = j;
    for (let i = 1; i <= a.length; i++) {
      for (let j = 1; j <= b.length; j++) {
        d[i][j] = Math.min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
    return Math.min(...d[a.length]);
  };
  let seed = 5;
  const rnd = (n) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
  for (let t = 0; t < 3000; t++) {
    const word = Array.from({ length: 4 + rnd(7) }, () => 'abcd'[rnd(4)]).join('');
    const title = Array.from({ length: 4 + rnd(9) }, () => 'abcd'[rnd(4)]).join('');
    const limit = word.length < 6 ? 1 : 2;
    const found = new Search(atlas([title])).find(word).length > 0;
    assert.equal(found, osa(word, title) <= limit || title.includes(word), `${word} in ${title}`);
  }
});

test('100,000 titles', () => {
  const words = 'night harbour glass orchard ninth gate silent river train paper moon crown ember mirror salt wolves summer letters fortune stranger empire dust violet machine garden echo velvet iron bridge storm widow clock island shadow return king love death city'.split(' ');
  let seed = 11;
  const rnd = (n) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
  const titles = Array.from({ length: 100000 }, (_, i) => `The ${words[rnd(39)]} ${words[rnd(39)]} of ${words[rnd(39)]} ${i % 977}`);
  const search = new Search(atlas(titles));
  search.find('warm');
  const times = [];
  let hit = 0;
  const typed = ['m', 'mo', 'moon', 'moon of', 'the strnager', 'hrabour', 'velvte', 'ember of love 12', 'zzzz', 'river clck', 'the night harbuor of silent'];
  for (let t = 0; t < 220; t++) {
    const q = t < 110 ? typed[t % typed.length] : titles[rnd(100000)].replace(/(.)(.)( of)/, '$2$1$3').slice(0, 28);
    // The bound is loose, for a busy machine; a quiet one needs under 30 ms. The best of three: other work on the machine is not the search's.
    let best = Infinity;
    let hits = [];
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      hits = search.find(q);
      best = Math.min(best, performance.now() - start);
    }
    times.push(best);
    if (hits.length) hit++;
  }
  times.sort((a, b) => a - b);
  const p95 = times[Math.floor(0.95 * times.length)];
  console.log(`search in 100,000 titles: p50 ${times[110].toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, ${hit} of 220 with hits`);
  assert.ok(p95 < 200, `p95 ${p95} ms`);
});
