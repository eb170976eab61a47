// Scans wait here, on the device, until the server has judged them: in their order, each under its own key.
import { csrf } from './dom.js';

let opened;
const store = (mode, use) => (opened ||= new Promise((ok, no) => {
  const r = indexedDB.open('backroom', 1);
  r.onupgradeneeded = () => r.result.createObjectStore('scans', { keyPath: 'n', autoIncrement: true });
  r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error);
})).then((db) => new Promise((ok, no) => {
  const t = db.transaction('scans', mode), r = use(t.objectStore('scans'));
  t.oncomplete = () => ok(r.result); t.onabort = () => no(t.error);
}));
export const all = () => store('readonly', (s) => s.getAll());
export const put = (scan) => store('readwrite', (s) => s.put(scan));
export const drop = (n) => store('readwrite', (s) => s.delete(n));

/* The next lot to send together: as many from the front as go to one judge; one of those judged by a page of their own. */
export const next = (list) => {
  const [head] = list, other = head.kind ? list.findIndex((s) => s.url !== head.url || !s.kind) : 1;
  return list.slice(0, Math.min(other < 0 ? 50 : other, 50));
};
/* The server's answer, or nothing where there is none: then everything stays as it is. */
export async function post(lot) {
  const [{ url, kind, code, at, id }] = lot, headers = { ...csrf() };
  let body;
  if (kind) {
    headers['Content-Type'] = 'application/json';
    body = JSON.stringify({ scans: lot.map((s) => ({ key: s.id, kind: s.kind, target: s.target, code: s.code, at: s.at, into: s.into || '' })) });
  } else {
    Object.assign(headers, { 'Idempotency-Key': id, 'HX-Request': 'true', 'HX-Request-Type': 'partial', 'HX-Target': 'div#pick' });
    body = new URLSearchParams({ code, at });
  }
  const r = await fetch(url, { method: 'POST', body, headers }).catch(() => null);
  return r && r.status < 500 && r.status !== 429 ? r : null;
}
