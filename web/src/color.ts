// Colour arithmetic: hex parsing, contrast, and ramps. Colours arrive from the payload and are only
// shifted in lightness so that they stand out from the background of the theme.

export type Rgb = [number, number, number];

export function parseHex(hex: string): Rgb {
  const v = parseInt(hex.slice(1), 16);
  return [(v >> 16) & 255, (v >> 8) & 255, v & 255];
}

export const cssColor = (c: Rgb): string => `rgb(${Math.round(c[0])}, ${Math.round(c[1])}, ${Math.round(c[2])})`;

function luminance(c: Rgb): number {
  const f = (v: number): number => {
    const s = v / 255;
    return s <= 0.04045 ? s / 12.92 : Math.pow((s + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * f(c[0]) + 0.7152 * f(c[1]) + 0.0722 * f(c[2]);
}

export function contrast(a: Rgb, b: Rgb): number {
  const x = luminance(a);
  const y = luminance(b);
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

export const mix = (a: Rgb, b: Rgb, t: number): Rgb => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];

/** The colour itself, or the nearest mix with black or white that reaches the contrast. */
export function readable(c: Rgb, background: Rgb, ratio: number): Rgb {
  if (contrast(c, background) >= ratio) return c;
  const target: Rgb = luminance(background) > 0.4 ? [12, 14, 20] : [255, 255, 255];
  for (let t = 0.05; t < 1; t += 0.05) {
    const m = mix(c, target, t);
    if (contrast(m, background) >= ratio) return m;
  }
  return target;
}

// Twelve hues for categories, ordered so that neighbours in the list differ; the legend names each.
export const CATEGORY_COLORS = ['#3b6fd4', '#e07b28', '#2e9e6b', '#c8415c', '#8a5cc9', '#a8792b', '#d163b0', '#4aa3b8', '#7c8f1f', '#5b5fa8', '#b5563a', '#3f7f6f'];

const RAMP_LIGHT: Rgb[] = ['#d9c98a', '#8fbf8a', '#3f9a93', '#2c6a93', '#2b2f77'].map(parseHex);
const RAMP_DARK: Rgb[] = ['#3d4a8f', '#3578a8', '#37a397', '#86c97c', '#f3e58a'].map(parseHex);

/** Sequential ramp, 0 … 1, from faint to strong against the background. */
export function ramp(t: number, dark: boolean): Rgb {
  const stops = dark ? RAMP_DARK : RAMP_LIGHT;
  const p = Math.min(1, Math.max(0, t)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(p));
  return mix(stops[i], stops[i + 1], p - i);
}
