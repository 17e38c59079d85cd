// Borders of the regions, drawn over the points: coarse ones always, finer ones as the zoom reaches their labels.

import type { Camera } from './camera';
import { el, on, percent } from './dom';
import { ancestorAt, type Atlas, type Borders } from './payload';

export interface BorderLook {
  ink: string;
  accent: string;
  background: string;
  /** The node whose border stands out, or -1. */
  selected: number;
}

const WIDTHS = [2, 1.3, 1];
const OPACITY = [0.8, 0.6, 0.42];
const of = (list: number[], level: number): number => list[Math.min(level, list.length - 1)];

export class BorderLayer {
  private readonly context: CanvasRenderingContext2D | null;
  /** Left, bottom, right, top of every arc. */
  private readonly boxes: Float32Array;
  private ratio = 1;
  private blank = true;
  /** Points sent to be drawn in the last frame, per level. */
  drawn: number[] = [];

  constructor(private readonly canvas: HTMLCanvasElement, private readonly atlas: Atlas, private readonly borders: Borders) {
    this.context = canvas.getContext('2d');
    const { begin, points, level } = borders;
    this.boxes = new Float32Array(4 * level.length);
    for (let a = 0; a < level.length; a++) {
      let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
      for (let p = begin[a]; p < begin[a + 1]; p++) {
        x0 = Math.min(x0, points[2 * p]);
        x1 = Math.max(x1, points[2 * p]);
        y0 = Math.min(y0, points[2 * p + 1]);
        y1 = Math.max(y1, points[2 * p + 1]);
      }
      this.boxes.set([x0, y0, x1, y1], 4 * a);
    }
  }

  resize(width: number, height: number, ratio: number): void {
    this.ratio = ratio;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.blank = true;
  }

  /** How clearly a level shows: 0 below its zoom, 1 half a step later. */
  strength(level: number, z: number): number {
    return Math.min(1, Math.max(0, 2 * (z - this.borders.zoom[level])));
  }

  clear(camera: Camera): void {
    this.drawn = [];
    if (this.blank || !this.context) return;
    this.context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.context.clearRect(0, 0, camera.width, camera.height);
    this.blank = true;
  }

  draw(camera: Camera, look: BorderLook): void {
    const c = this.context;
    if (!c) return;
    this.clear(camera);
    this.blank = false;
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    c.lineJoin = 'round';
    c.lineCap = 'round';
    const { level } = this.borders;
    // Fine borders first, so that coarse ones lie on top.
    for (let l = this.atlas.levels.length - 1; l >= 0; l--) {
      const strength = this.strength(l, camera.z);
      this.drawn[l] = 0;
      if (strength === 0) continue;
      c.beginPath();
      for (let a = 0; a < level.length; a++) if (level[a] === l) this.drawn[l] += this.trace(c, camera, a);
      if (l === 0) {
        c.globalAlpha = 0.55;
        c.strokeStyle = look.background;
        c.lineWidth = of(WIDTHS, l) + 2.5;
        c.stroke();
      }
      c.globalAlpha = of(OPACITY, l) * strength;
      c.strokeStyle = look.ink;
      c.lineWidth = of(WIDTHS, l);
      c.stroke();
    }
    if (look.selected >= 0) this.outline(c, camera, look);
    c.globalAlpha = 1;
  }

  /** The border of one node, whatever the zoom. */
  private outline(c: CanvasRenderingContext2D, camera: Camera, look: BorderLook): void {
    const { sides, level } = this.borders;
    const own = this.atlas.nodes[look.selected].level;
    const inside = (leaf: number): boolean => leaf >= 0 && ancestorAt(this.atlas, leaf, own) === look.selected;
    c.beginPath();
    for (let a = 0; a < level.length; a++) {
      if (level[a] <= own && inside(sides[2 * a]) !== inside(sides[2 * a + 1])) this.trace(c, camera, a);
    }
    c.globalAlpha = 0.7;
    c.strokeStyle = look.background;
    c.lineWidth = 6;
    c.stroke();
    c.globalAlpha = 1;
    c.strokeStyle = look.accent;
    c.lineWidth = 3;
    c.stroke();
  }

  /** Adds an arc to the path where it is in view; points closer than a pixel and a half are left out. */
  private trace(c: CanvasRenderingContext2D, camera: Camera, arc: number): number {
    const { boxes } = this;
    const { points, begin } = this.borders;
    if (camera.screenX(boxes[4 * arc + 2]) < 0 || camera.screenX(boxes[4 * arc]) > camera.width) return 0;
    if (camera.screenY(boxes[4 * arc + 1]) < 0 || camera.screenY(boxes[4 * arc + 3]) > camera.height) return 0;
    const last = begin[arc + 1] - 1;
    let traced = 0;
    let px = NaN;
    let py = NaN;
    for (let p = begin[arc]; p <= last; p++) {
      const x = camera.screenX(points[2 * p]);
      const y = camera.screenY(points[2 * p + 1]);
      if (p > begin[arc] && p < last && Math.abs(x - px) < 1.5 && Math.abs(y - py) < 1.5) continue;
      if (p === begin[arc]) c.moveTo(x, y);
      else c.lineTo(x, y);
      px = x;
      py = y;
      traced++;
    }
    return traced;
  }
}

/** The switch, and what the reader should know about the borders. */
export class BorderControl {
  readonly root: HTMLElement;
  private readonly box: HTMLInputElement;

  constructor(atlas: Atlas, borders: Borders, changed: (on: boolean) => void) {
    this.box = el('input', { type: 'checkbox', id: 'atlas-borders' });
    on(this.box, 'change', () => changed(this.box.checked));
    const q = atlas.quality;
    const note = borders.owned && borders.plain && q
      ? `Each region is one piece of this map. Neighbours kept ${percent(q.kept)} (plain map ${percent(borders.plain.kept)}), trust ${q.trustworthiness.toFixed(2)} (${borders.plain.trustworthiness.toFixed(2)}).`
      : borders.shares.length ? `${percent(borders.shares[0].inside)} of the items stand inside their own region’s border.` : '';
    this.root = el('div', { class: 'border-control' }, el('label', { for: 'atlas-borders' }, this.box, el('span', {}, 'Borders of regions')), note ? el('p', { class: 'note' }, note) : null);
  }

  set(on: boolean): void {
    this.box.checked = on;
  }
}
