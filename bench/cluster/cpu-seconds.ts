/** CPU seconds of processes, from /proc. Linux. */
import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks of /proc, per second: 100 on every Linux that Node runs on. */
const TICKS_PER_S = 100

interface Stat {
  readonly group: number
  readonly cpuS: number
}

const statOf = (pid: number): Stat | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold spaces.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { group: Number(fields[2]), cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S }
  } catch {
    return undefined
  }
}

/** Of one process with all its threads; NaN where it is gone. */
export const cpuSecondsOf = (pid: number): number => statOf(pid)?.cpuS ?? Number.NaN

/** Of all processes of a group together. */
export const cpuSecondsOfGroup = (group: number): number =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .reduce((sum, stat) => sum + (stat?.group === group ? stat.cpuS : 0), 0)
