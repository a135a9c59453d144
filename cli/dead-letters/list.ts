/** `dead-letters list`: the newest letters that match, oldest first. */
import { type Letter, readLetters } from '#streams/dead-letters/letter.ts'
import type { LetterState } from '#streams/dead-letters/journal.ts'
import { numeric, type OptionValues, text } from '../command.ts'
import { CommandError, EXIT } from '../exit.ts'
import { type Desk, print } from './desk.ts'

const STATES: readonly LetterState['kind'][] = ['open', 'draft', 'mended', 'replayed', 'refused']
const LIMIT = 50
const LIMIT_MAX = 100_000
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

interface Row {
  readonly id: string
  readonly receivedAt: number
  readonly code: string
  readonly state: LetterState['kind']
  readonly producer: string | null
  readonly eventId: string | null
  readonly source: string
  /** In the input log, where the event had got that far. */
  readonly position: string | null
  readonly bytes: number
  readonly detail: string
}

/** `24h`, `7d`, or an instant. */
const sinceOf = (given: string | undefined, nowMs: number): number => {
  if (given === undefined) return Number.NEGATIVE_INFINITY
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(given) ?? []
  const at = count === undefined ? Date.parse(given) : nowMs - Number(count) * (UNITS[unit] ?? 0)
  if (Number.isNaN(at))
    throw new CommandError('usage', `--since takes an age such as 24h or 7d, or an RFC 3339 instant, got "${given}"`, EXIT.usage)
  return at
}

const stateOf = (given: string | undefined): LetterState['kind'] | undefined => {
  const state = STATES.find((one) => one === given)
  if (given !== undefined && state === undefined)
    throw new CommandError('usage', `--state takes one of ${STATES.join(', ')}, got "${given}"`, EXIT.usage)
  return state
}

const textIn = (event: unknown, name: string): string | null => {
  const value = typeof event === 'object' && event !== null ? (event as Record<string, unknown>)[name] : undefined
  // Of an event that broke its schema this can be anything.
  return typeof value === 'string' && /^[A-Za-z0-9._:~-]{1,128}$/.test(value) ? value : null
}

const rowOf = ({ id, letter, event }: Letter, state: LetterState['kind']): Row => {
  return {
    id,
    receivedAt: letter.receivedAt,
    code: letter.code,
    state,
    producer: textIn(event, 'producer'),
    eventId: textIn(event, 'eventId'),
    source: letter.source,
    position: letter.partition === null ? null : `${letter.partition}-${letter.offset}`,
    bytes: letter.bytes.length,
    detail: letter.detail,
  }
}

const table = (rows: readonly Row[]): string => {
  const cells = rows.map((row) => [
    row.id,
    new Date(row.receivedAt).toISOString(),
    row.code,
    row.state,
    row.producer ?? '–',
    row.position ?? row.source,
    row.detail.length > 80 ? `${row.detail.slice(0, 79)}…` : row.detail,
  ])
  const all = [['id', 'received', 'code', 'state', 'producer', 'from', 'reason'], ...cells]
  const widths = all[0]?.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0))) ?? []
  return all
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

export const listLetters = async (desk: Desk, options: OptionValues): Promise<number> => {
  const limit = numeric(options, 'limit', { minimum: 1, maximum: LIMIT_MAX }) ?? LIMIT
  const since = sinceOf(text(options, 'since'), Date.now())
  const state = stateOf(text(options, 'state'))
  const [code, producer] = [text(options, 'code'), text(options, 'producer')]
  let kept: Row[] = []
  let matching = 0
  const newest = (): void => {
    kept = kept.toSorted((a, b) => a.receivedAt - b.receivedAt).slice(-limit)
  }
  for await (const letter of readLetters(desk.log)) {
    const { kind } = desk.journal.state(letter.id)
    if ((code !== undefined && letter.letter.code !== code) || letter.letter.receivedAt < since || (state !== undefined && kind !== state))
      continue
    const row = rowOf(letter, kind)
    if (producer !== undefined && row.producer !== producer) continue
    matching++
    kept.push(row)
    if (kept.length >= 2 * limit) newest()
  }
  newest()
  if (options['json'] === true) print(`${JSON.stringify({ matching, letters: kept })}\n`)
  else if (matching === 0) print('no dead letters match\n')
  else print(`${table(kept)}${matching > kept.length ? `… and ${matching - kept.length} older; --limit N shows more\n` : ''}`)
  return EXIT.ok
}
