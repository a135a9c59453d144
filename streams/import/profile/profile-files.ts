/** Reads every row of every table once more, for the report alone: an import that goes on after an interruption reports on all of it. */
import { ruleOf } from '../mapping/column-rules.ts'
import type { Mapping } from '../mapping/mapping-schema.ts'
import type { PlannedFile } from '../plan-files.ts'
import { openFile } from '../source/open-file.ts'
import { type TableProfile, TableProfiler } from './table-profile.ts'

/** Profiles by table, in the order of the files. `onProgress` hears the share done, in [0, 1]. */
export const profileFiles = async (
  mapping: Mapping,
  files: readonly PlannedFile[],
  onProgress: (fraction: number) => void,
): Promise<ReadonlyMap<string, TableProfile>> => {
  const profilers = new Map<string, { readonly profiler: TableProfiler; readonly columns: readonly string[] }>()
  for (const [index, { path, table }] of files.entries()) {
    const declared = mapping.tables[table]!
    const reader = await openFile(path, declared.format)
    try {
      reader.rules(reader.columns.map((name) => ruleOf(mapping, declared, name)))
      const { profiler, columns } = profilers.get(table) ?? { profiler: new TableProfiler(table, reader.columns), columns: reader.columns }
      profilers.set(table, { profiler, columns })
      profiler.file(path)
      const order = columns.map((name) => reader.columns.indexOf(name))
      while (await reader.load()) {
        for (let row = reader.next(); row !== undefined; row = reader.next()) profiler.add(row, order)
        onProgress((index + reader.progress()) / files.length)
      }
    } finally {
      await reader.close()
    }
  }
  return new Map([...profilers].map(([table, { profiler }]) => [table, profiler.finish()]))
}
