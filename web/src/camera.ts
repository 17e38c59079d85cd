// The camera: a centre in map units and a zoom z = log2(CSS pixels per map unit); y grows upwards.

import { reducedMotion } from './dom';

export interface View {
  z: number;
  x: number;
  y: number;
}

export interface Rect {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export class Camera {
  x = 0;
  y = 0;
  z = 0;
  width = 1;
  height = 1;
  minZoom = -10;
  maxZoom = 20;
  private flight: { from: View; to: View; start: number; ms: number; path: (t: number) => View } | null = null;

  constructor(private readonly changed: () => void) {}

  get scale(): number {
    return Math.pow(2, this.z);
  }

  view(): View {
    return { z: this.z, x: this.x, y: this.y };
  }

  /** Where the camera will rest: its target while it flies. */
  destination(): View {
    return this.flight ? this.flight.to : this.view();
  }

  screenX(mx: number): number {
    return this.width / 2 + (mx - this.x) * this.scale;
  }

  screenY(my: number): number {
    return this.height / 2 - (my - this.y) * this.scale;
  }

  mapX(sx: number): number {
    return this.x + (sx - this.width / 2) / this.scale;
  }

  mapY(sy: number): number {
    return this.y - (sy - this.height / 2) / this.scale;
  }

  clampZoom(z: number): number {
    return Math.min(this.maxZoom, Math.max(this.minZoom, z));
  }

  set(v: Partial<View>): void {
    this.flight = null;
    if (v.z !== undefined && Number.isFinite(v.z)) this.z = this.clampZoom(v.z);
    if (v.x !== undefined && Number.isFinite(v.x)) this.x = v.x;
    if (v.y !== undefined && Number.isFinite(v.y)) this.y = v.y;
    this.changed();
  }

  panPixels(dx: number, dy: number): void {
    const s = this.scale;
    this.set({ x: this.x - dx / s, y: this.y + dy / s });
  }

  /** Zooms so that the map point below (sx, sy) stays there. */
  zoomAt(z: number, sx: number, sy: number): void {
    this.set(this.zoomedAt(this.view(), z, sx, sy));
  }

  zoomedAt(from: View, z: number, sx: number, sy: number): View {
    const zz = this.clampZoom(z);
    const a = Math.pow(2, -from.z);
    const b = Math.pow(2, -zz);
    const dx = sx - this.width / 2;
    const dy = sy - this.height / 2;
    return { z: zz, x: from.x + dx * (a - b), y: from.y - dy * (a - b) };
  }

  /** The view that puts a map rectangle into a screen rectangle. */
  frame(extent: [number, number, number, number], into: Rect): View {
    const w = Math.max(1e-9, extent[2] - extent[0]);
    const h = Math.max(1e-9, extent[3] - extent[1]);
    const sw = Math.max(40, into.right - into.left);
    const sh = Math.max(40, into.bottom - into.top);
    const z = this.clampZoom(Math.log2(Math.min(sw / w, sh / h)));
    return this.centred({ z, x: (extent[0] + extent[2]) / 2, y: (extent[1] + extent[3]) / 2 }, into);
  }

  /** The view whose given map point lies in the middle of a screen rectangle. */
  centred(v: View, into: Rect): View {
    const s = Math.pow(2, v.z);
    return {
      z: v.z,
      x: v.x - ((into.left + into.right) / 2 - this.width / 2) / s,
      y: v.y + ((into.top + into.bottom) / 2 - this.height / 2) / s,
    };
  }

  flyTo(to: View, ms?: number): void {
    const target = { z: this.clampZoom(to.z), x: to.x, y: to.y };
    if (![target.z, target.x, target.y].every(Number.isFinite)) return;
    if (reducedMotion() || ms === 0) {
      this.set(target);
      return;
    }
    const from = this.view();
    const flight = smoothPath(from, target, Math.max(this.width, this.height));
    this.flight = { from, to: target, start: performance.now(), ms: ms ?? Math.min(1100, Math.max(260, flight.length * 320)), path: flight.at };
    this.changed();
  }

  get flying(): boolean {
    return this.flight !== null;
  }

  stop(): void {
    this.flight = null;
  }

  /** Moves a flight on to the time; true while it is under way. */
  step(now: number): boolean {
    const f = this.flight;
    if (!f) return false;
    const t = (now - f.start) / f.ms;
    if (t >= 1) {
      this.z = f.to.z;
      this.x = f.to.x;
      this.y = f.to.y;
      this.flight = null;
      this.changed();
      return false;
    }
    const e = t <= 0 ? 0 : t < 0.5 ? 4 * t * t * t : 1 - Math.pow(-2 * t + 2, 3) / 2;
    const v = f.path(e);
    this.z = v.z;
    this.x = v.x;
    this.y = v.y;
    return true;
  }
}

/** van Wijk and Nuij's smooth zooming and panning: out, across and in along the shortest seen path. */
function smoothPath(a: View, b: View, size: number): { length: number; at: (t: number) => View } {
  const rho = 1.2;
  const w0 = size * Math.pow(2, -a.z);
  const w1 = size * Math.pow(2, -b.z);
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const d = Math.hypot(dx, dy);
  const width = (w: number): number => Math.log2(size / w);
  if (d < 1e-6 * Math.min(w0, w1)) {
    const s = Math.log(w1 / w0) / rho;
    return { length: Math.abs(s), at: (t) => ({ z: a.z + (b.z - a.z) * t, x: a.x + dx * t, y: a.y + dy * t }) };
  }
  const b0 = (w1 * w1 - w0 * w0 + rho ** 4 * d * d) / (2 * w0 * rho * rho * d);
  const b1 = (w1 * w1 - w0 * w0 - rho ** 4 * d * d) / (2 * w1 * rho * rho * d);
  const r0 = -Math.asinh(b0);
  const r1 = -Math.asinh(b1);
  const s = (r1 - r0) / rho;
  return {
    length: Math.abs(s),
    at: (t) => {
      const r = rho * t * s + r0;
      const u = ((w0 / (rho * rho)) * (Math.cosh(r0) * Math.tanh(r) - Math.sinh(r0))) / d;
      return { z: width((w0 * Math.cosh(r0)) / Math.cosh(r)), x: a.x + u * dx, y: a.y + u * dy };
    },
  };
}
