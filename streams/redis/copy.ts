/** Copying a partition's hash out of Redis and putting another in its place. */
import { randomUUID } from 'node:crypto'
import type { RecordPage } from '../checkpoint/ports.ts'
import type { RedisConnection } from './connection.ts'
import { removedFields, sendCommand, writeRecords } from './hash-commands.ts'
import { POSITION_FIELD } from './position.ts'
import { REPLACE, runScript } from './scripts.ts'

/** Fields of one reply, about: 1 ms of the server's time. */
const SCAN_COUNT = 512
/** A copy that nobody finished goes by itself. */
const UNFINISHED_SECONDS = 3600

/** Every field that is there throughout; the position is left out. */
export async function* scanHash(client: RedisConnection, key: string): AsyncGenerator<RecordPage> {
  let cursor = '0'
  do {
    const [next, found] = (await client.callBuffer('HSCAN', key, cursor, 'COUNT', SCAN_COUNT)) as [Buffer, Buffer[]]
    const page = new Map<string, Uint8Array>()
    for (let i = 0; i + 1 < found.length; i += 2) {
      const field = (found[i] as Buffer).toString('utf8')
      if (field !== POSITION_FIELD) page.set(field, found[i + 1] as Buffer)
    }
    if (page.size > 0) yield page
    cursor = next.toString('latin1')
  } while (cursor !== '0')
}

/** Fills a hash beside `key`, in its slot, and renames it into place; answers the position then in force. */
export const replaceHash = async (
  client: RedisConnection,
  key: string,
  pages: AsyncIterable<RecordPage>,
  position: () => { readonly epoch: number; readonly text: string },
): Promise<string> => {
  const beside = `${key}:restoring:${randomUUID()}`
  let fields = 0
  try {
    for await (const page of pages) fields += await writePage(client, beside, page)
    const { epoch, text } = position()
    fields += await client.hset(beside, POSITION_FIELD, text)
    return await runScript(client, REPLACE, [key, beside], [epoch, fields])
  } finally {
    // Gone already where it was renamed; and where the server is away, it expires.
    await client.unlink(beside).catch(() => {})
  }
}

/** Answers by how many fields the hash grew. */
const writePage = async (client: RedisConnection, key: string, page: RecordPage): Promise<number> => {
  const removed = removedFields(page)
  const writes = writeRecords(key, page)
  const added = writes === undefined ? 0 : ((await sendCommand(client, writes)) as number)
  const gone = removed.length === 0 ? 0 : await client.hdel(key, ...removed)
  await client.expire(key, UNFINISHED_SECONDS)
  return added - gone
}
