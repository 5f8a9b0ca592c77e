// The languages of fenced blocks as parsers for the editor, and the classes that colour what is read.

import { NodeSet, NodeType, Parser, Tree } from '@lezer/common';
import { styleTags, tagHighlighter, tags as t } from '@lezer/highlight';
import { languageOf, next } from './languages.js';

const KINDS = ['Code', 'Comment', 'String', 'Number', 'Keyword', 'Type', 'Function', 'Property', 'Variable', 'Meta', 'Inserted', 'Deleted'];

const types = new NodeSet(KINDS.map((name, id) => NodeType.define({ id, name, top: id === 0 }))).extend(
  styleTags({
    Comment: t.comment,
    String: t.string,
    Number: t.number,
    Keyword: t.keyword,
    Type: t.typeName,
    Function: t.function(t.variableName),
    Property: t.propertyName,
    Variable: t.special(t.variableName),
    Meta: t.meta,
    Inserted: t.inserted,
    Deleted: t.deleted,
  }),
);

/** Characters read in one step, so that a long block does not hold up the window. */
const STEP = 20_000;

class CodeParser extends Parser {
  constructor(language) {
    super();
    this.language = language;
  }

  createParse(input, fragments, ranges) {
    return new Reading(this.language, input, ranges);
  }
}

class Reading {
  constructor(language, input, ranges) {
    this.language = language;
    this.from = ranges[0].from;
    // What lies between the ranges is another language's: it is blanked, so that offsets stay.
    this.text = '';
    for (const { from, to } of ranges) {
      this.text += ' '.repeat(from - this.from - this.text.length) + input.read(from, to);
    }
    this.parsedPos = this.from;
    this.stoppedAt = null;
    this.buffer = [];
  }

  advance() {
    const end = Math.min(this.text.length, (this.stoppedAt ?? Infinity) - this.from);
    let at = this.parsedPos - this.from;
    const until = Math.min(end, at + STEP);
    while (at < until) {
      const word = next(this.language, this.text, at);
      if (!word) {
        at = end;
        break;
      }
      this.buffer.push(KINDS.indexOf(word.kind), word.from, word.to, 4);
      at = word.to;
    }
    this.parsedPos = this.from + at;
    return at < end ? null : this.tree(at);
  }

  stopAt(pos) {
    this.stoppedAt = pos;
  }

  tree(length) {
    const buffer = [...this.buffer, 0, 0, length, this.buffer.length + 4];
    return Tree.build({ buffer, nodeSet: types, topID: 0, length });
  }
}

const parsers = new Map();

/** The parser for the info string of a fenced block, or nothing. */
export function parserFor(info) {
  const language = languageOf(info);
  if (!language) return null;
  if (!parsers.has(language)) parsers.set(language, new CodeParser(language));
  return parsers.get(language);
}

/** Classes of coloured text; the window's style sheet gives them their colours. */
export const highlighter = tagHighlighter([
  { tag: t.heading, class: 'tok-heading' },
  { tag: t.strong, class: 'tok-strong' },
  { tag: t.emphasis, class: 'tok-emphasis' },
  { tag: t.strikethrough, class: 'tok-strike' },
  { tag: t.monospace, class: 'tok-code' },
  { tag: [t.link, t.url], class: 'tok-link' },
  { tag: t.quote, class: 'tok-quote' },
  { tag: [t.processingInstruction, t.contentSeparator, t.labelName], class: 'tok-mark' },
  { tag: t.comment, class: 'tok-comment' },
  { tag: t.string, class: 'tok-string' },
  { tag: t.number, class: 'tok-number' },
  { tag: t.keyword, class: 'tok-keyword' },
  { tag: t.typeName, class: 'tok-type' },
  { tag: t.function(t.variableName), class: 'tok-function' },
  { tag: t.propertyName, class: 'tok-property' },
  { tag: t.special(t.variableName), class: 'tok-variable' },
  { tag: t.meta, class: 'tok-meta' },
  { tag: t.inserted, class: 'tok-inserted' },
  { tag: t.deleted, class: 'tok-deleted' },
]);
