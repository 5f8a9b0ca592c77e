import init, { draw } from './diagrams.js';

const ready = init({ module_or_path: new URL('./diagrams_bg.wasm', import.meta.url) });

onmessage = async ({ data: [source, scope] }) => {
  try {
    await ready;
    postMessage(draw(source, scope));
  } catch {
    // The module may be in any state now: whoever asked starts another.
    postMessage(null);
  }
};
