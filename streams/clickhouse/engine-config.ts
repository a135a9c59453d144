/** What chDB is allowed to take of the machine. Server settings are read from a file when the engine opens, and only then. */

const MEBI = 1024 * 1024

export interface EngineLimits {
  /** Memory the engine may account for in all, bytes. Queries beyond it fail with MEMORY_LIMIT_EXCEEDED; the process lives. */
  readonly memoryBytesMax: number
}

/**
 * The library itself takes about 200 MiB once loaded; 384 MiB of accounted memory on top keep the process below 600 MiB with the default
 * caches (of 5 GiB for marks alone) cut to what a machine shared with the engine can spare.
 */
export const DEFAULT_LIMITS: EngineLimits = { memoryBytesMax: 384 * MEBI }

/** Bytes of each cache, and threads of each background pool: one machine, one writer, parts of a few thousand rows. */
const SERVER_SETTINGS: Readonly<Record<string, number>> = {
  mark_cache_size: 16 * MEBI,
  index_mark_cache_size: 4 * MEBI,
  primary_index_cache_size: 8 * MEBI,
  uncompressed_cache_size: 0,
  index_uncompressed_cache_size: 0,
  mmap_cache_size: 16,
  compiled_expression_cache_size: 8 * MEBI,
  query_condition_cache_size: MEBI,
  page_cache_max_size: 0,
  background_pool_size: 2,
  background_move_pool_size: 1,
  background_fetches_pool_size: 1,
  background_common_pool_size: 2,
  background_schedule_pool_size: 2,
  // ClickHouse's own. No bound of memory, threads end with their work: at the cap a statement waits without end, out of reach of KILL and
  // max_execution_time. Seen at 48; asked for on two cores: about 80, and more with more cores.
  max_thread_pool_size: 10_000,
  max_thread_pool_free_size: 8,
}

/** Merges of more bytes than this would hold memory that queries need; parts this large are left alone. */
const MERGE_BYTES_MAX = 2048 * MEBI

/** The engine's configuration file. */
export const engineConfig = ({ memoryBytesMax }: EngineLimits): string => {
  const settings = Object.entries({ max_server_memory_usage: memoryBytesMax, ...SERVER_SETTINGS })
    .map(([name, value]) => `  <${name}>${value}</${name}>`)
    .join('\n')
  return `<clickhouse>
${settings}
  <merge_tree>
    <max_bytes_to_merge_at_max_space_in_pool>${MERGE_BYTES_MAX}</max_bytes_to_merge_at_max_space_in_pool>
    <merge_max_block_size>1024</merge_max_block_size>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
</clickhouse>
`
}
