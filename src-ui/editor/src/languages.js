// Languages as lists of patterns: enough to colour a block of code, also one that is only a fragment, at a hundredth of
// the size of grammars. At each place the first pattern that matches wins. Whatever
// looks ahead or behind is bounded: no text may take more than linear time.

const END = '$(?![\\s\\S])';
const NUMBER = '\\b(?:0[xob][\\da-fA-F_]+|\\d[\\d_]*(?:\\.\\d[\\d_]*)?(?:[eE][+-]?\\d+)?)\\w*\\b';
const SLASHES = `//.*|/\\*[\\s\\S]*?(?:\\*/|${END})`;
const DOUBLE = '"(?:[^"\\\\\\n]|\\\\[\\s\\S])*"?';
const SINGLE = "'(?:[^'\\\\\\n]|\\\\[\\s\\S])*'?";
const TICKS = '`(?:[^`\\\\]|\\\\[\\s\\S])*`?';
const CALL = '\\b[A-Za-z_$][\\w$]*(?=\\s{0,8}\\()';
const CAPITAL = '\\b[A-Z]\\w*\\b';

const words = (list) => `\\b(?:${list.trim().split(/\s+/).join('|')})\\b`;
const anyCase = (pattern) => pattern.replace(/(?<!\\)[a-z]/g, (c) => `[${c}${c.toUpperCase()}]`);

const rust = [
  ['Comment', SLASHES],
  ['Meta', '#!?\\[[^\\]\\n]*\\]?'],
  ['String', `\\bb?r#+"[\\s\\S]*?(?:"#+|${END})|\\bb?r"[^"]*"?|b?"(?:[^"\\\\]|\\\\[\\s\\S])*"?|b?'(?:[^'\\\\\\n]|\\\\(?:u\\{[^}]*\\}|x..|.))'`],
  ['Variable', "'[a-z_]\\w*\\b"],
  ['Keyword', words(`as async await break const continue crate dyn else enum extern false fn for if impl in let loop match
    mod move mut pub ref return self Self static struct super trait true type union unsafe use where while yield`)],
  ['Type', `${CAPITAL}|${words('bool char str u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64')}`],
  ['Function', '\\b[a-z_]\\w*!(?=[\\s(\\[{])|\\b[a-z_]\\w*(?=\\s*(?:(?:::)?<[^>\\n]{0,80}>)?\\()'],
  ['Number', NUMBER],
];

const javascript = [
  ['Comment', SLASHES],
  ['String', `${DOUBLE}|${SINGLE}|${TICKS}|(?<=(?:^|[=(,:;!&|?{}\\[\\n]|=>|\\breturn)[ \\t]{0,8})/(?![/*])(?:[^/\\\\\\n\\[]|\\\\.|\\[(?:[^\\]\\\\\\n]|\\\\.)*\\])+/[a-z]*`],
  ['Meta', '@[\\w$]+'],
  ['Property', '(?<=[{,]\\s{0,20})[\\w$]{1,80}(?=\\s{0,4}:)'],
  ['Keyword', words(`abstract as async await break case catch class const continue debugger declare default delete do else
    enum export extends false finally for from function get if implements import in infer instanceof interface is keyof
    let namespace new null of private protected public readonly return satisfies set static super switch this throw true
    try type typeof undefined var void while with yield`)],
  ['Type', `${CAPITAL}|(?<=[:<|&]\\s{0,4})${words('any bigint boolean never number object string symbol unknown')}`],
  ['Function', CALL],
  ['Number', NUMBER],
];

const python = [
  ['Comment', '#.*'],
  ['String', `\\b[rbfuRBFU]{0,2}(?:"""[\\s\\S]*?(?:"""|${END})|'''[\\s\\S]*?(?:'''|${END})|${DOUBLE}|${SINGLE})|"""[\\s\\S]*?(?:"""|${END})|'''[\\s\\S]*?(?:'''|${END})|${DOUBLE}|${SINGLE}`],
  ['Meta', '^[ \\t]{0,40}@[\\w.]+'],
  ['Keyword', words(`and as assert async await break case class continue def del elif else except False finally for from
    global if import in is lambda match None nonlocal not or pass raise return self True try while with yield`)],
  ['Type', `${CAPITAL}|${words('bool bytes dict float frozenset int list object set str tuple')}(?!\\s*=)`],
  ['Function', CALL],
  ['Number', NUMBER],
];

const go = [
  ['Comment', SLASHES],
  ['String', `${DOUBLE}|'(?:[^'\\\\\\n]|\\\\.)+'|${TICKS}`],
  ['Keyword', words(`break case chan const continue default defer else fallthrough false for func go goto if import
    interface iota map nil package range return select struct switch true type var`)],
  ['Type', words(`any bool byte comparable complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune
    string uint uint8 uint16 uint32 uint64 uintptr`)],
  ['Function', CALL],
  ['Type', CAPITAL],
  ['Number', NUMBER],
];

/** C and those that look like it. */
const braces = [
  ['Comment', SLASHES],
  ['Meta', '^[ \\t]{0,40}#[ \\t]{0,8}\\w+|@[A-Z]\\w*'],
  ['String', `${DOUBLE}|${SINGLE}|${TICKS}`],
  ['Keyword', words(`abstract as auto base break case catch class const constexpr continue data default defer delegate
    delete do else enum explicit extends extern false final finally fn for foreach friend fun func function goto guard if
    implements import in inline instanceof interface internal is let match namespace native new nil null nullptr object
    operator override package private protected public readonly record return sealed sizeof static struct super switch
    synchronized template this throw throws trait true try typedef typename union unless unsafe using val var virtual void
    volatile when where while yield`)],
  ['Type', `${CAPITAL}|${words('bool boolean byte char double float int long short signed size_t string unsigned')}|\\b\\w+_t\\b`],
  ['Function', CALL],
  ['Number', NUMBER],
];

const ruby = [
  ['Comment', '#.*'],
  ['String', `${DOUBLE}|${SINGLE}`],
  ['Variable', '@{1,2}\\w+|(?<!:):\\w+'],
  ['Keyword', words(`alias and begin break case class def do else elsif end ensure false for if in module next nil not or
    redo require rescue retry return self super then true undef unless until when while yield`)],
  ['Type', CAPITAL],
  ['Function', CALL],
  ['Number', NUMBER],
];

const json = [
  ['Comment', SLASHES],
  ['Property', '"(?:[^"\\\\\\n]|\\\\.){0,400}"(?=\\s{0,8}:)'],
  ['String', DOUBLE],
  ['Keyword', words('true false null')],
  ['Number', `-?${NUMBER}`],
];

const yaml = [
  ['Comment', '(?<=^|\\s)#.*'],
  ['Meta', '^(?:---|\\.\\.\\.)|(?<=[\\s:])[&*!][\\w!/-]+'],
  ['Property', '(?<=^[ \\t-]{0,40}|[{,][ \\t]{0,4})(?:"[^"\\n]{0,80}"|\'[^\'\\n]{0,80}\'|[\\w./$][\\w./$-]{0,60}(?: [\\w./$-]{1,60}){0,6})(?=[ \\t]{0,4}:(?:\\s|$))'],
  ['String', `${DOUBLE}|'(?:[^'\\n]|'')*'?`],
  ['Keyword', words('true false null yes no on off')],
  ['Number', `(?<=[\\s\\[,:-])${NUMBER}(?=[\\s\\],}]|$)`],
];

const toml = [
  ['Comment', '#.*'],
  ['Type', '^[ \\t]{0,40}\\[\\[?[^\\]\\n]*\\]?\\]?'],
  ['Property', '[\\w."\'-]{1,80}(?=[ \\t]{0,8}=)'],
  ['String', `"""[\\s\\S]*?(?:"""|${END})|'''[\\s\\S]*?(?:'''|${END})|${DOUBLE}|'[^'\\n]*'?`],
  ['Keyword', words('true false')],
  ['Number', NUMBER],
];

const shell = [
  ['Comment', '(?<=^|[\\s;|&(])#.*'],
  ['String', `"(?:[^"\\\\]|\\\\[\\s\\S])*"?|'[^']*'?`],
  ['Variable', '\\$(?:\\{[^}\\n]*\\}?|\\w+|[@*#?$!-])|\\b\\w+(?==)'],
  ['Keyword', `(?<=^|[\\s;|&(])${words(`if then elif else fi for in do done while until case esac function return export
    local readonly set unset exit cd source sudo exec trap`)}(?=$|[\\s;|&)])`],
  ['Property', '(?<=\\s)--?[A-Za-z][\\w-]*'],
  ['Number', '(?<=[\\s=])\\d+\\b'],
];

const html = [
  ['Comment', `<!--[\\s\\S]*?(?:-->|${END})`],
  ['Meta', '<[!?][^>]*>?'],
  ['Keyword', '</?[A-Za-z][\\w:.-]*|/?>'],
  ['Property', '[\\w:@.-]{1,60}(?=\\s{0,4}=\\s{0,4}["\'{])'],
  ['String', '(?<==\\s{0,4})(?:"[^"]*"?|\'[^\']*\'?)'],
  ['Variable', '&#?\\w+;'],
];

const css = [
  ['Comment', `/\\*[\\s\\S]*?(?:\\*/|${END})`],
  ['Keyword', '@[\\w-]+|![a-z]+'],
  ['String', `${DOUBLE}|${SINGLE}`],
  ['Property', '--[\\w-]+|\\b[a-z-]{1,40}(?=\\s{0,4}:[^{}\\n]{0,200}(?:[;}]|$))'],
  ['Number', '#[\\da-fA-F]{3,8}\\b(?=[^{}\\n]{0,200}[;}])|(?<![\\w-])-?\\d*\\.?\\d+(?:%|[a-z]+)?'],
  ['Type', '[.#][A-Za-z_-][\\w-]*'],
  ['Function', '(?<![\\w-])[\\w-]{1,80}(?=\\()'],
];

const sql = [
  ['Comment', `--.*|/\\*[\\s\\S]*?(?:\\*/|${END})`],
  ['String', "'(?:[^']|'')*'?"],
  ['Property', '"[^"\\n]*"?|`[^`\\n]*`?'],
  ['Keyword', anyCase(words(`add all alter and as asc begin between by cascade case check column commit conflict constraint
    create cross default delete desc distinct do drop else end except exists false foreign from full group having if in
    index inner insert intersect into is join key left like limit not nothing null offset on or order outer over partition
    pragma primary recursive references returning right rollback select set strict table then transaction trigger true
    union unique update using values view when where window with without`))],
  ['Type', anyCase(words('bigint blob boolean char date decimal double int integer json jsonb numeric real serial smallint text time timestamp uuid varchar'))],
  ['Function', CALL],
  ['Number', NUMBER],
];

const diff = [
  ['Meta', '^(?:diff |index |--- |\\+\\+\\+ |@@|new file|deleted file|rename |similarity ).*'],
  ['Inserted', '^\\+.*'],
  ['Deleted', '^-.*'],
];

const NAMES = new Map();
for (const [names, rules] of [
  ['rust rs', rust],
  ['javascript js mjs cjs jsx typescript ts mts tsx', javascript],
  ['python py', python],
  ['go golang', go],
  ['c h cpp c++ cc hpp java kotlin kt swift csharp cs php scala dart zig', braces],
  ['ruby rb', ruby],
  ['json jsonc json5', json],
  ['yaml yml', yaml],
  ['toml ini', toml],
  ['shell sh bash zsh fish console terminal dockerfile make makefile', shell],
  ['html htm xml svg vue', html],
  ['css scss less', css],
  ['sql sqlite postgresql postgres mysql', sql],
  ['diff patch', diff],
]) {
  const pattern = new RegExp(rules.map(([, source]) => `(${source})`).join('|'), 'gm');
  const language = { pattern, kinds: rules.map(([kind]) => kind) };
  for (const name of names.split(' ')) NAMES.set(name, language);
}

/** The language that the info string of a fenced block names, or nothing. */
export const languageOf = (info) => NAMES.get(/[\w+-]*/.exec(info)[0].toLowerCase()) ?? null;

/** The next word of a text that has a kind, from an offset on: `{kind, from, to}`, or nothing. */
export function next({ pattern, kinds }, text, at) {
  pattern.lastIndex = at;
  for (;;) {
    const match = pattern.exec(text);
    if (!match) return null;
    if (match[0]) {
      const kind = kinds[match.findIndex((group, n) => n && group !== undefined) - 1];
      return { kind, from: match.index, to: pattern.lastIndex };
    }
    pattern.lastIndex += 1;
  }
}
