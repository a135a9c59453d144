/**
 * What Redis does in one step. A script answers with the partition's position; whether that means yes or no is judged by the rules in
 * `protocol/`, which decided nothing else than the script did: offsets and epochs are compared there and here alike.
 */
import type { Pipeline } from 'ioredis'
import type { RecordPage } from '../checkpoint/ports.ts'
import type { RedisConnection } from './connection.ts'
import { removedFields, writeRecords } from './hash-commands.ts'
import { POSITION_FIELD } from './position.ts'

const script = (body: string): string => `local stored = redis.call('HGET', KEYS[1], '${POSITION_FIELD}')\n${body.trim()}\n`

/** ARGV: epoch, position of a partition nobody owned yet, generation. Leaves the position alone where a newer owner or another generation is there. */
export const CLAIM = script(`
if not stored then
  redis.call('HSET', KEYS[1], '${POSITION_FIELD}', ARGV[2])
  return ARGV[2]
end
local epoch, rest = string.match(stored, '^(%S+)( .*)$')
if not epoch or tonumber(ARGV[1]) < tonumber(epoch) or string.match(stored, '(%S+)$') ~= ARGV[3] then return stored end
local claimed = ARGV[1] .. rest
redis.call('HSET', KEYS[1], '${POSITION_FIELD}', claimed)
return claimed
`)

/**
 * A commit is one transaction: this script, plain writes, {@link COMMIT_END}. Values that pass through Lua cost Redis some 2 µs each, more than
 * writing them does, so the scripts only open and shut the door: where the commit may take place, the hash gets the name the writes go to, and
 * gets its own back afterwards. Else the writes land in a hash of nobody's, which is removed.
 *
 * KEYS: the partition's hash, the name the writes go to. ARGV: offset it begins at, epoch.
 */
export const COMMIT_BEGIN = script(`
redis.call('UNLINK', KEYS[2])
if not stored then return end
local epoch, offset = string.match(stored, '^(%S+) (%S+)')
if tonumber(ARGV[2]) >= tonumber(epoch) and offset == ARGV[1] then redis.call('RENAME', KEYS[1], KEYS[2]) end
`)

/**
 * ARGV: the new position. Answers the position in force afterwards: the new one where the commit took effect now or, its reply having been lost, before;
 * an empty text where there is none.
 */
export const COMMIT_END = script(`
if redis.call('HEXISTS', KEYS[2], '${POSITION_FIELD}') == 1 then
  redis.call('HSET', KEYS[2], '${POSITION_FIELD}', ARGV[1])
  redis.call('RENAME', KEYS[2], KEYS[1])
  return ARGV[1]
end
redis.call('UNLINK', KEYS[2])
return stored or ''
`)

/**
 * KEYS: the partition's hash, the hash filled beside it. ARGV: epoch, number of fields the second must have. Puts it in the first one's place,
 * unless a newer owner was there or fields are missing. Answers the position then in force.
 */
export const REPLACE = script(`
if not stored then return '' end
if string.match(stored, '^(%S+)') ~= ARGV[1] or redis.call('HLEN', KEYS[2]) ~= tonumber(ARGV[2]) then return stored end
redis.call('PERSIST', KEYS[2])
redis.call('RENAME', KEYS[2], KEYS[1])
return redis.call('HGET', KEYS[1], '${POSITION_FIELD}')
`)

/**
 * Sent by source: some 300 bytes that Redis hashes in a microsecond. A script known by its hash alone may be forgotten (restart, failover,
 * eviction), and a commit that finds its second half gone would leave its hash under the other name.
 */
export const runScript = async (
  client: RedisConnection,
  script: string,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<string> => (await client.call('EVAL', script, keys.length, ...keys, ...args)) as string

export interface CommitWrites {
  readonly from: number
  readonly epoch: number
  readonly records: RecordPage
  /** Position text that is to be in force. */
  readonly wanted: string
}

/** One transaction; answers the position in force afterwards. */
export const runCommit = async (client: RedisConnection, key: string, { from, epoch, wanted, records }: CommitWrites): Promise<string> => {
  const open = `${key}:open`
  const transaction = client.multi()
  transaction.call('EVAL', COMMIT_BEGIN, 2, key, open, from, epoch)
  const writes = writeRecords(open, records)
  // The client's types show a transaction's commands alone, not the pipeline that it is.
  if (writes !== undefined) (transaction as unknown as Pipeline).sendCommand(writes)
  const removed = removedFields(records)
  if (removed.length > 0) transaction.hdel(open, ...removed)
  const outcomes = (await transaction.call('EVAL', COMMIT_END, 2, key, open, wanted).exec()) ?? []
  for (const [error] of outcomes) if (error !== null) throw error
  // The client joined it with the transaction's other commands in a buffer of its own.
  writes?.answered()
  return outcomes.at(-1)?.[1] as string
}
