// Handheld screens: a keyboard-wedge scanner, typed codes, the camera. Every scan
// goes through the outbox, so none is lost with the connection.
//
//   <main data-scan="/url" data-kind="batch" data-target="7" data-who="12">
//     <div id="pick" data-codes='{"5012345678900": ["Chore jacket", 31, [["A", 1], ["B", 2]]]}'>…
//
// With a kind, scans are judged together at the url: JSON there, verdicts back, then #pick is asked for again. `codes`
// says what each code is and how many still go where, so that the device can answer while nobody else does. Without a
// kind, each scan is a POST whose answer (200) is a fragment for #pick with an <hx-partial> for #verdict; 409 or 422
// refuse it. data-go="/url?q=" opens that page with the code instead. Forms with data-online wait for the connection.
import { all, drop, next, post, put } from './outbox.js';
import { $, $$, el, icon, notice, on, say } from './dom.js';

const main = $('[data-scan], [data-go], [data-outbox-page]'), { scan: url, kind, target, go, who } = main.dataset;
const uuid = () => crypto.randomUUID?.() || [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
const mine = async () => (await all()).filter((s) => s.who === who), waiting = async () => (await mine()).filter((s) => !s.refused);
const here = (s) => s.url === url && s.kind === kind && s.target === target;
const many = (n) => `${n} ${n === 1 ? 'scan' : 'scans'}`;
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
on('submit', async (e) => {
  const f = e.target;
  if (f.matches('[data-scan-form]')) {
    e.preventDefault();
    const code = f.code.value.trim();
    if (code) scan(code);
    f.reset(); f.closest('dialog')?.close();
  } else if (f.matches('[data-online]') && !('clear' in f.dataset)) {
    // Goods and money change hands only when the server says so, and after everything scanned before.
    e.preventDefault(); e.stopImmediatePropagation();
    await send();
    const left = await waiting();
    if (!left.length) offline = !navigator.onLine;
    if (offline || left.length) return notice('warn', 'This waits for the connection.', left.length ? `${many(left.length)} must be sent first.` : 'Nothing was changed.');
    f.dataset.clear = ''; f.requestSubmit(); delete f.dataset.clear;
  }
}, true);

function verdict(ok, title, text = '') {
  const box = $('#verdict');
  if (!box) return;
  box.replaceChildren(el(`div.result.${ok ? 'ok' : 'bad'}`, {}, el('span', {}, icon(ok ? 'circle-check' : 'triangle-alert', 'i-lg')), el('p', {}, el('b', {}, title), text)));
  if (navigator.vibrate) navigator.vibrate(ok ? 40 : [90, 60, 90]);
}
/* The device says at once what it can know; the server has the last word. */
export async function scan(code) {
  if (go) { location.href = go + encodeURIComponent(code); return; }
  const known = JSON.parse($('#pick')?.dataset.codes || main.dataset.codes || 'null'), hit = known?.[code];
  const entry = { id: uuid(), url, kind, target, who, code, at: new Date().toISOString() };
  if (Array.isArray(hit)) {
    const [name, item, places] = hit;
    let n = (await waiting()).filter((s) => here(s) && s.item === item).length;
    const into = places.find(([, left]) => n < left || (n -= left, false));
    Object.assign(entry, { item, into: into?.[0] || '' });
    if (into) verdict(true, name, into[0] ? `Into tote ${into[0]}` : 'Checking…'); else verdict(false, `${name}: all found`, 'Put it back, or scan again.');
  } else if (known) hit ? verdict(true, hit, 'Checking…') : verdict(false, `Not on this list: ${code}`, 'Put it back, or scan again.');
  await put(entry);
  show(); send();
}
async function send() {
  if (busy) return;
  busy = true;
  for (let list; (list = await waiting()).length;) {
    const lot = next(list), r = await post(lot), [first] = lot;
    offline = !r;
    if (!r) break;
    if (r.status === 401) { location.href = r.headers.get('HX-Redirect') || '/login'; break; }
    if (first.kind) await judged(lot, r); else await answered(first, r);
  }
  busy = false; show();
}
async function judged(lot, r) {
  const told = r.ok ? (await r.json()).verdicts : lot.map((s) => ({ key: s.id, ok: false, words: 'The server did not take this scan.' }));
  let last;
  for (const v of told) {
    const s = lot.find((one) => one.id === v.key);
    await (v.ok ? drop(s.n) : put({ ...s, refused: v.words }));
    if (here(s)) last = v;
  }
  if (!last) return;
  await window.htmx?.ajax('GET', location.href, { target: '#pick', swap: 'outerMorph' });
  const bad = told.filter((v) => !v.ok);
  if (lot.length > 1) verdict(!bad.length, `${many(lot.length)} judged`, bad.length ? `${bad.length} refused: ${bad[0].words}` : 'All counted.'); else verdict(last.ok, last.words);
  if (bad.length) say(bad[0].words);
}
async function answered(s, r) {
  const text = await r.text(), words = el('div');
  if (!r.ok) words.append(...new DOMParser().parseFromString(text, 'text/html').body.childNodes);
  await (r.ok ? drop(s.n) : put({ ...s, refused: words.textContent.trim() || 'Refused' }));
  const box = $(r.ok ? '#pick' : '#verdict');
  if (here(s) && box && window.htmx) await window.htmx.swap({ text, target: box, swap: r.ok ? 'outerMorph' : 'innerHTML', sourceElement: box });
  if (!r.ok) say(words.textContent.trim() || 'Scan refused');
}
async function show() {
  const list = await mine(), kept = list.filter((s) => !s.refused).length, net = $('#net'), out = $('[data-outbox]');
  if (net) {
    net.hidden = !offline && list.length === kept;
    $('p', net).replaceChildren(offline ? el('b', {}, 'No connection. ') : '', offline ? `${many(kept)} kept on this device` : `${list.length - kept} refused ${list.length - kept === 1 ? 'scan' : 'scans'} to look at`);
  }
  if (out) out.replaceChildren(...list.map((s) => el('li', {}, el('b.mono', {}, s.code), el('span', {}, s.refused || 'Waiting'), el('button.btn', { type: 'button', 'data-drop': s.n }, 'Remove'))));
}
on('click', async (e) => {
  const d = e.target.closest('[data-drop]');
  if (d) { await drop(+d.dataset.drop); show(); }
  if (e.target.closest('[data-camera]')) camera();
});

/* The camera, through the browser's own reader or, where it has none, one fetched when it is first wanted. */
async function reads(url) {
  if ((await window.BarcodeDetector?.getSupportedFormats())?.length) return new window.BarcodeDetector();
  await import(url);
  const z = window.ZXing, r = new z.MultiFormatReader(), c = el('canvas'), ink = c.getContext('2d', { willReadFrequently: true });
  r.setHints(new Map([[z.DecodeHintType.TRY_HARDER, true]]));
  return { async detect(v) {
    c.width = v.videoWidth; c.height = v.videoHeight; ink.drawImage(v, 0, 0);
    return [{ rawValue: r.decodeWithState(new z.BinaryBitmap(new z.HybridBinarizer(new z.HTMLCanvasElementLuminanceSource(c)))).getText() }];
  } };
}
async function camera() {
  const d = $('#camera'), v = $('video', d), no = () => say('The camera can’t be used');
  let track, reader;
  try { v.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }); } catch { return no(); }
  [track] = v.srcObject.getTracks(); d.showModal();
  d.addEventListener('close', () => track.stop(), { once: true });
  try { await v.play(); reader = await reads(d.dataset.reader); } catch { d.close(); return no(); }
  while (d.open) {
    const [hit] = await reader.detect(v).catch(() => []);
    if (hit) { d.close(); scan(hit.rawValue); break; }
    await new Promise((r) => { setTimeout(r, 120); });
  }
}
if (navigator.mediaDevices) document.documentElement.dataset.lens = ''; // on the root, which no swap replaces
window.addEventListener('online', () => { offline = false; send(); });
window.addEventListener('offline', () => { offline = true; show(); });
setInterval(send, 1e4);
show(); send();
main.dataset.ready = ''; // from now on no key is lost
