// What surrounds every htmx request: clean URLs, focus that survives, and words for whatever failed.
import { $, $$, el, notice, on, root, say } from './dom.js';

/* Empty filters don't belong in an address. */
on('htmx:config:request', (e) => {
  const r = e.detail.ctx.request;
  if (r.method === 'GET' && r.body instanceof FormData) for (const [k, v] of [...r.body]) if (v === '') r.body.delete(k);
});

/* Focus: htmx brings it back by id. Where the focused thing had none or is gone, the nearest sensible place. */
let was = null;
on('htmx:before:swap', () => {
  const a = document.activeElement;
  was = a && a !== document.body ? { row: a.closest('tr[id]')?.id, box: a.closest('[id]')?.id, name: a.getAttribute('name'), href: a.getAttribute('href') } : null;
});
on('htmx:after:swap', () => {
  if (!was || document.activeElement !== document.body && document.activeElement?.isConnected) return;
  const box = document.getElementById(was.row) || document.getElementById(was.box) || $('#main');
  const same = was.name ? $(`[name="${CSS.escape(was.name)}"]`, box) : was.href ? $(`a[href="${CSS.escape(was.href)}"]`, box) : null;
  const to = same || $('[autofocus]', box) || $('.t1 a', box) || box;
  if (to === box && !box.hasAttribute('tabindex')) box.setAttribute('tabindex', '-1');
  to.focus({ preventScroll: true });
});
on('htmx:after:swap', (e) => {
  const box = e.detail.ctx?.target;
  if (e.detail.ctx?.response?.status === 422) $$('.errors[tabindex]').pop()?.focus();
  const counted = $('#list [data-said]'); // "148 rows" after a filter
  if (counted && e.detail.ctx?.request?.method === 'GET' && box?.id === 'list') say(counted.dataset.said);
});

/* Errors: nothing was swapped, what was typed is still there. The reference finds the log line. */
const again = (ctx) => {
  const b = el('button.btn', { type: 'button' }, 'Try again');
  b.addEventListener('click', () => { $('#notice').replaceChildren(); const s = ctx.sourceElement; s?.isConnected && window.htmx.trigger(s, s.matches('form') ? 'submit' : 'click'); });
  return b;
};
on('htmx:response:error', (e) => {
  const { ctx } = e.detail, s = ctx.response.status, ref = ctx.response.headers.get('X-Correlation-ID');
  if (s === 401 || [400, 403, 404, 405, 409, 410, 422].includes(s)) return; // the server's own words are shown
  const tail = ref ? ` Reference ${ref.slice(0, 12)}.` : '';
  if (s === 429) notice('warn', 'Too many requests.', `Wait a moment, then try again.${tail}`, again(ctx));
  else notice('crit', 'Something went wrong on our side.', `What you typed is still here.${tail}`, again(ctx));
});
on('htmx:error', (e) => {
  const { ctx, error } = e.detail;
  if (ctx?.response || !ctx?.request) return console.error(error);
  notice('', navigator.onLine ? 'Backroom can’t be reached.' : 'No connection.', 'Nothing was changed and what you typed is still here.', again(ctx));
});
on('htmx:before:request', (e) => e.detail.ctx.request.method !== 'GET' && $('#notice')?.replaceChildren());

/* ---- filters: a pill reads like its choice, its cross clears it */
function name(pill) {
  const on_ = [...$$('input:checked', pill).map((i) => i.dataset.label || i.value), ...$$('input[type=date]', pill).filter((i) => i.value).map((i) => `${i.dataset.label} ${i.value}`)], b = $('summary b', pill);
  pill.toggleAttribute('data-on', on_.length > 0);
  if (b) b.textContent = on_.length > 2 ? `${on_.slice(0, 2).join(', ')} and ${on_.length - 2} more` : on_.join(', ');
}
on('change', (e) => { const p = e.target.closest('.pill-menu'); if (p) name(p); });
on('click', (e) => {
  const x = e.target.closest('.filters [data-clear]');
  if (!x || !window.htmx) return;
  e.preventDefault();
  const form = x.closest('form'), pill = x.closest('.pill-menu');
  $$('input', pill || form).forEach((i) => { if (['search', 'text', 'date'].includes(i.type)) i.value = ''; else if (i.type !== 'hidden') i.checked = false; });
  (pill ? [pill] : $$('.pill-menu', form)).forEach(name);
  window.htmx.trigger(form, 'submit');
  $(pill ? 'summary' : 'input[type=search]', pill || form)?.focus();
});
on('click', (e) => { // "Clear filters" inside the empty state of a list
  const b = e.target.closest('#list [data-clear-filters]'), x = b && $('.filters');
  if (x && window.htmx) { e.preventDefault(); $$('.pill-menu', x).forEach((p) => { $$('input', p).forEach((i) => { if (i.type === 'date') i.value = ''; else i.checked = false; }); name(p); }); $$('input[type=search]', x).forEach((i) => { i.value = ''; }); window.htmx.trigger(x, 'submit'); $('input[type=search]', x)?.focus(); }
});

/* ---- theme: shown at once, remembered by the server */
on('click', (e) => {
  const b = e.target.closest('[data-theme-toggle]');
  if (!b) return;
  e.preventDefault();
  const dark = getComputedStyle(root).colorScheme.includes('dark'), next = dark ? 'light' : 'dark';
  root.dataset.theme = next;
  const form = b.form;
  $('[name=theme]', form).value = next;
  fetch(form.action, { method: 'POST', body: new FormData(form), headers: { 'X-Quiet': '1' } }).catch(() => {});
  say(`${next === 'dark' ? 'Dark' : 'Light'} colours`);
});
