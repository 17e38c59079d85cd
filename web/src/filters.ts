// The range filter on the time column: a histogram under a slider with two real thumbs.

import { button, count, el, on } from './dom';
import { formatNumber } from './coloring';
import type { Atlas } from './payload';

const BINS = 40;

export class TimeFilter {
  readonly root: HTMLElement;
  readonly min: number;
  readonly max: number;
  private readonly low: HTMLInputElement;
  private readonly high: HTMLInputElement;
  private readonly text: HTMLOutputElement;
  private readonly note: HTMLElement;
  private readonly track: HTMLElement;
  private readonly reset: HTMLButtonElement;
  private readonly bars: { e: HTMLElement; from: number; to: number }[] = [];
  private readonly values: Float64Array;
  range: [number, number] | null = null;

  static create(atlas: Atlas, changed: () => void): TimeFilter | null {
    const column = atlas.timeColumn;
    if (!column) return null;
    const values = Float64Array.from(column.values, (v) => (typeof v === 'number' ? v : NaN));
    let min = Infinity;
    let max = -Infinity;
    for (const v of values) {
      if (!Number.isFinite(v)) continue;
      if (v < min) min = v;
      if (v > max) max = v;
    }
    return min < max ? new TimeFilter(column.label, values, min, max, changed) : null;
  }

  private constructor(label: string, values: Float64Array, min: number, max: number, private readonly changed: () => void) {
    this.values = values;
    let whole = true;
    for (const v of values) if (Number.isFinite(v) && !Number.isInteger(v)) whole = false;
    this.min = min;
    this.max = max;
    const step = whole ? 1 : (max - min) / 200;
    const wide = whole ? Math.max(1, Math.ceil((max - min + 1) / BINS)) : (max - min) / BINS;
    const bins = whole ? Math.ceil((max - min + 1) / wide) : BINS;
    const counts = new Array<number>(bins).fill(0);
    for (const v of values) if (Number.isFinite(v)) counts[Math.min(bins - 1, Math.floor((v - min) / wide))]++;
    const top = Math.max(...counts, 1);
    const histogram = el('div', { class: 'histogram', 'aria-hidden': 'true' });
    counts.forEach((c, i) => {
      const e = el('span', { class: 'bar' });
      e.style.height = c ? `${Math.max(4, 100 * (c / top))}%` : '0';
      histogram.append(e);
      this.bars.push({ e, from: min + i * wide, to: min + (i + 1) * wide });
    });
    const input = (name: string, value: number): HTMLInputElement => {
      const e = el('input', { type: 'range', min, max, step: whole ? 1 : step, 'aria-label': `${label}, ${name}` });
      e.value = String(value);
      return e;
    };
    this.low = input('from', min);
    this.high = input('to', max);
    this.text = el('output', { class: 'range-text' });
    this.note = el('p', { class: 'note', role: 'status' });
    this.track = el('span', { class: 'track-on', 'aria-hidden': 'true' });
    this.reset = button('Reset', { class: 'text-button', hidden: true }, () => {
      this.set(null);
      this.changed();
      this.low.focus();
    });
    this.root = el('fieldset', { class: 'time' }, el('legend', {}, label), el('div', { class: 'time-head' }, this.text, this.reset), histogram,
      el('div', { class: 'slider' }, el('span', { class: 'track', 'aria-hidden': 'true' }), this.track, this.low, this.high), this.note);
    on(this.low, 'input', () => {
      if (Number(this.low.value) > Number(this.high.value)) this.low.value = this.high.value;
      this.read();
    });
    on(this.high, 'input', () => {
      if (Number(this.high.value) < Number(this.low.value)) this.high.value = this.low.value;
      this.read();
    });
    this.refresh();
  }

  private read(): void {
    const a = Number(this.low.value);
    const b = Number(this.high.value);
    // The slider's grid may miss the exact ends of a fractional range.
    const slack = (this.max - this.min) / 1000;
    this.range = a <= this.min + slack && b >= this.max - slack ? null : [a, b];
    this.refresh();
    this.changed();
  }

  set(range: [number, number] | null): void {
    const clamp = (v: number): number => Math.min(this.max, Math.max(this.min, v));
    this.range = range && (range[0] > this.min || range[1] < this.max) ? [clamp(range[0]), clamp(range[1])] : null;
    this.low.value = String(this.range ? this.range[0] : this.min);
    this.high.value = String(this.range ? this.range[1] : this.max);
    this.refresh();
  }

  accepts(row: number): boolean {
    const r = this.range;
    if (!r) return true;
    const v = this.values[row];
    return v >= r[0] && v <= r[1];
  }

  private refresh(): void {
    const [a, b] = this.range ?? [this.min, this.max];
    this.text.textContent = `${formatNumber(a, true)} – ${formatNumber(b, true)}`;
    this.low.setAttribute('aria-valuetext', formatNumber(a, true));
    this.high.setAttribute('aria-valuetext', formatNumber(b, true));
    this.reset.hidden = this.range === null;
    const w = this.max - this.min;
    this.track.style.left = `${(100 * (a - this.min)) / w}%`;
    this.track.style.right = `${(100 * (this.max - b)) / w}%`;
    // With both thumbs at the right end, the left one must stay on top to be movable.
    this.low.style.zIndex = a > this.min + w / 2 ? '3' : '2';
    for (const bar of this.bars) bar.e.classList.toggle('out', bar.to <= a || bar.from > b);
    let inside = 0;
    let missing = 0;
    for (let i = 0; i < this.values.length; i++) {
      if (Number.isNaN(this.values[i])) missing++;
      else if (this.accepts(i)) inside++;
    }
    this.note.textContent = this.range ? `${count(inside)} of ${count(this.values.length)} shown${missing ? `; ${count(missing)} without a value are dimmed` : ''}` : '';
    this.note.hidden = this.range === null;
  }
}
