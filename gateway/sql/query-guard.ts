/**
 * What may run. Three walls, each sufficient against most attacks: the engine's own classifier (one statement, one that reads), this guard
 * over the engine's own syntax tree, and `readonly = 1` on a connection that serves a single query.
 *
 * The guard works on `EXPLAIN AST` (which runs nothing) because text cannot be trusted: comments, quoting, lambdas and aliases defeat every
 * regular expression. It is a list of what is allowed: a kind of node that is not on it is refused, so that a construct whose inside the
 * tree does not show (`APPLY`, `SHOW … WHERE`) cannot hide anything.
 */
import { SqlError } from './sql-error.ts'

export interface GuardRules {
  /** Database of the tables on offer. */
  readonly database: string
  /** Its tables that nobody may read here. */
  readonly hidden: ReadonlySet<string>
  /** Names of all table functions the engine has, lower case. */
  readonly tableFunctions: ReadonlySet<string>
  /** Names of all ordinary functions the engine has, lower case. */
  readonly functions: ReadonlySet<string>
}

const NODES = new Set([
  'SelectWithUnionQuery',
  'SelectIntersectExceptQuery',
  'SelectQuery',
  'ExpressionList',
  'Literal',
  'Identifier',
  'TableIdentifier',
  'Function',
  'Subquery',
  'WithElement',
  'Asterisk',
  'QualifiedAsterisk',
  'ColumnsRegexpMatcher',
  'ColumnsListMatcher',
  'QualifiedColumnsRegexpMatcher',
  'QualifiedColumnsListMatcher',
  'ColumnsTransformerList',
  'ColumnsExceptTransformer',
  'ColumnsReplaceTransformer',
  'ColumnsReplaceTransformer::Replacement',
  'TablesInSelectQuery',
  'TablesInSelectQueryElement',
  'TableExpression',
  'TableJoin',
  'ArrayJoin',
  'SampleRatio',
  'OrderByElement',
  'InterpolateElement',
  'WindowDefinition',
  'WindowListElement',
  'DataType',
  // SETTINGS of a query: the tree does not show them, `readonly = 1` refuses every one that would change something.
  'Set',
  'Explain',
  'DescribeQuery',
  'ExistsTableQuery',
  'ExistsDatabaseQuery',
  'ShowCreateTableQuery',
])

/** Whose WHERE the tree does not show: admitted only in exactly these words. */
const SHOW =
  /^\s*SHOW\s+(?:(?:FULL\s+)?TABLES|DATABASES|(?:FULL\s+)?COLUMNS\s+(?:FROM|IN)\s+[`"]?\w+[`"]?)(?:\s+(?:FROM|IN)\s+[`"]?\w+[`"]?)?(?:\s+(?:NOT\s+)?I?LIKE\s+'[^'\\]*')?(?:\s+LIMIT\s+\d+)?(?:\s+FORMAT\s+\w+)?\s*;?\s*$/i
const SHOW_NODES = new Set(['ShowTables', 'ShowColumns'])

/** Table functions that make rows out of nothing. `view` only wraps a query, which the guard sees. */
const HARMLESS_TABLE_FUNCTIONS = new Set([
  'numbers',
  'numbers_mt',
  'zeros',
  'zeros_mt',
  'generateseries',
  'generate_series',
  'primes',
  'values',
  'sqlstandardvalues',
  'null',
  'generaterandom',
  'view',
  // Also an ordinary function of texts; the table function of this name is refused by `readonly`.
  'format',
])

/**
 * Functions that reach files, other tables by name, the network, or the server's insides. They are refused as names too: a function can be
 * passed as an argument (`arrayMap(file, …)`).
 */
const REFUSED_FUNCTION =
  /^(?:file|__.*|dict.*|joinget.*|hascolumnintable|catboostevaluate|naivebayes.*|ai[a-z]+|filesystem.*|getserversetting|getmergetreesetting|getmacro|getserverport|showcertificate|addressto.*|demangle|logtrace|generateserialid|transaction.*|mergetreepart.*|ismergetreepart.*|zookeeper.*|serveruuid|eval|url|s3|remote|remotesecure|executable|cluster|merge|input|fullhostname|getoskernelversion|getmaxtablenamelengthfordatabase)$/
/** System tables that describe the engine, not what others do with it, nor where its files lie. */
const SYSTEM_TABLES = new Set([
  'one',
  'numbers',
  'numbers_mt',
  'zeros',
  'zeros_mt',
  'databases',
  'tables',
  'columns',
  'functions',
  'table_functions',
  'formats',
  'settings',
  'data_type_families',
  'aggregate_function_combinators',
  'collations',
  'keywords',
  'time_zones',
  'contributors',
  'licenses',
  'build_options',
  'table_engines',
  'database_engines',
  'data_skipping_indices',
  'completions',
])
const METADATA_DATABASES = new Set(['information_schema'])

const refuse = (message: string): never => {
  throw new SqlError('ACCESS_DENIED', message)
}

/** One line of the tree: the kind of node, and its name up to `(alias …)` or `(children …)`. */
const LINE = /^ *([A-Za-z_:]+)(?: (.*))?$/
const nameOf = (rest: string): string => rest.replace(/ \((?:alias |children |column )[\s\S]*$/, '').trim()

const checkTable = (identifier: string, rules: GuardRules): void => {
  const parts = identifier.toLowerCase().split('.')
  for (const part of parts) if (rules.hidden.has(part)) refuse(`the table ${part} is not readable here`)
  if (parts.length === 1) return
  const [database = '', table = ''] = parts
  if (database === rules.database || METADATA_DATABASES.has(database)) return
  if (database === 'system' && SYSTEM_TABLES.has(table)) return
  refuse(`${identifier} is not on offer here; ask the tables of ${rules.database}, or system.tables and system.columns about them`)
}

/** An identifier is a column, but also a table right of IN, or a function passed as an argument. */
const checkIdentifier = (identifier: string, rules: GuardRules): void => {
  const parts = identifier.toLowerCase().split('.')
  for (const part of parts) if (rules.hidden.has(part)) refuse(`the table ${part} is not readable here`)
  if (parts[0] === 'system' && parts.length > 1 && !SYSTEM_TABLES.has(parts[1] ?? '')) refuse(`${identifier} is not on offer here`)
  const last = parts.at(-1) ?? ''
  if (rules.functions.has(last) && REFUSED_FUNCTION.test(last)) refuse(`the function ${identifier} is not on offer here`)
}

const checkFunction = (name: string, rules: GuardRules): void => {
  const lower = name.toLowerCase()
  if (REFUSED_FUNCTION.test(lower) || rules.hidden.has(lower))
    refuse(`the function ${name} is not on offer here: it reaches beyond the warehouse`)
  if (rules.tableFunctions.has(lower) && !HARMLESS_TABLE_FUNCTIONS.has(lower))
    refuse(`the table function ${name} is not on offer here: it reaches beyond the warehouse`)
}

/** Throws a `SqlError` unless the tree holds only what is allowed. */
export const guardTree = (tree: string, sql: string, rules: GuardRules): void => {
  for (const line of tree.split('\n')) {
    if (line.trim() === '') continue
    const [, node = '', rest = ''] = LINE.exec(line) ?? []
    if (SHOW_NODES.has(node)) {
      if (!SHOW.test(sql))
        refuse('SHOW TABLES, DATABASES and COLUMNS take FROM, LIKE and LIMIT here; ask system.tables and system.columns for more')
      continue
    }
    if (!NODES.has(node))
      refuse(
        node === 'ColumnsApplyTransformer'
          ? 'APPLY is not on offer here; write the functions out'
          : `only queries that read are on offer here (found ${node || 'an unknown construct'})`,
      )
    const name = nameOf(rest)
    if (node === 'TableIdentifier') checkTable(name, rules)
    else if (node === 'Identifier') checkIdentifier(name, rules)
    else if (node === 'Function') checkFunction(name, rules)
    else if (rest.split(/[ .]/).some((word) => rules.hidden.has(word.toLowerCase()) && node.endsWith('Query')))
      refuse('this table is not readable here')
  }
}

/** Throws unless the engine's parser finds exactly one statement, one that reads. */
export const guardClass = ({ statementCount, queryClass }: { readonly statementCount: number; readonly queryClass: number }): void => {
  if (statementCount === 1 && queryClass === 0) return
  if (statementCount > 1) throw new SqlError('SYNTAX_ERROR', `one statement a request: found ${statementCount}`)
  if (statementCount === 1)
    throw new SqlError('READONLY', 'Cannot execute query in readonly mode: only queries that read are on offer here')
  throw new SqlError('SYNTAX_ERROR', 'the query cannot be parsed as one statement')
}

/** Name given by FORMAT at the end of a query, from its tree: the root's own child. Undefined where there is none. */
export const formatIn = (tree: string, sql: string): string | undefined =>
  tree.startsWith('SelectWithUnionQuery') ? /^ Identifier (\w+)$/m.exec(tree)?.[1] : /\bFORMAT\s+(\w+)\s*;?\s*$/i.exec(sql)?.[1]
