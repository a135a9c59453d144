/** The operations dashboard, as code. `node deploy/grafana/dashboard.ts` writes `dashboard.json`, which a test keeps current. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  RowBuilder,
  type Dashboard,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries'

interface Query {
  readonly expr: string
  readonly legend: string
}

interface Chart {
  readonly title: string
  readonly description: string
  /** Grafana's name of the unit. */
  readonly unit: string
  readonly queries: readonly Query[]
}

const SOURCE = { type: 'prometheus', uid: '${source}' }
const WIDTH = 24

/** What every panel has, whatever it draws. */
const described = <Panel extends Stat | TimeSeries>(
  panel: Panel,
  { title, description, unit, queries }: Chart,
  size: { readonly span: number; readonly height: number },
): Panel => {
  panel.title(title).description(description).unit(unit).datasource(SOURCE).span(size.span).height(size.height)
  for (const [index, { expr, legend }] of queries.entries())
    panel.withTarget(
      new DataqueryBuilder()
        .expr(expr)
        .legendFormat(legend)
        .refId(String.fromCodePoint(65 + index)),
    )
  return panel
}

const stat = (chart: Chart, span: number): Stat => described(new Stat(), chart, { span, height: 4 })
const series = (chart: Chart, span: number): TimeSeries => described(new TimeSeries().fillOpacity(8).min(0), chart, { span, height: 8 })

const chart = (title: string, description: string, queries: readonly Query[], unit = 'short'): Chart => ({
  title,
  description,
  unit,
  queries,
})
/** Sum over all engines of a gauge. */
const level = (metric: string, legend: string): Query => ({ expr: `sum(${metric})`, legend })
/** Greatest of all engines. */
const greatest = (metric: string, legend: string): Query => ({ expr: `max(${metric})`, legend })
/** Growth a second of a counter, over all engines. */
const rate = (metric: string, legend: string): Query => ({ expr: `sum(rate(${metric}[$__rate_interval]))`, legend })
/** The same for each value of a label, which the legend shows behind `prefix`. */
const rateBy = (label: string, metric: string, prefix = ''): Query => ({
  expr: `sum by (${label}) (rate(${metric}[$__rate_interval]))`,
  legend: `${prefix}{{${label}}}`,
})
const quantile = (q: number): Query => ({
  expr: `histogram_quantile(${q}, sum by (le) (rate(scorestream_decision_seconds_bucket[$__rate_interval])))`,
  legend: `p${q * 100}`,
})

const NOW: readonly Chart[] = [
  chart('Ready', 'Engines whose /readyz says so', [level('scorestream_ready', 'ready')]),
  chart('Events/s', 'Folded, all kinds', [rate('scorestream_events_total', 'events')]),
  chart('Decisions/s', 'Read back from the log', [rate('scorestream_decisions_total', 'decisions')]),
  chart('p99', 'From append to decision', [quantile(0.99)], 's'),
  chart('Lost', 'Must be 0', [level('scorestream_reconciler_lost', 'lost')]),
  chart('Conflicting', 'Must be 0', [level('scorestream_reconciler_conflicting', 'conflicting')]),
]

const ROWS: readonly (readonly [title: string, charts: readonly Chart[]])[] = [
  [
    'The promise: 99 % of decisions within 20 ms',
    [
      chart(
        'Latency of decisions',
        'From the append of an application to its decision readable in the log',
        [quantile(0.5), quantile(0.95), quantile(0.99)],
        's',
      ),
      chart(
        'Budget burn',
        '1 uses the budget of 30 days up in 30 days; pages come at 14.4 and 6',
        ['5m', '1h', '6h', '3d'].map((window) => ({
          expr: `max(scorestream:slow_decisions:ratio_rate${window}) / 0.01`,
          legend: window,
        })),
      ),
      chart('Decisions by outcome', 'And how many gave up quality to keep their deadline', [
        rateBy('decision', 'scorestream_decisions_total'),
        rateBy('step', 'scorestream_degraded_total', 'degraded: '),
      ]),
    ],
  ],
  [
    'Events',
    [
      chart('Folded by kind', 'Events a second', [rateBy('kind', 'scorestream_events_total')]),
      chart('Refused, repeated, late', 'At the edge and in the pipeline', [
        rateBy('result', 'scorestream_gateway_events_total{result!="accepted"}', 'edge: '),
        rateBy('code', 'scorestream_dead_letters_total', 'pipeline: '),
        rate('scorestream_duplicates_total', 'repeats recognised'),
        rate('scorestream_late_events_total', 'late'),
      ]),
      chart('Lag', 'Records not yet folded, and not yet in the warehouse', [
        level('scorestream_lag_records', 'engine'),
        level('scorestream_warehouse_lag_records', 'warehouse'),
        level('scorestream_reconciler_lag_records', 'reconciler'),
      ]),
    ],
  ],
  [
    'Exactly once',
    [
      chart(
        'Reconciliation',
        'Lost and conflicting must stay at 0; the others are harmless',
        ['lost', 'conflicting', 'repeated', 'duplicates', 'in_flight', 'dead_lettered'].map((name) =>
          level(`scorestream_reconciler_${name}`, name.replace('_', ' ')),
        ),
      ),
      chart(
        'Undone and tried again',
        'Batches undone because code threw, writes tried again, decisions adopted from a predecessor',
        ['restarts', 'retries', 'adopted'].map((name) => ({
          expr: `sum(increase(scorestream_${name}_total[$__rate_interval]))`,
          legend: name,
        })),
      ),
      chart('Warehouse', 'Seconds a server has been away; restarts of the process', [
        greatest('scorestream_warehouse_away_seconds', 'away, s'),
        level('scorestream_warehouse_restarts', 'restarts'),
      ]),
    ],
  ],
  [
    'The model and the machine',
    [
      chart('Open alerts of the monitors', 'Drift, data quality, fairness, performance', [
        { expr: 'sum by (kind) (scorestream_alerts_open)', legend: '{{kind}}' },
      ]),
      chart(
        'Memory',
        'Engine and warehouse process',
        [level('process_resident_memory_bytes{job="scorestream"}', 'engine'), level('scorestream_warehouse_rss_bytes', 'warehouse')],
        'bytes',
      ),
      chart(
        'Event loop',
        'How late the engine’s loop turns',
        [greatest('nodejs_eventloop_lag_p99_seconds{job="scorestream"}', 'p99')],
        's',
      ),
    ],
  ],
]

export const dashboard = (): Dashboard => {
  const built = new DashboardBuilder('Scorestream')
    .uid('scorestream')
    .description('Latency promise, events, exactly-once counts, warehouse and monitors of the credit-decision engine')
    .tags(['scorestream'])
    .refresh('15s')
    .time({ from: 'now-1h', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('source').label('Data source').type('prometheus'))
    .withRow(new RowBuilder('Now'))
  for (const one of NOW) built.withPanel(stat(one, WIDTH / NOW.length))
  for (const [title, charts] of ROWS) {
    built.withRow(new RowBuilder(title))
    for (const one of charts) built.withPanel(series(one, WIDTH / charts.length))
  }
  return built.build()
}

export const DASHBOARD_FILE = join(import.meta.dirname, 'dashboard.json')
export const dashboardText = (): string => `${JSON.stringify(dashboard(), null, 2)}\n`

if (import.meta.main) writeFileSync(DASHBOARD_FILE, dashboardText())
