/** Cursors: a feed state as opaque text. Base64url over LEB128 varints: version, partitions, then next, epoch + 1, decided + 1 and next of the revisions of each, and next of the alerts. */
import type { FeedState } from './feed-state.ts'

const VERSION = 3
/** More than any topic here has; bounds what a forged cursor can ask for. */
const PARTITIONS_MAX = 1_024
const CURSOR_LENGTH_MAX = 50_000

const scratch = Buffer.alloc(10 + PARTITIONS_MAX * 32)

const put = (at: number, value: number): number => {
  let rest = value
  while (rest >= 128) {
    scratch[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  scratch[at++] = rest
  return at
}

export const encodeCursor = (state: FeedState): string => {
  let at = put(put(0, VERSION), state.next.length)
  for (let p = 0; p < state.next.length; p++) {
    at = put(at, state.next[p] ?? 0)
    at = put(at, (state.epoch[p] ?? -1) + 1)
    at = put(at, (state.decided[p] ?? -1) + 1)
    at = put(at, state.revisions[p] ?? 0)
  }
  at = put(at, state.alerts)
  return scratch.toString('base64url', 0, at)
}

/** Undefined where the text is no cursor of a log with `partitions` partitions. */
export const decodeCursor = (text: string, partitions: number): FeedState | undefined => {
  if (text.length > CURSOR_LENGTH_MAX || !/^[A-Za-z0-9_-]+$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  const values: number[] = []
  let value = 0
  let factor = 1
  for (const byte of bytes) {
    value += (byte & 127) * factor
    if (!Number.isSafeInteger(value)) return undefined
    factor *= 128
    if (byte >= 128) continue
    values.push(value)
    value = 0
    factor = 1
  }
  if (factor !== 1 || values[0] !== VERSION || values[1] !== partitions || values.length !== 3 + 4 * partitions) return undefined
  const column = (shift: number, less: number) =>
    Float64Array.from({ length: partitions }, (_, p) => (values[2 + 4 * p + shift] ?? 0) - less)
  return { next: column(0, 0), epoch: column(1, 1), decided: column(2, 1), revisions: column(3, 0), alerts: values.at(-1) ?? 0 }
}
