// A uniform grid over the points on the map, for picking and for finding the items in view.

export class Grid {
  private readonly cols: number;
  private readonly rows: number;
  private readonly x0: number;
  private readonly y0: number;
  private readonly cell: number;
  private readonly start: Int32Array;
  private readonly items: Int32Array;

  constructor(private readonly x: Float32Array, private readonly y: Float32Array) {
    let minX = Infinity;
    let minY = Infinity;
    let maxX = -Infinity;
    let maxY = -Infinity;
    let n = 0;
    for (let i = 0; i < x.length; i++) {
      if (!Number.isFinite(x[i]) || !Number.isFinite(y[i])) continue;
      n++;
      if (x[i] < minX) minX = x[i];
      if (x[i] > maxX) maxX = x[i];
      if (y[i] < minY) minY = y[i];
      if (y[i] > maxY) maxY = y[i];
    }
    if (n === 0) minX = minY = maxX = maxY = 0;
    const w = Math.max(maxX - minX, 1e-9);
    const h = Math.max(maxY - minY, 1e-9);
    this.cell = Math.max(Math.sqrt((w * h) / Math.max(1, n / 2)), Math.max(w, h) / 1024);
    this.x0 = minX;
    this.y0 = minY;
    this.cols = Math.floor(w / this.cell) + 1;
    this.rows = Math.floor(h / this.cell) + 1;
    this.start = new Int32Array(this.cols * this.rows + 1);
    this.items = new Int32Array(n);
    for (let i = 0; i < x.length; i++) {
      const c = this.cellOf(i);
      if (c >= 0) this.start[c + 1]++;
    }
    for (let c = 0; c < this.cols * this.rows; c++) this.start[c + 1] += this.start[c];
    const cursor = this.start.slice();
    for (let i = 0; i < x.length; i++) {
      const c = this.cellOf(i);
      if (c >= 0) this.items[cursor[c]++] = i;
    }
  }

  get size(): number {
    return this.items.length;
  }

  private cellOf(i: number): number {
    if (!Number.isFinite(this.x[i]) || !Number.isFinite(this.y[i])) return -1;
    return Math.floor((this.y[i] - this.y0) / this.cell) * this.cols + Math.floor((this.x[i] - this.x0) / this.cell);
  }

  /** Visits the rows in the cells that a map rectangle meets. */
  query(x0: number, y0: number, x1: number, y1: number, visit: (row: number) => void): void {
    const c0 = Math.max(0, Math.floor((x0 - this.x0) / this.cell));
    const c1 = Math.min(this.cols - 1, Math.floor((x1 - this.x0) / this.cell));
    const r0 = Math.max(0, Math.floor((y0 - this.y0) / this.cell));
    const r1 = Math.min(this.rows - 1, Math.floor((y1 - this.y0) / this.cell));
    for (let r = r0; r <= r1; r++) {
      for (let c = c0; c <= c1; c++) {
        const cell = r * this.cols + c;
        for (let i = this.start[cell]; i < this.start[cell + 1]; i++) visit(this.items[i]);
      }
    }
  }

  /** The nearest row within a radius that the predicate accepts, or -1. */
  nearest(x: number, y: number, radius: number, accept: (row: number) => boolean): number {
    let best = -1;
    let bestD = radius * radius;
    this.query(x - radius, y - radius, x + radius, y + radius, (row) => {
      const dx = this.x[row] - x;
      const dy = this.y[row] - y;
      const d = dx * dx + dy * dy;
      if (d <= bestD && accept(row) && (d < bestD || best < 0 || row > best)) {
        best = row;
        bestD = d;
      }
    });
    return best;
  }
}
