// The page's policy allows no inline script, so the module is started from here.
import init from './app.js';
init({ module_or_path: new URL('./app_bg.wasm', import.meta.url) });
