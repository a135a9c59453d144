/** Points at which the process dies by its own hand, without a handler or a flush: `SCORESTREAM_TEST_KILL=<point>:<n>` names the n-th time. */

export type PointOfDeath =
  /** Events are in the log, their producer has not been told. */
  | 'appended'
  /** Decisions are in the log, their states and offset are not stored. */
  | 'published'
  /** States and offset are about to be stored. */
  | 'before-commit'
  /** Of a commit in two steps that goes past decisions only the first is done. */
  | 'between-steps'
  /** States and offset are stored, nobody has been told. */
  | 'committed'
  /** The same, while decisions are said to be written and are not. */
  | 'committed-unreadable'

const [point, times] = (process.env['SCORESTREAM_TEST_KILL'] ?? ':').split(':')
let left = Number(times)

export const passing = (here: PointOfDeath): void => {
  if (here !== point) return
  left -= 1
  if (left > 0) return
  process.kill(process.pid, 'SIGKILL')
  for (;;); // until the kernel gets to it
}
