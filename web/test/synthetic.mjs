// A synthetic payload: nested clusters with labels, zoom intervals and neighbours, from a seed.
// As a command: node synthetic.mjs N out.html [hostile]
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { makePage } from './make_page.mjs';

export const HOSTILE = [
  '</script><img src=x onerror=alert(1)>', '<script>window.__pwned=1</script>', '"><svg onload=window.__pwned=1>', "javascript:window.__pwned=1", '<!--<script>',
  '\u2028\u2029&amp;&lt;b&gt;', '{{constructor.constructor("window.__pwned=1")()}}', '\u202Ereversed\u202C', '</style><style>*{display:none}</style>', '<iframe srcdoc="<script>parent.__pwned=1</script>">',
];

function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const MACRO = ['Crime and noir', 'Love and family', 'Other worlds', 'War and history', 'Fear and the uncanny', 'Music and stage', 'Comedy of manners', 'Westerns and frontier'];
const NEIGHBORHOOD = ['heists', 'detectives', 'courtrooms', 'first love', 'marriages', 'mothers and daughters', 'space travel', 'time loops', 'robots', 'trench war', 'court intrigue', 'haunted houses', 'vampires', 'slashers', 'big bands', 'backstage', 'class satire', 'road trips', 'outlaws', 'ranch life', 'coming of age', 'small towns', 'sea voyages', 'sports underdogs', 'spies'];
const ADJECTIVE = ['quiet', 'urban', 'lost', 'winter', 'northern', 'late', 'young', 'secret', 'long', 'bright', 'broken', 'rural', 'final', 'restless', 'golden'];
const WORDS = ['Amélie', 'Night', 'Harbour', 'Glass', 'Señor', 'Orchard', 'Ninth', 'Gate', 'Silent', 'River', 'Último', 'Train', 'Paper', 'Moon', 'Crown', 'Łódź', 'Ember', 'Mirror', 'Salt', 'Wolves', 'Summer', 'Letters', 'Fortune', 'Stranger', 'Empire', 'Dust', 'Violet', 'Machine', 'Garden', 'Echo', 'Þing', 'Velvet', 'Iron', 'Bridge', 'Solaris', '東京', 'Storm', 'Widow', 'Clock', 'Island'];
const HUES = ['#4c6fd1', '#d1734c', '#3f9e7a', '#b04f6f', '#7f5bc4', '#a88a2f', '#3f93b5', '#c05bb0'];

function hsl(hex, dl) {
  const v = parseInt(hex.slice(1), 16);
  const c = [(v >> 16) & 255, (v >> 8) & 255, v & 255].map((x) => Math.max(0, Math.min(255, Math.round(x + dl))));
  return '#' + c.map((x) => x.toString(16).padStart(2, '0')).join('');
}

const FONT = [18, 14, 12];
const size = (level) => FONT[level] ?? 11;

function breakLines(label, level) {
  const words = label.split(' ');
  const most = level === 0 ? 14 : 18;
  const lines = [''];
  for (const w of words) {
    const last = lines[lines.length - 1];
    if (last && last.length + w.length + 1 > most && lines.length < 3) lines.push(w);
    else lines[lines.length - 1] = last ? `${last} ${w}` : w;
  }
  return lines;
}

export function synthetic(n, { seed = 7, hostile = false, levels = ['macro', 'neighborhood', 'microcluster'], k = 10, nan = 0, ids = true } = {}) {
  const rnd = random(seed);
  const normal = () => Math.sqrt(-2 * Math.log(rnd() + 1e-12)) * Math.cos(2 * Math.PI * rnd());
  const pick = (list) => list[Math.floor(rnd() * list.length)];
  const text = (s, i) => (hostile ? `${HOSTILE[i % HOSTILE.length]} ${s}` : s);

  // Cluster centres: macros on a sunflower, children around their parents.
  const fan = levels.map((_, i) => (n < 20 ? 1 : i === 0 ? Math.max(1, Math.min(8, Math.round(Math.sqrt(n) / 8))) : i === 1 ? 4 : Math.max(2, Math.min(6, Math.round(n / 500)))));
  const nodes = [];
  const leaves = [];
  const make = (level, parent, x, y, spread, hue, i) => {
    const id = nodes.length;
    const base = level === 0 ? MACRO[i % MACRO.length] : level === 1 ? `${pick(ADJECTIVE)} ${pick(NEIGHBORHOOD)}` : `${pick(ADJECTIVE)} ${pick(NEIGHBORHOOD)} and ${pick(NEIGHBORHOOD)}`;
    const label = text(base.charAt(0).toUpperCase() + base.slice(1), id);
    nodes.push({ level, parent, size: 0, label, lines: breakLines(label, level), keywords: Array.from({ length: 6 }, (_, j) => text(`${pick(ADJECTIVE)} ${pick(NEIGHBORHOOD)}`, id + j)), representatives: [], x, y, box: [0, 0], zoom: [0, 0], color: level === 0 ? HUES[i % HUES.length] : hsl(hue, (rnd() - 0.5) * 50), spread });
    if (level === levels.length - 1) leaves.push(id);
    else {
      const turn = rnd() * 6.28;
      for (let c = 0; c < fan[level + 1]; c++) {
        const a = turn + (6.283 * c) / fan[level + 1];
        const r = fan[level + 1] === 1 ? 0 : spread * 0.72;
        make(level + 1, id, x + r * Math.cos(a), y + r * Math.sin(a), spread * 0.42, nodes[id].color, c);
      }
    }
    return id;
  };
  if (n > 0) {
    for (let i = 0; i < fan[0]; i++) {
      const r = fan[0] === 1 ? 0 : 3.1 * Math.sqrt(i + 0.5);
      make(0, -1, r * Math.cos(i * 2.39996), r * Math.sin(i * 2.39996) * 0.85, 2.4, '', i);
    }
  }

  const x = new Float32Array(n);
  const y = new Float32Array(n);
  const leaf = new Int32Array(n);
  const members = new Map(leaves.map((id) => [id, []]));
  for (let i = 0; i < n; i++) {
    const id = leaves[Math.floor(Math.pow(rnd(), 1.15) * leaves.length)];
    leaf[i] = id;
    const d = nodes[id];
    x[i] = d.x + normal() * d.spread * 0.75;
    y[i] = d.y + normal() * d.spread * 0.75;
    members.get(id).push(i);
    for (let p = id; p >= 0; p = nodes[p].parent) nodes[p].size++;
  }
  for (const d of nodes) {
    const rows = [];
    const id = nodes.indexOf(d);
    for (const l of leaves) {
      for (let p = l; p >= 0; p = nodes[p].parent) if (p === id) rows.push(...members.get(l));
      if (rows.length >= 5) break;
    }
    d.representatives = rows.slice(0, 5);
  }

  const titles = Array.from({ length: n }, (_, i) => text(rnd() < 0.06 ? `The ${pick(ADJECTIVE)} ${pick(WORDS)} of the ${pick(WORDS)} and the ${pick(WORDS)} ${pick(WORDS)}` : `${rnd() < 0.4 ? 'The ' : ''}${pick(WORDS)} ${pick(WORDS)}${rnd() < 0.5 ? ' ' + pick(WORDS) : ''}`, i));
  const year = Array.from({ length: n }, () => (rnd() < 0.02 ? null : Math.min(2024, Math.max(1915, Math.round(2012 - Math.abs(normal()) * 26)))));

  // Label boxes, and zoom intervals so that no two boxes meet: coarse levels first, large nodes first.
  for (const d of nodes) {
    const f = size(d.level);
    const w = Math.max(...d.lines.map((l) => Array.from(l).length)) * f * 0.58 + 6;
    d.box = [Math.round(Math.min(w, 300)), Math.round(d.lines.length * f * 1.2 + 2)];
    d.until = d.level === levels.length - 1 ? 40 : Math.log2((d.level === 0 ? 620 : 480) / Math.max(0.02, 2 * d.spread));
  }
  const order = nodes.map((_, i) => i).sort((a, b) => nodes[a].level - nodes[b].level || nodes[b].size - nodes[a].size || a - b);
  const done = [];
  for (const i of order) {
    const a = nodes[i];
    let from = a.level === 0 ? -8 : nodes[a.parent].until - (a.level === 1 ? 1.2 : 0.8);
    for (const j of done) {
      const b = nodes[j];
      const clear = Math.log2(Math.min((a.box[0] + b.box[0] + 8) / 2 / Math.max(1e-9, Math.abs(a.x - b.x)), (a.box[1] + b.box[1] + 6) / 2 / Math.max(1e-9, Math.abs(a.y - b.y))));
      from = Math.max(from, Math.min(clear, b.zoom[1]));
    }
    a.zoom = [from, Math.max(from, a.until)];
    done.push(i);
  }

  // Items: the more important, the earlier; cells of a text's size keep the density even.
  const zoom = new Float32Array(n).fill(Infinity);
  const importance = Array.from({ length: n }, (_, i) => i).sort((a, b) => leaf[a] * 0 + (a * 7919) % 104729 - ((b * 7919) % 104729));
  const taken = new Set();
  for (const i of importance) {
    for (let z = 5; z <= 14; z += 0.5) {
      const s = 2 ** z;
      const key = `${z}:${Math.floor((x[i] * s) / 170)}:${Math.floor((y[i] * s) / 26)}`;
      if (taken.has(key)) continue;
      for (let zz = z; zz <= 14; zz += 0.5) taken.add(`${zz}:${Math.floor((x[i] * 2 ** zz) / 170)}:${Math.floor((y[i] * 2 ** zz) / 26)}`);
      zoom[i] = z;
      break;
    }
  }

  // Neighbours: mostly of the same leaf, some from anywhere, so that some are far on the map.
  const kk = Math.min(k, Math.max(0, n - 1));
  const neighbors = new Int32Array(n * kk).fill(-1);
  const similarities = new Float32Array(n * kk).fill(NaN);
  const kept = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const set = new Set();
    const own = members.get(leaf[i]);
    for (let t = 0; set.size < kk && t < 60; t++) {
      const c = rnd() < 0.75 ? own[Math.floor(rnd() * own.length)] : Math.floor(rnd() * n);
      if (c !== i) set.add(c);
    }
    const sims = [...set].map(() => 0.45 + 0.5 * rnd()).sort((a, b) => b - a);
    [...set].forEach((c, j) => {
      neighbors[i * kk + j] = c;
      similarities[i * kk + j] = sims[j];
    });
    kept[i] = Math.round(rnd() * 12) / 15;
  }
  const trust = Float32Array.from({ length: n }, () => (rnd() < 0.02 ? NaN : 1 - 0.4 * rnd() ** 2));
  const continuity = Float32Array.from(trust, (v) => Math.max(0, v - 0.1 * rnd()));
  for (let i = 0; i < nan && i < n; i++) x[(i * 37) % n] = NaN;

  // Borders: a ring around every node, its leaves at the left and the sea at the right.
  const rings = nodes.map((d, id) => {
    const leafBelow = leaves.find((l) => {
      for (let p = l; p >= 0; p = nodes[p].parent) if (p === id) return true;
      return false;
    });
    const points = [];
    for (let a = 0; a <= 48; a++) points.push(d.x + 2 * d.spread * Math.cos((a % 48) * (Math.PI / 24)), d.y + 2 * d.spread * Math.sin((a % 48) * (Math.PI / 24)));
    return { points, leaf: leafBelow, level: d.level };
  });
  const borders = rings.length && !nan ? [
    ['border_points', 'f32', Float32Array.from(rings.flatMap((r) => r.points))],
    ['border_begin', 'i32', Int32Array.from({ length: rings.length + 1 }, (_, i) => 49 * i)],
    ['border_sides', 'i32', Int32Array.from(rings.flatMap((r) => [r.leaf, -1]))],
    ['border_level', 'i32', Int32Array.from(rings.map((r) => r.level))],
  ] : [];

  const category = ['English', 'French', 'Japanese', 'Spanish', 'Polish', 'Hindi', 'Korean', 'Italian', 'German', 'Swedish', 'Danish', 'Czech', 'Farsi', 'Thai'].map((s, i) => text(s, i));
  const columns = [
    { name: 'title', label: 'Title', kind: 'text', values: titles },
    { name: 'year', label: 'Year', kind: 'number', values: year },
    { name: 'language', label: text('Language', 3), kind: 'category', values: Array.from({ length: n }, () => (rnd() < 0.03 ? null : category[Math.floor(Math.pow(rnd(), 2.2) * category.length)])) },
    { name: 'runtime', label: 'Runtime (min)', kind: 'number', values: Array.from({ length: n }, () => (rnd() < 0.05 ? null : Math.round(80 + 45 * rnd()))) },
    { name: 'director', label: 'Director', kind: 'text', values: Array.from({ length: n }, (_, i) => text(`${pick(WORDS)} ${pick(WORDS)}`, i + 1)) },
    { name: 'genres', label: 'Genres', kind: 'tags', values: Array.from({ length: n }, (_, i) => (rnd() < 0.05 ? null : [text('Drama', i), pick(['Crime', 'Romance', 'Comedy', 'War'])])) },
    { name: 'keywords', label: 'Keywords', kind: 'scored_tags', values: Array.from({ length: n }, (_, i) => Array.from({ length: 14 }, () => [text(`${pick(ADJECTIVE)} ${pick(NEIGHBORHOOD)}`, i + 2), Math.round(rnd() * 100) / 100])) },
    { name: 'overview', label: 'Overview', kind: 'text', values: Array.from({ length: n }, (_, i) => (rnd() < 0.1 ? null : text(`A ${pick(ADJECTIVE)} story about ${pick(NEIGHBORHOOD)} in which a ${pick(ADJECTIVE)} stranger learns what ${pick(NEIGHBORHOOD)} cost, and why the ${pick(WORDS).toLowerCase()} was never found.`, i + 4))) },
    { name: 'url', label: 'Page', kind: 'link', values: Array.from({ length: n }, (_, i) => (hostile && i % 2 ? HOSTILE[i % HOSTILE.length] : `https://example.org/item/${i}`)) },
  ];
  if (ids) columns.unshift({ name: 'id', label: 'Id', kind: 'text', values: Array.from({ length: n }, (_, i) => `tt${1000 + i}`) });

  const parts = [['x', 'f32', x], ['y', 'f32', y], ['leaf', 'i32', leaf], ['neighbors', 'i32', neighbors], ['similarities', 'f32', similarities], ['item_zoom', 'f32', zoom], ['kept', 'f32', kept], ['trust', 'f32', trust], ['continuity', 'f32', continuity], ...borders];
  const binary = new Uint8Array(parts.reduce((s, p) => s + p[2].byteLength, 0));
  const table = [];
  let offset = 0;
  for (const [name, dtype, array] of parts) {
    binary.set(new Uint8Array(array.buffer), offset);
    table.push({ name, dtype, offset, count: array.length });
    offset += array.byteLength;
  }
  const fx = [...x].filter((v, i) => Number.isFinite(v) && Number.isFinite(y[i]));
  const fy = [...y].filter((v, i) => Number.isFinite(v) && Number.isFinite(x[i]));
  const extreme = (a, f, d) => a.reduce((p, q) => f(p, q), d);
  const extent = fx.length ? [extreme(fx, Math.min, Infinity), extreme(fy, Math.min, Infinity), extreme(fx, Math.max, -Infinity), extreme(fy, Math.max, -Infinity)] : [0, 0, 0, 0];

  const manifest = {
    format: 'filmatlas-site', schema: 1, generator: 'filmatlas 0.1.0', title: text('A synthetic atlas of films', 0), count: n, extent, levels,
    nodes: nodes.map(({ spread, until, ...d }) => d),
    columns, roles: { title: 'title', time: 'year', link: 'url', summary: 'overview' }, neighbors: { k: kk, metric: 'cosine' },
    quality: { k: 15, trustworthiness: 0.931, kept_neighbors: 0.41, continuity: 0.91, rank_correlation: 0.4 },
    ...(borders.length ? { territories: { borders: rings.length, points: 49 * rings.length, owned: false, zoom: levels.map((_, i) => (i === 0 ? null : 3 + 2 * i)), levels: levels.map((_, i) => ({ inside: 0.9 - 0.1 * i, one_piece: 0.5 })) } } : {}),
    report: { errors: 0, warnings: 1, findings: [{ code: text('duplicate-label', 1), severity: 'warning', message: text('Two regions share the label “quiet heists”.', 2) }] },
    attributions: [text('Synthetic data, made for tests.', 5)], binary: table,
  };
  return { manifest, binary };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const n = Number(process.argv[2] ?? 1500);
  const out = process.argv[3];
  if (!out) throw new Error('usage: synthetic.mjs N out.html [hostile]');
  const { manifest, binary } = synthetic(n, { hostile: process.argv[4] === 'hostile' });
  writeFileSync(out, makePage(manifest, binary));
}
