// Mouse, touch and keyboard on the map.

import type { Camera } from './camera';

export interface MapEvents {
  hover: (x: number, y: number) => void;
  leave: () => void;
  click: (x: number, y: number, touch: boolean) => void;
  fit: () => void;
  moved: () => void;
}

const SLOP = 5;

export function attachInput(stage: HTMLElement, camera: Camera, events: MapEvents): void {
  const pointers = new Map<number, { x: number; y: number; startX: number; startY: number }>();
  let dragging = false;
  let pinched = false;
  let suppressClick = false;
  let lastTap = { t: -1e9, x: 0, y: 0 };

  const at = (e: MouseEvent): [number, number] => {
    const r = stage.getBoundingClientRect();
    return [e.clientX - r.left, e.clientY - r.top];
  };
  const onLabel = (e: Event): boolean => e.target instanceof Element && e.target.closest('.map-label') !== null;

  stage.addEventListener(
    'wheel',
    (e) => {
      e.preventDefault();
      const unit = e.deltaMode === 1 ? 24 : e.deltaMode === 2 ? 300 : 1;
      const delta = Math.max(-240, Math.min(240, e.deltaY * unit));
      const [x, y] = at(e);
      camera.zoomAt(camera.z - delta * (e.ctrlKey ? 0.012 : 0.0032), x, y);
      events.moved();
    },
    { passive: false },
  );

  stage.addEventListener('pointerdown', (e) => {
    if (e.pointerType === 'mouse' && e.button !== 0) return;
    const [x, y] = at(e);
    pointers.set(e.pointerId, { x, y, startX: x, startY: y });
    if (pointers.size === 1) {
      dragging = pinched = suppressClick = false;
    } else {
      pinched = true;
      suppressClick = true;
      for (const id of pointers.keys()) capture(id);
    }
    if (camera.flying) camera.stop();
    if (!onLabel(e)) stage.focus({ preventScroll: true });
  });

  const capture = (id: number): void => {
    try {
      stage.setPointerCapture(id);
    } catch {
      // The pointer is gone already; the drag ends with its next event.
    }
  };

  stage.addEventListener('pointermove', (e) => {
    const p = pointers.get(e.pointerId);
    const [x, y] = at(e);
    if (!p) {
      if (e.pointerType === 'mouse' || e.pointerType === 'pen') {
        if (onLabel(e)) events.leave();
        else events.hover(x, y);
      }
      return;
    }
    if (pointers.size >= 2) {
      const [a, b] = [...pointers.values()];
      const before = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, d: Math.hypot(a.x - b.x, a.y - b.y) };
      p.x = x;
      p.y = y;
      const after = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, d: Math.hypot(a.x - b.x, a.y - b.y) };
      camera.panPixels(after.x - before.x, after.y - before.y);
      if (before.d > 0 && after.d > 0) camera.zoomAt(camera.z + Math.log2(after.d / before.d), after.x, after.y);
      events.moved();
      return;
    }
    if (!dragging && !pinched && Math.hypot(x - p.startX, y - p.startY) < SLOP) return;
    if (!dragging) {
      dragging = true;
      suppressClick = true;
      capture(e.pointerId);
      stage.classList.add('dragging');
      events.leave();
    }
    camera.panPixels(x - p.x, y - p.y);
    p.x = x;
    p.y = y;
    events.moved();
  });

  const release = (e: PointerEvent): void => {
    const p = pointers.get(e.pointerId);
    if (!p) return;
    pointers.delete(e.pointerId);
    if (pointers.size > 0) return;
    stage.classList.remove('dragging');
    if (e.type === 'pointercancel' || suppressClick || onLabel(e)) return;
    const touch = e.pointerType === 'touch';
    if (touch) {
      const now = performance.now();
      if (now - lastTap.t < 320 && Math.hypot(p.x - lastTap.x, p.y - lastTap.y) < 30) {
        lastTap.t = -1e9;
        camera.flyTo(camera.zoomedAt(camera.view(), camera.z + 1, p.x, p.y), 220);
        events.moved();
        return;
      }
      lastTap = { t: now, x: p.x, y: p.y };
    }
    events.click(p.x, p.y, touch);
  };
  stage.addEventListener('pointerup', release);
  stage.addEventListener('pointercancel', release);
  stage.addEventListener('lostpointercapture', release);
  stage.addEventListener('pointerleave', () => events.leave());

  // A drag that began on a label ends with a click on it; that click is not meant.
  stage.addEventListener(
    'click',
    (e) => {
      if (!suppressClick) return;
      suppressClick = false;
      e.stopPropagation();
      e.preventDefault();
    },
    true,
  );

  stage.addEventListener('dblclick', (e) => {
    if (onLabel(e)) return;
    const [x, y] = at(e);
    camera.flyTo(camera.zoomedAt(camera.destination(), camera.destination().z + (e.shiftKey ? -1 : 1), x, y), 220);
    events.moved();
  });

  document.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
    const t = e.target instanceof Element ? e.target : null;
    if (t && t.closest('input, select, textarea, [role=tree], [role=tablist], dialog, [role=listbox]')) return;
    const arrows = t === document.body || t === stage || t === null || t.closest('.stage') !== null;
    const step = e.shiftKey ? 240 : 80;
    const d = camera.destination();
    const s = Math.pow(2, d.z);
    const pan = (dx: number, dy: number): void => camera.flyTo({ z: d.z, x: d.x + dx / s, y: d.y + dy / s }, 140);
    const zoom = (dz: number): void => camera.flyTo({ z: d.z + dz, x: d.x, y: d.y }, 160);
    if (e.key === '+' || e.key === '=') zoom(0.5);
    else if (e.key === '-' || e.key === '_') zoom(-0.5);
    else if (e.key === '0') events.fit();
    else if (arrows && e.key === 'ArrowLeft') pan(-step, 0);
    else if (arrows && e.key === 'ArrowRight') pan(step, 0);
    else if (arrows && e.key === 'ArrowUp') pan(0, step);
    else if (arrows && e.key === 'ArrowDown') pan(0, -step);
    else return;
    e.preventDefault();
    events.moved();
  });
}
