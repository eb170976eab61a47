// Small tools every module uses. No dependencies; the pages work with all of these files missing.
export const root = document.documentElement;
export const $ = (s, e = document) => e.querySelector(s);
export const $$ = (s, e = document) => [...e.querySelectorAll(s)];
export const on = (type, fn, opt) => document.addEventListener(type, fn, opt);
/* The server's clock is the one that counts. A page says when it was made; every question after that measures how far
   apart the clocks are, as the middle of its way there and back, and the quickest way is the truest. */
export let skew = Date.parse(root.dataset.now) - Date.now() || 0;
let quickest = Infinity;
export function measured(server, sent, got) {
  if (!server || got - sent > quickest * 2) return;
  quickest = got - sent; skew = server - (sent + got) / 2;
}
export const sprite = root.dataset.icons;
export const csrf = () => JSON.parse(document.body.getAttribute('hx-headers:inherited') || '{}');

/* One polite live region a page. */
export const say = (text) => {
  const r = $('#announce');
  if (r) { r.textContent = ''; setTimeout(() => { r.textContent = text; }, 60); }
};

export const icon = (name, cls = '') => {
  const ns = 'http://www.w3.org/2000/svg', svg = document.createElementNS(ns, 'svg'), use = document.createElementNS(ns, 'use');
  svg.setAttribute('class', `i ${cls}`.trim()); svg.setAttribute('viewBox', '0 0 24 24'); svg.setAttribute('aria-hidden', 'true');
  use.setAttribute('href', `${sprite}#i-${name}`); svg.append(use);
  return svg;
};

/* el('button.btn', {type: 'button'}, 'Undo', node…): text is always text. */
export const el = (spec, attrs = {}, ...kids) => {
  const [tag, ...cls] = spec.split('.'), e = document.createElement(tag);
  if (cls.length) e.className = cls.join(' ');
  for (const [k, v] of Object.entries(attrs)) if (v !== false && v != null) e.setAttribute(k, v === true ? '' : v);
  e.append(...kids);
  return e;
};

/* A banner in #notice: the same look as templates/components/_notice.html. */
export const notice = (tone, title, text, ...actions) => {
  const box = $('#notice'), mark = { crit: 'circle-x', warn: 'triangle-alert', info: 'info' }[tone] || 'cloud-off';
  if (!box) return;
  const close = el('button.btn.btn-ghost.btn-icon', { type: 'button', 'aria-label': 'Dismiss', 'data-dismiss': true }, icon('x', 'i-sm'));
  box.replaceChildren(el(`div.banner${tone ? `.banner-${tone}` : ''}`, {}, icon(mark), el('p', {}, el('b', {}, title), ` ${text}`), ...actions, close));
};
