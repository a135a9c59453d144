/** Which of the given files and folders belong to which table of a mapping. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { nearest } from '#schemas/nearest.ts'
import { ImportFault } from './import-fault.ts'
import type { Mapping } from './mapping/mapping-schema.ts'
import { isDataFile, stemOf } from './source/open-file.ts'

export interface PlannedFile {
  readonly path: string
  readonly table: string
}

const patternOf = (name: string): RegExp =>
  new RegExp(`^${name.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*')}$`, 'i')

const tableOf = (mapping: Mapping, path: string): string | undefined => {
  const stem = stemOf(path)
  return Object.entries(mapping.tables).find(([name, { files = [name] }]) => files.some((file) => patternOf(file).test(stem)))?.[0]
}

const exists = (path: string) => {
  try {
    return statSync(path)
  } catch (cause) {
    throw new ImportFault('file-unsuitable', `there is no file or folder ${path}`, cause)
  }
}

/** A file named on the command line must be of a table; where the mapping has one table only, it is that one's whatever its name. */
const namedFile = (mapping: Mapping, path: string): PlannedFile => {
  const tables = Object.keys(mapping.tables)
  const table = tableOf(mapping, path) ?? (tables.length === 1 ? tables[0] : undefined)
  if (table !== undefined) return { path, table }
  const names = Object.entries(mapping.tables).flatMap(([name, { files = [name] }]) => files)
  const hint = nearest(stemOf(path), names)
  throw new ImportFault(
    'file-unmatched',
    `${path} is no file of the mapping ${mapping.mapping}${hint ? `; is it meant to be "${hint}"?` : `; its files are ${names.join(', ')}`} Rename it, or name it under tables.<table>.files`,
  )
}

/** Files by table, in the mapping's order and then by name: the same list whatever order a folder gives. Throws where a required one is absent. */
export const planFiles = (mapping: Mapping, given: readonly string[]): readonly PlannedFile[] => {
  const planned = given.flatMap((path) =>
    exists(path).isDirectory()
      ? readdirSync(path)
          .filter(isDataFile)
          .flatMap((name) => {
            const table = tableOf(mapping, name)
            return table === undefined ? [] : [{ path: join(path, name), table }]
          })
      : [namedFile(mapping, path)],
  )
  const order = Object.keys(mapping.tables)
  const files = [...new Map(planned.map((file) => [file.path, file])).values()].toSorted(
    (a, b) => order.indexOf(a.table) - order.indexOf(b.table) || (a.path < b.path ? -1 : 1),
  )
  if (files.length === 0)
    throw new ImportFault('file-unmatched', `${given.join(', ')} holds no file of the mapping ${mapping.mapping}: ${order.join(', ')}`)
  const absent = Object.entries(mapping.tables).find(
    ([name, { required }]) => required === true && !files.some(({ table }) => table === name),
  )
  if (absent !== undefined)
    throw new ImportFault(
      'file-unmatched',
      `the mapping ${mapping.mapping} needs ${absent[0]} (${(absent[1].files ?? [absent[0]]).join(' or ')}), and no such file was given`,
    )
  return files
}
