/** The profile as one HTML file: types, missing, ranges, distributions, correlations, drift, personal data. Light and dark; readable without sight. */
import type { Mapping } from '../mapping/mapping-schema.ts'
import { type Bin, commonest, comparable, correlation, histogram, quantile, sorted } from './distribution.ts'
import { barChart, escaped, figure, percent, STYLE, table } from './markup.ts'
import { type PersonalFinding, personalColumns } from './personal-data.ts'
import { SAMPLE_ROWS } from './row-sample.ts'
import type { ColumnProfile, TableProfile } from './table-profile.ts'

/** Of counts over the same bins: the index, and how likely one as large is where nothing has changed. */
export type Stability = (reference: readonly number[], found: readonly number[]) => { readonly psi: number; readonly pValue: number }

export interface Report {
  readonly mapping: Mapping
  readonly profiles: ReadonlyMap<string, TableProfile>
  /** Other files of the same mapping, that drift is measured against; besides what the mapping itself compares. */
  readonly references: ReadonlyMap<string, TableProfile>
  readonly stability: Stability
}

/** Columns in a correlation table: more cannot be read. */
const CORRELATED_MAX = 16
/** Correlation from which two columns say nearly the same. */
const STRONG = 0.9
/** Rules of thumb of the population stability index, and the error rate that is shared among a table's columns. */
const [SHIFTED, WATCHED, SIGNIFICANCE] = [0.25, 0.1, 0.01]
/** Texts longer than this are cut. */
const SHOWN_MAX = 28

const cut = (text: string): string => (text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text)

const range = (column: ColumnProfile): string => {
  const { numbers } = column
  if (numbers === null || column.type !== 'number') return ''
  const ascending = sorted(column)
  const [low, median, high] = [0.05, 0.5, 0.95].map((share) => figure(quantile(ascending, share)))
  return `${figure(numbers.minimum)} to ${figure(numbers.maximum)}<br><span class="soft">mean ${figure(numbers.mean)}, deviation ${figure(numbers.deviation)}<br>5 % ${low}, median ${median}, 95 % ${high}</span>`
}

const values = (bins: readonly Bin[]): string =>
  `<ul class="values">${bins
    .slice(0, 4)
    .map(({ label, count }) => `<li>${escaped(cut(label))} <span class="soft">${figure(count)}</span></li>`)
    .join('')}</ul>`

const distribution = (column: ColumnProfile, hidden: boolean): string => {
  if (column.type === 'empty') return '<span class="soft">no values</span>'
  if (hidden) return '<span class="soft">personal: values are not shown</span>'
  const bins = column.type === 'number' ? histogram(column) : commonest(column)
  const most = bins.toSorted((a, b) => b.count - a.count)[0]
  const chart = barChart(
    bins,
    `Distribution of ${column.name}: most often ${most === undefined ? 'nothing' : most.label}, ${bins.length} bars`,
  )
  return column.type === 'number' ? chart : `${chart}${values(bins)}`
}

const columnRows = ({ columns, rows, broken }: TableProfile, hidden: ReadonlySet<string>): string[][] =>
  columns.map((column) => {
    const missing = column.missing / Math.max(1, rows - broken)
    return [
      escaped(column.name),
      column.type,
      missing > 0.5 ? `<span class="warn">${percent(missing)}</span>` : percent(missing),
      column.distinct === null ? '&gt; 1,000' : figure(column.distinct),
      hidden.has(column.name) ? '' : range(column),
      distribution(column, hidden.has(column.name)),
    ]
  })

const correlations = ({ columns }: TableProfile): string => {
  const numeric = columns
    .filter(({ type, numbers }) => type === 'number' && numbers !== null && numbers.deviation > 0)
    .toSorted((a, b) => a.missing - b.missing)
    .slice(0, CORRELATED_MAX)
  if (numeric.length < 2) return ''
  const strong: string[] = []
  const rows = numeric.map((row, at) => [
    escaped(row.name),
    ...numeric.map((column, other) => {
      const r = at === other ? 1 : correlation(row.values, column.values)
      if (other < at && Math.abs(r) >= STRONG) strong.push(`${escaped(row.name)} and ${escaped(column.name)} (${r.toFixed(2)})`)
      return Number.isNaN(r)
        ? '–'
        : `<span style="background: color-mix(in srgb, var(${r < 0 ? '--bad' : '--bar'}) ${Math.round(Math.abs(r) * 45)}%, transparent)">${r.toFixed(2)}</span>`
    }),
  ])
  const said = strong.length === 0 ? '' : `<p><span class="warn">Nearly the same:</span> ${strong.join(', ')}.</p>`
  return `<h3>Correlations</h3>${said}${table('Pearson’s correlation of numeric columns, over the sampled rows that have both', ['', ...numeric.map(({ name }) => escaped(name))], rows, 'heat')}`
}

const drift = (against: string, reference: TableProfile, profile: TableProfile, stability: Stability): string => {
  const compared = profile.columns.flatMap((column) => {
    const before = reference.columns.find(({ name }) => name === column.name)
    const counts = before && comparable(before, column)
    return counts === undefined ? [] : [{ name: column.name, ...stability(counts[0], counts[1]) }]
  })
  if (compared.length === 0) return ''
  const rows = compared
    .toSorted((a, b) => b.psi - a.psi)
    .map(({ name, psi, pValue }) => {
      const sure = pValue < SIGNIFICANCE / compared.length
      const verdict = !sure
        ? '<span class="fine">no evidence</span>'
        : psi >= SHIFTED
          ? '<span class="flag">shifted</span>'
          : psi >= WATCHED
            ? '<span class="warn">moved</span>'
            : '<span class="fine">stable</span>'
      return [escaped(name), psi.toFixed(3), pValue < 0.001 ? '&lt; 0.001' : pValue.toFixed(3), verdict]
    })
  return `<h3>Drift against ${escaped(against)}</h3>${table(`Population stability index over the reference’s deciles or values, missing included; ${figure(reference.rows)} rows before, ${figure(profile.rows)} now`, ['column', 'index', 'p value', 'verdict'], rows)}`
}

const personalTable = (found: readonly PersonalFinding[]): string => {
  if (found.length === 0) return ''
  const rows = [...Map.groupBy(found, ({ column }) => column)].map(([column, reasons]) => [
    escaped(column),
    reasons.map(({ why }) => escaped(why)).join('<br>'),
  ])
  return `<h3>Personal data</h3>${table('Columns that say something of a person', ['column', 'why'], rows)}`
}

const section = (profile: TableProfile, report: Report): string => {
  const { mapping, profiles, references, stability } = report
  const declared = mapping.tables[profile.table]!
  const personal = personalColumns(profile.columns, declared)
  const hidden = new Set(personal.filter((one) => one.hidden).map(({ column }) => column))
  const { compareWith } = declared
  const within = compareWith === undefined ? undefined : profiles.get(compareWith)
  const reference = references.get(profile.table)
  const empty = profile.columns.filter(({ type }) => type === 'empty').length
  const unreadable = profile.columns.reduce((sum, column) => sum + column.unreadable, 0)
  const tiles = [
    ['rows', profile.rows],
    ['columns', profile.columns.length],
    ['empty columns', empty],
    ['broken rows', profile.broken],
    ['unreadable cells', unreadable],
    ['columns with personal data', new Set(personal.map(({ column }) => column)).size],
  ] as const
  return `<section aria-labelledby="t-${escaped(profile.table)}"><h2 id="t-${escaped(profile.table)}">${escaped(profile.table)}</h2>
<p class="soft">${profile.files.map(escaped).join(', ')}</p><div class="tiles">${tiles.map(([name, value]) => `<div><b>${figure(value)}</b>${name}</div>`).join('')}</div>
${table('Columns: exact counts, ranges and moments; distributions from a sample', ['column', 'type', 'missing', 'different', 'range', 'distribution'], columnRows(profile, hidden))}
${personalTable(personal)}
${correlations(profile)}${within === undefined ? '' : drift(compareWith!, within, profile, stability)}${reference === undefined ? '' : drift('the reference files', reference, profile, stability)}</section>`
}

/** The whole file. */
export const profileReport = (report: Report): string => {
  const { mapping, profiles } = report
  const all = [...profiles.values()]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Profile: ${escaped(mapping.title)}</title><style>${STYLE}</style></head>
<body><header><h1>${escaped(mapping.title)}</h1><p class="soft">Mapping ${escaped(mapping.mapping)}. Counts, ranges and moments are of all rows; distributions, quantiles, correlations, drift and patterns of a sample of at most ${figure(SAMPLE_ROWS)} rows a table, the same ones every time.</p>
<nav aria-label="Tables"><ul>${all.map(({ table: name }) => `<li><a href="#t-${escaped(name)}">${escaped(name)}</a></li>`).join('')}</ul></nav></header>
<main>${all.map((profile) => section(profile, report)).join('\n')}</main></body></html>
`
}
