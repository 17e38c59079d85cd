// What the side panel says about an item or a region. Everything is built from the columns' kinds;
// text is text, and only checked addresses become links.

import { button, capital, count, el, icon, percent, plural, safeUrl } from './dom';
import { formatNumber, isYear } from './coloring';
import { eachItem, itemsOf, onMap, pathOf, type Atlas, type Column } from './payload';

export interface PanelActions {
  openItem: (row: number) => void;
  openNode: (id: number) => void;
  hoverItem: (row: number) => void;
  close: () => void;
  swatch: (node: number) => string;
}

export interface NeighborInfo {
  row: number;
  similarity: number;
  /** Items that lie closer on the map, or -1 when one of the two is not on the map. */
  between: number;
  /** Not among the nearest on the map, as many as the map's figures count. */
  torn: boolean;
  far: boolean;
}

/** The full-space neighbours of an item, each with its rank on the map. */
export function neighborsOf(atlas: Atlas, row: number): NeighborInfo[] {
  const out: NeighborInfo[] = [];
  for (let j = 0; j < atlas.k; j++) {
    const nb = atlas.neighbors[row * atlas.k + j];
    if (nb >= 0) out.push({ row: nb, similarity: atlas.similarities[row * atlas.k + j], between: -1, torn: false, far: false });
  }
  if (!onMap(atlas, row)) return out;
  const { x, y } = atlas;
  const d = out.map((nb) => (onMap(atlas, nb.row) ? (x[nb.row] - x[row]) ** 2 + (y[nb.row] - y[row]) ** 2 : NaN));
  const nearer = new Array<number>(out.length).fill(0);
  for (let i = 0; i < atlas.count; i++) {
    if (i === row) continue;
    const e = (x[i] - x[row]) ** 2 + (y[i] - y[row]) ** 2;
    for (let j = 0; j < d.length; j++) if (e < d[j]) nearer[j]++;
  }
  // Far: more than ten times as many items lie in between as the list is long, or a quarter of a small atlas.
  const near = atlas.quality && atlas.quality.k > 0 ? atlas.quality.k : atlas.k;
  const limit = Math.max(atlas.k, Math.min(10 * atlas.k, atlas.count / 4));
  out.forEach((nb, j) => {
    nb.between = Number.isNaN(d[j]) ? -1 : nearer[j];
    nb.torn = nb.between >= near;
    nb.far = nb.between > limit;
  });
  return out;
}

const section = (title: string, ...children: (Node | string | null)[]): HTMLElement => el('section', {}, el('h3', {}, title), ...children);

function itemButton(atlas: Atlas, row: number, actions: PanelActions, ...extra: (Node | null)[]): HTMLButtonElement {
  const b = button(el('span', { class: 'item-title' }, atlas.titles[row]), { class: 'item-button', 'data-row': row }, () => actions.openItem(row));
  for (const e of extra) if (e) b.append(e);
  b.addEventListener('pointerenter', () => actions.hoverItem(row));
  b.addEventListener('pointerleave', () => actions.hoverItem(-1));
  b.addEventListener('focus', () => actions.hoverItem(row));
  b.addEventListener('blur', () => actions.hoverItem(-1));
  return b;
}

function swatch(color: string): HTMLElement {
  const s = el('span', { class: 'swatch square', 'aria-hidden': 'true' });
  s.style.backgroundColor = color;
  return s;
}

function breadcrumbs(atlas: Atlas, node: number, actions: PanelActions): HTMLElement | null {
  const path = pathOf(atlas, node);
  if (!path.length) return null;
  const list = el('ol', { class: 'crumbs' });
  path.forEach((id, depth) => {
    const d = atlas.nodes[id];
    const b = button(swatch(actions.swatch(id)), { class: 'crumb', 'data-node': id }, () => actions.openNode(id));
    b.append(el('span', { class: 'crumb-label' }, d.label), el('span', { class: 'crumb-level' }, capital(atlas.levels[d.level] ?? `Level ${d.level + 1}`)));
    const li = el('li', {}, b);
    li.style.setProperty('--depth', String(depth));
    list.append(li);
  });
  return el('nav', { 'aria-label': 'Place in the atlas' }, list);
}

/** Two words for an item in a list: the value of its time column and its finest region. */
export function itemDetail(atlas: Atlas, row: number): string {
  const parts: string[] = [];
  const t = atlas.timeColumn?.values[row];
  if (typeof t === 'number' && Number.isFinite(t)) parts.push(formatNumber(t, true));
  if (atlas.leaf[row] >= 0) parts.push(atlas.nodes[atlas.leaf[row]].label);
  return parts.join(' · ');
}

export function itemPanel(atlas: Atlas, row: number, neighbors: NeighborInfo[], actions: PanelActions): HTMLElement {
  const root = el('article', { class: 'card item-card', 'data-row': row });
  const time = atlas.timeColumn?.values[row];
  const kicker = typeof time === 'number' && Number.isFinite(time) ? formatNumber(time, true) : 'Item';
  root.append(heading(kicker, atlas.titles[row], actions));
  const crumbs = breadcrumbs(atlas, atlas.leaf[row], actions);
  if (crumbs) root.append(crumbs);
  const url = atlas.linkColumn ? safeUrl(atlas.linkColumn.values[row]) : null;
  if (url) root.append(link(url, 'primary-link', `Open at ${url.hostname.replace(/^www\./, '')}`));
  const summary = atlas.summaryColumn?.values[row];
  if (typeof summary === 'string' && summary.trim()) root.append(el('p', { class: 'summary' }, summary));
  if (!onMap(atlas, row)) root.append(el('p', { class: 'hint' }, 'This item has no place on the map; its neighbours are known all the same.'));

  if (neighbors.length) {
    const list = el('ol', { class: 'neighbors' });
    for (const nb of neighbors) {
      const s = nb.similarity;
      const meter = el('span', { class: 'meter', 'aria-hidden': 'true' });
      const fill = el('span', {});
      fill.style.width = `${Math.max(0, Math.min(1, Number.isFinite(s) ? s : 0)) * 100}%`;
      meter.append(fill);
      const mark = nb.far
        ? el('span', { class: 'tag far', title: `${plural(nb.between, 'item')} lie closer on the map` }, 'far on the map')
        : onMap(atlas, nb.row) ? null : el('span', { class: 'tag far' }, 'not on the map');
      const value = el('span', { class: 'similarity' }, Number.isFinite(s) ? s.toFixed(2) : '–');
      value.setAttribute('aria-label', Number.isFinite(s) ? `similarity ${s.toFixed(2)}` : 'similarity unknown');
      const b = itemButton(atlas, nb.row, actions, value, el('span', { class: 'item-detail' }, itemDetail(atlas, nb.row)), mark, meter);
      list.append(el('li', {}, b));
    }
    root.append(section('Closest items', keptNote(atlas, row), onMap(atlas, row) ? lineKey(neighbors) : null, list));
  }

  const hidden = new Set([atlas.titleColumn, atlas.summaryColumn, atlas.linkColumn]);
  const dl = el('dl', { class: 'columns' });
  for (const column of atlas.columns) {
    if (hidden.has(column)) continue;
    const value = columnValue(atlas, column, row);
    if (value) dl.append(el('div', { class: `column kind-${column.kind}` }, el('dt', {}, capital(column.label)), el('dd', {}, value)));
  }
  if (dl.childElementCount) root.append(section('Details', dl));
  return root;
}

function heading(kicker: string, title: string, actions: PanelActions): HTMLElement {
  return el('header', { class: 'card-head' }, el('div', {}, el('p', { class: 'kicker' }, kicker), el('h2', { tabindex: -1 }, title)),
    button(icon('close'), { class: 'icon-button', 'aria-label': 'Close and show the regions', title: 'Close (Esc)' }, () => actions.close()));
}

function keptNote(atlas: Atlas, row: number): HTMLElement | null {
  const kept = atlas.kept[row];
  if (!Number.isFinite(kept) || !onMap(atlas, row)) return null;
  const k = atlas.quality && atlas.quality.k > 0 ? atlas.quality.k : 0;
  const words = k
    ? `${Math.round(kept * k)} of its ${k} true neighbours ${Math.round(kept * k) === 1 ? 'is' : 'are'} also near on the map.`
    : `${percent(kept)} of its true neighbours are also near on the map.`;
  const trust = kept < 0.2 ? ' Trust this list more than the distances drawn.' : '';
  const figures = ([['trust', atlas.trust[row]], ['continuity', atlas.continuity[row]]] as const).filter(([, v]) => Number.isFinite(v)).map(([name, v]) => `${name} ${v.toFixed(2)}`);
  return el('p', { class: 'note kept' }, words + (figures.length ? ` Of its place: ${figures.join(', ')} (1 at best).` : '') + trust);
}

/** What the lines on the map mean, with how many there are of each. */
function lineKey(neighbors: NeighborInfo[]): HTMLElement | null {
  const placed = neighbors.filter((nb) => nb.between >= 0);
  if (!placed.length) return null;
  const torn = placed.filter((nb) => nb.torn).length;
  const entry = (kind: string, n: number, words: string): HTMLElement => el('li', {}, el('span', { class: `line ${kind}`, 'aria-hidden': 'true' }), el('span', {}, `${count(n)} ${words}`));
  return el('ul', { class: 'line-key', 'aria-label': 'Lines on the map' }, placed.length > torn && entry('near', placed.length - torn, 'near on the map too'), torn > 0 && entry('torn', torn, 'torn away by the map'));
}

function link(url: URL, className: string, text: string): HTMLAnchorElement {
  const a = el('a', { href: url.href, class: className, target: '_blank', rel: 'noopener noreferrer' }, el('span', {}, text));
  a.append(icon('external'), el('span', { class: 'sr-only' }, ' (opens in a new tab)'));
  return a;
}

function chips(entries: { text: string; score?: number }[], most: number): HTMLElement {
  const list = el('ul', { class: 'chips' });
  const top = Math.max(...entries.map((e) => e.score ?? 0), 1e-9);
  const make = (e: { text: string; score?: number }): HTMLElement => {
    const li = el('li', { class: 'chip' }, el('span', {}, e.text));
    if (e.score !== undefined && Number.isFinite(e.score)) {
      li.title = `Score ${formatNumber(e.score)}`;
      const bar = el('span', { class: 'chip-score', 'aria-hidden': 'true' });
      bar.style.width = `${Math.max(6, Math.min(100, (100 * e.score) / top))}%`;
      li.append(bar, el('span', { class: 'sr-only' }, ` (${formatNumber(e.score)})`));
    }
    return li;
  };
  for (const e of entries.slice(0, most)) list.append(make(e));
  if (entries.length > most) {
    const li = el('li', {});
    li.append(button(`${entries.length - most} more`, { class: 'text-button' }, () => {
      li.remove();
      for (const e of entries.slice(most)) list.append(make(e));
    }));
    list.append(li);
  }
  return list;
}

function columnValue(atlas: Atlas, column: Column, row: number): Node | null {
  const v = column.values[row];
  if (v === null || v === undefined || v === '') return null;
  switch (column.kind) {
    case 'number':
      return typeof v === 'number' ? document.createTextNode(formatNumber(v, isYear(atlas, column))) : null;
    case 'tags': {
      const tags = Array.isArray(v) ? v.filter((t) => t !== null && t !== '').map((t) => ({ text: String(t) })) : [];
      return tags.length ? chips(tags, 16) : null;
    }
    case 'scored_tags': {
      const tags = (Array.isArray(v) ? v : []).filter((t): t is unknown[] => Array.isArray(t) && t.length > 0).map((t) => ({ text: String(t[0]), score: typeof t[1] === 'number' ? t[1] : undefined }));
      tags.sort((a, b) => (b.score ?? -Infinity) - (a.score ?? -Infinity));
      return tags.length ? chips(tags, 12) : null;
    }
    case 'link': {
      const url = safeUrl(v);
      return url ? link(url, 'inline-link', url.hostname.replace(/^www\./, '') + (url.pathname.length > 1 ? url.pathname : '')) : document.createTextNode(String(v));
    }
    default:
      return document.createTextNode(Array.isArray(v) ? v.map(String).join(', ') : typeof v === 'object' ? JSON.stringify(v) : String(v));
  }
}

export function nodePanel(atlas: Atlas, id: number, actions: PanelActions): HTMLElement {
  const d = atlas.nodes[id];
  const root = el('article', { class: 'card node-card', 'data-node': id });
  root.append(heading(capital(atlas.levels[d.level] ?? 'region'), d.label, actions));
  if (d.parent >= 0) {
    const crumbs = breadcrumbs(atlas, d.parent, actions);
    if (crumbs) root.append(crumbs);
  }
  const figures = el('dl', { class: 'figures' }, el('div', {}, el('dt', {}, d.size === 1 ? 'item' : 'items'), el('dd', {}, count(d.size))), el('div', {}, el('dt', {}, 'of the atlas'), el('dd', {}, percent(atlas.count ? d.size / atlas.count : 0))));
  const parent = d.parent >= 0 ? atlas.nodes[d.parent] : null;
  if (parent && parent.size > 0) figures.append(el('div', {}, el('dt', {}, `of its ${atlas.levels[parent.level] ?? 'parent'}`), el('dd', {}, percent(d.size / parent.size))));
  const mean = (values: Float32Array): number => {
    let sum = 0;
    let n = 0;
    eachItem(atlas, id, (row) => {
      if (!Number.isFinite(values[row])) return;
      sum += values[row];
      n++;
    });
    return sum / n;
  };
  const kept = mean(atlas.kept);
  const trust = mean(atlas.trust);
  if (Number.isFinite(kept)) figures.append(el('div', {}, el('dt', {}, 'neighbours kept'), el('dd', {}, percent(kept))));
  if (Number.isFinite(trust)) figures.append(el('div', {}, el('dt', {}, 'trust of the map'), el('dd', {}, trust.toFixed(2))));
  root.append(figures);
  if (d.keywords.length) root.append(section('Keywords', chips(d.keywords.map((text) => ({ text })), 16)));
  if (d.representatives.length) {
    const list = el('ul', { class: 'items' });
    for (const row of d.representatives) list.append(el('li', {}, itemButton(atlas, row, actions, el('span', { class: 'item-detail' }, itemDetail(atlas, row)))));
    root.append(section('Typical items', list));
  }
  if (d.children.length) {
    const list = el('ul', { class: 'items' });
    const top = Math.max(...d.children.map((c) => atlas.nodes[c].size), 1);
    for (const c of d.children) {
      const child = atlas.nodes[c];
      const b = button(swatch(actions.swatch(c)), { class: 'item-button child', 'data-node': c }, () => actions.openNode(c));
      const meter = el('span', { class: 'meter', 'aria-hidden': 'true' }, el('span', {}));
      (meter.firstElementChild as HTMLElement).style.width = `${(100 * child.size) / top}%`;
      b.append(el('span', { class: 'item-title' }, child.label), el('span', { class: 'similarity' }, count(child.size)), meter);
      list.append(el('li', {}, b));
    }
    root.append(section(`${count(d.children.length)} ${d.children.length === 1 ? 'part' : 'parts'}`, list));
  } else {
    const rows = itemsOf(atlas, id).sort((a, b) => atlas.itemZoom[a] - atlas.itemZoom[b] || a - b);
    if (rows.length) {
      const list = el('ul', { class: 'items' });
      const more = (from: number): void => {
        for (const row of rows.slice(from, from + 60)) list.append(el('li', {}, itemButton(atlas, row, actions, el('span', { class: 'item-detail' }, itemDetail(atlas, row)))));
        if (from + 60 >= rows.length) return;
        const li = el('li', {});
        li.append(button(`Show ${Math.min(60, rows.length - from - 60)} more`, { class: 'text-button' }, () => {
          li.remove();
          more(from + 60);
        }));
        list.append(li);
      };
      more(0);
      root.append(section('All items here', list));
    }
  }
  return root;
}
