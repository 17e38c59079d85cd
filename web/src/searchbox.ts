// The search box: a combobox with a grouped list of regions and items.

import { button, el, icon, on } from './dom';
import type { Hit } from './search';

export interface SearchBoxOptions {
  find: (text: string) => Hit[];
  /** Second line of a hit. */
  detail: (hit: Hit) => string;
  color: (hit: Hit) => string;
  choose: (hit: Hit) => void;
  /** The text of the box changed; hits in rank order. */
  changed: (text: string, hits: Hit[]) => void;
  /** The list opened or closed. */
  toggled: () => void;
  placeholder: string;
  itemsTitle: string;
}

export class SearchBox {
  readonly root: HTMLElement;
  readonly input: HTMLInputElement;
  readonly list: HTMLElement;
  private readonly clear: HTMLButtonElement;
  private hits: Hit[] = [];
  private options: HTMLElement[] = [];
  private active = -1;

  constructor(private readonly o: SearchBoxOptions) {
    this.input = el('input', {
      id: 'atlas-search', type: 'text', role: 'combobox', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', enterkeyhint: 'search',
      'aria-label': 'Search titles and regions', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': 'atlas-results', placeholder: o.placeholder,
    });
    this.list = el('div', { id: 'atlas-results', class: 'results', role: 'listbox', 'aria-label': 'Search results', hidden: true });
    this.clear = button(icon('close'), { class: 'icon-button clear', 'aria-label': 'Clear the search', hidden: true }, () => {
      this.set('');
      this.o.changed('', []);
      this.input.focus();
    });
    const glass = icon('search');
    glass.classList.add('glass');
    this.root = el('div', { class: 'search', role: 'search' }, el('div', { class: 'search-field' }, glass, this.input, this.clear), this.list);

    on(this.input, 'input', () => this.run(true));
    on(this.input, 'focus', () => {
      if (this.input.value.trim() !== '' && this.list.hidden) this.run(true);
    });
    on(this.input, 'keydown', (e) => this.key(e));
    on(this.list, 'pointerdown', (e) => e.preventDefault());
    on(this.root, 'focusout', (e) => {
      if (!(e.relatedTarget instanceof Node) || !this.root.contains(e.relatedTarget)) this.close();
    });
  }

  /** Sets the text without opening the list; returns the hits. */
  set(text: string): Hit[] {
    this.input.value = text;
    this.clear.hidden = text === '';
    this.hits = text.trim() ? this.o.find(text) : [];
    this.close();
    return this.hits;
  }

  private run(open: boolean): void {
    const text = this.input.value;
    this.clear.hidden = text === '';
    this.hits = text.trim() ? this.o.find(text) : [];
    this.o.changed(text, this.hits);
    if (open && text.trim()) this.show();
    else this.close();
  }

  private show(): void {
    this.list.textContent = '';
    this.options = [];
    this.active = -1;
    this.input.removeAttribute('aria-activedescendant');
    const groups: [string, Hit[]][] = [
      ['Regions', this.hits.filter((h) => h.kind === 'node')],
      [this.o.itemsTitle, this.hits.filter((h) => h.kind === 'item')],
    ];
    if (this.hits[0]?.kind === 'item') groups.reverse();
    this.hits = [];
    groups.forEach(([name, hits], g) => {
      if (!hits.length) return;
      const head = el('div', { class: 'group-title', id: `atlas-group-${g}` }, name);
      const group = el('div', { role: 'group', 'aria-labelledby': head.id }, head);
      for (const hit of hits) {
        const i = this.options.length;
        const dot = el('span', { class: hit.kind === 'node' ? 'swatch square' : 'swatch', 'aria-hidden': 'true' });
        dot.style.backgroundColor = this.o.color(hit);
        const detail = this.o.detail(hit);
        const option = el('div', { role: 'option', id: `atlas-option-${i}`, 'aria-selected': 'false', class: 'option' }, dot,
          el('span', { class: 'option-text' }, el('span', { class: 'option-title' }, hit.title), detail ? el('span', { class: 'option-detail' }, detail) : null),
          hit.tier === 'typo' ? el('span', { class: 'tag' }, 'similar') : null);
        on(option, 'click', () => this.choose(i));
        on(option, 'pointermove', () => {
          if (this.active !== i) this.activate(i, false);
        });
        group.append(option);
        this.options.push(option);
        this.hits.push(hit);
      }
      this.list.append(group);
    });
    if (!this.options.length) this.list.append(el('div', { class: 'empty', role: 'status' }, 'Nothing found. Try fewer letters.'));
    this.list.hidden = false;
    this.o.toggled();
    this.list.scrollTop = 0;
    this.input.setAttribute('aria-expanded', 'true');
  }

  close(): void {
    if (!this.list.hidden) this.o.toggled();
    this.list.hidden = true;
    this.active = -1;
    this.input.setAttribute('aria-expanded', 'false');
    this.input.removeAttribute('aria-activedescendant');
  }

  get open(): boolean {
    return !this.list.hidden;
  }

  private activate(i: number, scroll: boolean): void {
    this.options[this.active]?.setAttribute('aria-selected', 'false');
    this.active = i;
    const option = this.options[i];
    if (!option) {
      this.input.removeAttribute('aria-activedescendant');
      return;
    }
    option.setAttribute('aria-selected', 'true');
    this.input.setAttribute('aria-activedescendant', option.id);
    if (scroll) option.scrollIntoView({ block: 'nearest' });
  }

  private choose(i: number): void {
    const hit = this.hits[i];
    if (!hit) return;
    this.close();
    this.input.blur();
    this.o.choose(hit);
  }

  private key(e: KeyboardEvent): void {
    const n = this.options.length;
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      if (!this.open) {
        this.run(true);
        if (!this.options.length) return;
      }
      const step = e.key === 'ArrowDown' ? 1 : -1;
      if (this.options.length) this.activate(this.active < 0 && step < 0 ? this.options.length - 1 : (this.active + step + this.options.length) % this.options.length, true);
    } else if (e.key === 'Enter') {
      e.preventDefault();
      if (!this.open) this.run(true);
      else if (n) this.choose(Math.max(0, this.active));
    } else if (e.key === 'Escape') {
      e.preventDefault();
      e.stopPropagation();
      if (this.open) this.close();
      else if (this.input.value) {
        this.set('');
        this.o.changed('', []);
      } else this.input.blur();
    } else if (e.key === 'Home' && this.open && this.active >= 0) {
      e.preventDefault();
      this.activate(0, true);
    } else if (e.key === 'End' && this.open && this.active >= 0) {
      e.preventDefault();
      this.activate(n - 1, true);
    }
  }
}
