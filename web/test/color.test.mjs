// The ramp that numbers are coloured by: in order of lightness for everybody, whatever colours an eye tells apart.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = await build({ entryPoints: [join(here, '../src/color.ts')], bundle: true, write: false, format: 'esm', target: 'es2020' });
const { ramp } = await import('data:text/javascript;base64,' + Buffer.from(out.outputFiles[0].text).toString('base64'));

// Full dichromacy, Machado, Oliveira & Fernandes (2009), on linear light.
const EYES = {
  all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
const lightness = (eye, rgb) => {
  const seen = eye.map((row) => Math.max(0, row.reduce((s, w, i) => s + w * linear(rgb[i]), 0)));
  const y = 0.2126 * seen[0] + 0.7152 * seen[1] + 0.0722 * seen[2];
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
};

for (const dark of [false, true]) {
  for (const [name, eye] of Object.entries(EYES)) {
    test(`the ramp on ${dark ? 'dark' : 'light'} ground is ordered for ${name} eyes`, () => {
      const steps = Array.from({ length: 21 }, (_, i) => lightness(eye, ramp(i / 20, dark)));
      const sign = dark ? 1 : -1;
      for (let i = 1; i < steps.length; i++) assert.ok(sign * (steps[i] - steps[i - 1]) > 0.5, `step ${i}: ${steps[i - 1].toFixed(1)}, ${steps[i].toFixed(1)}`);
      assert.ok(Math.abs(steps[20] - steps[0]) > 40);
    });
  }
}
