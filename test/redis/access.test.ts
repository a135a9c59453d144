import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '#streams/logger.ts'
import { redisChecks } from '#streams/redis/checks.ts'
import { parseAddresses } from '#streams/redis/settings.ts'
import { redisBinary } from '../servers/redis-binary.ts'
import { startRedisCluster, until } from '../servers/redis-cluster.ts'
import { freePort, type RedisServer, startRedis } from '../servers/redis.ts'
import { ledgerCommit, persist, workOn, wrongAt } from './ledger.ts'
import { openStore, settingsFor } from './open-store.ts'

const onRedis = describe.runIf(redisBinary().kind === 'ready')
const SECRET = 'correct-horse-battery'
/** What an engine's user may do: nothing but what the remedy for NOPERM names. */
const ACL = [
  '--user',
  'engine',
  'on',
  `>${SECRET}`,
  '~scorestream:*',
  '+@hash',
  '+@scripting',
  '+@connection',
  '+@transaction',
  '+@keyspace',
  '+info',
  '+time',
]

onRedis('who may use it', () => {
  let folder: string
  let server: RedisServer | undefined
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'redis-access-'))
  })
  afterEach(async () => {
    await server?.destroy()
    server = undefined
    rmSync(folder, { recursive: true })
  })
  const passwordFile = (mode: number): string => {
    const file = join(folder, 'password')
    writeFileSync(file, `${SECRET}\n`)
    chmodSync(file, mode)
    return file
  }

  it('an ACL user that may do no more than is asked of it suffices, its password read from a file', async () => {
    server = await startRedis({ args: ACL })
    const store = await openStore({ addresses: server.address, username: 'engine', passwordFile: passwordFile(0o600) })
    await store.claim(0, 1)
    await workOn(store, 0, 1, 0, (n) => n < 10)
    expect(await wrongAt(store, 0, 10)).toEqual([])
    await store.close()
  })

  it('a wrong password is a terminal failure at once, and no message holds it', async () => {
    server = await startRedis({ args: ACL })
    const failure = await openStore({ addresses: server.address, username: 'engine', password: `${SECRET}x` }).catch(
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ name: 'TerminalFailure', code: 'state-refused' })
    expect(JSON.stringify([String(failure), (failure as Error).stack])).not.toContain(SECRET)
  })

  it('a password that others may read is refused', async () => {
    await expect(openStore({ addresses: '127.0.0.1:1', passwordFile: passwordFile(0o644) })).rejects.toThrow(/chmod 600/)
  })

  it('a server that is not there is a retryable failure that names it', async () => {
    const addresses = `127.0.0.1:${await freePort()}`
    await expect(openStore({ addresses, timeoutMs: 300 })).rejects.toMatchObject({
      name: 'RetryableFailure',
      message: expect.stringContaining(addresses),
    })
  })

  it('over TLS the server’s certificate is checked', async () => {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', ...subject],
      { stdio: 'ignore' },
    )
    const port = await freePort()
    server = await startRedis({
      args: ['--tls-port', String(port), '--tls-cert-file', certificate, '--tls-key-file', key, '--tls-auth-clients', 'no'],
    })
    const addresses = `127.0.0.1:${port}`
    const store = await openStore({ addresses, tls: true, tlsCaFile: certificate })
    await store.claim(0, 1)
    await store.close()
    await expect(openStore({ addresses, tls: true })).rejects.toMatchObject({ name: 'TerminalFailure', code: 'state-refused' })
  })
})

onRedis('behind Sentinels', () => {
  it('a new master is found, and what it lacks is noticed', async () => {
    const master = await startRedis()
    const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(master.port)] })
    const sentinel = await startRedis({
      sentinel: (folder, port) => {
        const file = join(folder, 'sentinel.conf')
        const lines = [
          `port ${port}`,
          `sentinel monitor desk 127.0.0.1 ${master.port} 1`,
          'sentinel down-after-milliseconds desk 500',
          'sentinel failover-timeout desk 3000',
        ]
        writeFileSync(file, `${lines.join('\n')}\n`)
        return file
      },
    })
    const store = await openStore({ mode: 'sentinel', addresses: sentinel.address, sentinelMaster: 'desk' })
    try {
      await until(async () => String(await replica.call('INFO', 'replication')).includes('master_link_status:up'))
      await store.claim(0, 1)
      await workOn(store, 0, 1, 0, (n) => n < 30)
      await until(async () => String(await sentinel.call('INFO', 'sentinel')).includes('slaves=1'))
      await master.kill()
      let n = 30
      let epoch = 1
      while (n < 60) {
        try {
          await persist(() => store.commit([ledgerCommit(0, epoch, n)]))
          n++
        } catch (refused) {
          expect(refused).toMatchObject({ name: 'StaleCommit' })
          n = (await persist(() => store.claim(0, ++epoch))).offset
          expect(await wrongAt(store, 0, n)).toEqual([])
        }
      }
      expect(await wrongAt(store, 0, 60)).toEqual([])
    } finally {
      await store.close()
      await Promise.all([master, replica, sentinel].map((one) => one.destroy()))
    }
  })
})

onRedis('what doctor sees', () => {
  const look = async (settings: Parameters<typeof settingsFor>[0], now = Date.now) =>
    new Map(
      (await redisChecks(settingsFor(settings), silentLogger, now)).map(({ check, state }) => [
        check.replace(/^redis \S+:\d+ /, ''),
        state,
      ]),
    )

  it('eviction fails; neither persistence nor a bound on memory warns; a clock far off warns', async () => {
    const server = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
    try {
      const found = await look({ addresses: server.address }, () => Date.now() + 60_000)
      expect(Object.fromEntries(found)).toEqual({
        version: 'ok',
        eviction: 'failure',
        memory: 'warning',
        persistence: 'warning',
        clock: 'warning',
      })
      await server.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
      await server.call('CONFIG', 'SET', 'maxmemory', '100mb')
      await server.call('CONFIG', 'SET', 'appendonly', 'yes')
      const mended = await look({ addresses: server.address })
      expect(Object.fromEntries(mended)).toEqual({ version: 'ok', eviction: 'ok', memory: 'ok', persistence: 'ok', clock: 'ok' })
    } finally {
      await server.destroy()
    }
  })

  it('nobody at the address fails', async () => {
    expect(await look({ addresses: `127.0.0.1:${await freePort()}`, timeoutMs: 300 })).toEqual(new Map([['redis', 'failure']]))
  })

  it('slots that no master serves fail', async () => {
    const cluster = await startRedisCluster(3)
    try {
      const settings = { mode: 'cluster' as const, addresses: cluster.addresses }
      expect((await look(settings)).get('redis cluster slots')).toBe('ok')
      await cluster.masters[0]?.call('CLUSTER', 'DELSLOTS', 5)
      await until(async () => (await look(settings)).get('redis cluster slots') !== 'ok')
    } finally {
      await cluster.destroy()
    }
  })
})

it('an address that cannot be read is named', () => {
  expect(parseAddresses('a:1, [::1]:6379')).toEqual([
    { host: 'a', port: 1 },
    { host: '::1', port: 6379 },
  ])
  expect(() => parseAddresses('a:1,b')).toThrow('"b" is no address')
})
