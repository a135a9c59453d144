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

const query = ({ expr, legend }: Query, index: number): DataqueryBuilder =>
  new DataqueryBuilder()
    .expr(expr)
    .legendFormat(legend)
    .refId(String.fromCodePoint(65 + index))

const stat = ({ title, description, unit, queries }: Chart, span: number): Stat => {
  const panel = new Stat().title(title).description(description).unit(unit).datasource(SOURCE).span(span).height(4)
  queries.forEach((one, index) => panel.withTarget(query(one, index)))
  return panel
}

const series = ({ title, description, unit, queries }: Chart, span: number): TimeSeries => {
  const panel = new TimeSeries()
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(SOURCE)
    .span(span)
    .height(8)
    .fillOpacity(8)
    .min(0)
  queries.forEach((one, index) => panel.withTarget(query(one, index)))
  return panel
}

const quantile = (q: number): Query => ({
  expr: `histogram_quantile(${q}, sum by (le) (rate(scorestream_decision_seconds_bucket[$__rate_interval])))`,
  legend: `p${q * 100}`,
})

const NOW: readonly Chart[] = [
  {
    title: 'Ready',
    description: 'Engines whose /readyz says so',
    unit: 'short',
    queries: [{ expr: 'sum(scorestream_ready)', legend: 'ready' }],
  },
  {
    title: 'Events/s',
    description: 'Folded, all kinds',
    unit: 'short',
    queries: [{ expr: 'sum(rate(scorestream_events_total[$__rate_interval]))', legend: 'events' }],
  },
  {
    title: 'Decisions/s',
    description: 'Read back from the log',
    unit: 'short',
    queries: [{ expr: 'sum(rate(scorestream_decisions_total[$__rate_interval]))', legend: 'decisions' }],
  },
  { title: 'p99', description: 'From append to decision', unit: 's', queries: [quantile(0.99)] },
  { title: 'Lost', description: 'Must be 0', unit: 'short', queries: [{ expr: 'sum(scorestream_reconciler_lost)', legend: 'lost' }] },
  {
    title: 'Conflicting',
    description: 'Must be 0',
    unit: 'short',
    queries: [{ expr: 'sum(scorestream_reconciler_conflicting)', legend: 'conflicting' }],
  },
]

const ROWS: readonly (readonly [title: string, charts: readonly Chart[]])[] = [
  [
    'The promise: 99 % of decisions within 20 ms',
    [
      {
        title: 'Latency of decisions',
        description: 'From the append of an application to its decision readable in the log',
        unit: 's',
        queries: [quantile(0.5), quantile(0.95), quantile(0.99)],
      },
      {
        title: 'Budget burn',
        description: '1 uses the budget of 30 days up in 30 days; pages come at 14.4 and 6',
        unit: 'short',
        queries: ['5m', '1h', '6h', '3d'].map((window) => ({
          expr: `max(scorestream:slow_decisions:ratio_rate${window}) / 0.01`,
          legend: window,
        })),
      },
      {
        title: 'Decisions by outcome',
        description: 'And how many gave up quality to keep their deadline',
        unit: 'short',
        queries: [
          { expr: 'sum by (decision) (rate(scorestream_decisions_total[$__rate_interval]))', legend: '{{decision}}' },
          { expr: 'sum by (step) (rate(scorestream_degraded_total[$__rate_interval]))', legend: 'degraded: {{step}}' },
        ],
      },
    ],
  ],
  [
    'Events',
    [
      {
        title: 'Folded by kind',
        description: 'Events a second',
        unit: 'short',
        queries: [{ expr: 'sum by (kind) (rate(scorestream_events_total[$__rate_interval]))', legend: '{{kind}}' }],
      },
      {
        title: 'Refused, repeated, late',
        description: 'At the edge and in the pipeline',
        unit: 'short',
        queries: [
          {
            expr: 'sum by (result) (rate(scorestream_gateway_events_total{result!="accepted"}[$__rate_interval]))',
            legend: 'edge: {{result}}',
          },
          { expr: 'sum by (code) (rate(scorestream_dead_letters_total[$__rate_interval]))', legend: 'pipeline: {{code}}' },
          { expr: 'sum(rate(scorestream_duplicates_total[$__rate_interval]))', legend: 'repeats recognised' },
          { expr: 'sum(rate(scorestream_late_events_total[$__rate_interval]))', legend: 'late' },
        ],
      },
      {
        title: 'Lag',
        description: 'Records not yet folded, and not yet in the warehouse',
        unit: 'short',
        queries: [
          { expr: 'sum(scorestream_lag_records)', legend: 'engine' },
          { expr: 'sum(scorestream_warehouse_lag_records)', legend: 'warehouse' },
          { expr: 'sum(scorestream_reconciler_lag_records)', legend: 'reconciler' },
        ],
      },
    ],
  ],
  [
    'Exactly once',
    [
      {
        title: 'Reconciliation',
        description: 'Lost and conflicting must stay at 0; the others are harmless',
        unit: 'short',
        queries: ['lost', 'conflicting', 'repeated', 'duplicates', 'in_flight', 'dead_lettered'].map((name) => ({
          expr: `sum(scorestream_reconciler_${name})`,
          legend: name.replace('_', ' '),
        })),
      },
      {
        title: 'Undone and tried again',
        description: 'Batches undone because code threw, writes tried again, decisions adopted from a predecessor',
        unit: 'short',
        queries: ['restarts', 'retries', 'adopted'].map((name) => ({
          expr: `sum(increase(scorestream_${name}_total[$__rate_interval]))`,
          legend: name,
        })),
      },
      {
        title: 'Warehouse',
        description: 'Seconds a server has been away; restarts of the process',
        unit: 'short',
        queries: [
          { expr: 'max(scorestream_warehouse_away_seconds)', legend: 'away, s' },
          { expr: 'sum(scorestream_warehouse_restarts)', legend: 'restarts' },
        ],
      },
    ],
  ],
  [
    'The model and the machine',
    [
      {
        title: 'Open alerts of the monitors',
        description: 'Drift, data quality, fairness, performance',
        unit: 'short',
        queries: [{ expr: 'sum by (kind) (scorestream_alerts_open)', legend: '{{kind}}' }],
      },
      {
        title: 'Memory',
        description: 'Engine and warehouse process',
        unit: 'bytes',
        queries: [
          { expr: 'sum(process_resident_memory_bytes{job="scorestream"})', legend: 'engine' },
          { expr: 'sum(scorestream_warehouse_rss_bytes)', legend: 'warehouse' },
        ],
      },
      {
        title: 'Event loop',
        description: 'How late the engine’s loop turns',
        unit: 's',
        queries: [{ expr: 'max(nodejs_eventloop_lag_p99_seconds{job="scorestream"})', legend: 'p99' }],
      },
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
  for (const chart of NOW) built.withPanel(stat(chart, WIDTH / NOW.length))
  for (const [title, charts] of ROWS) {
    built.withRow(new RowBuilder(title))
    for (const chart of charts) built.withPanel(series(chart, WIDTH / charts.length))
  }
  return built.build()
}

export const DASHBOARD_FILE = join(import.meta.dirname, 'dashboard.json')
export const dashboardText = (): string => `${JSON.stringify(dashboard(), null, 2)}\n`

if (import.meta.main) writeFileSync(DASHBOARD_FILE, dashboardText())
