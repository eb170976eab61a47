// Handheld screens: a keyboard-wedge scanner, typed codes, the camera where the device can read codes itself,
// and an outbox that keeps every scan on the device until the server has answered it.
//
//   <main data-scan="/url/of/the/scan" data-codes='{"5012345678900": "Chore jacket"}'> … <div id="pick">…
//
// Each scan is a POST of `code` and `at` with its own Idempotency-Key. The answer (200) is a fragment for #pick with an
// <hx-partial> for #verdict; 409 or 422 is a rejected scan, whose words go to #verdict and which stays in the outbox.
import { $, $$, csrf, el, icon, on, say } from './dom.js';

const main = $('[data-scan]'), KEY = `scans:${main?.dataset.scan}`;
const load = () => { try { return JSON.parse(localStorage.getItem(KEY)) || []; } catch { return []; } };
const save = (list) => { list.length ? localStorage.setItem(KEY, JSON.stringify(list)) : localStorage.removeItem(KEY); show(); };
const uuid = () => crypto.randomUUID?.() || [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
let busy = false, offline = !navigator.onLine;

/* A scanner types fast and ends with Enter, never with a pause (a short pause splits long codes). */
let buf = '', t0 = 0, t1 = 0;
on('keydown', (e) => {
  if (e.target.closest('input, textarea, select') || e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === 'Enter') {
    const fast = buf.length >= 3 && (e.timeStamp - t0) / buf.length < 100;
    if (fast) { e.preventDefault(); scan(buf); }
    buf = '';
  } else if (e.key.length === 1) { if (!buf || e.timeStamp - t1 > 1500) { buf = ''; t0 = e.timeStamp; } t1 = e.timeStamp; buf += e.key; }
}, true);
on('submit', (e) => {
  if (!e.target.matches('[data-scan-form]')) return;
  e.preventDefault();
  const code = e.target.code.value.trim();
  if (code) scan(code);
  e.target.reset(); e.target.closest('dialog')?.close();
});

function verdict(ok, title, text) {
  const box = $('#verdict');
  if (!box) return;
  box.replaceChildren(el(`div.result.${ok ? 'ok' : 'bad'}`, {}, el('span', {}, icon(ok ? 'circle-check' : 'triangle-alert', 'i-lg')), el('p', {}, el('b', {}, title), text)));
  if (navigator.vibrate) navigator.vibrate(ok ? 40 : [90, 60, 90]);
}
/* The device says at once what it can know; the server has the last word. */
export function scan(code) {
  const known = JSON.parse(main.dataset.codes || 'null');
  if (known) known[code] ? verdict(true, known[code], 'Checking…') : verdict(false, `Not on this list: ${code}`, 'Put it back, or scan again.');
  save([...load(), { id: uuid(), code, at: new Date().toISOString() }]);
  send();
}
async function send() {
  if (busy) return;
  busy = true;
  for (let next; (next = load().find((s) => !s.rejected));) {
    let r;
    try {
      r = await fetch(main.dataset.scan, {
        method: 'POST', body: new URLSearchParams({ code: next.code, at: next.at }),
        headers: { ...csrf(), 'Idempotency-Key': next.id, 'HX-Request': 'true', 'HX-Request-Type': 'partial', 'HX-Target': 'div#pick' },
      });
    } catch { offline = true; break; }
    if (r.status >= 500 || r.status === 429) { offline = true; break; }
    offline = false;
    if (r.status === 401) { location.href = r.headers.get('HX-Redirect') || '/login'; break; }
    const text = await r.text(), good = r.ok;
    save(good ? load().filter((s) => s.id !== next.id) : load().map((s) => (s.id === next.id ? { ...s, rejected: true } : s)));
    const target = $(good ? '#pick' : '#verdict');
    if (target && window.htmx) await window.htmx.swap({ text, target, swap: good ? 'outerMorph' : 'innerHTML', sourceElement: target });
    if (!good) say($('#verdict')?.textContent.trim() || 'Scan refused');
  }
  busy = false; show();
}
function show() {
  const list = load(), waiting = list.filter((s) => !s.rejected), net = $('#net'), out = $('[data-outbox]');
  if (net) {
    net.hidden = !offline && !list.some((s) => s.rejected);
    $('p', net).replaceChildren(offline ? el('b', {}, 'No connection. ') : '', offline ? `${waiting.length} ${waiting.length === 1 ? 'scan' : 'scans'} kept on this device` : `${list.length} refused ${list.length === 1 ? 'scan' : 'scans'} to look at`);
  }
  if (out) out.replaceChildren(...list.map((s) => el('li', {}, el('b.mono', {}, s.code), el('span', {}, s.rejected ? 'Refused' : 'Waiting'), el('button.btn', { type: 'button', 'data-drop': s.id }, 'Remove'))));
}
on('click', (e) => {
  const d = e.target.closest('[data-drop]');
  if (d) save(load().filter((s) => s.id !== d.dataset.drop));
  if (e.target.closest('[data-camera]')) camera();
});

/* The camera, through the browser's own reader. */
async function camera() {
  const d = $('#camera'), v = $('video', d);
  let track;
  try { v.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }); } catch { return say('The camera can’t be used'); }
  [track] = v.srcObject.getTracks(); d.showModal(); await v.play();
  d.addEventListener('close', () => track.stop(), { once: true });
  const reader = new window.BarcodeDetector();
  while (d.open) {
    const [hit] = await reader.detect(v).catch(() => []);
    if (hit) { d.close(); scan(hit.rawValue); break; }
    await new Promise((r) => { setTimeout(r, 120); });
  }
}
if (main) {
  if ('BarcodeDetector' in window && navigator.mediaDevices) $$('[data-camera]').forEach((b) => { b.hidden = false; });
  window.addEventListener('online', send);
  window.addEventListener('offline', () => { offline = true; show(); });
  setInterval(() => load().some((s) => !s.rejected) && send(), 1e4);
  show(); send();
  main.dataset.ready = ''; // from now on no key is lost
}
