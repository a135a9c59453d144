/**
 * On a cluster each table of the migrations becomes two: `<name>_local`, replicated on every shard, and `<name>`, distributed over them.
 * Rows of one log partition always go to one shard, so that an identity lives in one place (FINAL stays exact) and a block of a partition
 * is whole or absent. Views and clients use the distributed table and need not know.
 */
import type { Topology } from './template.ts'

const CREATE = /^((?:\s*--.*\n)*\s*)CREATE TABLE \{\{database\}\}\.(\w+) \{\{on_cluster\}\}/
const ALTER = /^((?:\s*--.*\n)*\s*)ALTER TABLE \{\{database\}\}\.(\w+) \{\{on_cluster\}\}/
/** Columns that hold a partition of a log; where one leads the sorting key, it alone chooses the shard. */
const PARTITION_COLUMNS = new Set(['partition', 'log_partition'])

const shardingKey = (statement: string, table: string): string => {
  const columns = /^ORDER BY \(?([^)\n]+)\)?/m
    .exec(statement)?.[1]
    ?.split(',')
    .map((column) => column.trim())
  const [first] = columns ?? []
  if (columns === undefined || first === undefined) throw new RangeError(`the table ${table} has no ORDER BY to choose a shard by`)
  return PARTITION_COLUMNS.has(first) ? first : `cityHash64(${columns.join(', ')})`
}

/** The statements that stand for one statement of a migration, placeholders unfilled; the statement itself on one machine. */
export const onCluster = (statement: string, { cluster }: Topology): string[] => {
  if (cluster === null) return [statement]
  const created = CREATE.exec(statement)
  if (created !== null) {
    const [whole, before = '', table = ''] = created
    const local = `${before}CREATE TABLE {{database}}.${table}_local {{on_cluster}}${statement.slice(whole.length)}`
    const engine = `Distributed(${cluster}, {{database}}, ${table}_local, ${shardingKey(statement, table)})`
    return [local, `CREATE TABLE {{database}}.${table} {{on_cluster}} AS {{database}}.${table}_local\nENGINE = ${engine}`]
  }
  const altered = ALTER.exec(statement)
  if (altered === null) return [statement]
  const [whole, before = '', table = ''] = altered
  const change = statement.slice(whole.length)
  return [`${table}_local`, table].map((name) => `${before}ALTER TABLE {{database}}.${name} {{on_cluster}}${change}`)
}
