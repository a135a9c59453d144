/** The logs for a person at a terminal: one readable line for each line of JSON, clear of whatever progress line is drawn there. */

/** Lines that are no JSON (a native library's last words) are passed on as they are. */
const parsed = (line: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}

const messageOf = (cause: unknown): string =>
  typeof cause === 'object' && cause !== null && 'message' in cause && typeof cause.message === 'string' ? `: ${cause.message}` : ''

/** Control characters could redraw the terminal; a subject may come from outside. */
// oxlint-disable-next-line no-control-regex
const harmless = (text: string): string => text.replaceAll(/[\u0000-\u001F\u007F-\u009F]/g, ' ')

/** `12:03:11  alert open: payment.amount from bank-b: …`. Times are UTC. */
export const readableLine = (line: string): string => {
  const facts = parsed(line)
  if (typeof facts?.['msg'] !== 'string') return harmless(line)
  const { time, msg, err, reason } = facts
  const at = typeof time === 'string' || typeof time === 'number' ? new Date(time).toISOString().slice(11, 19) : '        '
  return harmless(`${at}  ${msg}${messageOf(err)}${typeof reason === 'string' ? `: ${reason}` : ''}`)
}

/** Whether the line tells of an alert or of a judgement. */
export const isAlertLine = (line: string): boolean => String(parsed(line)?.['msg']).startsWith('alert ')

export interface TerminalLog {
  /** Lines of JSON, each ended by a newline. */
  readonly write: (text: string) => void
}

/** `clear` removes what is drawn on the last line. `wanted` chooses lines; all by default. */
export const terminalLog = (
  stream: Pick<NodeJS.WriteStream, 'write'>,
  clear: () => void = () => {},
  wanted: (line: string) => boolean = () => true,
): TerminalLog => ({
  write(text) {
    const lines = text.split('\n').filter((line) => line !== '' && wanted(line))
    if (lines.length === 0) return
    clear()
    stream.write(lines.map((line) => `${readableLine(line)}\n`).join(''))
  },
})
