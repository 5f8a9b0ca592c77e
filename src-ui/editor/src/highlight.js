// Colours code that is only read. The window loads this part alone where nothing is edited.

import { languageOf, next } from './languages.js';

/** Longer code is left as it is. */
const LONGEST = 200_000;

/**
 * The coloured runs of a piece of code, in its order: UTF-16 offsets `from` and `to` and a class, three entries each.
 * Empty for a language that is not known.
 */
export function highlight(code, info) {
  const language = languageOf(info);
  const runs = [];
  if (!language || code.length > LONGEST) return runs;
  for (let word = next(language, code, 0); word; word = next(language, code, word.to)) {
    runs.push(word.from, word.to, `tok-${word.kind.toLowerCase()}`);
  }
  return runs;
}
