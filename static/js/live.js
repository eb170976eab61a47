// Live updates: topics over one event stream, or a question every 30 seconds where there is no stream.
// Rows never move by themselves: lists listen for "live-<topic>" and offer "3 new".
import { $, $$, csrf, el, icon, measured, on, root } from './dom.js';

const tell = (topic) => document.body.dispatchEvent(new CustomEvent(`live-${topic}`, { bubbles: true }));
let stream = null, timer = 0, asked = 0;

function state(word, title) {
  const box = $('.live');
  if (!box || box.dataset.state === word) return;
  box.dataset.state = word; $('[data-state-text]', box).textContent = title;
}
function number(link, c) {
  let n = $('.n', link);
  if (!c || !c.value) return n?.remove();
  if (!n) { n = el('span.n'); link.append(n); }
  n.toggleAttribute('data-late', c.late);
  const words = c.capped ? `${c.value}+` : `${c.value}`;
  n.replaceChildren(...(c.late ? [icon('triangle-alert', 'i-sm'), words, el('span.vh', {}, ' overdue')] : [words]));
}
async function counts() {
  asked = Date.now();
  try {
    const r = await fetch(root.dataset.counts, { headers: { Accept: 'application/json' } });
    if (r.status === 401) { stop(); state('stale', 'Signed out'); return; }
    if (!r.ok) throw new Error(r.status);
    const { counts: c, now } = await r.json();
    measured(Date.parse(now), asked, Date.now());
    $$('[data-count-key]').forEach((a) => number(a, c[a.dataset.countKey]));
    if (!stream) state('poll', 'Updated every 30 seconds');
    return true;
  } catch { state('stale', 'Updates stopped'); return false; }
}
/* Many changes in a moment are one question; pages don't ask in step. */
let waiting = 0;
const soon = () => { clearTimeout(waiting); waiting = setTimeout(counts, Math.max(400, asked + 4000 - Date.now()) + Math.random() * 1000); };

function poll() {
  clearInterval(timer);
  timer = setInterval(async () => { if (!document.hidden && await counts()) tell('any'); }, 3e4);
}
function stop() { stream?.close(); stream = null; clearInterval(timer); }
function start() {
  stop();
  const away = new URL(root.dataset.live, location.href).origin !== location.origin;
  const s = new EventSource(root.dataset.live, { withCredentials: away });
  poll();
  s.addEventListener('hello', () => { stream = s; clearInterval(timer); state('live', 'Live'); });
  s.addEventListener('changed', (e) => {
    const topics = Object.keys(JSON.parse(e.data));
    topics.forEach((t) => tell(t === '*' ? 'any' : t)); soon();
  });
  s.addEventListener('bye', () => { stop(); poll(); counts(); });
  s.onerror = () => { stream = null; state('stale', 'Updates stopped'); if (s.readyState === 2) { poll(); counts(); } else poll(); };
}
if (root.dataset.live) {
  start();
  if (!$('[data-counts-fresh]')) counts();
  // A page nobody looks at holds no connection (browsers allow few a host) and asks once on its return.
  on('visibilitychange', () => {
    if (document.hidden) { timer && clearInterval(timer); setTimeout(() => document.hidden && stop(), 6e4); }
    else { if (!stream) start(); counts(); tell('any'); }
  });
}
/* Whoever leaves a case is gone from it at once; a page that dies in silence is forgotten within seconds. */
addEventListener('pagehide', () => {
  const box = $('[data-here]');
  if (box) fetch(box.dataset.here, { method: 'POST', body: new URLSearchParams({ gone: 1 }), headers: csrf(), keepalive: true }).catch(() => {});
});
