// The card that chooses the colours and explains them.

import { button, count, el, on } from './dom';
import type { ColorOption, Coloring } from './coloring';

export class ColorControl {
  readonly root: HTMLElement;
  private readonly select: HTMLSelectElement;
  private readonly body: HTMLElement;

  constructor(options: ColorOption[], choose: (key: string) => void, private readonly isolate: (group: number | null) => void) {
    this.select = el('select', { id: 'atlas-color' });
    for (const o of options) this.select.append(el('option', { value: o.key }, o.label));
    on(this.select, 'change', () => choose(this.select.value));
    this.body = el('div', { class: 'legend' });
    this.root = el('div', { class: 'color-control', hidden: options.length === 0 }, el('label', { for: 'atlas-color' }, 'Colour by'), this.select, this.body);
  }

  show(coloring: Coloring, only: number | null): void {
    this.select.value = coloring.key;
    this.body.textContent = '';
    const legend = coloring.legend;
    if (legend.kind === 'level') {
      this.body.append(el('p', { class: 'note' }, legend.text));
    } else if (legend.kind === 'number') {
      const bar = el('div', { class: 'ramp', 'aria-hidden': 'true' });
      bar.style.backgroundImage = `linear-gradient(to right, ${legend.stops.join(', ')})`;
      this.body.append(bar, el('div', { class: 'ramp-ends' }, el('span', {}, legend.low), el('span', {}, legend.high)));
      if (legend.text) this.body.append(el('p', { class: 'note' }, legend.text));
      if (legend.missing) this.body.append(el('p', { class: 'note' }, `${count(legend.missing)} without a value are grey.`));
    } else {
      const list = el('ul', { class: 'legend-list' });
      legend.entries.forEach((entry, i) => {
        const dot = el('span', { class: 'swatch', 'aria-hidden': 'true' });
        dot.style.backgroundColor = entry.color;
        const on = only === i;
        const b = button(dot, { class: 'legend-entry', 'aria-pressed': String(on), title: on ? 'Show all again' : `Show only ${entry.label}` }, () => this.isolate(on ? null : i));
        b.append(el('span', { class: 'legend-label' }, entry.label), el('span', { class: 'legend-count' }, count(entry.count)));
        list.append(el('li', {}, b));
      });
      this.body.append(list);
    }
  }
}
