/** Walks a YAML document strictly: every complaint names file, line, key and what was expected. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node, type YAMLMap } from 'yaml'
import { BundleRefused } from '../bundle-refused.ts'
import { nearestNames } from '#schemas/nearest.ts'

export type YamlValue = unknown

export interface YamlReader {
  readonly root: YamlValue
  /** @throws BundleRefused `policy-invalid` with the line of `node`. */
  fail(node: YamlValue, what: string): never
  /** Entries of a map whose keys are all among `known`; absent ones are undefined. */
  map<Key extends string>(node: YamlValue, where: string, known: readonly Key[]): { readonly [K in Key]?: YamlValue }
  list(node: YamlValue, where: string): readonly YamlValue[]
  string(node: YamlValue, where: string, pattern?: RegExp): string
  number(node: YamlValue, where: string): number
  scalar(node: YamlValue, where: string): string | number
  choice<Value extends string>(node: YamlValue, where: string, values: readonly Value[]): Value
}

const entries = (node: YAMLMap): [key: Node, name: string, value: YamlValue][] =>
  node.items.map(({ key, value }) => [key as Node, String(isScalar(key) ? key.value : key), value])

export const yamlReader = (text: string, file: string): YamlReader => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true })
  const refuse = (offset: number, what: string): never => {
    throw new BundleRefused('policy-invalid', `${file}:${lines.linePos(offset).line}: ${what}`)
  }
  const fail = (node: YamlValue, what: string): never => refuse((node as Node | null | undefined)?.range?.[0] ?? 0, what)
  const [error] = document.errors
  if (error) refuse(error.pos[0], error.message.split('\n')[0]!)

  const scalar = (node: YamlValue, where: string): string | number => {
    const value = isScalar(node) ? node.value : undefined
    if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return value
    return fail(node, `${where} must be text or a finite number`)
  }
  const string: YamlReader['string'] = (node, where, pattern) => {
    const value = isScalar(node) ? node.value : undefined
    if (typeof value !== 'string' || value.trim() === '') return fail(node, `${where} must be text`)
    if (pattern && !pattern.test(value)) return fail(node, `${where} "${value}" must match ${pattern.source}`)
    return value
  }
  return {
    root: document.contents,
    fail,
    scalar,
    string,
    map: <Key extends string>(node: YamlValue, where: string, known: readonly Key[]) => {
      if (!isMap(node)) return fail(node, `${where} must be a map with ${known.join(', ')}`)
      const found: { [K in Key]?: YamlValue } = {}
      for (const [key, name, value] of entries(node)) {
        if (!known.includes(name as Key))
          return fail(key, `${where} has no key "${name}"; nearest known: ${nearestNames(name, known).join(', ')}`)
        found[name as Key] = value
      }
      return found
    },
    list: (node, where) => (isSeq(node) ? node.items : fail(node, `${where} must be a list`)),
    number: (node, where) => {
      const value = scalar(node, where)
      return typeof value === 'number' ? value : fail(node, `${where} must be a number, got "${value}"`)
    },
    choice: (node, where, values) => {
      const value = string(node, where)
      return values.find((known) => known === value) ?? fail(node, `${where} is "${value}"; known: ${values.join(', ')}`)
    },
  }
}
