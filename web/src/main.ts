// The page: reads the payload, builds the controls, and ties camera, selection, filters and address together.

import { makeAbout } from './about';
import { BorderControl, BorderLayer } from './borders';
import { Camera, type Rect, type View } from './camera';
import { cssColor, parseHex, readable, type Rgb } from './color';
import { colorOptions, makeColoring, type Coloring } from './coloring';
import { button, count, el, icon, levelWord, on, plural } from './dom';
import { TimeFilter } from './filters';
import { Grid } from './grid';
import { formatState, parseState, type Selection, type State } from './hash';
import { attachInput } from './input';
import { Labels } from './labels';
import { ColorControl } from './legend';
import { Overlay } from './overlay';
import { itemDetail, itemPanel, neighborsOf, nodePanel, type NeighborInfo, type PanelActions } from './panels';
import { eachItem, onMap, pathOf, PayloadError, readPayload, type Atlas } from './payload';
import { CanvasRenderer, WebGlRenderer, type PointRenderer } from './render';
import { Search, type Hit } from './search';
import { SearchBox } from './searchbox';
import { RegionTree } from './tree';

const BACKGROUND: Record<'light' | 'dark', Rgb> = { light: parseHex('#f6f5f1'), dark: parseHex('#13151a') };
const PANEL: Record<'light' | 'dark', Rgb> = { light: parseHex('#ffffff'), dark: parseHex('#1b1e25') };
const INK = { light: '#1c1f26', dark: '#f0f2f6' };
const ACCENT = { light: '#1f57c3', dark: '#8fb4ff' };
const TORN = { light: '#c2410c', dark: '#ffa45c' };

class App {
  private readonly camera: Camera;
  private readonly grid: Grid;
  private readonly search: Search;
  private readonly labels: Labels;
  private readonly overlay: Overlay;
  private readonly borderLayer: BorderLayer | null;
  private readonly borderControl: BorderControl | null;
  private readonly renderer: PointRenderer;
  private readonly box: SearchBox;
  private readonly tree: RegionTree;
  private readonly time: TimeFilter | null;
  private readonly colors: ColorControl;
  private readonly about: HTMLDialogElement;
  private readonly actions: PanelActions;
  private readonly defaultColor: string;
  private readonly colorKeys: Set<string>;
  private readonly narrow = matchMedia('(max-width: 760px)');
  private readonly darkSystem = matchMedia('(prefers-color-scheme: dark)');

  // Elements.
  private readonly stage: HTMLElement;
  private readonly points: HTMLCanvasElement;
  private readonly tooltip: HTMLElement;
  private readonly notice: HTMLElement;
  private readonly live: HTMLElement;
  private readonly panel: HTMLElement;
  private readonly sheetToggle: HTMLButtonElement;
  private readonly detail: HTMLElement;
  private readonly regions: HTMLElement;
  private readonly tabs: { detail: HTMLButtonElement; regions: HTMLButtonElement };
  private readonly view: HTMLElement;
  private readonly viewToggle: HTMLButtonElement;
  private readonly themeButton: HTMLButtonElement;
  private readonly controls: HTMLElement[];

  // State.
  private selection: Selection = null;
  private neighbors: NeighborInfo[] = [];
  private matches: number[] = [];
  private hovered = -1;
  private colorKey: string;
  private only: number | null = null;
  private theme: 'light' | 'dark' | null = null;
  private borders: boolean;
  private coloring!: Coloring;
  private walk: { anchor: number; at: number } = { anchor: -1, at: -1 };
  private sheet: 'peek' | 'half' | 'full' = 'peek';
  private untouched = true;
  private fitZoom = 0;
  private covers: Rect[] = [];
  private coversStale = true;
  private dirty = false;
  private drawn = 0;
  private ratio = 0;
  private saveTimer = 0;
  private lastHash = '';
  private readonly inNode: Uint8Array;

  constructor(private readonly atlas: Atlas, private readonly root: HTMLElement) {
    this.camera = new Camera(() => this.invalidate());
    this.grid = new Grid(atlas.x, atlas.y);
    this.search = new Search(atlas);
    this.inNode = new Uint8Array(atlas.count);
    const options = colorOptions(atlas);
    this.colorKeys = new Set(options.map((o) => o.key));
    this.defaultColor = options.length ? options[0].key : 'level:0';
    this.colorKey = this.defaultColor;

    this.actions = {
      openItem: (row) => this.select({ kind: 'item', row }),
      openNode: (id) => this.select({ kind: 'node', id }),
      hoverItem: (row) => this.hover(row),
      close: () => this.select(null),
      swatch: (id) => this.swatch(id),
    };

    // The map.
    this.points = el('canvas', { class: 'points', role: 'img', 'aria-label': `Map of ${plural(atlas.count, 'item')}; the Regions list holds the same places as text.` });
    const marks = el('canvas', { class: 'marks', 'aria-hidden': 'true' });
    const borderCanvas = el('canvas', { class: 'borders', 'aria-hidden': 'true' });
    const labelLayer = el('div', { class: 'labels' });
    this.tooltip = el('div', { class: 'tooltip', hidden: true, 'aria-hidden': 'true' });
    this.stage = el('div', { class: 'stage', tabindex: 0, role: 'application', 'aria-label': `${atlas.title}: map. Arrow keys move, plus and minus zoom, 0 shows the whole map.` }, this.points, atlas.borders ? borderCanvas : null, marks, labelLayer, this.tooltip);
    this.notice = el('div', { class: 'notice', role: 'status', hidden: true });
    this.live = el('div', { class: 'sr-only', 'aria-live': 'polite' });

    const data = { x: atlas.x, y: atlas.y, origin: [(atlas.extent[0] + atlas.extent[2]) / 2, (atlas.extent[1] + atlas.extent[3]) / 2] as [number, number] };
    const gl = WebGlRenderer.create(this.points, data, () => this.invalidate());
    if (gl) this.renderer = gl;
    else {
      // A canvas that has been asked for WebGL in vain may refuse 2D, so the fallback gets a new one.
      const fresh = this.points.cloneNode(false) as HTMLCanvasElement;
      this.points.replaceWith(fresh);
      this.points = fresh;
      this.renderer = new CanvasRenderer(fresh, data);
      this.say('This browser offers no WebGL 2; the map is drawn in a simpler way and may be slower.');
    }
    if (atlas.count === 0) this.say('This atlas holds no items.');
    else if (this.grid.size === 0) this.say('No item of this atlas has a place on the map; search and the lists still work.');
    this.overlay = new Overlay(marks, atlas);
    this.borders = this.bordersAtFirst;
    this.borderLayer = atlas.borders ? new BorderLayer(borderCanvas, atlas, atlas.borders) : null;
    this.labels = new Labels(atlas, this.grid, labelLayer, (kind, id) => this.select(kind === 'node' ? { kind, id } : { kind, row: id }));

    // The controls above the map.
    this.box = new SearchBox({
      find: (text) => this.search.find(text),
      detail: (h) => (h.kind === 'node' ? `${levelWord(atlas.levels[atlas.nodes[h.id].level] ?? 'region', 1)} · ${plural(atlas.nodes[h.id].size, 'item')}` : itemDetail(atlas, h.id)),
      color: (h) => (h.kind === 'node' ? this.swatch(h.id) : atlas.leaf[h.id] >= 0 ? this.swatch(pathOf(atlas, atlas.leaf[h.id])[0]) : 'transparent'),
      choose: (h) => this.select(h.kind === 'node' ? { kind: 'node', id: h.id } : { kind: 'item', row: h.id }),
      changed: (_, hits) => {
        this.setMatches(hits);
        this.saveSoon();
      },
      toggled: () => this.touchCovers(),
      placeholder: 'Search titles and regions',
      itemsTitle: 'Titles',
    });
    this.viewToggle = button(icon('sliders'), { class: 'icon-button view-toggle', 'aria-label': 'Colours and filters', 'aria-expanded': 'false', 'aria-controls': 'atlas-view' }, () => this.showView(!this.view.classList.contains('open')));
    const top = el('div', { class: 'top' }, this.box.root, this.viewToggle);
    this.time = TimeFilter.create(atlas, () => {
      this.paint();
      this.saveSoon();
    });
    this.colors = new ColorControl(options, (key) => this.setColor(key), (group) => {
      this.only = group;
      this.colors.show(this.coloring, group);
      this.paint();
      this.saveSoon();
    });
    this.borderControl = atlas.borders
      ? new BorderControl(atlas, atlas.borders, (shown) => {
          this.borders = shown;
          this.invalidate();
          this.saveSoon();
        })
      : null;
    this.borderControl?.set(this.borders);
    const fold = button(el('span', {}, 'Colours and filters'), { class: 'view-head', 'aria-expanded': 'true', 'aria-controls': 'atlas-view-body' }, () => {
      const open = this.view.classList.toggle('folded');
      fold.setAttribute('aria-expanded', String(!open));
      this.touchCovers();
    });
    fold.append(icon('chevron'));
    this.view = el('div', { class: 'view', id: 'atlas-view', role: 'group', 'aria-label': 'Colours and filters' }, fold, el('div', { class: 'view-body', id: 'atlas-view-body' }, this.colors.root, this.borderControl ? this.borderControl.root : null, this.time ? this.time.root : null));
    this.view.hidden = options.length === 0 && !this.time && !this.borderControl;
    this.viewToggle.hidden = this.view.hidden;
    if (innerHeight < 620 && !this.narrow.matches) fold.click();
    const zoomBy = (dz: number): void => {
      const d = this.camera.destination();
      this.camera.flyTo({ z: d.z + dz, x: d.x, y: d.y }, 180);
      this.moved();
    };
    const zooms = el('div', { class: 'zooms', role: 'group', 'aria-label': 'Zoom' },
      button(icon('plus'), { class: 'icon-button', 'aria-label': 'Zoom in', title: 'Zoom in (+)' }, () => zoomBy(0.75)),
      button(icon('minus'), { class: 'icon-button', 'aria-label': 'Zoom out', title: 'Zoom out (−)' }, () => zoomBy(-0.75)),
      button(icon('fit'), { class: 'icon-button', 'aria-label': 'Show the whole map', title: 'Whole map (0)' }, () => this.fit(true)));

    // The panel.
    this.themeButton = button(icon('moon'), { class: 'icon-button' }, () => this.setTheme(this.dark ? 'light' : 'dark', true));
    this.about = makeAbout(atlas, () => (this.renderer.kind === 'webgl2' ? 'WebGL 2' : 'Canvas 2D'));
    this.sheetToggle = button(el('span', { class: 'grip', 'aria-hidden': 'true' }), { class: 'sheet-toggle', 'aria-label': 'Open the panel', 'aria-expanded': 'false', 'aria-controls': 'atlas-panel' }, () => this.setSheet(this.sheet === 'peek' ? 'half' : 'peek'));
    const tab = (id: string, name: string): HTMLButtonElement => button(name, { role: 'tab', id: `atlas-tab-${id}`, 'aria-controls': `atlas-${id}`, 'aria-selected': 'false', tabindex: -1, class: 'tab' }, () => {
      this.showTab(id as 'detail' | 'regions');
      if (this.narrow.matches && this.sheet === 'peek') this.setSheet('half');
    });
    this.tabs = { regions: tab('regions', 'Regions'), detail: tab('detail', 'Selection') };
    const tablist = el('div', { role: 'tablist', 'aria-label': 'Panel', class: 'tabs' }, this.tabs.regions, this.tabs.detail);
    on(tablist, 'keydown', (e) => {
      if (e.key !== 'ArrowLeft' && e.key !== 'ArrowRight') return;
      const next = e.target === this.tabs.regions ? 'detail' : 'regions';
      this.showTab(next);
      this.tabs[next].focus();
      e.preventDefault();
    });
    this.tree = new RegionTree(atlas, (id) => this.select({ kind: 'node', id }));
    const perLevel = atlas.levels.map((name, level) => [name, atlas.nodes.filter((d) => d.level === level).length] as const).filter(([, n]) => n > 0);
    this.regions = el('div', { id: 'atlas-regions', role: 'tabpanel', 'aria-labelledby': 'atlas-tab-regions', class: 'tabpanel' },
      el('p', { class: 'note lead' }, perLevel.length ? perLevel.map(([name, n]) => `${count(n)} ${levelWord(name, n)}`).join(' · ') : 'This atlas has no regions.'), perLevel.length ? this.tree.root : null);
    this.detail = el('div', { id: 'atlas-detail', role: 'tabpanel', 'aria-labelledby': 'atlas-tab-detail', class: 'tabpanel', hidden: true });
    const footer = el('footer', { class: 'foot' }, button('About this atlas', { class: 'text-button', 'aria-haspopup': 'dialog' }, () => this.about.showModal()), ...(atlas.attributions.length ? atlas.attributions.map((a) => el('p', {}, a)) : []), el('p', {}, atlas.generator));
    this.panel = el('aside', { class: 'panel', id: 'atlas-panel', 'aria-label': 'Regions and selection' }, this.sheetToggle,
      el('header', { class: 'panel-head' }, el('div', { class: 'panel-title' }, el('h1', {}, atlas.title), el('p', { class: 'note' }, plural(atlas.count, 'item'))), this.themeButton,
        button(icon('info'), { class: 'icon-button', 'aria-label': 'About this atlas', title: 'About this atlas', 'aria-haspopup': 'dialog' }, () => this.about.showModal())),
      tablist, el('div', { class: 'panel-body' }, this.regions, this.detail, footer));
    const skip = button('Skip the map', { class: 'skip' }, () => (this.tabs.regions.getAttribute('aria-selected') === 'true' ? this.tabs.regions : this.tabs.detail).focus());
    const main = el('main', { class: 'map' }, skip, top, this.view, zooms, this.notice, this.stage);
    this.controls = [top, this.view, zooms, this.notice];
    root.append(main, this.panel, this.about, this.live);

    this.applyTheme();
    this.layoutSheet();
    this.resize();
    this.restore(parseState(atlas, location.hash, this.defaultColor), false);
    this.lastHash = location.hash;
    this.listen(tablist);
    this.renderNow();
    this.prepareSearch();
  }

  // ---- Set-up -------------------------------------------------------------------------------------

  private listen(tablist: HTMLElement): void {
    attachInput(this.stage, this.camera, {
      hover: (x, y) => this.hoverAt(x, y),
      leave: () => this.hover(-1),
      click: (x, y, touch) => {
        const row = this.pick(x, y, touch ? 22 : 6);
        if (row >= 0) this.select({ kind: 'item', row });
        else {
          if (this.narrow.matches && this.view.classList.contains('open')) this.showView(false);
          else if (this.selection) this.select(null);
        }
      },
      fit: () => this.fit(true),
      moved: () => this.moved(),
    });
    new ResizeObserver(() => this.resize()).observe(this.stage);
    const covers = new ResizeObserver(() => this.touchCovers());
    for (const c of this.controls) covers.observe(c);
    addEventListener('resize', () => {
      this.layoutSheet();
      this.resize();
    });
    this.narrow.addEventListener('change', () => {
      this.layoutSheet();
      this.resize();
    });
    this.darkSystem.addEventListener('change', () => {
      if (this.theme === null) this.applyTheme();
    });
    const back = (): void => {
      if (location.hash === this.lastHash) return;
      this.lastHash = location.hash;
      clearTimeout(this.saveTimer);
      this.restore(parseState(this.atlas, location.hash, this.defaultColor), true);
    };
    addEventListener('popstate', back);
    addEventListener('hashchange', back);
    addEventListener('keydown', (e) => {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || this.about.open) return;
      const typing = e.target instanceof Element && e.target.closest('input, select, textarea') !== null;
      if (e.key === 'Escape') {
        if (this.view.classList.contains('open')) this.showView(false);
        else if (this.selection) this.select(null);
      } else if (typing) return;
      else if (e.key === '/') {
        e.preventDefault();
        this.box.input.focus();
        this.box.input.select();
      } else if ((e.key === 'n' || e.key === 'p') && !(e.target instanceof Element && e.target.closest('[role=tree]'))) this.follow(e.key === 'n' ? 1 : -1);
    });
    // The bottom sheet follows a swipe on its head.
    let from = NaN;
    const head = [this.sheetToggle, tablist, this.panel.querySelector<HTMLElement>('.panel-head')!];
    for (const h of head) {
      on(h, 'pointerdown', (e) => {
        from = this.narrow.matches ? e.clientY : NaN;
      });
      on(h, 'pointerup', (e) => {
        const dy = e.clientY - from;
        from = NaN;
        if (!(Math.abs(dy) > 30)) return;
        const order: App['sheet'][] = ['peek', 'half', 'full'];
        const at = order.indexOf(this.sheet) + (dy < 0 ? 1 : -1);
        this.setSheet(order[Math.min(2, Math.max(0, at))]);
      });
    }
  }

  private prepareSearch(): void {
    const slice = (): void => {
      if (!this.search.prepare(4000)) setTimeout(slice, 8);
    };
    setTimeout(slice, 60);
  }

  private say(text: string): void {
    this.notice.hidden = false;
    this.notice.textContent = '';
    this.notice.append(el('span', {}, text), button(icon('close'), { class: 'icon-button', 'aria-label': 'Dismiss' }, () => {
      this.notice.hidden = true;
      this.touchCovers();
    }));
  }

  // ---- Theme and colours --------------------------------------------------------------------------

  private get dark(): boolean {
    return this.theme ? this.theme === 'dark' : this.darkSystem.matches;
  }

  private get mode(): 'light' | 'dark' {
    return this.dark ? 'dark' : 'light';
  }

  private setTheme(theme: 'light' | 'dark' | null, save: boolean): void {
    this.theme = theme;
    this.applyTheme();
    if (save) this.saveSoon();
  }

  private applyTheme(): void {
    document.documentElement.setAttribute('data-theme', this.mode);
    this.themeButton.textContent = '';
    this.themeButton.append(icon(this.dark ? 'sun' : 'moon'));
    const name = this.dark ? 'Use light colours' : 'Use dark colours';
    this.themeButton.setAttribute('aria-label', name);
    this.themeButton.title = name;
    this.tree.setTheme(PANEL[this.mode]);
    this.recolor();
    if (this.selection) this.showSelection(false);
  }

  private swatch(id: number): string {
    return cssColor(readable(parseHex(this.atlas.nodes[id].color), PANEL[this.mode], 2.6));
  }

  private setColor(key: string): void {
    this.colorKey = this.colorKeys.has(key) ? key : this.defaultColor;
    this.only = null;
    this.recolor();
    this.saveSoon();
  }

  private recolor(): void {
    this.coloring = makeColoring(this.atlas, this.colorKey, BACKGROUND[this.mode], this.dark);
    if (this.only !== null && !(this.coloring.legend.kind === 'category' && this.only < this.coloring.legend.entries.length)) this.only = null;
    this.colors.show(this.coloring, this.only);
    this.labels.setTheme(BACKGROUND[this.mode], this.coloring.legend.kind === 'level' ? null : INK[this.mode]);
    this.touchCovers();
    this.paint();
  }

  private shown(row: number): boolean {
    if (this.only !== null && this.coloring.group && this.coloring.group[row] !== this.only) return false;
    return !this.time || this.time.accepts(row);
  }

  /** Writes colour and opacity of every point. */
  private paint(): void {
    const n = this.atlas.count;
    const rgb = this.coloring.rgb;
    const rgba = new Uint8Array(4 * n);
    const inside = this.selection?.kind === 'node';
    const faint = this.dark ? 34 : 26;
    for (let i = 0; i < n; i++) {
      rgba[4 * i] = rgb[3 * i];
      rgba[4 * i + 1] = rgb[3 * i + 1];
      rgba[4 * i + 2] = rgb[3 * i + 2];
      rgba[4 * i + 3] = !this.shown(i) ? faint : inside && !this.inNode[i] ? 90 : 235;
    }
    this.renderer.setColors(rgba);
    this.invalidate();
  }

  // ---- Layout and camera --------------------------------------------------------------------------

  private resize(): void {
    const r = this.stage.getBoundingClientRect();
    const ratio = Math.min(3, Math.max(1, devicePixelRatio || 1));
    const same = r.width === this.camera.width && r.height === this.camera.height && ratio === this.ratio;
    if (same || r.width === 0 || r.height === 0) return;
    this.ratio = ratio;
    this.camera.width = r.width;
    this.camera.height = r.height;
    this.renderer.resize(r.width, r.height, ratio);
    this.overlay.resize(r.width, r.height, ratio);
    this.borderLayer?.resize(r.width, r.height, ratio);
    this.coversStale = true;
    const fit = this.fitView();
    this.camera.minZoom = fit.z - 2;
    this.camera.maxZoom = fit.z + 16;
    if (this.untouched) this.camera.set(fit);
    this.renderNow();
  }

  /** The extent of the map, widened where it has no size. */
  private extent(): [number, number, number, number] {
    const [x0, y0, x1, y1] = this.atlas.extent;
    const pad = Math.max(x1 - x0, y1 - y0) > 0 ? 0.002 * Math.max(x1 - x0, y1 - y0) : 0.5;
    return [x0 - pad, y0 - pad, x1 + pad, y1 + pad];
  }

  private touchCovers(): void {
    this.coversStale = true;
    this.invalidate();
  }

  private updateCovers(): void {
    if (!this.coversStale) return;
    this.coversStale = false;
    const s = this.stage.getBoundingClientRect();
    this.covers = [];
    const parts = [...this.controls];
    if (this.narrow.matches) parts.push(this.panel);
    if (this.box.open) parts.push(this.box.list);
    for (const e of parts) {
      const r = e.getBoundingClientRect();
      if (r.width > 0 && r.height > 0) this.covers.push({ left: r.left - s.left - 3, top: r.top - s.top - 3, right: r.right - s.left + 3, bottom: r.bottom - s.top + 3 });
    }
  }

  /** The part of the stage that no control hides. */
  private free(): Rect {
    this.updateCovers();
    const { width, height } = this.camera;
    const s = this.stage.getBoundingClientRect();
    const top = this.box.root.getBoundingClientRect().bottom - s.top + 10;
    let bottom = height - 18;
    if (this.narrow.matches) bottom = Math.min(bottom, this.panel.getBoundingClientRect().top - s.top - 10);
    // A sheet that covers nearly everything leaves the camera as if it were half open.
    return { left: 18, top, right: width - 18, bottom: Math.max(bottom, top + 120) };
  }

  /** The whole map, with every label that shows at that zoom inside the free part where possible. */
  private fitView(): View {
    const free = this.free();
    const extent = this.extent();
    const saved = [this.camera.minZoom, this.camera.maxZoom];
    this.camera.minZoom = -100;
    this.camera.maxZoom = 100;
    const plain = this.camera.frame(extent, free);
    this.fitZoom = plain.z;
    const keep = this.camera.view();
    const stride = Math.max(1, Math.ceil(this.atlas.count / 2000));
    // What a view costs, in zoom levels: labels cut or covered, points under a control, and smallness.
    const cost = (v: View): number => {
      Object.assign(this.camera, v);
      const { camera, covers, atlas } = this;
      let labels = 0;
      for (const p of this.labels.nodesAt(camera)) {
        const inside = p.rect.left >= 2 && p.rect.right <= camera.width - 2 && p.rect.top >= free.top - 8 && p.rect.bottom <= free.bottom + 8;
        if (!inside || covers.some((c) => p.rect.left < c.right && p.rect.right > c.left && p.rect.top < c.bottom && p.rect.bottom > c.top)) labels++;
      }
      let hidden = 0;
      let all = 0;
      for (let i = 0; i < atlas.count; i += stride) {
        if (!onMap(atlas, i)) continue;
        all++;
        const sx = camera.screenX(atlas.x[i]);
        const sy = camera.screenY(atlas.y[i]);
        if (covers.some((c) => sx > c.left && sx < c.right && sy > c.top && sy < c.bottom)) hidden++;
      }
      return 0.4 * labels + (all ? (12 * hidden) / all : 0) + (plain.z - v.z);
    };
    const card = this.view.hidden || this.narrow.matches ? null : this.view.getBoundingClientRect();
    const left = card ? card.right - this.stage.getBoundingClientRect().left + 8 : free.left;
    const places: Rect[] = [free];
    if (card && left < this.camera.width * 0.45) for (const t of [0.25, 0.5, 0.75, 1]) places.push({ ...free, left: free.left + t * (left - free.left) });
    let best = plain;
    let least = Infinity;
    for (const place of places) {
      const whole = this.camera.frame(extent, place);
      for (let step = 0; step < 8; step++) {
        const v = this.camera.centred({ z: whole.z - step * 0.1, x: (extent[0] + extent[2]) / 2, y: (extent[1] + extent[3]) / 2 }, place);
        const c = cost(v);
        if (c < least - 1e-9) {
          least = c;
          best = v;
        }
      }
    }
    Object.assign(this.camera, keep);
    [this.camera.minZoom, this.camera.maxZoom] = saved;
    return best;
  }

  private fit(fly: boolean): void {
    const v = this.fitView();
    this.untouched = true;
    if (fly) this.camera.flyTo(v);
    else this.camera.set(v);
    this.saveSoon();
  }

  private moved(): void {
    this.untouched = false;
    this.saveSoon();
  }

  private diameter(): number {
    const n = Math.max(1, this.grid.size);
    const base = Math.min(9, Math.max(1.8, 0.62 * Math.sqrt((this.camera.width * this.camera.height) / n)));
    return Math.min(13, Math.max(base * 0.75, base * Math.pow(2, 0.3 * (this.camera.z - this.fitZoom))));
  }

  private viewOfItem(row: number): View {
    const { atlas, camera } = this;
    const from = camera.destination();
    const own = Number.isFinite(atlas.itemZoom[row]) ? atlas.itemZoom[row] + 0.4 : this.fitZoom + 3;
    const z = Math.max(from.z, Math.min(own, this.fitZoom + 3.2), this.fitZoom + 1.6);
    return camera.centred({ z: camera.clampZoom(z), x: atlas.x[row], y: atlas.y[row] }, this.free());
  }

  private viewOfNode(id: number): View | null {
    const { atlas } = this;
    const xs: number[] = [];
    const ys: number[] = [];
    eachItem(atlas, id, (row) => {
      if (!onMap(atlas, row)) return;
      xs.push(atlas.x[row]);
      ys.push(atlas.y[row]);
    });
    const d = atlas.nodes[id];
    if (!xs.length) {
      if (!Number.isFinite(d.x) || !Number.isFinite(d.y)) return null;
      xs.push(d.x);
      ys.push(d.y);
    }
    xs.sort((a, b) => a - b);
    ys.sort((a, b) => a - b);
    // Single strays do not decide the view of a large region.
    const cut = xs.length > 20 ? Math.floor(xs.length * 0.03) : 0;
    const last = xs.length - 1;
    const [x0, y0, x1, y1] = this.extent();
    const least = Math.max(x1 - x0, y1 - y0) / 120;
    const box: [number, number, number, number] = [xs[cut], ys[cut], xs[last - cut], ys[last - cut]];
    const grow = (a: number, b: number): number => Math.max(0, (least - (box[b] - box[a])) / 2);
    const gx = grow(0, 2);
    const gy = grow(1, 3);
    const free = this.free();
    const pad = Math.min(48, (free.right - free.left) / 8, (free.bottom - free.top) / 8);
    return this.camera.frame([box[0] - gx, box[1] - gy, box[2] + gx, box[3] + gy], { left: free.left + pad, top: free.top + pad, right: free.right - pad, bottom: free.bottom - pad });
  }

  // ---- Selection ----------------------------------------------------------------------------------

  select(selection: Selection, follow = false): void {
    const same = JSON.stringify(selection) === JSON.stringify(this.selection);
    if (!same) {
      clearTimeout(this.saveTimer);
      this.save(); // the entry we leave keeps its camera
    }
    if (!follow) this.walk = { anchor: selection?.kind === 'item' ? selection.row : -1, at: -1 };
    this.selection = selection;
    this.showSelection(true);
    const to = selection?.kind === 'item' ? (onMap(this.atlas, selection.row) ? this.viewOfItem(selection.row) : null) : selection ? this.viewOfNode(selection.id) : null;
    if (to) {
      this.untouched = false;
      this.camera.flyTo(to);
    }
    if (!same) {
      const hash = this.hash();
      this.lastHash = hash;
      if (hash === location.hash) return;
      try {
        history.pushState(null, '', hash);
      } catch {
        location.hash = hash; // where pages from disk may not use the history
      }
    }
  }

  /** Goes on to the next or previous neighbour of the item where the walk began. */
  private follow(step: number): void {
    const { anchor } = this.walk;
    if (anchor < 0) return;
    const list = neighborsOf(this.atlas, anchor);
    if (!list.length) return;
    this.walk.at = (this.walk.at + step + (list.length + 1)) % (list.length + 1);
    // One place of the round is the item itself.
    if (this.walk.at === list.length) this.select({ kind: 'item', row: anchor }, true);
    else this.select({ kind: 'item', row: list[this.walk.at].row }, true);
  }

  private showSelection(announce: boolean): void {
    const { atlas, selection } = this;
    this.neighbors = selection?.kind === 'item' ? neighborsOf(atlas, selection.row) : [];
    this.inNode.fill(0);
    if (selection?.kind === 'node') eachItem(atlas, selection.id, (row) => (this.inNode[row] = 1));
    const focused = this.detail.contains(document.activeElement);
    const scroll = announce ? 0 : this.panelBody.scrollTop;
    this.detail.textContent = '';
    this.hover(-1);
    if (selection) {
      this.detail.append(selection.kind === 'item' ? itemPanel(atlas, selection.row, this.neighbors, this.actions) : nodePanel(atlas, selection.id, this.actions));
      this.tree.mark(selection.kind === 'item' ? atlas.leaf[selection.row] : selection.id);
      if (announce) {
        this.showTab('detail');
        if (this.narrow.matches && this.sheet === 'peek') this.setSheet('half');
        this.live.textContent = selection.kind === 'item' ? `${atlas.titles[selection.row]} selected; ${plural(this.neighbors.length, 'closest item')} listed.` : `${atlas.nodes[selection.id].label}: ${plural(atlas.nodes[selection.id].size, 'item')}.`;
      }
      if (focused) this.detail.querySelector<HTMLElement>('h2')?.focus({ preventScroll: true });
    } else {
      this.detail.append(el('p', { class: 'note lead' }, 'Choose a point, a label or a search result.'));
      this.tree.mark(-1);
      if (announce) {
        this.showTab('regions');
        if (this.narrow.matches && this.sheet !== 'peek') this.setSheet('peek');
        this.live.textContent = 'Selection closed.';
        if (focused) this.tabs.regions.focus();
      }
    }
    this.panelBody.scrollTop = scroll;
    this.paint();
  }

  private get panelBody(): HTMLElement {
    return this.regions.parentElement!;
  }

  private showTab(name: 'detail' | 'regions'): void {
    for (const key of ['detail', 'regions'] as const) {
      const on = key === name;
      this.tabs[key].setAttribute('aria-selected', String(on));
      this.tabs[key].tabIndex = on ? 0 : -1;
      this[key].hidden = !on;
    }
    this.panelBody.scrollTop = 0;
    if (name === 'regions') this.tree.reveal();
  }

  private setMatches(hits: Hit[]): void {
    this.matches = hits.filter((h) => h.kind === 'item' && h.tier !== 'typo').map((h) => h.id);
    this.invalidate();
  }

  // ---- Narrow screens -----------------------------------------------------------------------------

  private setSheet(sheet: App['sheet']): void {
    this.sheet = sheet;
    this.layoutSheet();
  }

  private layoutSheet(): void {
    const narrow = this.narrow.matches;
    const h = innerHeight;
    const half = Math.min(Math.round(h * 0.52), h - 150);
    this.panel.style.height = narrow ? `${this.sheet === 'peek' ? 112 : this.sheet === 'half' ? half : h - 70}px` : '';
    this.panel.classList.toggle('peek', narrow && this.sheet === 'peek');
    this.panelBody.inert = narrow && this.sheet === 'peek';
    this.root.style.setProperty('--sheet', narrow ? `${this.sheet === 'peek' ? 112 : half}px` : '0px');
    this.sheetToggle.setAttribute('aria-expanded', String(this.sheet !== 'peek'));
    this.sheetToggle.setAttribute('aria-label', this.sheet === 'peek' ? 'Open the panel' : 'Close the panel');
    this.touchCovers();
  }

  private showView(open: boolean): void {
    this.view.classList.toggle('open', open);
    this.viewToggle.setAttribute('aria-expanded', String(open));
    this.touchCovers();
  }

  // ---- Hover and picking --------------------------------------------------------------------------

  private pick(x: number, y: number, slack: number): number {
    const { camera } = this;
    const radius = (this.diameter() / 2 + slack) / camera.scale;
    return this.grid.nearest(camera.mapX(x), camera.mapY(y), radius, (row) => this.shown(row));
  }

  private hoverAt(x: number, y: number): void {
    const row = this.pick(x, y, 4);
    this.hover(row);
    this.stage.classList.toggle('over-point', row >= 0);
  }

  private hover(row: number): void {
    if (row < 0) this.stage.classList.remove('over-point');
    if (row === this.hovered) return;
    this.hovered = row;
    this.invalidate();
  }

  private showTooltip(): void {
    const row = this.hovered;
    const { atlas, camera, tooltip } = this;
    const sx = row >= 0 && onMap(atlas, row) ? camera.screenX(atlas.x[row]) : NaN;
    const sy = row >= 0 && onMap(atlas, row) ? camera.screenY(atlas.y[row]) : NaN;
    if (!(sx >= 0 && sx <= camera.width && sy >= 0 && sy <= camera.height)) {
      tooltip.hidden = true;
      tooltip.removeAttribute('data-row');
      return;
    }
    if (tooltip.dataset.row !== String(row)) {
      tooltip.dataset.row = String(row);
      tooltip.textContent = '';
      const about = this.coloring.describe(row);
      const detail = itemDetail(atlas, row);
      tooltip.append(el('strong', {}, atlas.titles[row]));
      if (detail) tooltip.append(el('span', {}, detail));
      if (about) tooltip.append(el('span', {}, about));
    }
    tooltip.hidden = false;
    const w = tooltip.offsetWidth;
    const h = tooltip.offsetHeight;
    const gap = this.diameter() / 2 + 10;
    const left = Math.max(6, Math.min(camera.width - w - 6, sx - w / 2));
    const top = sy - gap - h >= 6 ? sy - gap - h : Math.min(sy + gap, camera.height - h - 6);
    tooltip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  // ---- Drawing ------------------------------------------------------------------------------------

  private invalidate(): void {
    if (this.dirty) return;
    this.dirty = true;
    requestAnimationFrame((now) => this.frame(now));
  }

  private frame(now: number): void {
    if (!this.dirty) return;
    this.dirty = false;
    const flying = this.camera.step(now);
    this.draw();
    if (flying) this.invalidate();
  }

  /** Draws at once what is pending. */
  renderNow(): void {
    this.dirty = false;
    this.draw();
    if (this.camera.flying) this.invalidate();
  }

  private draw(): void {
    this.updateCovers();
    const diameter = this.diameter();
    const selected = this.selection?.kind === 'item' ? this.selection.row : -1;
    const matches = selected < 0 ? this.matches : [];
    const bg = BACKGROUND[this.mode];
    this.drawn = this.renderer.draw(this.camera, diameter, bg);
    this.overlay.draw(this.camera, { selected, neighbors: this.neighbors, matches, hovered: this.hovered, diameter, ink: INK[this.mode], accent: ACCENT[this.mode], torn: TORN[this.mode], background: cssColor(bg) });
    this.drawBorders();
    this.labels.update({ camera: this.camera, covers: this.covers, shown: (row) => this.shown(row) && (this.selection?.kind !== 'node' || this.inNode[row] === 1), selected, neighbors: this.neighbors.map((nb) => nb.row), matches, diameter });
    this.showTooltip();
  }

  /** Borders are what a map with territories is for; elsewhere they are there to be asked for. */
  private get bordersAtFirst(): boolean {
    return this.atlas.borders !== null && this.atlas.borders.owned;
  }

  private drawBorders(): void {
    if (!this.borderLayer) return;
    if (!this.borders) return this.borderLayer.clear(this.camera);
    const selected = this.selection?.kind === 'node' ? this.selection.id : -1;
    this.borderLayer.draw(this.camera, { ink: INK[this.mode], accent: ACCENT[this.mode], background: cssColor(BACKGROUND[this.mode]), selected });
  }

  // ---- Address ------------------------------------------------------------------------------------

  private state(): State {
    return { view: this.camera.destination(), selection: this.selection, query: this.box.input.value.trim(), time: this.time?.range ?? null, color: this.colorKey, only: this.only, theme: this.theme, borders: this.borders === this.bordersAtFirst ? null : this.borders };
  }

  private hash(): string {
    return formatState(this.atlas, this.state(), this.defaultColor);
  }

  private save(): void {
    const hash = this.hash();
    if (hash === location.hash) return;
    this.lastHash = hash;
    try {
      history.replaceState(null, '', hash);
    } catch {
      // Some browsers limit how often the address may change; the next change writes it.
    }
  }

  private saveSoon(): void {
    clearTimeout(this.saveTimer);
    this.saveTimer = window.setTimeout(() => this.save(), 250);
  }

  private restore(s: State, fly: boolean): void {
    if (s.theme !== this.theme) this.setTheme(s.theme, false);
    const key = this.colorKeys.has(s.color) ? s.color : this.defaultColor;
    const recolor = key !== this.colorKey || s.only !== this.only;
    this.colorKey = key;
    this.only = s.only;
    this.borders = s.borders !== null && this.borderLayer !== null ? s.borders : this.bordersAtFirst;
    this.borderControl?.set(this.borders);
    if (recolor) this.recolor();
    this.time?.set(s.time);
    if (s.query !== this.box.input.value.trim()) this.setMatches(this.box.set(s.query));
    const changed = JSON.stringify(s.selection) !== JSON.stringify(this.selection);
    this.selection = s.selection;
    this.walk = { anchor: s.selection?.kind === 'item' ? s.selection.row : -1, at: -1 };
    if (changed || !fly) this.showSelection(changed || s.selection !== null);
    if (!fly && s.selection === null) this.showTab('regions');
    let view = s.view;
    if (!view && s.selection) view = s.selection.kind === 'item' ? (onMap(this.atlas, s.selection.row) ? this.viewOfItem(s.selection.row) : null) : this.viewOfNode(s.selection.id);
    this.untouched = view === null;
    if (!view) view = this.fitView();
    if (fly) this.camera.flyTo(view);
    else this.camera.set(view);
    this.paint();
  }

  // ---- For scripts and tests ----------------------------------------------------------------------

  api(): object {
    const { atlas } = this;
    const row = (i: unknown): i is number => Number.isInteger(i) && (i as number) >= 0 && (i as number) < atlas.count;
    const flush = (): void => {
      if (this.dirty && !this.camera.flying) this.renderNow();
    };
    return Object.freeze({
      count: atlas.count,
      k: atlas.k,
      levels: Object.freeze([...atlas.levels]),
      nodeCount: atlas.nodes.length,
      node: (i: number) => {
        const d = atlas.nodes[i];
        return d ? { level: d.level, parent: d.parent, size: d.size, label: d.label, keywords: [...d.keywords], representatives: [...d.representatives], children: [...d.children], x: d.x, y: d.y, box: [...d.box], zoom: [d.zmin, d.zmax] } : null;
      },
      item: (i: number) =>
        row(i)
          ? {
              title: atlas.titles[i],
              path: pathOf(atlas, atlas.leaf[i]).map((id) => atlas.nodes[id].label),
              kept: atlas.kept[i],
              trust: atlas.trust[i],
              continuity: atlas.continuity[i],
              neighbors: neighborsOf(atlas, i).map((nb) => ({ row: nb.row, title: atlas.titles[nb.row], similarity: nb.similarity, torn: nb.torn, far: nb.far })),
            }
          : null,
      select: (i: number | null) => this.select(row(i) ? { kind: 'item', row: i } : null),
      selectNode: (i: number) => {
        if (atlas.nodes[i]) this.select({ kind: 'node', id: i });
      },
      selection: () => (this.selection ? { ...this.selection } : null),
      search: (text: string) => this.search.find(String(text)).map((h) => ({ ...h })),
      camera: Object.freeze({
        get: () => this.camera.destination(),
        set: (v: Partial<View>) => {
          this.untouched = false;
          this.camera.set(v);
          this.renderNow();
          this.saveSoon();
        },
        fit: () => {
          this.fit(false);
          this.renderNow();
        },
        fitView: () => this.fitView(),
        idle: () => !this.camera.flying,
      }),
      screen: (i: number) => {
        const s = this.stage.getBoundingClientRect();
        return row(i) && onMap(atlas, i) ? { x: s.left + this.camera.screenX(atlas.x[i]), y: s.top + this.camera.screenY(atlas.y[i]) } : null;
      },
      visibleLabels: () => {
        flush();
        return this.labels.visible();
      },
      stats: () => {
        flush();
        return { drawnPoints: this.drawn, renderer: this.renderer.kind, shown: Array.from({ length: atlas.count }, (_, i) => this.shown(i)).filter(Boolean).length, diameter: this.diameter(), borders: this.borderLayer ? [...this.borderLayer.drawn] : [] };
      },
    });
  }
}

function fatal(message: string): void {
  const root = document.body ?? document.documentElement;
  root.append(el('div', { class: 'fatal', role: 'alert' }, el('h1', {}, 'This atlas cannot be shown'), el('p', {}, message), el('p', { class: 'note' }, 'Open the original file again, or export it anew.')));
}

function start(): void {
  const root = el('div', { class: 'app' });
  try {
    const atlas = readPayload(document);
    document.body.append(root);
    const app = new App(atlas, root);
    Object.defineProperty(window, 'filmatlas', { value: app.api(), writable: false, configurable: false });
  } catch (e) {
    root.remove();
    fatal(e instanceof PayloadError ? e.message : `Something in this file could not be drawn: ${e instanceof Error ? e.message : String(e)}`);
  }
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
else start();
