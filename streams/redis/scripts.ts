/**
 * What Redis does in one step. A script answers with the partition's position; whether that means yes or no is judged by the rules in
 * `protocol/`, which decided nothing else than the script did: offsets and epochs are compared there and here alike.
 */
import { createHash } from 'node:crypto'
import type { RedisConnection } from './connection.ts'
import { POSITION_FIELD } from './position.ts'

export interface Script {
  readonly source: string
  readonly sha: string
}

const script = (body: string): Script => {
  const source = `local stored = redis.call('HGET', KEYS[1], '${POSITION_FIELD}')\n${body.trim()}\n`
  return { source, sha: createHash('sha1').update(source).digest('hex') }
}

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

/** Lua's stack bounds what one call may be given. */
const ARGUMENTS_MAX = 4000

/**
 * ARGV: offset it begins at, epoch, new position, number of fields removed, those fields, then field and value by turns. Answers the position in
 * force afterwards: the new one where it took effect now or, its reply having been lost, before; an empty text where there is none.
 */
export const COMMIT = script(`
if not stored then return '' end
local epoch, offset = string.match(stored, '^(%S+) (%S+)')
if stored == ARGV[3] then return stored end
if tonumber(ARGV[2]) < tonumber(epoch) or offset ~= ARGV[1] then return stored end
local first = 5 + tonumber(ARGV[4])
for i = 5, first - 1, ${ARGUMENTS_MAX} do redis.call('HDEL', KEYS[1], unpack(ARGV, i, math.min(i + ${ARGUMENTS_MAX - 1}, first - 1))) end
for i = first, #ARGV, ${ARGUMENTS_MAX} do redis.call('HSET', KEYS[1], unpack(ARGV, i, math.min(i + ${ARGUMENTS_MAX - 1}, #ARGV))) end
redis.call('HSET', KEYS[1], '${POSITION_FIELD}', ARGV[3])
return ARGV[3]
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

/** Runs a script by its hash; a server that does not know it (restarted, failed over) is sent the source once. */
export const runScript = async (
  client: RedisConnection,
  { source, sha }: Script,
  keys: readonly string[],
  args: readonly (string | Buffer | number)[],
): Promise<string> => {
  try {
    return (await client.call('EVALSHA', sha, keys.length, ...keys, ...args)) as string
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return (await client.call('EVAL', source, keys.length, ...keys, ...args)) as string
  }
}
