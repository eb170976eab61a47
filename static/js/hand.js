// The handheld's client: what every screen has, without tables and live counts, and scanning where it is wanted.
import './swaps.js';
import './dialogs.js';
import './clocks.js';

if (document.querySelector('[data-scan], [data-go], [data-outbox-page]')) import('./scan.js');
navigator.serviceWorker?.register('/offline.js');
