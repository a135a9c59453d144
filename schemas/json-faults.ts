/**
 * What is wrong with a JSON text, and where: read only after a text was refused, or is suspected, for it is slower than `JSON.parse` and says
 * more. Grammar of RFC 8259. It never repeats the text, which may hold personal facts: a place and an expectation are enough to find the fault.
 */

/** Deepest nesting of objects and arrays accepted: real events have two levels. It also bounds the recursion here. */
export const JSON_DEPTH_MAX = 8
/** Repeated names listed at most; the reader stops collecting there. */
const DUPLICATES_MAX = 16
const NAME_MAX = 64

export type JsonFault =
  | { readonly kind: 'syntax'; readonly at: number; readonly expected: string }
  | { readonly kind: 'too-deep'; readonly at: number; readonly pointer: string }
  /** RFC 8259 leaves the meaning of repeated names open; readers that take the first and the last disagree about such an event. */
  | { readonly kind: 'duplicates'; readonly pointers: readonly string[] }

class Fault extends Error {
  readonly fault: JsonFault
  constructor(fault: JsonFault) {
    super(fault.kind)
    this.fault = fault
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WHITE_SPACE = /[ \t\n\r]*/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

/** May stand in a string as it is: no quote, backslash or control character; false for NaN, the end. */
const isPlain = (code: number): boolean => code >= 0x20 && code !== QUOTE && code !== BACKSLASH

const escaped = (name: string): string => name.slice(0, NAME_MAX).replaceAll('~', '~0').replaceAll('/', '~1')

class Reader {
  readonly #text: string
  #at = 0
  readonly duplicates = new Set<string>()

  constructor(text: string) {
    this.#text = text
  }

  document(): void {
    this.#skip(WHITE_SPACE)
    if (this.#at >= this.#text.length) this.#expect('a JSON object; the body is empty')
    this.#value('', 0)
    if (this.#at < this.#text.length) this.#expect('the end: one JSON document; for several events send one a line (application/x-ndjson)')
  }

  #expect(expected: string): never {
    throw new Fault({ kind: 'syntax', at: this.#at, expected })
  }

  /** Moves past a match at the present place; true where it was not empty. */
  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    if (!pattern.test(this.#text)) return false
    const moved = pattern.lastIndex > this.#at
    this.#at = pattern.lastIndex
    return moved
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false
    this.#at += token.length
    return true
  }

  #value(pointer: string, depth: number): void {
    const first = this.#text[this.#at]
    if (first === '{' || first === '[') {
      if (depth === JSON_DEPTH_MAX) throw new Fault({ kind: 'too-deep', at: this.#at, pointer })
      this.#at += 1
      if (first === '{') this.#members(pointer, depth + 1)
      else this.#items(pointer, depth + 1)
    } else if (first === '"') this.#string()
    else if (!(this.#take('true') || this.#take('false') || this.#take('null') || this.#skip(NUMBER)))
      this.#expect('a value: an object, an array, a string in double quotes, a number, true, false or null')
    this.#skip(WHITE_SPACE)
  }

  #members(pointer: string, depth: number): void {
    const names = new Set<string>()
    this.#skip(WHITE_SPACE)
    if (this.#take('}')) return
    do {
      this.#skip(WHITE_SPACE)
      if (this.#text[this.#at] !== '"') this.#expect('a field name in double quotes')
      const name = this.#string()
      const here = `${pointer}/${escaped(name)}`
      if (names.has(name) && this.duplicates.size < DUPLICATES_MAX) this.duplicates.add(here)
      names.add(name)
      this.#skip(WHITE_SPACE)
      if (!this.#take(':')) this.#expect('":" after the field name')
      this.#skip(WHITE_SPACE)
      this.#value(here, depth)
    } while (this.#take(','))
    if (!this.#take('}')) this.#expect('"," or "}" after the field’s value')
  }

  #items(pointer: string, depth: number): void {
    this.#skip(WHITE_SPACE)
    if (this.#take(']')) return
    let index = 0
    do {
      this.#skip(WHITE_SPACE)
      this.#value(`${pointer}/${index++}`, depth)
    } while (this.#take(','))
    if (!this.#take(']')) this.#expect('"," or "]" after the item')
  }

  /** Reads a string; returns its value. */
  #string(): string {
    const start = this.#at
    this.#at += 1
    for (;;) {
      while (isPlain(this.#text.charCodeAt(this.#at))) this.#at += 1
      if (this.#take('"')) return JSON.parse(this.#text.slice(start, this.#at)) as string
      if (this.#at >= this.#text.length) this.#expect('the string’s closing quote')
      if (!this.#skip(ESCAPE))
        this.#expect(this.#text[this.#at] === '\\' ? 'an escape of JSON' : 'no control character; write it as \\n, \\t or \\u00XX')
    }
  }
}

/** The first fault of syntax or depth, otherwise the repeated names, otherwise undefined. */
export const jsonFaultOf = (text: string): JsonFault | undefined => {
  const reader = new Reader(text)
  try {
    reader.document()
  } catch (error) {
    if (error instanceof Fault) return error.fault
    throw error
  }
  return reader.duplicates.size > 0 ? { kind: 'duplicates', pointers: [...reader.duplicates] } : undefined
}

/**
 * Field names written in a valid JSON text, in all its objects together. More than the parsed value holds means that a name was repeated;
 * it hops from quote to quote, so that every accepted event can afford it.
 */
export const countNames = (text: string): number => {
  let count = 0
  for (let open = text.indexOf('"'); open >= 0;) {
    let close = text.indexOf('"', open + 1)
    while (text.charCodeAt(close - 1) === BACKSLASH && isEscaped(text, close)) close = text.indexOf('"', close + 1)
    let next = close + 1
    while (text.charCodeAt(next) <= 0x20) next += 1
    if (text.charCodeAt(next) === COLON) count += 1
    open = text.indexOf('"', next)
  }
  return count
}

const isEscaped = (text: string, quote: number): boolean => {
  let backslashes = 0
  while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes += 1
  return backslashes % 2 === 1
}

/** Line and column, both from 1, of a place in a text. */
export const placeOf = (text: string, at: number): string => {
  const before = text.slice(0, at)
  const lineStart = before.lastIndexOf('\n') + 1
  return `line ${before.split('\n').length}, column ${at - lineStart + 1}`
}
