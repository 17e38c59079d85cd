// Search over titles and regions. Text is folded (case, diacritics, punctuation); a hit ranks by how it
// matches: whole title, prefix, prefix of a word, substring, all words somewhere, small typo.

import type { Atlas } from './payload';

export type Tier = 'exact' | 'prefix' | 'word' | 'substring' | 'words' | 'typo';
const TIERS: Tier[] = ['exact', 'prefix', 'word', 'substring', 'words', 'typo'];

export interface Hit {
  kind: 'item' | 'node';
  /** Row of an item or id of a node. */
  id: number;
  title: string;
  tier: Tier;
}

const SPECIAL: Record<string, string> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i', ŋ: 'n', ħ: 'h' };

export function fold(text: string): string {
  let s = text.toLowerCase();
  // eslint-disable-next-line no-control-regex
  if (/[^\x00-\x7f]/.test(s)) {
    s = s
      .normalize('NFKD')
      .replace(/\p{M}+/gu, '')
      .replace(/[ßæœøłđðþıŋħ]/g, (c) => SPECIAL[c])
      .replace(/['’ʼ`´]/g, '')
      .replace(/[^\p{L}\p{N}]+/gu, ' ');
  } else {
    s = s.replace(/['`]/g, '').replace(/[^a-z0-9]+/g, ' ');
  }
  s = s.trim();
  return s || text.toLowerCase().replace(/\s+/g, ' ').trim();
}

/** Letters of a text as bits; a typo removes at most one of them. */
function letters(s: string, from = 0, to = s.length): number {
  let bits = 0;
  for (let i = from; i < to; i++) {
    const c = s.charCodeAt(i);
    if (c >= 97 && c <= 122) bits |= 1 << (c - 97);
    else if (c !== 32) bits |= 1 << (26 + (c % 6));
  }
  return bits;
}

function bitCount(v: number): number {
  v -= (v >>> 1) & 0x55555555;
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return (((v + (v >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/** Edit distance (with swapped neighbours as one edit) from a pattern of up to 30 letters to the best
 *  prefix of the text that starts at a place: Hyyrö's bit-parallel recurrence, anchored at the left. */
class Pattern {
  readonly length: number;
  private readonly ascii = new Int32Array(128);
  private readonly other = new Map<number, number>();
  readonly bits: number;

  constructor(pattern: string) {
    const p = pattern.slice(0, 30);
    this.length = p.length;
    this.bits = letters(p);
    for (let i = 0; i < p.length; i++) {
      const c = p.charCodeAt(i);
      if (c < 128) this.ascii[c] |= 1 << i;
      else this.other.set(c, (this.other.get(c) ?? 0) | (1 << i));
    }
  }

  distance(text: string, from: number, to: number, limit: number): number {
    const m = this.length;
    const last = 1 << (m - 1);
    let pv = m === 32 ? -1 : (1 << m) - 1;
    let mv = 0;
    let d0 = 0;
    let eqBefore = 0;
    let score = m;
    let best = m;
    const end = Math.min(to, from + m + limit);
    for (let j = from; j < end; j++) {
      const c = text.charCodeAt(j);
      const eq = c < 128 ? this.ascii[c] : this.other.get(c) ?? 0;
      const swap = ((~d0 & eq) << 1) & eqBefore;
      d0 = (((eq & pv) + pv) ^ pv) | eq | mv | swap;
      let ph = mv | ~(d0 | pv);
      let mh = pv & d0;
      if (ph & last) score++;
      if (mh & last) score--;
      ph = (ph << 1) | 1;
      mh <<= 1;
      pv = mh | ~(d0 | ph);
      mv = ph & d0;
      eqBefore = eq;
      if (score < best) best = score;
      // The score falls by at most one a letter.
      if (score - (end - 1 - j) > limit) break;
    }
    return best;
  }
}

/** A list of folded texts in one string, so that a substring search is a single pass. */
class Index {
  private readonly text: string;
  private readonly start: Int32Array;
  private readonly bits: Int32Array;
  readonly size: number;

  constructor(folded: string[], private readonly weight: (i: number) => number) {
    this.size = folded.length;
    this.start = new Int32Array(folded.length + 1);
    this.bits = new Int32Array(folded.length);
    let at = 1;
    folded.forEach((s, i) => {
      this.start[i] = at;
      this.bits[i] = letters(s);
      at += s.length + 1;
    });
    this.start[folded.length] = at;
    this.text = '\n' + folded.join('\n') + '\n';
  }

  private lengthOf(row: number): number {
    return this.start[row + 1] - 1 - this.start[row];
  }

  /** Calls back with the rows that hold a needle and the place in the text, in order; the callback says where to go on. */
  private scan(needle: string, visit: (row: number, at: number, end: number) => number): void {
    const { text, start } = this;
    let row = 0;
    for (let at = text.indexOf(needle); at >= 0; ) {
      while (start[row + 1] <= at + 1) row++;
      at = text.indexOf(needle, visit(row, at, start[row + 1] - 1));
    }
  }

  /** Rows by tier and rank; at most `limit`. */
  find(query: string, limit: number): { row: number; tier: number }[] {
    if (!query || this.size === 0) return [];
    const { text, start, weight } = this;
    const top: Found[] = [];
    const seen = new Set<number>();
    let matched = 0;
    const before = (a: Found, b: Found): boolean => {
      if (a.tier !== b.tier) return a.tier < b.tier;
      if (a.cost !== b.cost) return a.cost < b.cost;
      if (a.weight !== b.weight) return a.weight < b.weight;
      const d = this.lengthOf(a.row) - this.lengthOf(b.row);
      return d !== 0 ? d < 0 : a.row < b.row;
    };
    // Keeps the best few in order; most rows of a broad query fail the first comparison.
    const add = (row: number, tier: number, cost: number): void => {
      if (matched <= limit) {
        if (seen.has(row)) return;
        seen.add(row);
      }
      matched++;
      const f = { row, tier, cost, weight: weight(row) };
      if (top.length === limit && !before(f, top[limit - 1])) return;
      let i = top.length === limit ? limit - 1 : top.length;
      for (; i > 0 && before(f, top[i - 1]); i--) top[i] = top[i - 1];
      top[i] = f;
    };
    const after = (at: number): number => {
      const c = text.charCodeAt(at + query.length);
      return c === 32 || c === 10 ? 0 : 1;
    };
    const prefixTier = (row: number): number => (this.lengthOf(row) === query.length ? 0 : 1);
    const n = query.length;
    if (n <= 2) {
      // Nearly every row holds a letter or two somewhere: beginnings first, the rest only where they are few.
      this.scan('\n' + query, (row, at, end) => {
        add(row, prefixTier(row), after(at + 1));
        return end;
      });
      this.scan(' ' + query, (row, at, end) => {
        if (!text.startsWith(query, start[row])) add(row, 2, after(at + 1));
        return end;
      });
      if (matched < limit) this.scan(query, (row, at, end) => (add(row, 3, after(at)), end));
    } else {
      let current = -1;
      let tier = 9;
      let cost = 0;
      this.scan(query, (row, at, end) => {
        if (row !== current) {
          if (current >= 0) add(current, tier, cost);
          current = row;
          tier = 9;
        }
        const c = text.charCodeAt(at - 1);
        const t = c === 10 ? prefixTier(row) : c === 32 ? 2 : 3;
        if (t < tier || (t === tier && after(at) < cost)) {
          tier = t;
          cost = after(at);
        }
        return t < 2 ? end : at + 1;
      });
      if (current >= 0) add(current, tier, cost);
    }
    const words = query.split(' ').filter((w) => w !== '');
    if (matched < limit && words.length > 1) this.allWords(words, add);
    if (matched < Math.min(limit, 8) && query.replace(/ /g, '').length >= 4) this.typos(query, add);
    return top.map(({ row, tier }) => ({ row, tier }));
  }

  private allWords(words: string[], add: (row: number, tier: number, cost: number) => void): void {
    const { text, start } = this;
    const longest = words.reduce((a, b) => (b.length > a.length ? b : a));
    const others = words.filter((w) => w !== longest);
    this.scan(longest, (row, at, end) => {
      const c = text.charCodeAt(at - 1);
      if (c !== 32 && c !== 10) return at + 1;
      const own = ' ' + text.slice(start[row], end);
      if (others.every((w) => own.includes(' ' + w))) add(row, 4, 0);
      return end;
    });
  }

  private typos(query: string, add: (row: number, tier: number, cost: number) => void): void {
    const { text, start, bits } = this;
    const pattern = new Pattern(query);
    const limit = query.length < 6 ? 1 : 2;
    for (let row = 0; row < this.size; row++) {
      if (bitCount(pattern.bits & ~bits[row]) > limit) continue;
      const end = start[row + 1] - 1;
      let best = limit + 1;
      let first = 1;
      for (let at = start[row]; ; ) {
        if (end - at < pattern.length - limit) break;
        const d = pattern.distance(text, at, end, limit);
        if (d < best) {
          best = d;
          first = at === start[row] ? 0 : 1;
        }
        while (at < end && text.charCodeAt(at) !== 32) at++;
        if (at >= end) break;
        at++;
      }
      if (best <= limit) add(row, 5, best * 4 + first * 2 + (Math.abs(end - start[row] - query.length) <= best ? 0 : 1));
    }
  }
}

interface Found {
  row: number;
  tier: number;
  cost: number;
  weight: number;
}

export class Search {
  private items: Index | null = null;
  private labels: Index | null = null;
  private keywords: Index | null = null;
  private keywordNode: number[] = [];
  private readonly folded: string[] = [];

  constructor(private readonly atlas: Atlas) {}

  /** Folds a slice of the titles; true when the index is ready. Lets the page prepare while it is idle. */
  prepare(budget: number): boolean {
    if (this.items) return true;
    const { atlas, folded } = this;
    const end = Math.min(atlas.count, folded.length + budget);
    for (let i = folded.length; i < end; i++) folded.push(fold(atlas.titles[i]));
    if (folded.length < atlas.count) return false;
    this.items = new Index(folded, (row) => Math.min(atlas.itemZoom[row], 99));
    const size = (id: number): number => -atlas.nodes[id].size;
    this.labels = new Index(atlas.nodes.map((d) => fold(d.label)), size);
    const words: string[] = [];
    for (const d of atlas.nodes) {
      for (const w of d.keywords) {
        words.push(fold(w));
        this.keywordNode.push(d.id);
      }
    }
    this.keywords = new Index(words, (i) => size(this.keywordNode[i]));
    folded.length = 0;
    return true;
  }

  find(text: string, itemLimit = 30, nodeLimit = 6): Hit[] {
    const query = fold(text);
    if (!query) return [];
    while (!this.prepare(1 << 20));
    const nodes = new Map<number, number>();
    for (const h of this.labels!.find(query, nodeLimit)) nodes.set(h.row, h.tier);
    for (const h of this.keywords!.find(query, 4 * nodeLimit)) {
      const id = this.keywordNode[h.row];
      if (h.tier < 3 && !nodes.has(id)) nodes.set(id, h.tier + 2);
    }
    const ids = [...nodes].sort((a, b) => a[1] - b[1] || this.atlas.nodes[a[0]].level - this.atlas.nodes[b[0]].level || this.atlas.nodes[b[0]].size - this.atlas.nodes[a[0]].size || a[0] - b[0]);
    const items = this.items!.find(query, itemLimit);
    const bestItem = items.length > 0 ? items[0].tier : 9;
    // A region that is only spelt alike does not stand beside an item that truly matches.
    const regions = ids.filter(([, tier]) => tier < 5 || bestItem >= 5).slice(0, nodeLimit);
    const named: Hit[] = regions.map(([id, tier]) => ({ kind: 'node', id, title: this.atlas.nodes[id].label, tier: TIERS[Math.min(5, tier)] }));
    const found: Hit[] = items.map((h) => ({ kind: 'item', id: h.row, title: this.atlas.titles[h.row], tier: TIERS[h.tier] }));
    // Both groups stay whole; the one with the better match leads.
    return regions.length > 0 && bestItem < regions[0][1] ? [...found, ...named] : [...named, ...found];
  }
}
