/** A progress line on standard error: redrawn in place on a terminal, a plain line now and then elsewhere. */

const BLOCKS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const

/** `width` cells filled to `fraction` in [0, 1], in eighths of a cell. */
export const bar = (fraction: number, width: number): string => {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8)
  const full = '█'.repeat(Math.floor(eighths / 8)) + (BLOCKS[eighths % 8] ?? '')
  return full.padEnd(width, '·')
}

export const thousands = (value: number): string => Math.round(value).toLocaleString('en-US')

export const duration = (seconds: number): string => {
  if (!Number.isFinite(seconds) || seconds < 0) return '–'
  const whole = Math.round(seconds)
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60]
  return hours > 0
    ? `${hours}:${String(minutes).padStart(2, '0')}:${String(rest).padStart(2, '0')}`
    : `${minutes}:${String(rest).padStart(2, '0')}`
}

export interface ProgressLine {
  /** Shows `done` of `total` and what `facts` says now. */
  update(done: number, total: number, facts: string): void
  /** Removes the line (terminal) so that other output stands clean; the next update draws it again. */
  clear(): void
}

/** Redraws at most ten times a second on a terminal; elsewhere a line every `quietMs`. `now` in milliseconds, monotonic. */
export const progressLine = (
  title: string,
  now: () => number,
  stream: NodeJS.WriteStream = process.stderr,
  quietMs = 5_000,
): ProgressLine => {
  let last = -Infinity
  let drawn = false
  const begun = now()
  const clear = (): void => {
    if (drawn) stream.write('\r\x1b[2K')
    drawn = false
  }
  return {
    clear,
    update(done, total, facts) {
      const at = now()
      const finished = done >= total
      if (!finished && at - last < (stream.isTTY ? 100 : quietMs)) return
      last = at
      const fraction = total > 0 ? done / total : 1
      const left = done > 0 ? ((at - begun) / 1000) * (total / done - 1) : Number.NaN
      const head = `${title} ${bar(fraction, 24)} ${(fraction * 100).toFixed(1).padStart(5)} %`
      const line = `${head}  ${thousands(done)} of ${thousands(total)}  ${finished ? `took ${duration((at - begun) / 1000)}` : `left ${duration(left)}`}  ${facts}`
      if (!stream.isTTY) {
        stream.write(`${line}\n`)
        return
      }
      stream.write(`\r\x1b[2K${line.slice(0, (stream.columns ?? 120) - 1)}${finished ? '\n' : ''}`)
      drawn = !finished
    },
  }
}
