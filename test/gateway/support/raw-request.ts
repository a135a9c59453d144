/** A request with headers and bodies that `fetch` does not allow. */
import { request } from 'node:http'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export interface RawOptions {
  /** Another port than the given one. */
  readonly port?: number
  readonly path?: string
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: Uint8Array | string
}

export const rawRequest = (port: number, options: RawOptions): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const { path = '/', method = 'POST', headers = {} } = options
    const outgoing = request({ host: '127.0.0.1', port: options.port ?? port, path, method, headers }, (res) => {
      const pieces: Buffer[] = []
      res.on('data', (piece: Buffer) => pieces.push(piece))
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(pieces) }))
      res.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(options.body)
  })
