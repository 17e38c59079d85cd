// What a point's colour says: a level of the hierarchy, how far the map may be trusted there, or a category or number
// column.

import { CATEGORY_COLORS, cssColor, mix, parseHex, ramp, readable, type Rgb } from './color';
import { capital, levelWord } from './dom';
import { ancestorAt, type Atlas, type Column } from './payload';

export interface ColorOption {
  key: string;
  label: string;
}

export interface LegendEntry {
  label: string;
  color: string;
  count: number;
}

export interface Coloring {
  key: string;
  /** Red, green, blue per row. */
  rgb: Uint8Array;
  /** Legend entry of each row, or null where the colour is not a category. */
  group: Uint8Array | null;
  legend: { kind: 'level'; text: string } | { kind: 'category'; entries: LegendEntry[] } | { kind: 'number'; low: string; high: string; stops: string[]; missing: number; text: string };
  /** The value behind a row's colour, in words, where the map does not name it already. */
  describe: (row: number) => string;
}

const TOP = 12;

/** Figures of each place on the map: name, what they say, values. */
const FIGURES: Record<string, { label: string; text: string; of: (atlas: Atlas) => Float32Array }> = {
  trust: { label: 'Trust of the map', text: 'Dark where the items drawn around a point are truly like it; pale where strangers stand among them.', of: (atlas) => atlas.trust },
  continuity: { label: 'Continuity of the map', text: 'Dark where the items most like a point stand around it; pale where the map tore them away.', of: (atlas) => atlas.continuity },
  kept: { label: 'Neighbours kept on the map', text: 'Share of the true neighbours that are also among the nearest on the map.', of: (atlas) => atlas.kept },
};

export function colorOptions(atlas: Atlas): ColorOption[] {
  const options: ColorOption[] = [];
  const used = new Set(atlas.nodes.map((d) => d.level));
  atlas.levels.forEach((name, i) => {
    if (used.has(i)) options.push({ key: `level:${i}`, label: capital(levelWord(name, 1)) });
  });
  for (const [key, figure] of Object.entries(FIGURES)) {
    if (figure.of(atlas).some(Number.isFinite)) options.push({ key: `map:${key}`, label: figure.label });
  }
  for (const c of atlas.columns) {
    if (c.kind === 'category' || (c.kind === 'number' && c.values.some((v) => typeof v === 'number' && Number.isFinite(v)))) {
      options.push({ key: `col:${c.name}`, label: capital(c.label) });
    }
  }
  return options;
}

const asNumber = (v: unknown): number => (typeof v === 'number' ? v : NaN);

export function formatNumber(v: number, year = false): string {
  if (!Number.isFinite(v)) return '–';
  if (year) return Number.isInteger(v) ? String(v) : v.toFixed(1);
  const a = Math.abs(v);
  if (Number.isInteger(v)) return v.toLocaleString('en');
  return a !== 0 && (a < 1e-3 || a >= 1e12) ? v.toPrecision(4) : v.toLocaleString('en', { maximumFractionDigits: a >= 100 ? 1 : 3 });
}

export function isYear(atlas: Atlas, column: Column): boolean {
  if (column === atlas.timeColumn) return true;
  return /year/i.test(column.name);
}

export function makeColoring(atlas: Atlas, key: string, background: Rgb, dark: boolean): Coloring {
  const n = atlas.count;
  const rgb = new Uint8Array(3 * n);
  const put = (row: number, c: Rgb): void => {
    rgb[3 * row] = c[0];
    rgb[3 * row + 1] = c[1];
    rgb[3 * row + 2] = c[2];
  };
  const faint: Rgb = mix(background, dark ? [255, 255, 255] : [0, 0, 0], 0.38);
  const column = key.startsWith('col:') ? atlas.byName.get(key.slice(4)) : undefined;

  if (column && column.kind === 'category') {
    const counts = new Map<string, number>();
    const of = (row: number): string | null => {
      const v = column.values[row];
      return v === null || v === undefined || v === '' ? null : String(v);
    };
    for (let i = 0; i < n; i++) {
      const v = of(i);
      if (v !== null) counts.set(v, (counts.get(v) ?? 0) + 1);
    }
    const names = [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)! || (a < b ? -1 : 1));
    const top = names.length <= TOP ? names : names.slice(0, TOP);
    const index = new Map(top.map((v, i) => [v, i]));
    const palette = top.map((_, i) => readable(parseHex(CATEGORY_COLORS[i]), background, 3));
    const entries: LegendEntry[] = top.map((label, i) => ({ label, color: cssColor(palette[i]), count: counts.get(label)! }));
    const otherAt = names.length > top.length ? entries.push({ label: `Other (${names.length - top.length})`, color: cssColor(mix(faint, background, 0.2)), count: 0 }) - 1 : -1;
    let missingAt = -1;
    const group = new Uint8Array(n);
    for (let i = 0; i < n; i++) {
      const v = of(i);
      if (v === null) {
        if (missingAt < 0) missingAt = entries.push({ label: 'No value', color: cssColor(mix(faint, background, 0.5)), count: 0 }) - 1;
        entries[missingAt].count++;
        group[i] = missingAt;
        put(i, mix(faint, background, 0.5));
      } else {
        const at = index.get(v);
        if (at === undefined) {
          entries[otherAt].count++;
          group[i] = otherAt;
          put(i, mix(faint, background, 0.2));
        } else {
          group[i] = at;
          put(i, palette[at]);
        }
      }
    }
    return { key, rgb, group, legend: { kind: 'category', entries }, describe: (row) => `${column.label}: ${of(row) ?? 'no value'}` };
  }

  /** Colours along a ramp; two percent at each end share the end colours, so that single extremes do not flatten the rest. */
  const byNumber = (label: string, text: string, year: boolean, of: (row: number) => number): Coloring => {
    const values: number[] = [];
    for (let i = 0; i < n; i++) {
      const v = of(i);
      if (Number.isFinite(v)) values.push(v);
    }
    values.sort((a, b) => a - b);
    const low = values.length ? values[Math.floor(0.02 * (values.length - 1))] : 0;
    const high = values.length ? values[Math.ceil(0.98 * (values.length - 1))] : 1;
    for (let i = 0; i < n; i++) {
      const v = of(i);
      put(i, Number.isFinite(v) ? ramp(high > low ? (v - low) / (high - low) : 0.5, dark) : mix(faint, background, 0.5));
    }
    const clipped = values.length > 0 && (values[0] < low || values[values.length - 1] > high);
    return {
      key,
      rgb,
      group: null,
      legend: {
        kind: 'number',
        low: (clipped ? '≤ ' : '') + formatNumber(low, year),
        high: (clipped ? '≥ ' : '') + formatNumber(high, year),
        stops: [0, 0.25, 0.5, 0.75, 1].map((t) => cssColor(ramp(t, dark))),
        missing: n - values.length,
        text,
      },
      describe: (row) => `${label}: ${formatNumber(of(row), year)}`,
    };
  };
  if (column) return byNumber(column.label, '', isYear(atlas, column), (row) => asNumber(column.values[row]));
  const figure = key.startsWith('map:') ? FIGURES[key.slice(4)] : undefined;
  if (figure) {
    const values = figure.of(atlas);
    return byNumber(figure.label, dark ? figure.text.replace('Dark', 'Bright').replace('pale', 'dim') : figure.text, false, (row) => values[row]);
  }

  const level = key.startsWith('level:') ? Math.max(0, Number(key.slice(6)) || 0) : 0;
  const palette = atlas.nodes.map((d) => readable(parseHex(d.color), background, dark ? 3.2 : 2.2));
  const at = atlas.nodes.map((d) => {
    const a = ancestorAt(atlas, d.id, level);
    return a >= 0 ? a : d.id;
  });
  for (let i = 0; i < n; i++) put(i, atlas.leaf[i] >= 0 ? palette[at[atlas.leaf[i]]] : faint);
  const name = atlas.levels[level] ?? 'region';
  return {
    key: `level:${level}`,
    rgb,
    group: null,
    legend: { kind: 'level', text: `One colour per ${levelWord(name, 1)}; the Regions list names them all.` },
    describe: () => '',
  };
}
