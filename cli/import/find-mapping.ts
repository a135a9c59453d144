/** A mapping by name, of those that ship, or by file. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { nearest } from '#schemas/nearest.ts'
import type { Mapping } from '#streams/import/mapping/mapping-schema.ts'
import { readMapping } from '#streams/import/mapping/read-mapping.ts'
import { CommandError, EXIT } from '../exit.ts'
import { PROJECT_ROOT } from '../project.ts'

const FOLDER = join(PROJECT_ROOT, 'data/mappings')

export interface FoundMapping {
  readonly path: string
  readonly text: string
  readonly mapping: Mapping
}

/** Names of the mappings that ship. */
export const shippedMappings = (): readonly string[] =>
  readdirSync(FOLDER)
    .flatMap((name) => (name.endsWith('.yaml') ? [name.slice(0, -'.yaml'.length)] : []))
    .toSorted()

const pathOf = (given: string): string => {
  if (/[/.]/.test(given)) {
    const path = resolve(given)
    if (existsSync(path)) return path
    throw new CommandError('no-mapping', `there is no mapping file ${path}`, EXIT.noInput)
  }
  const names = shippedMappings()
  if (names.includes(given)) return join(FOLDER, `${given}.yaml`)
  const hint = nearest(given, names)
  throw new CommandError(
    'no-mapping',
    `there is no mapping called "${given}"${hint ? `; did you mean "${hint}"?` : `; those that ship are ${names.join(', ')}`} A mapping of your own is named by its file, with the ending .yaml`,
    EXIT.noInput,
  )
}

/** @throws CommandError `no-mapping`, ImportFault `mapping-invalid` */
export const findMapping = (given: string): FoundMapping => {
  const path = pathOf(given)
  const text = readFileSync(path, 'utf8')
  return { path, text, mapping: readMapping(text, path) }
}
