import fc from 'fast-check'
import { Command } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { removedFields, writeRecords } from '#streams/redis/hash-commands.ts'

/** The client's own bytes of the same command. */
const asTheClientWrites = (name: string, args: (string | Buffer)[]): Buffer => {
  const socket = undefined as unknown as Parameters<Command['toWritable']>[0]
  return Buffer.from(new Command(name, args).toWritable(socket))
}
const written = (command: Command | undefined): Buffer | undefined =>
  command === undefined ? undefined : Buffer.from(command.toWritable(undefined as unknown as Parameters<Command['toWritable']>[0]))

const field = fc.oneof(fc.string({ maxLength: 30 }), fc.string({ unit: 'binary', maxLength: 12 }), fc.constant('x'.repeat(1000)))
const records = fc.array(fc.tuple(field, fc.option(fc.uint8Array({ maxLength: 400 }))), { maxLength: 12 })

describe('the command that writes states', () => {
  it('is byte for byte what the client would have written, without what is removed, and is not sent with nothing to write', () => {
    fc.assert(
      fc.property(field, records, (key, given) => {
        const page = new Map(given)
        const kept = [...page].flatMap(([name, record]) => (record === null ? [] : [name, Buffer.from(record)]))
        const wanted = kept.length === 0 ? undefined : asTheClientWrites('HSET', [key, ...kept])
        expect(written(writeRecords(key, page))).toEqual(wanted)
        expect(removedFields(page)).toEqual([...page].flatMap(([name, record]) => (record === null ? [name] : [])))
      }),
    )
  })

  it('can be asked for its bytes again, as a redirection does', () => {
    const command = writeRecords('k', new Map([['a', Buffer.from('one')]]))
    writeRecords('k', new Map([['b', Buffer.from('another')]]))
    expect(written(command)).toEqual(asTheClientWrites('HSET', ['k', 'a', Buffer.from('one')]))
  })
})
