/**
 * The command that writes states, HSET, as the bytes that go over the wire. The client builds a command from a list of
 * arguments, three pieces each, joined later; for some hundred fields of records that cost a quarter of a commit.
 */
import { Command } from 'ioredis'
import type { RecordPage } from '../checkpoint/ports.ts'
import type { RedisConnection } from './connection.ts'

/** `$`, up to ten digits, and two line ends around what follows them. */
const FRAME_BYTES = 15
/** UTF-8 takes at most so many bytes for one code unit. */
const UTF8_BYTES_MAX = 3
const [CR, LF, DOLLAR, STAR, ZERO] = Buffer.from('\r\n$*0') as unknown as [number, number, number, number, number]
const ASCII_MAX = 0x7f

/**
 * Memory of commands that were answered, for the next ones: a commit's would otherwise be had from the operating system each time, and half a megabyte a
 * partition soon makes the collector look for more.
 */
const spare: Buffer[] = []
/** As many as a commit of this many partitions has under way. */
const SPARE_MAX = 32
const SPARE_BYTES_MAX = 1024 * 1024

const bufferOf = (bytes: number): Buffer => {
  const found = spare.findIndex(({ length }) => length >= bytes)
  // Rounded up, so that the next commit, which is about as large, finds it large enough.
  return found < 0 ? Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytes))) : (spare.splice(found, 1)[0] as Buffer)
}

const NO_BYTES = Buffer.alloc(0)

/** A command whose bytes are there already; `args` holds the key alone, which is all that the client looks for in them. */
class WireCommand extends Command {
  #bytes: Buffer

  constructor(name: string, key: string, bytes: Buffer) {
    super(name, [key])
    this.#bytes = bytes
  }

  /** Asked for again where a cluster redirects: the bytes stay. */
  override toWritable(): string | Buffer {
    return this.#bytes
  }

  /** It was answered, and nobody will ask for its bytes again. */
  answered(): void {
    const { buffer } = this.#bytes
    this.#bytes = NO_BYTES
    if (spare.length < SPARE_MAX && buffer.byteLength <= SPARE_BYTES_MAX) spare.push(Buffer.from(buffer))
  }
}

/** Arguments one after another in a buffer that is large enough. */
class Wire {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytesMax: number, words: number) {
    this.#bytes = bufferOf(bytesMax + FRAME_BYTES)
    this.#header(STAR, words)
  }

  text(text: string): void {
    let ascii = true
    for (let i = 0; i < text.length; i++) ascii &&= text.charCodeAt(i) <= ASCII_MAX
    this.#header(DOLLAR, ascii ? text.length : Buffer.byteLength(text))
    if (ascii) for (let i = 0; i < text.length; i++) this.#bytes[this.#at++] = text.charCodeAt(i)
    else this.#at += this.#bytes.write(text, this.#at)
    this.#end()
  }

  record(record: Uint8Array): void {
    this.#header(DOLLAR, record.length)
    this.#bytes.set(record, this.#at)
    this.#at += record.length
    this.#end()
  }

  done(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  #header(sign: number, value: number): void {
    this.#bytes[this.#at++] = sign
    let digits = 1
    for (let rest = value; rest >= 10; rest = Math.trunc(rest / 10)) digits++
    let rest = value
    for (let i = digits - 1; i >= 0; i--) {
      this.#bytes[this.#at + i] = ZERO + (rest % 10)
      rest = Math.trunc(rest / 10)
    }
    this.#at += digits
    this.#end()
  }

  #end(): void {
    this.#bytes[this.#at++] = CR
    this.#bytes[this.#at++] = LF
  }
}

const textBytesMax = (text: string): number => FRAME_BYTES + text.length * UTF8_BYTES_MAX

/** `HSET key field record …` of the records there are; undefined where there is none. Removed ones (null) are left to the caller. */
export const writeRecords = (key: string, page: RecordPage): WireCommand | undefined => {
  let fields = 0
  let bytesMax = textBytesMax('HSET') + textBytesMax(key)
  for (const [field, record] of page) {
    if (record === null) continue
    fields++
    bytesMax += textBytesMax(field) + FRAME_BYTES + record.length
  }
  if (fields === 0) return undefined
  const wire = new Wire(bytesMax, 2 + 2 * fields)
  wire.text('HSET')
  wire.text(key)
  for (const [field, record] of page) {
    if (record === null) continue
    wire.text(field)
    wire.record(record)
  }
  return new WireCommand('hset', key, wire.done())
}

export const removedFields = (page: RecordPage): string[] => {
  const removed: string[] = []
  for (const [field, record] of page) if (record === null) removed.push(field)
  return removed
}

/** Its reply. */
export const sendCommand = (client: RedisConnection, command: Command): Promise<unknown> => {
  client.sendCommand(command)
  return command.promise
}
