// Site pages without a connection: the device keeps the last answer to each, so that a page reloaded in a dead corner of
// the shop is still there with its scans. It works beside the pages, not in them, and only reads: what is sent waits in
// the page's own outbox. Whatever leads to the sign-in pages empties it, so that the next person finds nothing here.
const KEPT = 'site-pages', MOST = 80;

addEventListener('install', () => skipWaiting());
addEventListener('activate', (e) => e.waitUntil(clients.claim()));
addEventListener('fetch', (e) => {
  const { method, mode, url } = e.request, { origin, pathname } = new URL(url);
  if (origin !== location.origin) return;
  if (pathname.startsWith('/accounts/')) { if (mode === 'navigate') e.waitUntil(caches.delete(KEPT)); return; }
  const page = mode === 'navigate' && /^\/[sw]\//.test(pathname);
  if (method === 'GET' && (page || pathname.startsWith('/static/'))) e.respondWith(answer(e, page));
});

async function answer(e, page) {
  try {
    const fresh = await fetch(e.request);
    if (page && fresh.redirected && new URL(fresh.url).pathname.startsWith('/accounts/')) e.waitUntil(caches.delete(KEPT));
    else if (fresh.ok) e.waitUntil(keep(e.request, fresh.clone()));
    return fresh;
  } catch (gone) {
    const kept = await caches.match(e.request, { cacheName: KEPT });
    if (kept) return kept;
    throw gone;
  }
}
async function keep(request, response) {
  const cache = await caches.open(KEPT);
  await cache.put(request, response);
  const keys = await cache.keys();
  for (const old of keys.slice(0, Math.max(0, keys.length - MOST))) await cache.delete(old);
}
