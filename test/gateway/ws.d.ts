/** The part of the ws package the tests use; it ships without types. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage } from 'node:http'
  import type { Socket } from 'node:net'

  export default class WebSocket extends EventEmitter {
    constructor(url: string, protocols: string[], options?: { headers?: Record<string, string> })
    readonly protocol: string
    readonly _socket: Socket
    on(event: 'message', listener: (data: Buffer) => void): this
    on(event: 'unexpected-response', listener: (request: unknown, response: IncomingMessage) => void): this
    on(event: 'close', listener: (code: number, reason: Buffer) => void): this
    on(event: 'open' | 'error' | 'ping', listener: (argument?: unknown) => void): this
    pause(): void
    resume(): void
    close(): void
    terminate(): void
  }
}
