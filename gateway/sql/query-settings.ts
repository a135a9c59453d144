/** Limits every query runs under, set on its connection before `readonly = 1` makes them unchangeable, and settings a client may choose. */
import { SqlError } from './sql-error.ts'

export interface SqlLimits {
  /** Seconds a query may take. */
  readonly secondsMax: number
  /** How long a caller still waits for a query that was told to end, ms. One that does not keeps its slot. */
  readonly hangMsMax: number
  /** Bytes of memory a query may hold. */
  readonly memoryBytesMax: number
  /** Rows of a result. */
  readonly rowsMax: number
  /** Bytes of a result that must be held whole before it can be sent (formats that are not a sequence of rows). */
  readonly wholeBytesMax: number
  /** Queries running at once; as many times `queueFactor` may wait. */
  readonly concurrencyMax: number
  /** Bytes of a request's body. */
  readonly bodyBytesMax: number
}

const MEBI = 1024 * 1024

/** Half of the engine's accounted memory for one query: inserts and merges go on beside it. */
export const DEFAULT_SQL_LIMITS: SqlLimits = {
  secondsMax: 30,
  hangMsMax: 5_000,
  memoryBytesMax: 192 * MEBI,
  rowsMax: 10_000_000,
  wholeBytesMax: 48 * MEBI,
  concurrencyMax: 3,
  bodyBytesMax: MEBI,
}

/** A text as a ClickHouse string literal. */
export const literal = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** Meant for ClickHouse's HTTP handler or of no effect on a reading query: accepted and dropped. */
const DROPPED = new Set([
  'enable_http_compression',
  'http_zlib_compression_level',
  'wait_end_of_query',
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'cancel_http_readonly_queries_on_client_close',
  'add_http_cors_header',
  'buffer_size',
  'session_check',
  'session_timeout',
  'session_id',
  'close_session',
  'client_protocol_version',
  'role',
  'readonly',
  'async_insert',
  'wait_for_async_insert',
  'date_time_input_format',
  'allow_experimental_json_type',
  'enable_json_type',
  'allow_experimental_object_type',
  'allow_experimental_variant_type',
  'allow_experimental_dynamic_type',
  'http_make_head_request',
  'insert_deduplicate',
  'log_queries',
  'http_write_exception_in_output_format',
  'log_comment',
])
/** Whether a setting means something to ClickHouse's HTTP handler alone. */
export const isForHttpAlone = (name: string): boolean => DROPPED.has(name)

/** Settings that only lower a limit or shape the output. */
const NUMERIC_CAPPED: Readonly<Record<string, (limits: SqlLimits) => number>> = {
  max_execution_time: (limits) => limits.secondsMax,
  max_result_rows: (limits) => limits.rowsMax,
  max_memory_usage: (limits) => limits.memoryBytesMax,
  max_threads: () => 2,
  max_block_size: () => 65_536,
  limit: () => Number.MAX_SAFE_INTEGER,
  offset: () => Number.MAX_SAFE_INTEGER,
}
const FREE =
  /^(?:output_format_(?!.*(?:schema|path|file))[a-z0-9_]+|date_time_output_format|join_use_nulls|extremes|session_timezone|final|group_by_use_nulls|union_default_mode|use_variant_as_common_type|format_csv_delimiter|format_tsv_null_representation|format_csv_null_representation|bool_true_representation|bool_false_representation|show_table_uuid_in_table_create_query_if_not_nil)$/

/** `SET` clauses for what a client asked, the allowed part of it; anything else is an error as on a read-only server. */
const clientSettings = (asked: ReadonlyMap<string, string>, limits: SqlLimits): string[] =>
  [...asked].flatMap(([name, value]) => {
    if (DROPPED.has(name)) return []
    const cap = NUMERIC_CAPPED[name]
    if (cap !== undefined) {
      const number = Number(value)
      if (!(number >= 0)) throw new SqlError('BAD_ARGUMENTS', `the setting ${name} takes a number from 0, got ${value.slice(0, 64)}`)
      // 0 means unlimited to ClickHouse.
      const unlimited = number === 0 && name !== 'limit' && name !== 'offset'
      return [`${name} = ${unlimited ? cap(limits) : Math.min(number, cap(limits))}`]
    }
    if (FREE.test(name) && value.length <= 128) return [`${name} = ${literal(value)}`]
    throw new SqlError('READONLY', `Cannot modify '${name.slice(0, 64)}' setting in readonly mode`)
  })

/** The statement that prepares a connection for one query; `readonly` follows. Parameters become `param_…` of the session: they never enter the SQL text. */
export const prepareStatement = (
  limits: SqlLimits,
  asked: ReadonlyMap<string, string>,
  parameters: ReadonlyMap<string, string>,
  logComment: string,
): string => {
  const base = [
    `max_execution_time = ${limits.secondsMax}`,
    `max_memory_usage = ${limits.memoryBytesMax}`,
    `max_result_rows = ${limits.rowsMax}`,
    `result_overflow_mode = 'throw'`,
    `max_bytes_before_external_group_by = ${Math.floor(limits.memoryBytesMax / 2)}`,
    `max_bytes_before_external_sort = ${Math.floor(limits.memoryBytesMax / 2)}`,
    'max_threads = 2',
    // chDB takes a bare expression for SELECT: `EXPLAIN AST` before a text could then become one that runs.
    'implicit_select = 0',
    // Blocks are what is held at once, of a stream too.
    'max_block_size = 16384',
    `session_timezone = 'UTC'`,
    'http_max_tries = 1',
    'max_ast_depth = 500',
    'max_parser_depth = 300',
    'allow_introspection_functions = 0',
    'allow_ddl = 0',
    `log_comment = ${literal(logComment)}`,
  ]
  const values = [...parameters].map(([name, value]) => `param_${name} = ${literal(value)}`)
  return `SET ${[...base, ...clientSettings(asked, limits), ...values].join(', ')}`
}
