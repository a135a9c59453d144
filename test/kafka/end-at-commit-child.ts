/**
 * Loaded before a program: once SIGUSR2 has come, ends its process, as `kill -9` does, at the next commit of a Kafka transaction. `END_AT_COMMIT` says when:
 * `before` the request leaves, or once it is `sent`.
 */
import { Socket } from 'node:net'

const END_TXN = 26
let armed = false
process.on('SIGUSR2', () => (armed = true))
const end = (): void => void process.kill(process.pid, 'SIGKILL')

/** A request begins with four bytes of length and two that say what it is. */
const isCommit = (chunk: unknown): boolean => {
  const bytes = chunk instanceof Uint8Array ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.alloc(0)
  return bytes.length > 6 && bytes.readInt32BE(0) === bytes.length - 4 && bytes.readInt16BE(4) === END_TXN
}

// eslint-disable-next-line typescript/unbound-method
const write = Socket.prototype.write
Socket.prototype.write = function (this: Socket, chunk: Uint8Array, ...rest: unknown[]): boolean {
  if (!armed || !isCommit(chunk)) return Reflect.apply(write, this, [chunk, ...rest]) as boolean
  if (process.env['END_AT_COMMIT'] === 'before') end()
  return Reflect.apply(write, this, [chunk, end]) as boolean
}
