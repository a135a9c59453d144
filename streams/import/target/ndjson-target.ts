/** A file of events, one a line. It bears its name only once it is whole; until then `.partial` stands behind it. */
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, renameSync, statSync } from 'node:fs'
import { ImportFault } from '../import-fault.ts'
import { writeAll } from '../order/run-file.ts'
import type { Delivery, EventTarget } from './event-target.ts'

const BATCH_EVENTS = 4_096

const NOTHING: Delivery = { accepted: 0, duplicates: 0, refused: [] }

/** An interrupted import had come to the very end: its file is whole and bears its name. */
const finished = (path: string, position: number): EventTarget => {
  if (!existsSync(path) || statSync(path).size !== position)
    throw new ImportFault('import-target', `${path}.partial, which the interrupted import began, is gone: begin anew with --restart`)
  return {
    batchEvents: BATCH_EVENTS,
    deliver: async () => NOTHING,
    position: () => position,
    complete: async () => {},
    close: async () => {},
  }
}

/** `position`: bytes of the partial file that count; what an interrupted import wrote beyond them is cut off. */
export const ndjsonTarget = (path: string, position = 0): EventTarget => {
  const partial = `${path}.partial`
  if (position > 0 && !existsSync(partial)) return finished(path, position)
  const file = openSync(partial, position === 0 ? 'w' : 'a')
  if (position > 0) ftruncateSync(file, position)
  let bytes = position
  return {
    batchEvents: BATCH_EVENTS,
    async deliver(events): Promise<Delivery> {
      const lines = events.lines()
      writeAll(file, lines)
      bytes += lines.length
      return { accepted: events.count, duplicates: 0, refused: [] }
    },
    position: () => bytes,
    async complete() {
      fsyncSync(file)
      renameSync(partial, path)
    },
    async close() {
      closeSync(file)
    },
  }
}
