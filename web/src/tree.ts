// The list of regions: an ARIA tree over the hierarchy, the non-visual equal of the map's labels.

import { count, el, on } from './dom';
import { pathOf, type Atlas } from './payload';
import { cssColor, parseHex, readable, type Rgb } from './color';

export class RegionTree {
  readonly root: HTMLElement;
  private readonly rows = new Map<number, { li: HTMLElement; group: HTMLElement | null; swatch: HTMLElement }>();
  private current = -1;
  private background: Rgb = [255, 255, 255];
  private typed = '';
  private typedAt = 0;

  constructor(private readonly atlas: Atlas, private readonly open: (id: number) => void) {
    this.root = el('ul', { role: 'tree', 'aria-label': 'Regions of the map', class: 'tree' });
    const roots = [...atlas.roots].sort((a, b) => atlas.nodes[b].size - atlas.nodes[a].size || a - b);
    roots.forEach((id, i) => this.root.append(this.make(id, i + 1, roots.length)));
    if (roots.length) this.rows.get(roots[0])!.li.tabIndex = 0;
    on(this.root, 'keydown', (e) => this.key(e));
    on(this.root, 'click', (e) => {
      const li = e.target instanceof Element ? (e.target.closest('[role=treeitem]') as HTMLElement | null) : null;
      if (!li) return;
      const id = Number(li.dataset.node);
      this.focus(id, false);
      if (e.target instanceof Element && e.target.closest('.twisty') && li.hasAttribute('aria-expanded')) this.toggle(id);
      else this.open(id);
    });
  }

  setTheme(background: Rgb): void {
    this.background = background;
    for (const [id, r] of this.rows) r.swatch.style.backgroundColor = this.color(id);
  }

  private color(id: number): string {
    return cssColor(readable(parseHex(this.atlas.nodes[id].color), this.background, 2.6));
  }

  private make(id: number, position: number, of: number): HTMLElement {
    const d = this.atlas.nodes[id];
    const leaf = d.children.length === 0;
    const swatch = el('span', { class: 'swatch square', 'aria-hidden': 'true' });
    swatch.style.backgroundColor = this.color(id);
    const li = el('li', { role: 'treeitem', 'aria-level': pathOf(this.atlas, id).length, 'aria-posinset': position, 'aria-setsize': of, 'aria-expanded': leaf ? null : 'false', 'aria-label': `${d.label} ${count(d.size)} ${d.size === 1 ? 'item' : 'items'}`, tabindex: -1, 'data-node': id },
      el('div', { class: 'tree-row' }, el('span', { class: 'twisty', 'aria-hidden': 'true' }), swatch, el('span', { class: 'tree-label' }, d.label), ' ', el('span', { class: 'tree-count' }, count(d.size))));
    this.rows.set(id, { li, group: null, swatch });
    return li;
  }

  private expand(id: number): void {
    const r = this.rows.get(id);
    const children = this.atlas.nodes[id].children;
    if (!r || !children.length) return;
    if (!r.group) {
      r.group = el('ul', { role: 'group' });
      children.forEach((c, i) => r.group!.append(this.make(c, i + 1, children.length)));
      r.li.append(r.group);
    }
    r.group.hidden = false;
    r.li.setAttribute('aria-expanded', 'true');
  }

  private collapse(id: number): void {
    const r = this.rows.get(id);
    if (!r || !r.group) return;
    r.group.hidden = true;
    r.li.setAttribute('aria-expanded', 'false');
  }

  private expanded(id: number): boolean {
    return this.rows.get(id)?.li.getAttribute('aria-expanded') === 'true';
  }

  private toggle(id: number): void {
    if (this.expanded(id)) this.collapse(id);
    else this.expand(id);
  }

  private focus(id: number, move: boolean): void {
    for (const li of this.root.querySelectorAll<HTMLElement>('[role=treeitem][tabindex="0"]')) li.tabIndex = -1;
    const li = this.rows.get(id)?.li;
    if (!li) return;
    li.tabIndex = 0;
    if (move) {
      li.focus();
      li.firstElementChild?.scrollIntoView({ block: 'nearest' });
    }
  }

  /** Opens the branch of a node and marks it as the one shown. */
  mark(id: number): void {
    if (this.current >= 0) this.rows.get(this.current)?.li.removeAttribute('aria-current');
    this.current = id;
    if (id < 0) return;
    const path = pathOf(this.atlas, id);
    for (const p of path.slice(0, -1)) this.expand(p);
    this.rows.get(id)?.li.setAttribute('aria-current', 'true');
    this.focus(id, false);
  }

  reveal(): void {
    if (this.current >= 0) this.rows.get(this.current)?.li.firstElementChild?.scrollIntoView({ block: 'nearest' });
  }

  private shown(): number[] {
    const out: number[] = [];
    const walk = (list: Element): void => {
      for (const li of list.children) {
        const id = Number((li as HTMLElement).dataset.node);
        out.push(id);
        const group = this.rows.get(id)?.group;
        if (group && !group.hidden) walk(group);
      }
    };
    walk(this.root);
    return out;
  }

  private key(e: KeyboardEvent): void {
    const li = e.target instanceof Element ? (e.target.closest('[role=treeitem]') as HTMLElement | null) : null;
    if (!li || e.ctrlKey || e.metaKey || e.altKey) return;
    const id = Number(li.dataset.node);
    const list = this.shown();
    const i = list.indexOf(id);
    const d = this.atlas.nodes[id];
    let to = -1;
    if (e.key === 'ArrowDown') to = list[Math.min(list.length - 1, i + 1)];
    else if (e.key === 'ArrowUp') to = list[Math.max(0, i - 1)];
    else if (e.key === 'Home') to = list[0];
    else if (e.key === 'End') to = list[list.length - 1];
    else if (e.key === 'ArrowRight') {
      if (d.children.length && !this.expanded(id)) this.expand(id);
      else if (d.children.length) to = d.children[0];
    } else if (e.key === 'ArrowLeft') {
      if (this.expanded(id)) this.collapse(id);
      else if (d.parent >= 0) to = d.parent;
    } else if (e.key === 'Enter' || e.key === ' ') this.open(id);
    else if (e.key.length === 1 && /\S/.test(e.key)) {
      const now = performance.now();
      this.typed = now - this.typedAt < 700 ? this.typed + e.key.toLowerCase() : e.key.toLowerCase();
      this.typedAt = now;
      const order = [...list.slice(i + (this.typed.length > 1 ? 0 : 1)), ...list.slice(0, i + 1)];
      to = order.find((n) => this.atlas.nodes[n].label.toLowerCase().startsWith(this.typed)) ?? -1;
    } else return;
    e.preventDefault();
    e.stopPropagation();
    if (to >= 0) this.focus(to, true);
  }
}
