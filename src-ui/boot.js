import init from './app.js';
// Parts that a start does not need. The window asks for them when they are first shown.
globalThis.loadEditor = () => import('./editor/editor.js');
globalThis.loadHighlighter = () => import('./editor/highlight.js');
globalThis.drawDiagram = async (source) => (await import('./diagrams/draw.js')).draw(source);
init({ module_or_path: new URL('./app_bg.wasm', import.meta.url) });
