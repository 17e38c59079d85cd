// Decodes and checks the payload that the exporter wrote. What cannot be drawn safely is refused with
// a PayloadError; single odd values (missing numbers, unknown nodes) are made harmless instead.

export class PayloadError extends Error {}

export type ColumnKind = 'text' | 'number' | 'category' | 'tags' | 'scored_tags' | 'link';

export interface Column {
  name: string;
  label: string;
  kind: ColumnKind;
  values: unknown[];
}

export interface AtlasNode {
  id: number;
  level: number;
  parent: number;
  size: number;
  label: string;
  lines: string[];
  keywords: string[];
  representatives: number[];
  x: number;
  y: number;
  box: [number, number];
  zmin: number;
  zmax: number;
  color: string;
  children: number[];
}

export interface Finding {
  code: string;
  severity: string;
  message: string;
}

/** Figures of a map, each 1 at best; NaN where not measured. */
export interface Quality {
  k: number;
  trustworthiness: number;
  continuity: number;
  kept: number;
  rank: number;
}

/** Borders of the regions on the map: arcs, each between the finest nodes at its left and right. */
export interface Borders {
  points: Float32Array;
  /** Arcs + 1, in points. */
  begin: Int32Array;
  sides: Int32Array;
  /** Coarsest level at which the two sides differ. */
  level: Int32Array;
  /** Zoom from which a level's borders are drawn. */
  zoom: number[];
  /** Per level, shares of the items inside their own territory and of the nodes in one piece. */
  shares: { inside: number; onePiece: number }[];
  /** The map was made so that every node owns one piece; `plain` is what the plain map would have kept. */
  owned: boolean;
  plain: Quality | null;
}

export interface Atlas {
  generator: string;
  title: string;
  count: number;
  extent: [number, number, number, number];
  levels: string[];
  nodes: AtlasNode[];
  roots: number[];
  columns: Column[];
  byName: Map<string, Column>;
  titleColumn: Column | null;
  timeColumn: Column | null;
  linkColumn: Column | null;
  summaryColumn: Column | null;
  idColumn: Column | null;
  titles: string[];
  k: number;
  metric: string;
  quality: Quality | null;
  borders: Borders | null;
  report: { errors: number; warnings: number; findings: Finding[] } | null;
  attributions: string[];
  x: Float32Array;
  y: Float32Array;
  leaf: Int32Array;
  neighbors: Int32Array;
  similarities: Float32Array;
  itemZoom: Float32Array;
  kept: Float32Array;
  /** Each item's own share of the map's trustworthiness and continuity; NaN where not measured. */
  trust: Float32Array;
  continuity: Float32Array;
  /** Items of every node, by leaf order: rows of node i are order[first[i] … last[i]-1] for leaves. */
  leafOrder: Int32Array;
  leafStart: Int32Array;
}

type Json = Record<string, unknown>;

const KINDS = ['text', 'number', 'category', 'tags', 'scored_tags', 'link'];

const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v);
const str = (v: unknown, fallback = ''): string => (typeof v === 'string' ? v : typeof v === 'number' ? String(v) : fallback);
const num = (v: unknown, fallback: number): number => (typeof v === 'number' && Number.isFinite(v) ? v : fallback);
const strings = (v: unknown): string[] => (Array.isArray(v) ? v.filter((s) => s !== null && s !== undefined).map((s) => str(s)) : []);

export function decodeBase64(text: string): Uint8Array {
  const native = (Uint8Array as unknown as { fromBase64?: (s: string) => Uint8Array }).fromBase64;
  try {
    if (native) return native.call(Uint8Array, text);
    const raw = atob(text.replace(/\s+/g, ''));
    const out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  } catch {
    throw new PayloadError('The binary block of this page is not valid base64.');
  }
}

export function readPayload(doc: Document): Atlas {
  const manifestText = doc.getElementById('filmatlas-manifest')?.textContent;
  const binaryText = doc.getElementById('filmatlas-binary')?.textContent;
  if (manifestText === null || manifestText === undefined) throw new PayloadError('This page holds no atlas: its manifest is missing.');
  if (binaryText === null || binaryText === undefined) throw new PayloadError('This page holds no atlas: its binary block is missing.');
  let manifest: unknown;
  try {
    manifest = JSON.parse(manifestText);
  } catch {
    throw new PayloadError('The manifest of this page cannot be read; the file may be cut off or changed.');
  }
  return readAtlas(manifest, decodeBase64(binaryText.trim()));
}

export function readAtlas(m: unknown, bytes: Uint8Array): Atlas {
  if (!isObject(m)) throw new PayloadError('The manifest of this page is not an object.');
  if (m.format !== 'filmatlas-site') throw new PayloadError('This page does not hold a filmatlas payload.');
  if (m.schema !== 1) throw new PayloadError(`This page can read schema 1, but its payload is of schema ${str(m.schema, 'unknown')}.`);
  const n = m.count;
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 0) throw new PayloadError('The number of items is missing from the manifest.');

  const levels = strings(m.levels);
  const nodes = readNodes(m.nodes, levels, n);
  const roots = nodes.filter((d) => d.parent < 0).map((d) => d.id);

  const columns: Column[] = [];
  const byName = new Map<string, Column>();
  for (const raw of Array.isArray(m.columns) ? m.columns : []) {
    if (!isObject(raw)) continue;
    const name = str(raw.name);
    const values = Array.isArray(raw.values) ? raw.values : [];
    if (values.length !== n) throw new PayloadError(`Column “${name}” holds ${values.length} values for ${n} items.`);
    const kind = (KINDS.includes(str(raw.kind)) ? str(raw.kind) : 'text') as ColumnKind;
    const column: Column = { name, label: str(raw.label, name) || name, kind, values };
    columns.push(column);
    byName.set(name, column);
  }
  const roles = isObject(m.roles) ? m.roles : {};
  const role = (key: string): Column | null => byName.get(str(roles[key])) ?? null;
  const titleColumn = role('title');
  const timeColumn = role('time');
  const titles: string[] = new Array<string>(n);
  for (let i = 0; i < n; i++) {
    const t = titleColumn ? str(titleColumn.values[i]).trim() : '';
    titles[i] = t || `Item ${i + 1}`;
  }

  const blocks = new Map<string, { dtype: string; offset: number; count: number }>();
  for (const raw of Array.isArray(m.binary) ? m.binary : []) {
    if (isObject(raw)) blocks.set(str(raw.name), { dtype: str(raw.dtype), offset: num(raw.offset, -1), count: num(raw.count, -1) });
  }
  const buffer = bytes.byteOffset % 4 === 0 ? bytes.buffer : bytes.slice().buffer;
  const base = bytes.byteOffset % 4 === 0 ? bytes.byteOffset : 0;
  const block = (name: string, dtype: 'f32' | 'i32', count: number, required: boolean) => {
    const b = blocks.get(name);
    if (!b) {
      if (required && count > 0) throw new PayloadError(`The binary column “${name}” is missing.`);
      return null;
    }
    if (b.dtype !== dtype) throw new PayloadError(`The binary column “${name}” is of type ${b.dtype}, not ${dtype}.`);
    if (b.count !== count) throw new PayloadError(`The binary column “${name}” holds ${b.count} values where ${count} are needed.`);
    if (b.offset < 0 || b.offset % 4 !== 0 || b.offset + 4 * count > bytes.byteLength) {
      throw new PayloadError(`The binary column “${name}” lies outside the data; the file may be cut off.`);
    }
    return b.offset + base;
  };
  const f32 = (name: string, count: number, fill: number, required = false): Float32Array => {
    const at = block(name, 'f32', count, required);
    return at === null ? new Float32Array(count).fill(fill) : new Float32Array(buffer as ArrayBuffer, at, count);
  };
  const i32 = (name: string, count: number, fill: number): Int32Array => {
    const at = block(name, 'i32', count, false);
    return at === null ? new Int32Array(count).fill(fill) : new Int32Array(buffer as ArrayBuffer, at, count);
  };

  const nb = isObject(m.neighbors) ? m.neighbors : {};
  const k = blocks.has('neighbors') ? Math.max(0, Math.floor(num(nb.k, 0))) : 0;
  const x = f32('x', n, NaN, true);
  const y = f32('y', n, NaN, true);
  const leaf = i32('leaf', n, -1);
  for (let i = 0; i < n; i++) if (leaf[i] >= nodes.length || leaf[i] < 0) leaf[i] = -1;
  const neighbors = i32('neighbors', n * k, -1);
  for (let i = 0; i < neighbors.length; i++) if (neighbors[i] >= n) neighbors[i] = -1;

  const quality = (raw: unknown): Quality | null =>
    isObject(raw) ? { k: num(raw.k, 0), trustworthiness: num(raw.trustworthiness, NaN), continuity: num(raw.continuity, NaN), kept: num(raw.kept_neighbors, NaN), rank: num(raw.rank_correlation, NaN) } : null;
  const readBorders = (raw: unknown): Borders | null => {
    if (!isObject(raw)) return null;
    const arcs = Math.max(0, Math.floor(num(raw.borders, 0)));
    const count = Math.max(0, Math.floor(num(raw.points, 0)));
    const begin = i32('border_begin', arcs + 1, 0);
    for (let a = 0; a < arcs; a++) if (begin[a] > begin[a + 1] || begin[a] < 0 || begin[a + 1] > count) throw new PayloadError('The borders of the regions lie outside their points.');
    const sides = i32('border_sides', 2 * arcs, -1);
    for (let i = 0; i < sides.length; i++) if (sides[i] < -1 || sides[i] >= nodes.length) sides[i] = -1;
    const list = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);
    return {
      points: f32('border_points', 2 * count, NaN),
      begin,
      sides,
      level: i32('border_level', arcs, 0),
      zoom: levels.map((_, i) => num(list(raw.zoom)[i], i === 0 ? -Infinity : Infinity)),
      shares: list(raw.levels).filter(isObject).map((v) => ({ inside: num(v.inside, NaN), onePiece: num(v.one_piece, NaN) })),
      owned: raw.owned === true,
      plain: quality(raw.plain_quality),
    };
  };
  const r = isObject(m.report) ? m.report : null;

  // Items grouped by leaf, in row order (counting sort); the last bucket holds items without a leaf.
  const leafStart = new Int32Array(nodes.length + 2);
  const bucket = (i: number): number => (leaf[i] < 0 ? nodes.length : leaf[i]);
  for (let i = 0; i < n; i++) leafStart[bucket(i) + 1]++;
  for (let i = 0; i < nodes.length + 1; i++) leafStart[i + 1] += leafStart[i];
  const cursor = leafStart.slice();
  const leafOrder = new Int32Array(n);
  for (let i = 0; i < n; i++) leafOrder[cursor[bucket(i)]++] = i;

  return {
    generator: str(m.generator, 'filmatlas'),
    title: str(m.title).trim() || 'Atlas',
    count: n,
    extent: readExtent(m.extent, x, y),
    levels,
    nodes,
    roots,
    columns,
    byName,
    titleColumn,
    timeColumn: timeColumn && timeColumn.kind === 'number' ? timeColumn : null,
    linkColumn: role('link'),
    summaryColumn: role('summary'),
    idColumn: byName.get('id') ?? null,
    titles,
    k,
    metric: str(nb.metric, 'cosine'),
    quality: quality(m.quality),
    borders: readBorders(m.territories),
    report: r
      ? {
          errors: num(r.errors, 0),
          warnings: num(r.warnings, 0),
          findings: (Array.isArray(r.findings) ? r.findings : []).filter(isObject).map((f) => ({ code: str(f.code), severity: str(f.severity), message: str(f.message) })),
        }
      : null,
    attributions: strings(m.attributions),
    x,
    y,
    leaf,
    neighbors,
    similarities: f32('similarities', n * k, NaN),
    itemZoom: f32('item_zoom', n, Infinity),
    kept: f32('kept', n, NaN),
    trust: f32('trust', n, NaN),
    continuity: f32('continuity', n, NaN),
    leafOrder,
    leafStart,
  };
}

function readNodes(raw: unknown, levels: string[], n: number): AtlasNode[] {
  const list = Array.isArray(raw) ? raw : [];
  const nodes: AtlasNode[] = [];
  list.forEach((d, id) => {
    if (!isObject(d)) throw new PayloadError(`Node ${id} of the hierarchy is not an object.`);
    const parent = num(d.parent, -1);
    if (parent >= id || parent < -1 || !Number.isInteger(parent)) throw new PayloadError(`Node ${id} of the hierarchy comes before its parent.`);
    const level = Math.max(0, Math.floor(num(d.level, parent < 0 ? 0 : nodes[parent].level + 1)));
    const label = str(d.label).trim() || `${levels[level] ?? 'Region'} ${id}`;
    const lines = strings(d.lines).filter((s) => s.trim() !== '');
    const box = Array.isArray(d.box) ? d.box : [];
    const zoom = Array.isArray(d.zoom) ? d.zoom : [];
    nodes.push({
      id,
      level,
      parent,
      size: Math.max(0, num(d.size, 0)),
      label,
      lines: lines.length ? lines : [label],
      keywords: strings(d.keywords),
      representatives: (Array.isArray(d.representatives) ? d.representatives : []).filter((r): r is number => Number.isInteger(r) && r >= 0 && r < n),
      x: num(d.x, NaN),
      y: num(d.y, NaN),
      box: [Math.max(1, num(box[0], 120)), Math.max(1, num(box[1], 24))],
      // JSON has no infinity: null stands for an open end.
      zmin: num(zoom[0], -Infinity),
      zmax: num(zoom[1], Infinity),
      color: /^#[0-9a-f]{6}$/i.test(str(d.color)) ? str(d.color) : '#7f8794',
      children: [],
    });
    if (parent >= 0) nodes[parent].children.push(id);
  });
  for (const d of nodes) d.children.sort((a, b) => nodes[b].size - nodes[a].size || a - b);
  return nodes;
}

function readExtent(raw: unknown, x: Float32Array, y: Float32Array): [number, number, number, number] {
  if (Array.isArray(raw) && raw.length === 4 && raw.every((v) => typeof v === 'number' && Number.isFinite(v)) && raw[2] >= raw[0] && raw[3] >= raw[1]) {
    return [raw[0], raw[1], raw[2], raw[3]];
  }
  let e: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i]) || !Number.isFinite(y[i])) continue;
    e = [Math.min(e[0], x[i]), Math.min(e[1], y[i]), Math.max(e[2], x[i]), Math.max(e[3], y[i])];
  }
  return e[0] <= e[2] ? e : [-1, -1, 1, 1];
}

/** Node ids from the root to the finest level; empty when the item has no place. */
export function pathOf(atlas: Atlas, node: number): number[] {
  const path: number[] = [];
  for (let i = node; i >= 0; i = atlas.nodes[i].parent) path.push(i);
  return path.reverse();
}

/** The ancestor of a node at a level, or -1. */
export function ancestorAt(atlas: Atlas, node: number, level: number): number {
  for (let i = node; i >= 0; i = atlas.nodes[i].parent) if (atlas.nodes[i].level === level) return i;
  return -1;
}

/** Calls back for every item row below a node. */
export function eachItem(atlas: Atlas, node: number, visit: (row: number) => void): void {
  const stack = [node];
  while (stack.length) {
    const id = stack.pop()!;
    for (let i = atlas.leafStart[id]; i < atlas.leafStart[id + 1]; i++) visit(atlas.leafOrder[i]);
    for (const c of atlas.nodes[id].children) stack.push(c);
  }
}

export function itemsOf(atlas: Atlas, node: number): number[] {
  const rows: number[] = [];
  eachItem(atlas, node, (row) => rows.push(row));
  return rows;
}

export const onMap = (atlas: Atlas, row: number): boolean => Number.isFinite(atlas.x[row]) && Number.isFinite(atlas.y[row]);
