/** Prometheus' text format, as far as the gateway writes it: one sample a line, no timestamps. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

export const parseMetrics = (text: string): readonly Sample[] =>
  text.split('\n').flatMap((line) => {
    const match = line.startsWith('#') ? null : LINE.exec(line)
    if (match === null) return []
    const [, name = '', labels = '', value = ''] = match
    return [{ name, labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, key, inner]) => [key, inner])), value: Number(value) }]
  })

/** The sum over all samples of a name; undefined where there is none. */
export const total = (samples: readonly Sample[], name: string): number | undefined => {
  const own = samples.filter((sample) => sample.name === name)
  return own.length === 0 ? undefined : own.reduce((sum, { value }) => sum + value, 0)
}

/** Values of a name by one of its labels. */
export const byLabel = (samples: readonly Sample[], name: string, label: string): readonly (readonly [string, number])[] =>
  samples.flatMap((sample) => (sample.name === name ? [[sample.labels[label] ?? '', sample.value] as const] : []))
