/** `dead-letters show <id>`: why, where, and the event with personal values hidden. */
import { createHash } from 'node:crypto'
import { maskEvent } from '#schemas/privacy.ts'
import type { FieldError } from '#schemas/rejection.ts'
import type { JournalEntry } from '#streams/dead-letters/journal.ts'
import { mendedEvent } from '#streams/dead-letters/journal.ts'
import type { OptionValues } from '../command.ts'
import { EXIT } from '../exit.ts'
import { type Desk, letterOf, print } from './desk.ts'

export const faultLine = ({ pointer, value, expected, remedy }: FieldError): string =>
  `  ${pointer} is ${value}: expected ${expected}; ${remedy}\n`

const historyLine = (entry: JournalEntry): string =>
  entry.kind === 'mended'
    ? `  ${entry.at} ${entry.by} mended it${entry.sound ? '' : ' in part'}\n`
    : `  ${entry.at} ${entry.by} replayed it as ${entry.eventId}: ${entry.outcome}${entry.position === null ? '' : ` at ${entry.position.partition}-${entry.position.offset}`}${entry.reason === null ? '' : ` (${entry.reason})`}\n`

const historyJson = (entry: JournalEntry): object =>
  entry.kind === 'mended' ? { kind: entry.kind, at: entry.at, by: entry.by, sound: entry.sound } : entry

const indented = (event: unknown): string => `${JSON.stringify(event, null, 2).replaceAll(/^/gm, '  ')}\n`

export const showLetter = async (desk: Desk, id: string, options: OptionValues): Promise<number> => {
  const found = await letterOf(desk, id)
  const { letter, event } = found
  if (options['raw'] === true) {
    process.stdout.write(letter.bytes)
    return EXIT.ok
  }
  const state = desk.journal.state(id)
  const mended = mendedEvent(state)
  const history = desk.journal.history(id)
  const sha256 = createHash('sha256').update(letter.bytes).digest('hex')
  if (options['json'] === true) {
    const { bytes, ...rest } = letter
    print(
      `${JSON.stringify({
        id,
        ...rest,
        receivedAt: new Date(letter.receivedAt).toISOString(),
        state: state.kind,
        bytes: { length: bytes.length, sha256 },
        event: event === undefined ? null : maskEvent(event),
        mended: mended === null ? null : maskEvent(JSON.parse(mended)),
        history: history.map(historyJson),
      })}\n`,
    )
    return EXIT.ok
  }
  const position = letter.partition === null ? 'before the log' : `at ${letter.partition}-${letter.offset} of the input`
  print(`dead letter ${id}: ${letter.code}, ${state.kind}\n`)
  print(`received  ${new Date(letter.receivedAt).toISOString()} by ${letter.source}, refused ${position}\n`)
  print(`reason    ${letter.detail}\n${letter.errors.map(faultLine).join('')}`)
  print(`bytes     ${letter.bytes.length}, SHA-256 ${sha256}\n`)
  if (event !== undefined) print(`event, personal values hidden (--raw shows the bytes as they are):\n${indented(maskEvent(event))}`)
  else if (letter.bytes.length > 0) print('the bytes are no JSON event; --raw shows them as they are\n')
  if (mended !== null) print(`mended:\n${indented(maskEvent(JSON.parse(mended)))}`)
  if (history.length > 0) print(`history\n${history.map(historyLine).join('')}`)
  return EXIT.ok
}
