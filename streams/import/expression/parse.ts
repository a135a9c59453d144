/**
 * Expressions of a mapping → syntax trees. Operators from loosest to tightest: `or`, `and`, `not`, comparisons (`= != < <= > >= in`), `??`,
 * `&` (texts joined), `+ -`, `* / %`, unary minus.
 */
import { ExpressionFault, type Token, tokensOf } from './tokens.ts'

export type Syntax =
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  | { readonly kind: 'text'; readonly at: number; readonly value: string }
  | { readonly kind: 'name'; readonly at: number; readonly name: string; readonly quoted: boolean }
  | { readonly kind: 'call'; readonly at: number; readonly name: string; readonly arguments: readonly Syntax[] }
  | { readonly kind: 'unary'; readonly at: number; readonly sign: '-' | 'not'; readonly of: Syntax }
  | { readonly kind: 'binary'; readonly at: number; readonly sign: string; readonly left: Syntax; readonly right: Syntax }
  | { readonly kind: 'in'; readonly at: number; readonly of: Syntax; readonly choices: readonly Syntax[] }

/** Deepest nesting: a bound far above what people write, so that no mapping overflows the stack. */
const DEPTH_MAX = 64
/** Left-associative operators, loosest first; comparisons stand apart because they do not chain. */
const LEVELS: readonly (readonly string[])[] = [['??'], ['&'], ['+', '-'], ['*', '/', '%']]
const COMPARISONS = ['=', '!=', '<', '<=', '>', '>=']

class Parser {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): Syntax {
    const syntax = this.#either()
    const { at, kind } = this.#peek()
    if (kind !== 'end')
      throw new ExpressionFault(at, 'something stands behind the end of the expression', 'join the parts with an operator')
    return syntax
  }

  #peek(): Token {
    return this.#tokens[this.#next]!
  }

  #sign(...signs: readonly string[]): string | undefined {
    const token = this.#peek()
    if (token.kind !== 'sign' || !signs.includes(token.value)) return undefined
    this.#next++
    return token.value
  }

  #word(word: string): boolean {
    const token = this.#peek()
    if (token.kind !== 'name' || token.quoted || token.value !== word) return false
    this.#next++
    return true
  }

  #expect(sign: string, after: string): void {
    const { at } = this.#peek()
    if (this.#sign(sign) === undefined) throw new ExpressionFault(at, `"${sign}" is missing`, `write "${sign}" ${after}`)
  }

  #either(): Syntax {
    if (++this.#depth > DEPTH_MAX)
      throw new ExpressionFault(this.#peek().at, `the expression is nested deeper than ${DEPTH_MAX}`, 'name a part of it under let')
    let left = this.#both()
    for (let { at } = this.#peek(); this.#word('or'); { at } = this.#peek())
      left = { kind: 'binary', at, sign: 'or', left, right: this.#both() }
    this.#depth--
    return left
  }

  #both(): Syntax {
    let left = this.#negation()
    for (let { at } = this.#peek(); this.#word('and'); { at } = this.#peek())
      left = { kind: 'binary', at, sign: 'and', left, right: this.#negation() }
    return left
  }

  #negation(): Syntax {
    const { at } = this.#peek()
    return this.#word('not') ? { kind: 'unary', at, sign: 'not', of: this.#comparison() } : this.#comparison()
  }

  #comparison(): Syntax {
    const left = this.#level(0)
    const { at } = this.#peek()
    if (this.#word('in')) {
      this.#expect('[', "after in: x in ['A', 'B']")
      return { kind: 'in', at, of: left, choices: this.#listUntil(']') }
    }
    const sign = this.#sign(...COMPARISONS)
    return sign === undefined ? left : { kind: 'binary', at, sign, left, right: this.#level(0) }
  }

  #level(level: number): Syntax {
    const signs = LEVELS[level]
    if (signs === undefined) return this.#unary()
    let left = this.#level(level + 1)
    for (;;) {
      const { at } = this.#peek()
      const sign = this.#sign(...signs)
      if (sign === undefined) return left
      left = { kind: 'binary', at, sign, left, right: this.#level(level + 1) }
    }
  }

  #unary(): Syntax {
    const { at } = this.#peek()
    if (this.#sign('-') === undefined) return this.#primary()
    return { kind: 'unary', at, sign: '-', of: this.#primary() }
  }

  #listUntil(close: string): Syntax[] {
    const items: Syntax[] = []
    if (this.#sign(close) !== undefined) return items
    do items.push(this.#either())
    while (this.#sign(',') !== undefined)
    this.#expect(close, 'after the last of the list')
    return items
  }

  #primary(): Syntax {
    const token = this.#peek()
    this.#next++
    switch (token.kind) {
      case 'number':
      case 'text':
        return token
      case 'name':
        if (!token.quoted && this.#sign('(') !== undefined)
          return { kind: 'call', at: token.at, name: token.value, arguments: this.#listUntil(')') }
        return { kind: 'name', at: token.at, name: token.value, quoted: token.quoted }
      case 'sign': {
        if (token.value !== '(') break
        const inner = this.#either()
        this.#expect(')', 'to close the parenthesis')
        return inner
      }
      case 'end':
        break
      default:
        token satisfies never
    }
    this.#next--
    throw new ExpressionFault(token.at, 'a value is missing', 'write a column, a number, a text in single quotes or a function here')
  }
}

/** @throws ExpressionFault */
export const parseExpression = (source: string): Syntax => new Parser(tokensOf(source)).whole()
