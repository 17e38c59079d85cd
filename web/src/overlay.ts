// Lines and rings above the points: the selected item, its full-space neighbours, search matches, hover.

import type { Camera } from './camera';
import { onMap, type Atlas } from './payload';

export interface Marks {
  selected: number;
  neighbors: { row: number; torn: boolean }[];
  matches: number[];
  hovered: number;
  diameter: number;
  ink: string;
  accent: string;
  /** Of neighbours that the map tore away. */
  torn: string;
  background: string;
}

export class Overlay {
  private readonly context: CanvasRenderingContext2D | null;
  private ratio = 1;
  private blank = true;

  constructor(private readonly canvas: HTMLCanvasElement, private readonly atlas: Atlas) {
    this.context = canvas.getContext('2d');
  }

  resize(width: number, height: number, ratio: number): void {
    this.ratio = ratio;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.blank = true;
  }

  draw(camera: Camera, m: Marks): void {
    const c = this.context;
    if (!c) return;
    const empty = m.selected < 0 && m.matches.length === 0 && m.hovered < 0;
    if (empty && this.blank) return;
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    c.clearRect(0, 0, camera.width, camera.height);
    this.blank = empty;
    if (empty) return;
    const { atlas } = this;
    const px = (row: number): number => camera.screenX(atlas.x[row]);
    const py = (row: number): number => camera.screenY(atlas.y[row]);
    const ring = (row: number, radius: number, width: number, color: string): void => {
      c.beginPath();
      c.arc(px(row), py(row), radius, 0, 2 * Math.PI);
      c.lineWidth = width;
      c.strokeStyle = color;
      c.stroke();
    };
    const r = m.diameter / 2;

    for (const row of m.matches) {
      if (!onMap(atlas, row)) continue;
      ring(row, r + 3.5, 3.5, m.background);
      ring(row, r + 3.5, 1.8, m.accent);
    }
    if (m.selected >= 0 && onMap(atlas, m.selected)) {
      const sx = px(m.selected);
      const sy = py(m.selected);
      for (const nb of m.neighbors) {
        if (!onMap(atlas, nb.row)) continue;
        c.beginPath();
        c.moveTo(sx, sy);
        c.lineTo(px(nb.row), py(nb.row));
        // Dashed as well as of another colour, for eyes and screens that do not tell the two apart.
        c.setLineDash(nb.torn ? [5, 4] : []);
        c.globalAlpha = 0.85;
        c.lineWidth = nb.torn ? 1.5 : 1.8;
        c.strokeStyle = nb.torn ? m.torn : m.accent;
        c.stroke();
      }
      c.setLineDash([]);
      c.globalAlpha = 1;
      for (const nb of m.neighbors) {
        if (!onMap(atlas, nb.row)) continue;
        ring(nb.row, r + 2.5, 3.5, m.background);
        ring(nb.row, r + 2.5, 1.8, nb.torn ? m.torn : m.accent);
      }
      ring(m.selected, r + 5, 6, m.background);
      ring(m.selected, r + 5, 3, m.accent);
      c.beginPath();
      c.arc(sx, sy, Math.max(2.5, r * 0.55), 0, 2 * Math.PI);
      c.fillStyle = m.ink;
      c.fill();
    }
    if (m.hovered >= 0 && onMap(atlas, m.hovered)) {
      ring(m.hovered, r + 3, 3.5, m.background);
      ring(m.hovered, r + 3, 1.8, m.ink);
    }
  }
}
