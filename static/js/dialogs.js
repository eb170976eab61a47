// Dialogs, menus, toasts and the palette: native <dialog> and <details>, opened and closed.
import { $, $$, on, say } from './dom.js';

let opener = null;
const open = (d) => { if (d && !d.open) { opener = document.activeElement; d.showModal(); } };
on('click', (e) => {
  const t = e.target, b = t.closest('[data-dialog]');
  if (b) { e.preventDefault(); open(document.getElementById(b.dataset.dialog)); }
  if (t.closest('[data-close]')) { e.preventDefault(); t.closest('dialog')?.close(); }
  if (t.matches('dialog')) t.close(); // the backdrop
  if (t.closest('[data-dismiss]')) t.closest('.banner, .toast')?.remove();
  if (t.closest('[data-print]')) window.print();
  for (const m of $$('details.menu[open]')) if (!m.contains(t)) m.open = false;
});
/* Whatever lands in the shared dialog opens it; an action that worked closes its dialog, unless it asks on (HX-Retarget)
   or only shows in it what it would do. */
on('htmx:after:swap', (e) => { const d = e.detail.ctx?.target?.closest?.('#dialog'); if (d && e.detail.ctx.response?.status < 300 && d.childElementCount) open(d); });
on('htmx:after:request', (e) => {
  const { ctx } = e.detail, d = ctx.sourceElement?.closest?.('dialog'), into = ctx.sourceElement?.getAttribute?.('hx-target');
  if (!d || (into && d.querySelector(into))) return;
  if (ctx.request.method !== 'GET' && ctx.response.status < 300 && !ctx.hx?.retarget) { $$('form', d).forEach((f) => f.reset()); d.close(); }
});
on('close', (e) => {
  if (!e.target.matches('dialog')) return;
  const back = opener?.isConnected ? opener : $('#main');
  if (document.activeElement === document.body) back?.focus({ preventScroll: true });
}, true);
on('keydown', (e) => {
  if (e.key !== 'Escape') return;
  if (palette?.open) { e.preventDefault(); return palette.close(); } // one press, though the browser would clear the box first
  const m = e.target.closest?.('details.menu[open]') || $('details.menu[open]');
  if (m) { m.open = false; $('summary', m).focus(); }
  else if (location.hash === '#nav') location.hash = '#main';
});
/* Arrow keys in menus and search results */
on('keydown', (e) => {
  if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
  const box = e.target.closest('#palette, details.menu[open]');
  if (!box) return;
  const list = $$('a[href], .menu-list button, .menu-list input, #palette-q', box), at = list.indexOf(document.activeElement);
  const next = list[(at + (e.key === 'ArrowDown' ? 1 : -1) + list.length) % list.length];
  if (next) { e.preventDefault(); next.focus(); }
});

/* ---- toasts: gone after a while, unless they offer something */
const watch = new MutationObserver((all) => all.forEach((m) => m.addedNodes.forEach((n) => {
  if (n.nodeType === 1 && n.matches('.toast:not([data-stay])')) setTimeout(() => n.remove(), 6000);
})));
if ($('#toasts')) { watch.observe($('#toasts'), { childList: true }); $$('#toasts .toast:not([data-stay])').forEach((n) => setTimeout(() => n.remove(), 6000)); }

/* ---- palette */
const palette = $('#palette');
const find = () => { open(palette); const q = $('#palette-q'); q.focus(); q.select(); };
on('click', (e) => { if (palette && e.target.closest('[data-palette]')) { e.preventDefault(); find(); } });
on('keydown', (e) => { if (palette && (e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') { e.preventDefault(); find(); } });
on('htmx:after:swap', (e) => { if (e.detail.ctx?.target?.id === 'found') say($('#found [data-said]')?.dataset.said || ''); });
