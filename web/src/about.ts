// The dialog that says what the atlas holds, how far the map can be trusted, and who is to be named.

import { button, count, el, icon, levelWord, percent, plural } from './dom';
import type { Atlas } from './payload';

export function makeAbout(atlas: Atlas, renderer: () => string): HTMLDialogElement {
  const dialog = el('dialog', { class: 'about', 'aria-labelledby': 'about-title' });
  const close = button(icon('close'), { class: 'icon-button', 'aria-label': 'Close' }, () => dialog.close());
  dialog.append(el('header', { class: 'card-head' }, el('div', {}, el('p', { class: 'kicker' }, 'About this atlas'), el('h2', { id: 'about-title' }, atlas.title)), close));

  const figures = el('dl', { class: 'figures' });
  const figure = (value: string, name: string): void => figures.append(el('div', {}, el('dt', {}, name), el('dd', {}, value)));
  figure(count(atlas.count), 'items');
  atlas.levels.forEach((name, level) => {
    const n = atlas.nodes.filter((d) => d.level === level).length;
    if (n) figure(count(n), levelWord(name, n));
  });
  let off = 0;
  for (let i = 0; i < atlas.count; i++) if (!Number.isFinite(atlas.x[i]) || !Number.isFinite(atlas.y[i])) off++;
  if (off) figure(count(off), 'not on the map');
  dialog.append(figures);

  const q = atlas.quality;
  const list = el('ul', { class: 'prose' });
  if (q && Number.isFinite(q.kept)) {
    list.append(el('li', {}, el('strong', {}, `${percent(q.kept)} of true neighbours kept. `), `Of the ${q.k || 'nearest'} items most alike in the full data, this share also lies among the nearest on the map, on average. A flat map cannot keep them all.`));
  }
  if (q && Number.isFinite(q.trustworthiness)) {
    const t = q.trustworthiness;
    const verdict = t >= 0.95 ? 'items drawn side by side are nearly always alike' : t >= 0.85 ? 'items drawn side by side are mostly alike' : 'items drawn side by side are not always alike';
    list.append(el('li', {}, el('strong', {}, `Trustworthiness ${t.toFixed(3)} of 1. `), `In words: ${verdict}. “Trust of the map” colours every point by its own share.`));
  }
  const borders = atlas.borders;
  if (borders && borders.plain && q) {
    const pair = (name: string, here: number, plain: number): string => `${name} ${here.toFixed(3)} (plain map ${plain.toFixed(3)})`;
    list.append(el('li', {}, el('strong', {}, 'Regions own one piece of land each. '), `What that costs: ${[pair('neighbours kept', q.kept, borders.plain.kept), pair('trust', q.trustworthiness, borders.plain.trustworthiness), pair('continuity', q.continuity, borders.plain.continuity), pair('order of distances', q.rank, borders.plain.rank)].join(', ')}.`));
  } else if (borders && borders.shares.length) {
    list.append(el('li', {}, el('strong', {}, 'Borders follow the points. '), `${borders.shares.map((s, level) => `${percent(s.inside)} of the items stand inside their own ${levelWord(atlas.levels[level] ?? 'region', 1)}`).join(', ')}.`));
  }
  if (atlas.k) list.append(el('li', {}, `The lists of closest items (${atlas.k} each, ${atlas.metric} similarity) come from the full data, never from the map; an item that the map tore away is marked “far on the map”.`));
  if (list.childElementCount) dialog.append(el('section', {}, el('h3', {}, 'How far to trust the map'), list));

  const r = atlas.report;
  if (r) {
    const sec = el('section', {}, el('h3', {}, 'Checks of the export'));
    sec.append(el('p', { class: 'note' }, r.errors || r.warnings ? `${plural(r.errors, 'error')}, ${plural(r.warnings, 'warning')}.` : 'No errors and no warnings.'));
    if (r.findings.length) {
      const ul = el('ul', { class: 'findings' });
      for (const f of r.findings.slice(0, 100)) ul.append(el('li', {}, el('span', { class: `tag severity-${/^(error|warning)$/.test(f.severity) ? f.severity : 'info'}` }, f.severity || 'note'), el('span', {}, f.message), el('code', {}, f.code)));
      if (r.findings.length > 100) ul.append(el('li', {}, `… and ${count(r.findings.length - 100)} more`));
      sec.append(ul);
    }
    dialog.append(sec);
  }

  const keys: [string, string][] = [['/', 'search'], ['+ − 0', 'zoom in, out, whole map'], ['arrows', 'move the map'], ['n / p', 'next, previous of the closest items'], ['Esc', 'close the selection']];
  const dl = el('dl', { class: 'keys' });
  for (const [k, v] of keys) dl.append(el('div', {}, el('dt', {}, el('kbd', {}, k)), el('dd', {}, v)));
  dialog.append(el('section', {}, el('h3', {}, 'Keys'), dl));

  if (atlas.attributions.length) {
    const ul = el('ul', { class: 'prose' });
    for (const a of atlas.attributions) ul.append(el('li', {}, a));
    dialog.append(el('section', {}, el('h3', {}, 'Attribution'), ul));
  }
  const foot = el('p', { class: 'note' });
  dialog.append(foot);
  dialog.addEventListener('click', (e) => {
    if (e.target === dialog) dialog.close();
  });
  // The renderer is known only once the map has been drawn.
  const show = dialog.showModal.bind(dialog);
  dialog.showModal = () => {
    foot.textContent = `Made with ${atlas.generator}. Drawn with ${renderer()}. The page works offline and sends nothing.`;
    show();
  };
  return dialog;
}
