// Draws the points: WebGL2 where there is one, Canvas 2D otherwise. Both draw a frame only when asked.

import type { Camera } from './camera';
import { cssColor, type Rgb } from './color';

export interface PointRenderer {
  readonly kind: 'webgl2' | 'canvas2d';
  /** RGBA per row; alpha is the opacity, below one half for points that stand back. */
  setColors(rgba: Uint8Array): void;
  resize(width: number, height: number, ratio: number): void;
  /** Returns the number of points sent to be drawn. */
  draw(camera: Camera, diameter: number, background: Rgb): number;
}

export interface PointData {
  x: Float32Array;
  y: Float32Array;
  /** Origin that positions are taken from, so that single precision is enough when zoomed in. */
  origin: [number, number];
}

const VERTEX = `#version 300 es
layout(location=0) in vec2 a_pos;
layout(location=1) in vec4 a_color;
uniform vec2 u_center;
uniform vec2 u_scale;
uniform float u_size;
uniform float u_back;
out vec4 v_color;
out float v_size;
void main() {
  bool back = a_color.a < 0.5;
  bool skip = a_color.a == 0.0 || back != (u_back > 0.5);
  gl_Position = skip ? vec4(2.0, 2.0, 2.0, 1.0) : vec4((a_pos - u_center) * u_scale, 0.0, 1.0);
  v_size = back ? u_size * 0.85 : u_size;
  gl_PointSize = v_size;
  v_color = a_color;
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 v_color;
in float v_size;
uniform vec3 u_background;
out vec4 color;
void main() {
  float d = length(gl_PointCoord - 0.5) * 2.0;
  float soft = min(1.0, 2.5 / v_size);
  float a = (1.0 - smoothstep(1.0 - soft, 1.0, d)) * v_color.a;
  float rim = v_size > 7.0 ? smoothstep(0.68, 0.8, d) * 0.85 : 0.0;
  color = vec4(mix(v_color.rgb, u_background, rim) * a, a);
}`;

export class WebGlRenderer implements PointRenderer {
  readonly kind = 'webgl2';
  private readonly gl: WebGL2RenderingContext;
  private program!: WebGLProgram;
  private colorBuffer!: WebGLBuffer;
  private uniforms!: Record<'center' | 'scale' | 'size' | 'back' | 'background', WebGLUniformLocation | null>;
  private count = 0;
  private colors: Uint8Array | null = null;
  private front = 0;
  private backCount = 0;
  private ratio = 1;
  private readonly finite: Int32Array;

  static create(canvas: HTMLCanvasElement, data: PointData, restored: () => void): WebGlRenderer | null {
    try {
      const gl = canvas.getContext('webgl2', { antialias: false, alpha: false, depth: false, stencil: false, powerPreference: 'high-performance' });
      return gl ? new WebGlRenderer(canvas, gl, data, restored) : null;
    } catch {
      return null;
    }
  }

  private constructor(private readonly canvas: HTMLCanvasElement, gl: WebGL2RenderingContext, private readonly data: PointData, restored: () => void) {
    this.gl = gl;
    const rows: number[] = [];
    for (let i = 0; i < data.x.length; i++) if (Number.isFinite(data.x[i]) && Number.isFinite(data.y[i])) rows.push(i);
    this.finite = Int32Array.from(rows);
    this.setup();
    canvas.addEventListener('webglcontextlost', (e) => e.preventDefault());
    canvas.addEventListener('webglcontextrestored', () => {
      this.setup();
      if (this.colors) this.setColors(this.colors);
      restored();
    });
  }

  private setup(): void {
    const gl = this.gl;
    const shader = (type: number, source: string): WebGLShader => {
      const s = gl.createShader(type)!;
      gl.shaderSource(s, source);
      gl.compileShader(s);
      if (!gl.getShaderParameter(s, gl.COMPILE_STATUS) && !gl.isContextLost()) throw new Error(gl.getShaderInfoLog(s) ?? 'shader');
      return s;
    };
    const program = gl.createProgram()!;
    gl.attachShader(program, shader(gl.VERTEX_SHADER, VERTEX));
    gl.attachShader(program, shader(gl.FRAGMENT_SHADER, FRAGMENT));
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program) ?? 'program');
    this.program = program;
    const at = (name: string): WebGLUniformLocation | null => gl.getUniformLocation(program, name);
    this.uniforms = { center: at('u_center'), scale: at('u_scale'), size: at('u_size'), back: at('u_back'), background: at('u_background') };

    const { x, y, origin } = this.data;
    this.count = this.finite.length;
    const pos = new Float32Array(2 * this.count);
    for (let i = 0; i < this.count; i++) {
      pos[2 * i] = x[this.finite[i]] - origin[0];
      pos[2 * i + 1] = y[this.finite[i]] - origin[1];
    }
    const buffer = gl.createBuffer()!;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, pos, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    this.colorBuffer = gl.createBuffer()!;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.colorBuffer);
    gl.bufferData(gl.ARRAY_BUFFER, 4 * this.count, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, true, 0, 0);
  }

  setColors(rgba: Uint8Array): void {
    this.colors = rgba;
    const packed = new Uint8Array(4 * this.count);
    this.front = this.backCount = 0;
    for (let i = 0; i < this.count; i++) {
      const r = 4 * this.finite[i];
      packed[4 * i] = rgba[r];
      packed[4 * i + 1] = rgba[r + 1];
      packed[4 * i + 2] = rgba[r + 2];
      const a = rgba[r + 3];
      packed[4 * i + 3] = a;
      if (a >= 128) this.front++;
      else if (a > 0) this.backCount++;
    }
    const gl = this.gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.colorBuffer);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, packed);
  }

  resize(width: number, height: number, ratio: number): void {
    this.ratio = ratio;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
  }

  draw(camera: Camera, diameter: number, background: Rgb): number {
    const gl = this.gl;
    if (gl.isContextLost()) return 0;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(background[0] / 255, background[1] / 255, background[2] / 255, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (this.count === 0) return 0;
    gl.useProgram(this.program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.uniform2f(this.uniforms.center, camera.x - this.data.origin[0], camera.y - this.data.origin[1]);
    gl.uniform2f(this.uniforms.scale, (2 * camera.scale) / camera.width, (2 * camera.scale) / camera.height);
    gl.uniform1f(this.uniforms.size, Math.max(1, diameter * this.ratio));
    gl.uniform3f(this.uniforms.background, background[0] / 255, background[1] / 255, background[2] / 255);
    if (this.backCount > 0) {
      gl.uniform1f(this.uniforms.back, 1);
      gl.drawArrays(gl.POINTS, 0, this.count);
    }
    if (this.front > 0) {
      gl.uniform1f(this.uniforms.back, 0);
      gl.drawArrays(gl.POINTS, 0, this.count);
    }
    return this.front + this.backCount;
  }
}

export class CanvasRenderer implements PointRenderer {
  readonly kind = 'canvas2d';
  private readonly context: CanvasRenderingContext2D | null;
  private ratio = 1;
  /** Rows in drawing order (points that stand back first), grouped by colour. */
  private order: Int32Array = new Int32Array(0);
  private key: Uint32Array = new Uint32Array(0);

  constructor(private readonly canvas: HTMLCanvasElement, private readonly data: PointData) {
    this.context = canvas.getContext('2d', { alpha: false });
  }

  setColors(rgba: Uint8Array): void {
    const { x, y } = this.data;
    const key = new Uint32Array(x.length);
    const rows: number[] = [];
    for (let i = 0; i < x.length; i++) {
      const a = rgba[4 * i + 3];
      if (a === 0 || !Number.isFinite(x[i]) || !Number.isFinite(y[i])) continue;
      key[i] = ((a << 24) | (rgba[4 * i] << 16) | (rgba[4 * i + 1] << 8) | rgba[4 * i + 2]) >>> 0;
      rows.push(i);
    }
    rows.sort((a, b) => key[a] - key[b] || a - b);
    this.key = key;
    this.order = Int32Array.from(rows);
  }

  resize(width: number, height: number, ratio: number): void {
    this.ratio = ratio;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
  }

  draw(camera: Camera, diameter: number, background: Rgb): number {
    const c = this.context;
    if (!c) return 0;
    const { x, y } = this.data;
    const ratio = this.ratio;
    const w = this.canvas.width;
    const h = this.canvas.height;
    c.globalAlpha = 1;
    c.fillStyle = cssColor(background);
    c.fillRect(0, 0, w, h);
    const s = camera.scale * ratio;
    const d = Math.max(1, diameter * ratio);
    const round = d > 4;
    let last = -1;
    let drawn = 0;
    for (let i = 0; i < this.order.length; i++) {
      const row = this.order[i];
      const px = w / 2 + (x[row] - camera.x) * s;
      const py = h / 2 - (y[row] - camera.y) * s;
      if (px < -d || py < -d || px > w + d || py > h + d) continue;
      const key = this.key[row];
      if (key !== last) {
        if (round && last >= 0) c.fill();
        last = key;
        c.globalAlpha = (key >>> 24) / 255;
        c.fillStyle = cssColor([(key >>> 16) & 255, (key >>> 8) & 255, key & 255]);
        if (round) c.beginPath();
      }
      if (round) {
        c.moveTo(px + d / 2, py);
        c.arc(px, py, d / 2, 0, 2 * Math.PI);
      } else {
        c.fillRect(px - d / 2, py - d / 2, d, d);
      }
      drawn++;
    }
    if (round && last >= 0) c.fill();
    return drawn;
  }
}
