/** One keep-alive HTTP/1.1 connection that carries one POST at a time: far cheaper than a general client, which would be measured too. */
import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  readonly body: string
}

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

const HEAD_END = Buffer.from('\r\n\r\n')

export class HttpConnection {
  readonly #socket: Socket
  readonly #head: string
  #held: Buffer = Buffer.alloc(0)
  #waiting: Waiting | undefined

  private constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#head = ` HTTP/1.1\r\nHost: ${host}\r\nContent-Type: `
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    const fail = (error?: Error): void => this.#waiting?.reject(error ?? new Error(`${host} closed the connection before it answered`))
    socket.on('error', fail)
    socket.on('close', () => fail())
  }

  static open(url: string): Promise<HttpConnection> {
    const { hostname, port, host } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname)
      socket.once('error', reject)
      socket.once('connect', () => resolve(new HttpConnection(socket, host)))
    })
  }

  get busy(): boolean {
    return this.#waiting !== undefined
  }

  post(path: string, contentType: string, body: Uint8Array): Promise<Answer> {
    if (this.#waiting !== undefined) return Promise.reject(new Error('one request at a time'))
    if (this.#socket.destroyed) return Promise.reject(new Error('the server closed the connection while it was idle'))
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#socket.cork()
      this.#socket.write(`POST ${path}${this.#head}${contentType}\r\nContent-Length: ${body.length}\r\n\r\n`, 'latin1')
      this.#socket.write(body)
      this.#socket.uncork()
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const headBytes = this.#held.indexOf(HEAD_END)
    if (headBytes < 0) return
    const head = this.#held.toString('latin1', 0, headBytes)
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    const end = headBytes + HEAD_END.length + length
    if (this.#held.length < end) return
    const answer = { status: Number(head.slice(9, 12)), body: this.#held.toString('utf8', headBytes + HEAD_END.length, end) }
    this.#held = this.#held.subarray(end)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve(answer)
  }
}
