/** The rows as a person reads them. */
import type { BenchRow } from './bench-row.ts'

const figure = (value: number | null): string =>
  value === null ? '–' : Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : Number(value.toPrecision(4)).toString()

/** Figures in columns, then the conditions of each. */
export const tableOf = (rows: readonly BenchRow[]): string => {
  const cells = [
    ['figure', 'value', 'unit', 'ratio', 'peer', 'peer value'],
    ...rows.map((row) => [
      row.name,
      figure(row.value),
      row.unit,
      row.ratio === null ? '–' : `${figure(row.ratio)}×`,
      row.peer ?? 'none',
      figure(row.peerValue),
    ]),
  ]
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)))
  const lines = cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
  const notes = rows.map((row) => `${row.name}${row.peer === null ? '' : ` (${row.peer})`}: ${row.conditions}`)
  return `${lines.join('\n')}\n\nA ratio above 1 is ahead of the peer, whichever way the unit points. Conditions:\n\n${notes.join('\n')}\n`
}

/** What `--json` writes. @throws Error where a figure is not a number: a row without one is a failed measurement. */
export const jsonOf = (rows: readonly BenchRow[]): string => {
  const broken = rows.find(({ value, peerValue, ratio }) => ![value, peerValue ?? 0, ratio ?? 0].every(Number.isFinite))
  if (broken !== undefined) throw new Error(`${broken.name}: ${broken.value} ${broken.unit} beside ${broken.peerValue} is no measurement`)
  return `${JSON.stringify(rows, null, 1)}\n`
}
