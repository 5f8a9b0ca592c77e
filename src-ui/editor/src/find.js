// Find and replace. The panel says how many there are and which one is selected.

import {
  SearchQuery, closeSearchPanel, findNext, findPrevious, getSearchQuery, openSearchPanel, replaceAll, replaceNext, search,
  setSearchQuery,
} from '@codemirror/search';
import { Prec } from '@codemirror/state';
import { EditorView, keymap, runScopeHandlers } from '@codemirror/view';

/** Counting stops here. */
const MOST = 1000;

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

class Panel {
  constructor(view) {
    this.view = view;
    this.top = true;
    const commit = () => this.commit();
    const field = (label) =>
      element('input', { type: 'text', class: 'field', 'aria-label': label, placeholder: label, spellcheck: 'false', oninput: commit });
    this.find = field('Find');
    this.find.setAttribute('main-field', 'true');
    this.replace = field('Replace with');
    this.count = element('span', { class: 'cm-find-count', role: 'status' });
    const toggle = (label, sign) =>
      element('button', { type: 'button', class: 'cm-find-toggle', 'aria-pressed': 'false', title: label, 'aria-label': label,
        onclick: (event) => {
          const on = event.currentTarget.getAttribute('aria-pressed') !== 'true';
          event.currentTarget.setAttribute('aria-pressed', String(on));
          commit();
        } }, sign);
    this.cased = toggle('Match case', 'Aa');
    this.word = toggle('Whole words', 'W');
    this.pattern = toggle('Regular expression', '.*');
    const button = (label, sign, command) =>
      element('button', { type: 'button', class: 'cm-find-btn', title: label, 'aria-label': label, onclick: () => command(view) }, sign);
    const find = [this.find, this.count, this.cased, this.word, this.pattern,
      button('Previous match (Shift Enter)', '↑', findPrevious), button('Next match (Enter)', '↓', findNext),
      button('Close (Escape)', '×', closeSearchPanel)];
    const replace = [this.replace, button('Replace this match', 'Replace', replaceNext), button('Replace all matches', 'All', replaceAll)];
    this.dom = element('div', { class: 'cm-find', role: 'search', 'aria-label': 'Find in text', onkeydown: (event) => this.key(event) },
      element('div', { class: 'cm-find-row' }, ...find),
      view.state.readOnly ? '' : element('div', { class: 'cm-find-row' }, ...replace));
    this.show(getSearchQuery(view.state));
    this.tally();
  }

  mount() {
    this.find.select();
  }

  show(query) {
    this.query = query;
    this.find.value = query.search;
    this.replace.value = query.replace;
    this.cased.setAttribute('aria-pressed', String(query.caseSensitive));
    this.word.setAttribute('aria-pressed', String(query.wholeWord));
    this.pattern.setAttribute('aria-pressed', String(query.regexp));
  }

  commit() {
    const pressed = (button) => button.getAttribute('aria-pressed') === 'true';
    const query = new SearchQuery({
      search: this.find.value,
      replace: this.replace.value,
      caseSensitive: pressed(this.cased),
      wholeWord: pressed(this.word),
      regexp: pressed(this.pattern),
      literal: !pressed(this.pattern),
    });
    if (query.eq(this.query)) return;
    this.query = query;
    this.view.dispatch({ effects: setSearchQuery.of(query) });
  }

  key(event) {
    if (runScopeHandlers(this.view, event, 'search-panel')) {
      event.preventDefault();
    } else if (event.key === 'Enter' && event.target === this.find) {
      event.preventDefault();
      (event.shiftKey ? findPrevious : findNext)(this.view);
    } else if (event.key === 'Enter' && event.target === this.replace) {
      event.preventDefault();
      replaceNext(this.view);
    }
  }

  update(update) {
    for (const tr of update.transactions) {
      for (const effect of tr.effects) if (effect.is(setSearchQuery) && !effect.value.eq(this.query)) this.show(effect.value);
    }
    if (update.docChanged || update.selectionSet || update.transactions.some((tr) => tr.effects.length)) this.tally();
  }

  tally() {
    const { state } = this.view;
    this.find.setAttribute('aria-invalid', String(!!this.query.search && !this.query.valid));
    if (!this.query.search || !this.query.valid) {
      this.count.textContent = this.query.search ? 'Not a pattern' : '';
      return;
    }
    const { main } = state.selection;
    let n = 0;
    let here = 0;
    const cursor = this.query.getCursor(state);
    for (let found = cursor.next(); !found.done && n < MOST; found = cursor.next()) {
      n += 1;
      if (found.value.from === main.from && found.value.to === main.to) here = n;
    }
    if (!n) this.count.textContent = 'None';
    else this.count.textContent = `${here || '–'} of ${n === MOST ? `${MOST}+` : n}`;
  }
}

export const finding = [
  search({ top: true, literal: true, createPanel: (view) => new Panel(view), scrollToMatch: (range) => EditorView.scrollIntoView(range, { y: 'center' }) }),
  Prec.high(
    keymap.of([
      { key: 'Mod-f', run: openSearchPanel, scope: 'editor search-panel' },
      { key: 'F3', run: findNext, shift: findPrevious, scope: 'editor search-panel', preventDefault: true },
      { key: 'Mod-g', run: findNext, shift: findPrevious, scope: 'editor search-panel', preventDefault: true },
      { key: 'Escape', run: closeSearchPanel, scope: 'editor search-panel' },
    ]),
  ),
];

export { openSearchPanel };
