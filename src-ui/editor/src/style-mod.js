// Stands in for the package `style-mod`, through which CodeMirror brings its own styles into a document as a
// `<style>` element. The window's policy allows no such element; a constructed style sheet is no inline style. Its
// rules are in a cascade layer, so that the window's style sheet has the last word.

const LAYER = 'codemirror';
let names = 0;

export class StyleModule {
  constructor(spec, { finish } = {}) {
    this.rules = [];
    for (const selector in spec) this.#render(split(selector), spec[selector], this.rules, finish, false);
  }

  #render(selectors, spec, into, finish, inFrames) {
    const at = selectors[0].startsWith('@');
    const frames = selectors[0].startsWith('@keyframes');
    const own = [];
    for (let [name, value] of Object.entries(spec)) {
      if (name.includes('&')) {
        const nested = split(name).flatMap((part) => selectors.map((outer) => part.replace('&', outer)));
        this.#render(nested, value, into, finish, inFrames);
      } else if (value && typeof value === 'object') {
        this.#render(split(name), value, own, finish, frames);
      } else if (value != null) {
        if (!name.startsWith('--')) name = name.replace(/_.*/, '').replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
        own.push(`${name}: ${value};`);
      }
    }
    if (!own.length && !frames) return;
    const shown = finish && !at && !inFrames ? selectors.map(finish) : selectors;
    into.push(`${shown.join(', ')} {${own.join(' ')}}`);
  }

  getRules() {
    return this.rules.join('\n');
  }

  static newName() {
    names += 1;
    return `\u037c${names.toString(36)}`;
  }

  static mount(root, modules) {
    const document = root.ownerDocument ?? root;
    let set = sets.get(document);
    if (!set) {
      set = { sheet: new document.defaultView.CSSStyleSheet(), modules: [] };
      sets.set(document, set);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, set.sheet];
    }
    const wanted = Array.isArray(modules) ? modules : [modules];
    const added = wanted.filter((module) => !set.modules.includes(module));
    if (!added.length) return;
    set.modules = [...set.modules.filter((module) => !wanted.includes(module)), ...wanted];
    const rules = set.modules.map((module) => module.getRules()).join('\n');
    set.sheet.replaceSync(`@layer ${LAYER} {\n${rules}\n}`);
  }
}

const sets = new WeakMap();

/** Splits a list of selectors at its top-level commas. */
function split(selector) {
  if (selector.startsWith('@')) return [selector];
  const parts = [''];
  let depth = 0;
  for (const c of selector) {
    if ('([{'.includes(c)) depth += 1;
    if (')]}'.includes(c)) depth -= 1;
    if (c === ',' && !depth) parts.push('');
    else parts[parts.length - 1] += c;
  }
  return parts.map((part) => part.trim());
}
