/** An import in a process of its own, to be killed: `node import-child.ts <mapping file> <csv> <out> <work folder>`. */
import { readFileSync } from 'node:fs'
import { readMapping } from '#streams/import/mapping/read-mapping.ts'
import { runImport } from '#streams/import/run-import.ts'
import { ndjsonTarget } from '#streams/import/target/ndjson-target.ts'

const [mappingFile = '', csv = '', out = '', folder = ''] = process.argv.slice(2)
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
  onProgress: ({ step, fraction }) => process.stdout.write(`${step} ${fraction}\n`),
})
