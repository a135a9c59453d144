/** How far an import came: written after each step that is whole, by rename, so that it is never half a state. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ImportFault } from './import-fault.ts'
import type { ReaderPosition } from './source/row-reader.ts'

export interface TableCounts {
  rows: number
  passedOver: number
  rejected: number
  events: number
}

const VERSION = 2

export interface ImportState {
  /** Of the form of the runs, too. */
  readonly version: typeof VERSION
  /** Of mapping, options and files: a changed file would shift every position. */
  readonly fingerprint: Readonly<Record<string, string>>
  /** Number of the file being read, and where; `files` of them all once all are read. */
  file: number
  position: ReaderPosition
  /** File names of sorted runs, in order, within the folder. */
  runs: readonly string[]
  runsMade: number
  /** What the runs have by number. */
  literals: readonly string[]
  /** Events that the target has. */
  delivered: number
  accepted: number
  duplicates: number
  refused: number
  targetPosition: number
  rejectsPosition: number
  /** Rows of a lookup's table that could not be read. */
  lookupRejects: number
  readonly tables: Record<string, TableCounts>
}

export interface FingerprintParts {
  readonly mapping: string
  readonly options: string
  readonly files: readonly string[]
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

export const fingerprintOf = ({ mapping, options, files }: FingerprintParts): Readonly<Record<string, string>> => ({
  'the mapping': sha256(mapping),
  'the options': options,
  'the list of files': sha256(files.join('\n')),
  ...Object.fromEntries(
    files.map((path) => {
      const { size, mtimeMs } = statSync(path)
      return [path, `${size}@${Math.trunc(mtimeMs)}`]
    }),
  ),
})

const stateFile = (folder: string): string => join(folder, 'state.json')

export const newState = (fingerprint: ImportState['fingerprint']): ImportState => ({
  version: VERSION,
  fingerprint,
  file: 0,
  position: { offset: 0, line: 1, rows: 0 },
  runs: [],
  runsMade: 0,
  literals: [],
  delivered: 0,
  accepted: 0,
  duplicates: 0,
  refused: 0,
  targetPosition: 0,
  rejectsPosition: 0,
  lookupRejects: 0,
  tables: {},
})

/** The state of an interrupted import, or undefined where none was. Throws where it is to go on and belongs to something else. */
export const readState = (folder: string, fingerprint: ImportState['fingerprint'], goOn: boolean): ImportState | undefined => {
  if (!existsSync(stateFile(folder))) return undefined
  const state = JSON.parse(readFileSync(stateFile(folder), 'utf8')) as ImportState
  if (!goOn) return state
  if (state.version !== VERSION)
    throw new ImportFault(
      'import-changed',
      `the interrupted import in ${folder} was begun by another release of Scorestream; begin anew with --restart, whose events have the same identifiers`,
    )
  const changed = [...new Set([...Object.keys(fingerprint), ...Object.keys(state.fingerprint)])].find(
    (part) => fingerprint[part] !== state.fingerprint[part],
  )
  if (changed !== undefined)
    throw new ImportFault(
      'import-changed',
      `the interrupted import in ${folder} cannot go on: ${changed} changed since; begin anew with --restart, whose events have the same identifiers`,
    )
  return state
}

export const writeState = (folder: string, state: ImportState): void => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${stateFile(folder)}.new`, JSON.stringify(state))
  renameSync(`${stateFile(folder)}.new`, stateFile(folder))
}
