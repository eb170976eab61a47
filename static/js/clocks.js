// SLA clocks: one timer for the page against the server's time, nothing is asked for.
import { $, $$, icon, on, say, skew } from './dom.js';

const SOON = 36e5, said = new Set();
const plural = (n, word) => `${n} ${word}${n === 1 ? '' : 's'}`;

function parts(ms) { // as core/jinja.py counts: never "0 m left" while time remains
  const m = ms < 0 ? Math.floor(-ms / 6e4) : Math.ceil(ms / 6e4), h = Math.floor(m / 60), d = Math.floor(h / 24);
  return d > 1 ? [[d, 'd', 'day'], [h % 24, 'h', 'hour']] : h ? [[h, 'h', 'hour'], [m % 60, 'm', 'minute']] : [[m, 'm', 'minute']];
}
const short = (p) => p.map(([n, u], i) => `${i && u === 'm' ? String(n).padStart(2, '0') : n} ${u}`).join(' ');
const long = (p) => p.map(([n, , w]) => plural(n, w)).join(' ');

function tick() {
  const now = Date.now() + skew;
  for (const e of $$('.sla[data-due]')) {
    const left = Date.parse(e.dataset.due) - now, p = parts(left), end = left < 0 ? ' over' : ' left', t = $('time', e);
    if (t.textContent !== short(p) + end) {
      t.textContent = short(p) + end;
      const v = $('.vh > span', e), arc = $('.ring circle + circle', e);
      if (v) v.textContent = long(p) + end;
      if (arc) arc.setAttribute('stroke-dasharray', `${Math.max(2, Math.min(100, Math.round(left / 10 / e.dataset.span)))} 100`);
    }
    const want = left < 0 ? 'overdue' : left < SOON ? 'soon' : 'ok';
    if (want !== e.dataset.state) {
      e.dataset.state = want;
      if (want === 'overdue') { $('svg', e)?.replaceWith(icon('triangle-alert')); late(e); }
    }
  }
  const c = $('.live [data-clock]');
  if (c) c.textContent = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZoneName: 'short', timeZone: document.documentElement.dataset.tz }).format(now);
}
/* A row that becomes overdue is announced once, and only if it is yours. */
function late(e) {
  const row = e.closest('tr[id]');
  if (!row || said.has(row.id) || !$('.avatar-you', row)) return;
  said.add(row.id); say(`${$('.t1', row)?.textContent.trim() || row.id} is now overdue`);
}
tick();
setInterval(() => document.hidden || tick(), 15e3);
on('visibilitychange', () => document.hidden || tick());
on('htmx:after:swap', tick);
