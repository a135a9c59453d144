/**
 * An import in a process that kills itself, as `kill -9` would, at its n-th sign of life (a rejected row, a step of progress):
 * `node import-child.ts <mapping file> <csv> <out> <work folder> <n>`.
 */
import { readFileSync } from 'node:fs'
import { readMapping } from '#streams/import/mapping/read-mapping.ts'
import { runImport } from '#streams/import/run-import.ts'
import { ndjsonTarget } from '#streams/import/target/ndjson-target.ts'

const [mappingFile = '', csv = '', out = '', folder = '', killAt = ''] = process.argv.slice(2)
let signs = 0
const sign = (): void => {
  if (++signs === Number(killAt)) process.kill(process.pid, 'SIGKILL')
}
const mappingText = readFileSync(mappingFile, 'utf8')
await runImport({
  mapping: readMapping(mappingText, mappingFile),
  mappingText,
  given: [csv],
  withProtected: false,
  folder,
  resume: true,
  target: async (position) => ndjsonTarget(out, position),
  rejectsFile: `${out}.rejects`,
  // Small, so that there are many moments to be killed at.
  arenaBytes: 65_536,
  onReject: sign,
  onProgress: sign,
})
