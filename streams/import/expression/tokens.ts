/** Cuts an expression of a mapping into tokens. */

export type Token =
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  | { readonly kind: 'text'; readonly at: number; readonly value: string }
  | { readonly kind: 'name'; readonly at: number; readonly value: string; readonly quoted: boolean }
  | { readonly kind: 'sign'; readonly at: number; readonly value: string }
  | { readonly kind: 'end'; readonly at: number }

/** An expression that is none; `at` counts characters from 0. */
export class ExpressionFault extends Error {
  override readonly name = 'ExpressionFault'
  readonly at: number
  readonly remedy: string
  constructor(at: number, message: string, remedy: string) {
    super(message)
    this.at = at
    this.remedy = remedy
  }
}

// Longest first: `<=` before `<`.
const TOKEN =
  /\s+|(?<number>\d+(?:\.\d+)?)|'(?<text>(?:[^']|'')*)'|(?<name>[A-Za-z_][A-Za-z0-9_]*)|`(?<quoted>[^`]+)`|(?<sign><=|>=|!=|\?\?|[-+*/%&=<>(),[\]])/y

export const tokensOf = (source: string): Token[] => {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex
    const groups = TOKEN.exec(source)?.groups
    if (groups === undefined)
      throw new ExpressionFault(
        at,
        `unexpected ${JSON.stringify(source[at])}`,
        'texts stand in single quotes, column names that are no words in backticks, and functions take arguments in parentheses',
      )
    if (groups['number'] !== undefined) tokens.push({ kind: 'number', at, value: Number(groups['number']) })
    else if (groups['text'] !== undefined) tokens.push({ kind: 'text', at, value: groups['text'].replaceAll("''", "'") })
    else if (groups['name'] !== undefined) tokens.push({ kind: 'name', at, value: groups['name'], quoted: false })
    else if (groups['quoted'] !== undefined) tokens.push({ kind: 'name', at, value: groups['quoted'], quoted: true })
    else if (groups['sign'] !== undefined) tokens.push({ kind: 'sign', at, value: groups['sign'] })
  }
  tokens.push({ kind: 'end', at: source.length })
  return tokens
}
