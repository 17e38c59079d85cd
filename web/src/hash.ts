// The state of the page in the address: #z=…&x=…&y=…&sel=…&q=…&time=…&color=…&only=…&theme=…&borders=…
// An item is named by its `id` column where there is one (sel=i:…), by its row otherwise (sel=r:…).

import type { View } from './camera';
import type { Atlas } from './payload';

export type Selection = { kind: 'item'; row: number } | { kind: 'node'; id: number } | null;

export interface State {
  view: View | null;
  selection: Selection;
  query: string;
  time: [number, number] | null;
  color: string;
  only: number | null;
  theme: 'light' | 'dark' | null;
  /** Whether borders are drawn; null = as the page decides. */
  borders: boolean | null;
}

export function formatState(atlas: Atlas, s: State, defaultColor: string): string {
  const p = new URLSearchParams();
  if (s.view) {
    const digits = Math.min(12, Math.max(2, Math.ceil(s.view.z * 0.30103) + 2));
    p.set('z', s.view.z.toFixed(3));
    p.set('x', s.view.x.toFixed(digits));
    p.set('y', s.view.y.toFixed(digits));
  }
  const sel = s.selection;
  if (sel && sel.kind === 'node') p.set('sel', `n:${sel.id}`);
  if (sel && sel.kind === 'item') {
    const id = atlas.idColumn ? atlas.idColumn.values[sel.row] : null;
    p.set('sel', typeof id === 'string' || typeof id === 'number' ? `i:${id}` : `r:${sel.row}`);
  }
  if (s.query) p.set('q', s.query);
  if (s.time) p.set('time', `${s.time[0]}~${s.time[1]}`);
  if (s.color !== defaultColor) p.set('color', s.color);
  if (s.only !== null) p.set('only', String(s.only));
  if (s.theme) p.set('theme', s.theme);
  if (s.borders !== null) p.set('borders', s.borders ? '1' : '0');
  return '#' + p.toString();
}

export function parseState(atlas: Atlas, hash: string, defaultColor: string): State {
  const p = new URLSearchParams(hash.replace(/^#/, ''));
  const number = (key: string): number => {
    const t = p.get(key);
    return t === null || t.trim() === '' ? NaN : Number(t);
  };
  const view = { z: number('z'), x: number('x'), y: number('y') };
  const time = (p.get('time') ?? '').split('~').map((t) => (t.trim() === '' ? NaN : Number(t)));
  const theme = p.get('theme');
  const only = number('only');
  return {
    view: Number.isFinite(view.z) && Number.isFinite(view.x) && Number.isFinite(view.y) ? view : null,
    selection: parseSelection(atlas, p.get('sel') ?? ''),
    query: (p.get('q') ?? '').slice(0, 200),
    time: time.length === 2 && time.every(Number.isFinite) && time[0] <= time[1] ? [time[0], time[1]] : null,
    color: p.get('color') ?? defaultColor,
    only: Number.isInteger(only) && only >= 0 && only < 256 ? only : null,
    theme: theme === 'light' || theme === 'dark' ? theme : null,
    borders: p.get('borders') === '1' ? true : p.get('borders') === '0' ? false : null,
  };
}

function parseSelection(atlas: Atlas, text: string): Selection {
  const value = text.slice(2);
  if (text.startsWith('i:') && atlas.idColumn) {
    const row = atlas.idColumn.values.findIndex((v) => (typeof v === 'string' || typeof v === 'number') && String(v) === value);
    return row >= 0 ? { kind: 'item', row } : null;
  }
  const i = /^\d+$/.test(value) ? Number(value) : -1;
  if (text.startsWith('r:') && i >= 0 && i < atlas.count) return { kind: 'item', row: i };
  if (text.startsWith('n:') && i >= 0 && i < atlas.nodes.length) return { kind: 'node', id: i };
  return null;
}
