/** Placeholders of the migrations: what differs between one machine and a cluster, and the words that come from the schemas. */
import { DecisionBodySchema, DecisionSchema } from '#schemas/decision.ts'
import { DeadLetterSchema } from '#schemas/dead-letter.ts'
import { EVENT_SCHEMAS } from '#schemas/events.ts'
import { AlertJudgementSchema, AlertSchema } from '#schemas/monitoring-events.ts'
import { RevisionSchema } from '#schemas/revision.ts'

/** Where the tables live. On a cluster the same files give replicated tables. */
export interface Topology {
  readonly database: string
  /** Null on one machine. */
  readonly cluster: string | null
}

export const ONE_MACHINE: Topology = { database: 'scorestream', cluster: null }

interface Described {
  readonly description?: string
  readonly unit?: string
  readonly properties?: Readonly<Record<string, Described>>
  /** Nullable fields are described on their first alternative. */
  readonly anyOf?: readonly Described[]
}

const ROOTS: Readonly<Record<string, Described>> = {
  ...(EVENT_SCHEMAS as Readonly<Record<string, Described>>),
  body: DecisionBodySchema as Described,
  decision: DecisionSchema as Described,
  'dead-letter': DeadLetterSchema as Described,
  alert: AlertSchema as Described,
  revision: RevisionSchema as Described,
  'alert-judgement': AlertJudgementSchema as Described,
}

/** `body.margin` → the schema's description and unit, as a COMMENT clause. */
const comment = (path: string): string => {
  const [root = '', ...fields] = path.split('.')
  let found: Described | undefined = ROOTS[root]
  for (const field of fields) {
    const property: Described | undefined = found?.properties?.[field]
    found = property?.anyOf?.[0] ?? property
  }
  if (found?.description === undefined) throw new RangeError(`no schema field ${path} to take a column comment from`)
  const text = found.unit === undefined ? found.description : `${found.description} (${found.unit})`
  return `COMMENT '${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

const engine = (kind: string, version: string, topology: Topology): string => {
  if (topology.cluster === null) return `${kind}(${version})`
  const replica = `'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'`
  return `Replicated${kind}(${version === '' ? replica : `${replica}, ${version}`})`
}

/** Replaces `{{database}}`, `{{on_cluster}}`, `{{merge_tree}}`, `{{replacing}}`, `{{replacing:<version>}}` and `{{about:<schema>.<field>}}`. */
export const render = (sql: string, topology: Topology): string =>
  sql.replaceAll(/\{\{([a-z_]+)(?::([A-Za-z0-9_.-]+))?\}\}/g, (whole, name: string, argument: string | undefined) => {
    switch (name) {
      case 'database':
        return topology.database
      case 'on_cluster':
        return topology.cluster === null ? '' : `ON CLUSTER ${topology.cluster}`
      case 'merge_tree':
        return engine('MergeTree', '', topology)
      case 'replacing':
        return engine('ReplacingMergeTree', argument ?? '', topology)
      case 'about':
        return comment(argument ?? '')
      default:
        throw new RangeError(`unknown placeholder ${whole}`)
    }
  })
