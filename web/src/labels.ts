// Labels on the map. Node labels follow the zoom intervals of the payload and nothing else; item titles
// come after them, at most as many as fit under the cap, and give way to every box already drawn.

import type { Camera, Rect } from './camera';
import { cssColor, parseHex, readable, type Rgb } from './color';
import { el, plural } from './dom';
import type { Grid } from './grid';
import { onMap, type Atlas } from './payload';

export const LABEL_CAP = 150;
const SIZES = [18, 14, 12];
const WEIGHTS = [700, 600, 500];
const ITEM_SIZE = 11;
const ITEM_WIDTH = 190;
const FAMILY = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

export const levelSize = (level: number): number => SIZES[level] ?? 11;
const levelWeight = (level: number): number => WEIGHTS[level] ?? 500;

export type LabelKind = 'node' | 'item' | 'neighbor' | 'selected';

interface Placed {
  key: string;
  kind: LabelKind;
  id: number;
  text: string;
  rect: Rect;
}

export interface LabelScene {
  camera: Camera;
  /** Boxes of the controls above the map; labels that meet one are not drawn. */
  covers: Rect[];
  /** Rows that may not be named because a filter puts them back. */
  shown: (row: number) => boolean;
  selected: number;
  neighbors: number[];
  matches: number[];
  diameter: number;
}

const meets = (a: Rect, b: Rect): boolean => a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top;

export class Labels {
  private readonly elements = new Map<string, HTMLElement>();
  private placed: Placed[] = [];
  private readonly measure: CanvasRenderingContext2D | null;
  private readonly widths = new Map<number, { text: string; width: number }>();
  private readonly scales: Float64Array;
  private readonly byZoom: Int32Array;
  private readonly zooms: Float32Array;
  private colors: string[] = [];

  constructor(
    private readonly atlas: Atlas,
    private readonly grid: Grid,
    private readonly layer: HTMLElement,
    private readonly open: (kind: 'node' | 'item', id: number) => void,
  ) {
    this.measure = document.createElement('canvas').getContext('2d');
    this.scales = new Float64Array(atlas.nodes.length).fill(NaN);
    const rows: number[] = [];
    for (let i = 0; i < atlas.count; i++) if (atlas.itemZoom[i] < Infinity && onMap(atlas, i)) rows.push(i);
    rows.sort((a, b) => atlas.itemZoom[a] - atlas.itemZoom[b] || a - b);
    this.byZoom = Int32Array.from(rows);
    this.zooms = Float32Array.from(rows, (r) => atlas.itemZoom[r]);
  }

  /** Node labels wear their region's colour only while the points do; `ink` is for all other colourings. */
  setTheme(background: Rgb, ink: string | null): void {
    this.colors = this.atlas.nodes.map((d) => ink ?? cssColor(readable(parseHex(d.color), background, d.level === 0 ? 6.5 : 5.8)));
    for (const e of this.elements.values()) e.remove();
    this.elements.clear();
  }

  private widthOf(text: string, size: number, weight: number): number {
    const c = this.measure;
    if (!c) return text.length * size * 0.6;
    c.font = `${weight} ${size}px ${FAMILY}`;
    return c.measureText(text).width;
  }

  /** How far a node's text must shrink to stay inside its box. */
  private scaleOf(id: number): number {
    if (!Number.isNaN(this.scales[id])) return this.scales[id];
    const d = this.atlas.nodes[id];
    const size = levelSize(d.level);
    let widest = 1;
    for (const line of d.lines) widest = Math.max(widest, this.widthOf(line, size, levelWeight(d.level)));
    const s = Math.min(1, (d.box[0] - 1) / widest, d.box[1] / (d.lines.length * size * 1.2));
    this.scales[id] = Math.max(0.2, s);
    return this.scales[id];
  }

  /** An item's title as drawn: cut with an ellipsis where it is long. */
  private itemText(row: number): { text: string; width: number } {
    let w = this.widths.get(row);
    if (w) return w;
    let text = this.atlas.titles[row].replace(/\s+/g, ' ');
    let width = this.widthOf(text, ITEM_SIZE, 500);
    if (width > ITEM_WIDTH) {
      const chars = Array.from(text);
      let lo = 1;
      let hi = chars.length;
      while (lo < hi) {
        const mid = (lo + hi + 1) >> 1;
        if (this.widthOf(chars.slice(0, mid).join('') + '…', ITEM_SIZE, 500) <= ITEM_WIDTH) lo = mid;
        else hi = mid - 1;
      }
      text = chars.slice(0, lo).join('').trimEnd() + '…';
      width = this.widthOf(text, ITEM_SIZE, 500);
    }
    w = { text, width: Math.ceil(width) + 1 };
    if (this.widths.size > 20000) this.widths.clear();
    this.widths.set(row, w);
    return w;
  }

  /** Node labels whose interval holds the zoom and whose box meets the viewport of the camera. */
  nodesAt(camera: Camera): Placed[] {
    const out: Placed[] = [];
    const z = camera.z;
    for (const d of this.atlas.nodes) {
      if (z < d.zmin || z >= d.zmax || !Number.isFinite(d.x) || !Number.isFinite(d.y)) continue;
      const cx = camera.screenX(d.x);
      const cy = camera.screenY(d.y);
      const rect = { left: cx - d.box[0] / 2, top: cy - d.box[1] / 2, right: cx + d.box[0] / 2, bottom: cy + d.box[1] / 2 };
      if (rect.right <= 0 || rect.bottom <= 0 || rect.left >= camera.width || rect.top >= camera.height) continue;
      out.push({ key: `n${d.id}`, kind: 'node', id: d.id, text: d.lines.join(' '), rect });
    }
    return out;
  }

  update(scene: LabelScene): void {
    const { camera, covers } = scene;
    const free = (r: Rect): boolean => !covers.some((c) => meets(c, r));
    // A name that the edge of the map would cut is not shown: half a name misleads.
    const whole = (r: Rect): boolean => r.left >= 0 && r.top >= 0 && r.right <= camera.width && r.bottom <= camera.height;
    const placed = this.nodesAt(camera).filter((p) => free(p.rect) && whole(p.rect));
    const boxes = placed.map((p) => p.rect);
    const room = (r: Rect): boolean => r.left >= 2 && r.top >= 2 && r.right <= camera.width - 2 && r.bottom <= camera.height - 2 && free(r) && !boxes.some((b) => meets(b, r));
    const add = (kind: LabelKind, row: number, text: string, rect: Rect): void => {
      placed.push({ key: `${kind === 'selected' ? 's' : kind === 'neighbor' ? 'k' : 'i'}${row}`, kind, id: row, text, rect });
      boxes.push(rect);
    };
    const gap = scene.diameter / 2 + 4;
    const around = (row: number, pad: number, height: number, distance: number): Rect[] => {
      const w = this.itemText(row).width + 2 * pad;
      const px = camera.screenX(this.atlas.x[row]);
      const py = camera.screenY(this.atlas.y[row]);
      const at = (x: number, y: number): Rect => ({ left: x, top: y, right: x + w, bottom: y + height });
      return [at(px + distance, py - height / 2), at(px - distance - w, py - height / 2), at(px - w / 2, py + distance), at(px - w / 2, py - distance - height)];
    };

    if (scene.selected >= 0 && onMap(this.atlas, scene.selected)) {
      const spots = [...around(scene.selected, 7, 24, gap + 6), ...around(scene.selected, 7, 24, gap + 26)];
      const spot = spots.find(room);
      if (spot) add('selected', scene.selected, this.itemText(scene.selected).text, spot);
    }
    for (const row of scene.neighbors) {
      if (!onMap(this.atlas, row) || placed.length >= LABEL_CAP) continue;
      const spot = around(row, 2, 16, gap + 2).find(room);
      if (spot) add('neighbor', row, this.itemText(row).text, spot);
    }
    const taken = new Set(scene.neighbors);
    taken.add(scene.selected);
    for (const row of this.candidates(camera, scene)) {
      if (placed.length >= LABEL_CAP) break;
      if (taken.has(row) || !scene.shown(row)) continue;
      taken.add(row);
      const rect = around(row, 2, 16, gap - 2)[0];
      if (room(rect)) add('item', row, this.itemText(row).text, rect);
    }
    this.placed = placed;
    this.show();
  }

  /** Items in view whose title may be drawn, the earliest zoom first. */
  private candidates(camera: Camera, scene: LabelScene): number[] {
    const { atlas, zooms } = this;
    const z = camera.z;
    let lo = 0;
    let hi = zooms.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (zooms[mid] <= z) lo = mid + 1;
      else hi = mid;
    }
    const x0 = camera.mapX(0);
    const x1 = camera.mapX(camera.width);
    const y0 = camera.mapY(camera.height);
    const y1 = camera.mapY(0);
    const inView = (r: number): boolean => atlas.x[r] >= x0 && atlas.x[r] <= x1 && atlas.y[r] >= y0 && atlas.y[r] <= y1;
    const out: number[] = [];
    for (const r of scene.matches) if (z >= atlas.itemZoom[r] && inView(r)) out.push(r);
    if (lo <= 4000) {
      for (let i = 0; i < lo; i++) if (inView(this.byZoom[i])) out.push(this.byZoom[i]);
      return out;
    }
    const rows: number[] = [];
    this.grid.query(x0, y0, x1, y1, (r) => {
      if (atlas.itemZoom[r] <= z && inView(r)) rows.push(r);
    });
    rows.sort((a, b) => atlas.itemZoom[a] - atlas.itemZoom[b] || a - b);
    return out.concat(rows.length > 1200 ? rows.slice(0, 1200) : rows);
  }

  private show(): void {
    const keep = new Set<string>();
    for (const p of this.placed) {
      keep.add(p.key);
      let e = this.elements.get(p.key);
      if (!e) {
        e = this.create(p);
        this.elements.set(p.key, e);
        this.layer.append(e);
      }
      e.style.transform = `translate(${p.rect.left.toFixed(2)}px, ${p.rect.top.toFixed(2)}px)`;
    }
    for (const [key, e] of this.elements) {
      if (keep.has(key)) continue;
      e.remove();
      this.elements.delete(key);
    }
  }

  private create(p: Placed): HTMLElement {
    const e = el('button', { type: 'button', tabindex: -1 });
    const w = p.rect.right - p.rect.left;
    const h = p.rect.bottom - p.rect.top;
    e.style.width = `${w}px`;
    e.style.height = `${h}px`;
    if (p.kind === 'node') {
      const d = this.atlas.nodes[p.id];
      e.className = `map-label node level-${Math.min(d.level, 3)}`;
      e.dataset.node = String(p.id);
      const s = this.scaleOf(p.id);
      e.style.fontSize = `${(levelSize(d.level) * s).toFixed(3)}px`;
      e.style.fontWeight = String(levelWeight(d.level));
      e.style.color = this.colors[p.id];
      for (const line of d.lines) e.append(el('span', {}, line), ' ');
      e.setAttribute('aria-label', `${d.lines.join(' ')}, ${plural(d.size, 'item')}`);
      e.addEventListener('click', () => this.open('node', p.id));
    } else {
      e.className = `map-label item ${p.kind}`;
      e.dataset.row = String(p.id);
      e.append(el('span', {}, p.text));
      e.addEventListener('click', () => this.open('item', p.id));
    }
    return e;
  }

  visible(): { text: string; kind: LabelKind; id: number; rect: { x: number; y: number; width: number; height: number } }[] {
    const base = this.layer.getBoundingClientRect();
    return this.placed.map((p) => ({
      text: p.text,
      kind: p.kind,
      id: p.id,
      rect: { x: base.left + p.rect.left, y: base.top + p.rect.top, width: p.rect.right - p.rect.left, height: p.rect.bottom - p.rect.top },
    }));
  }
}
