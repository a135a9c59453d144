/** YAML → a checked mapping. Whatever is wrong is said with its line, key, value and remedy, all of it at once. */
import { Value } from 'typebox/value'
import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { describeViolations, type Violation } from '#schemas/violation.ts'
import { ImportFault } from '../import-fault.ts'
import { checkMapping } from './check-mapping.ts'
import { type Mapping, MappingSchema } from './mapping-schema.ts'

/** One thing wrong with a mapping. `path` leads to it from the top. */
export interface MappingFault {
  readonly path: readonly (string | number)[]
  readonly value: string
  readonly expected: string
  readonly remedy: string
}

/** Faults said at once: a reader mends these first. */
const FAULTS_MAX = 12

const refused = (name: string, lines: readonly string[]): ImportFault =>
  new ImportFault('mapping-invalid', `the mapping ${name} cannot be used:\n  ${lines.join('\n  ')}`)

/** Line of the innermost node that the path still reaches. */
const lineOf = (document: Document, counter: LineCounter, path: readonly (string | number)[]): number => {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return counter.linePos(node.range[0]).line
  }
  return 1
}

const pathOf = (pointer: string): (string | number)[] =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((token) => (/^\d+$/.test(token) ? Number(token) : token))

/**
 * Parses and checks a mapping: its schema, and every expression in it as far as that goes without the files.
 *
 * @param name How messages call it.
 * @throws ImportFault `mapping-invalid`
 */
export const readMapping = (yaml: string, name: string): Mapping => {
  const counter = new LineCounter()
  const document = parseDocument(yaml, { lineCounter: counter, strict: true, uniqueKeys: true, stringKeys: true, prettyErrors: false })
  if (document.errors.length > 0)
    throw refused(
      name,
      document.errors.slice(0, FAULTS_MAX).map((error) => `line ${counter.linePos(error.pos[0]).line}: ${error.message}`),
    )
  const mapping: unknown = document.toJS()
  const faults = faultsOf(mapping)
  if (faults.length === 0) return mapping as Mapping
  throw refused(
    name,
    faults
      .slice(0, FAULTS_MAX)
      .map(
        ({ path, value, expected, remedy }) =>
          `line ${lineOf(document, counter, path)}, ${path.join('.') || 'the whole'}: ${value} is not ${expected}; ${remedy}`,
      ),
  )
}

const faultsOf = (mapping: unknown): readonly MappingFault[] => {
  if (Value.Check(MappingSchema, mapping)) return checkMapping(mapping)
  const violations = Value.Errors(MappingSchema, mapping) as unknown as Violation[]
  return describeViolations(MappingSchema, mapping, violations).map(({ pointer, value, expected, remedy }) => ({
    path: pathOf(pointer),
    value,
    expected,
    remedy,
  }))
}
