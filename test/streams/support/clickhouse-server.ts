/** A ClickHouse server for tests that can be killed and started again on the same port and directory. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { ClickHouseServerSettings, type ServerSettings } from '#streams/clickhouse/server-settings.ts'

const CHILD = join(import.meta.dirname, '../clickhouse-server-child.ts')

/** Passes bytes on. A killed server's port cannot be bound again at once; this one can. */
class Front {
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  port = 0

  async open(to: number): Promise<void> {
    const server = createServer((caller) => {
      const callee = connect(to, '127.0.0.1')
      for (const [socket, other] of [
        [caller, callee],
        [callee, caller],
      ] as const) {
        this.#sockets.add(socket)
        socket.pipe(other)
        socket.on('error', () => other.destroy()).on('close', () => void (this.#sockets.delete(socket), other.destroy()))
      }
    })
    await once(server.listen(this.port, '127.0.0.1'), 'listening')
    this.port = (server.address() as AddressInfo).port
    this.#server = server
  }

  async close(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

export class ClickHouseServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'scorestream-server-'))
  readonly #front = new Front()
  #child: ChildProcess | undefined

  /** Resolves once it answers; later starts take the same port. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [CHILD, join(this.#folder, 'data')], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    const ended = once(child, 'exit').then(() => {
      throw new Error('the ClickHouse server for tests ended before it was ready; its complaint stands above')
    })
    const [text] = (await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), ended])) as [string]
    ended.catch(() => {})
    await this.#front.open(Number(text))
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#front.close()
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  settings(change: Partial<ServerSettings> = {}, password = 'writes-too'): ServerSettings {
    const passwordFile = join(this.#folder, `password-${password}`)
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
    const given = { url: `http://127.0.0.1:${this.#front.port}`, username: 'scorestream', passwordFile, timeoutSeconds: 20, ...change }
    return Value.Parse(ClickHouseServerSettings, Value.Default(ClickHouseServerSettings, given))
  }

  /** What an analyst, who may only read, is told. */
  async ask<Row>(sql: string): Promise<Row[]> {
    const response = await fetch(`http://127.0.0.1:${this.#front.port}/?database=scorestream&default_format=JSONEachRow`, {
      method: 'POST',
      body: sql,
      headers: { 'X-ClickHouse-User': 'analyst', 'X-ClickHouse-Key': 'reads-only' },
    })
    const text = await response.text()
    if (!response.ok) throw new Error(text)
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Row)
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
