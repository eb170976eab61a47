// The portal's client: enhancement only. Each module says what it does.
import './swaps.js';
import './dialogs.js';
import './clocks.js';
import './table.js';
import './live.js';
