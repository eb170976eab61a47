// Lists: the keyboard's row, selection and the bulk bar, and the expander for columns that don't fit.
import { $, $$, el, on, root, say } from './dom.js';

/* ---- keys (WCAG 2.1.4: off in preferences). j k move, x select, Enter open, ? help; [data-key] names all others. */
const typing = (e) => e.target.closest('input:not([type=checkbox]),textarea,select,[contenteditable]') || e.ctrlKey || e.metaKey || e.altKey;
let cursor = '';

const rows = () => $$('table[data-keys] tbody tr[id]');
const here = () => cursor && document.getElementById(cursor);
function go(row) {
  if (!row) return;
  rows().forEach((r) => r.toggleAttribute('data-cursor', r === row));
  cursor = row.id;
  row.scrollIntoView({ block: 'nearest' });
  $('.t1 a, a', row)?.focus({ preventScroll: true });
}
on('keydown', (e) => {
  if (typing(e) || root.dataset.keys === 'off' || $('dialog[open]') || e.key.length > 1 && e.key !== 'Enter') return;
  if (e.key === '?') { e.preventDefault(); return $('#keys')?.showModal(); }
  const all = rows(), row = here(), at = all.indexOf(row);
  if (e.key === '/') { const f = $('.filters input[type=search]') || $('[data-palette]'); if (f) { e.preventDefault(); f.matches('input') ? f.focus() : f.click(); } return; }
  if (all.length && 'jk'.includes(e.key)) { e.preventDefault(); return go(all[Math.max(0, Math.min(all.length - 1, e.key === 'j' ? at + 1 : at - 1))]); }
  if (row && e.key === 'x') { e.preventDefault(); return $('.check', row)?.click(); }
  if (e.key === 'Enter' || e.key === ' ') return;
  const sel = `[data-key~="${CSS.escape(e.key)}"]`, bar = $('.bulkbar:not([hidden])');
  const hit = bar ? $(sel, bar) : row ? $(sel, row) : $$(sel).find((b) => !b.closest('tr, .bulkbar'));
  if (hit) { e.preventDefault(); return hit.click(); }
  const verb = !bar && row && $('#row-keys')?.content.querySelector(sel); // what a key does to any row stands once a page
  if (verb && window.htmx) { e.preventDefault(); window.htmx.ajax('GET', verb.dataset.path.replace('{id}', row.id.replace(/\D+/, '')), { target: '#dialog', swap: 'innerHTML' }); }
});

/* ---- a download holds what the list shows now: filters change the address without a new page */
on('click', (e) => { const a = e.target.closest('a[data-with-filters]'); if (a) a.search = location.search; }, true);

/* ---- selection: kept by row id, so it outlives sorting, swaps and live rows */
const chosen = new Set();
const boxes = () => $$('.table tbody .check[name=id]');
function show(tell) {
  for (const b of boxes()) { b.checked = chosen.has(b.value); b.closest('tr').toggleAttribute('aria-selected', b.checked); if (b.checked) b.closest('tr').setAttribute('aria-selected', 'true'); }
  const on_page = boxes().filter((b) => b.checked).length, all = $('.check[data-all]'), bar = $('.bulkbar');
  if (all) { all.checked = on_page > 0 && on_page === boxes().length; all.indeterminate = on_page > 0 && !all.checked; }
  if (bar) {
    const whole = bar.dataset.scope === 'view';
    bar.hidden = !on_page;
    const n = whole ? bar.dataset.total : on_page;
    $('[data-count]', bar).textContent = `${n} selected`;
    $$('[data-n]', bar).forEach((s) => { s.textContent = n; });
    const scope = $('input[name=scope]', bar); if (scope) scope.value = whole ? 'view' : 'page';
    $$('[data-on-page], [data-select-view]', bar).forEach((s) => { s.hidden = whole; });
  }
  if (tell) say(`${on_page} selected`);
}
const clear = () => { chosen.clear(); const bar = $('.bulkbar'); if (bar) bar.dataset.scope = 'page'; show(true); };
on('change', (e) => {
  const c = e.target;
  if (!c.matches('.table .check')) return;
  const pick = (b) => (c.checked ? chosen.add(b.value) : chosen.delete(b.value));
  c.matches('[data-all]') ? boxes().forEach(pick) : pick(c);
  const bar = $('.bulkbar'); if (bar) bar.dataset.scope = 'page';
  show(true);
});
on('click', (e) => {
  if (e.target.closest('[data-select-view]')) { const bar = $('.bulkbar'); bar.dataset.scope = 'view'; show(); say(`All ${bar.dataset.total} in this view selected`); }
  else if (e.target.closest('[data-clear-selection]')) { clear(); $('.check[data-all]')?.focus(); }
  const x = e.target.closest('[data-expand]');
  if (x) expand(x);
});
on('backroom:deselect', clear);
on('htmx:after:swap', () => { // rows that left take their selection with them
  const here_now = new Set(boxes().map((b) => b.value));
  if (here_now.size) for (const v of chosen) if (!here_now.has(v)) chosen.delete(v);
  show();
  const row = here(); if (row) row.setAttribute('data-cursor', '');
});
boxes().forEach((b) => b.checked && chosen.add(b.value));
if ($('.table')) show();

/* ---- expander: the columns that left, as a list under their row */
function expand(button) {
  const row = button.closest('tr'), open = row.nextElementSibling?.matches('tr.more');
  button.setAttribute('aria-expanded', String(!open));
  if (open) return row.nextElementSibling.remove();
  const heads = $$('thead th', row.closest('table')), list = el('dl.kv');
  [...row.cells].forEach((cell, i) => {
    if (getComputedStyle(cell).display !== 'none' || !cell.textContent.trim()) return;
    const dd = el('dd'); dd.append(...[...cell.cloneNode(true).childNodes]);
    $$('[id]', dd).forEach((n) => n.removeAttribute('id'));
    list.append(el('dt', {}, heads[i]?.textContent.trim() || ''), dd);
  });
  row.after(el('tr.more', {}, el('td', { colspan: row.cells.length }, list)));
  if (window.htmx) window.htmx.process(row.nextElementSibling);
}
