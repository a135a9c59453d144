/** A feed subscriber that keeps what it was told. */
import WebSocket from 'ws'
import type { Gateway } from '#gateway/server.ts'

export interface Told {
  readonly cursor: string
  readonly kind: 'decision' | 'alert' | 'revision' | 'conflated'
  readonly decisionId: string
  readonly decision: string
  readonly product: string
  readonly skipped: Record<string, number>
  readonly revision: Readonly<Record<string, unknown>>
  readonly alert: Readonly<Record<string, unknown>> & { readonly alertId: string }
}

export class FeedClient {
  readonly socket: WebSocket
  readonly told: Told[] = []
  readonly opened: Promise<void>
  readonly closed: Promise<number>
  #wake: (() => void)[] = []

  constructor(gateway: Gateway, query = '', protocols: string[] = [], headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/v1/feed${query}`, protocols, { headers })
    this.socket.on('message', (data) => {
      this.told.push(JSON.parse(data.toString()) as Told)
      for (const wake of this.#wake.splice(0)) wake()
    })
    this.opened = new Promise((resolve, reject) => {
      this.socket.on('open', () => resolve())
      this.socket.on('error', reject)
    })
    this.opened.catch(() => {})
    this.closed = new Promise((resolve) => this.socket.on('close', (code) => resolve(code)))
  }

  get decisions(): Told[] {
    return this.told.filter(({ kind }) => kind === 'decision')
  }

  get cursor(): string {
    return this.told.at(-1)?.cursor ?? ''
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  /** Ends the connection without a farewell, as a network does. */
  async cut(): Promise<void> {
    this.socket.terminate()
    await this.closed
  }
}

/** Status and problem code with which an upgrade is refused. */
export const refusedUpgrade = (gateway: Gateway, query: string, headers: Record<string, string> = {}, protocols: string[] = []) =>
  new Promise<{ status: number; code: string }>((resolve, reject) => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/v1/feed${query}`, protocols, { headers })
    socket.on('open', () => reject(new Error('the upgrade was not refused')))
    socket.on('error', () => {})
    socket.on('unexpected-response', (_, response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, code: (JSON.parse(text) as { code: string }).code })
        socket.terminate()
      })
    })
  })
