/** Every row that was not imported, one JSON object a line: file, line, what was wrong, what to do. */
import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { writeAll } from './order/run-file.ts'
import type { RowRejection } from './mapping/table-program.ts'

/** `step`: reading a lookup's table, mapping a row, or delivering an event to the target. */
export interface Reject {
  readonly step: 'lookup' | 'row' | 'target'
  readonly file?: string
  readonly table?: string
  readonly line?: number
  readonly row?: number
  readonly eventId?: string
  readonly rejection: RowRejection
}

const BUFFER_BYTES = 65_536

export class RejectLog {
  readonly #file: number | undefined
  readonly #tell: ((reject: Reject) => void) | undefined
  #lines: string[] = []
  #waiting = 0
  #bytes: number

  /** `path` null writes nowhere. `position`: bytes that count, of a log that an interrupted import began. */
  constructor(path: string | null, position = 0, tell?: (reject: Reject) => void) {
    this.#tell = tell
    this.#bytes = position
    if (path === null) return
    this.#file = openSync(path, position === 0 ? 'w' : 'a')
    if (position > 0) ftruncateSync(this.#file, position)
  }

  add(reject: Reject): void {
    this.#tell?.(reject)
    if (this.#file === undefined) return
    const { rejection, ...where } = reject
    const { kind, code, detail, errors } = rejection
    const line = `${JSON.stringify({
      ...where,
      ...(kind === null ? {} : { event: kind }),
      code,
      detail,
      errors: errors.map(({ pointer, ...rest }) => ({ field: pointer.slice(1).replaceAll('/', '.'), ...rest })),
    })}\n`
    this.#lines.push(line)
    this.#waiting += line.length
    if (this.#waiting > BUFFER_BYTES) this.flush()
  }

  /** Bytes written, after {@link flush}. */
  get position(): number {
    return this.#bytes
  }

  flush(): void {
    if (this.#file === undefined || this.#lines.length === 0) return
    const bytes = Buffer.from(this.#lines.join(''))
    writeAll(this.#file, bytes)
    this.#bytes += bytes.length
    this.#lines = []
    this.#waiting = 0
  }

  close(): void {
    this.flush()
    if (this.#file !== undefined) closeSync(this.#file)
  }
}
