/** The image and the stack: judged by hadolint and Docker Compose where they are, and held to our own rules everywhere. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../cli/config.ts'
import { ROOMS } from '../house/imports.ts'

const root = join(import.meta.dirname, '../..')
const dockerfile = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8')
const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0

interface Service {
  readonly image?: string
  readonly build?: object
  readonly ports?: readonly string[]
  readonly privileged?: boolean
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly volumes?: readonly string[]
}
const services = (file: string): Record<string, Service> =>
  (parse(readFileSync(join(root, 'deploy', file), 'utf8'), { merge: true }) as { services: Record<string, Service> }).services

describe('the image', () => {
  test('holds every room, and nothing runs as root or may change the code', () => {
    for (const room of [...Object.keys(ROOMS), 'cli', 'models']) expect(dockerfile).toContain(`COPY ${room} ./${room}\n`)
    expect(dockerfile).toMatch(/^USER 1000:1000$/m)
    expect(dockerfile).not.toMatch(/COPY --chown/)
    expect(dockerfile).toMatch(/^HEALTHCHECK /m)
    expect(dockerfile).not.toMatch(/:latest|^FROM \S+(?<!:[\w.-]+) /m)
  })

  test.skipIf(!runs('hadolint', '--version'))('is clean by hadolint', () => {
    const { status, stdout } = spawnSync('hadolint', [join(root, 'deploy/Dockerfile')], { encoding: 'utf8' })
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
  })
})

describe.for(['compose.yaml', 'clickhouse/cluster.compose.yaml'])('%s', (file) => {
  test('binds to loopback alone, pins every image, and mounts what exists', () => {
    for (const [name, service] of Object.entries(services(file))) {
      for (const port of service.ports ?? []) expect(port, name).toMatch(/^127\.0\.0\.1:/)
      if (service.build === undefined) expect(service.image, name).toMatch(/:v?\d[\w.-]*$/)
      expect(service.privileged ?? false, name).toBe(false)
      const folder = join(root, 'deploy', file, '..')
      for (const [from = ''] of (service.volumes ?? []).map((volume) => volume.split(':')))
        if (from.startsWith('./') && !from.startsWith('./secrets'))
          expect(existsSync(join(folder, from)), `${name} mounts ${from}`).toBe(true)
    }
  })

  test.skipIf(!runs('docker', 'compose', 'version'))('is valid by Docker Compose', () => {
    const passwords = { REDIS_PASSWORD: 'x', CLICKHOUSE_PASSWORD: 'x', GRAFANA_PASSWORD: 'x' }
    const { status, stderr } = spawnSync('docker', ['compose', '-f', join(root, 'deploy', file), 'config', '--quiet'], {
      encoding: 'utf8',
      env: { ...process.env, ...passwords },
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})

test('the engine of the stack runs with nothing it does not need', () => {
  expect(services('compose.yaml')['engine']).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
})

test('the engine’s configuration in the stack is one that it accepts, and names the services of the stack', () => {
  const config = loadConfig({ file: join(root, 'deploy/scorestream.yaml'), environment: {} })
  expect(config).toMatchObject({ log: { kind: 'kafka' }, state: { kind: 'redis' }, warehouse: { kind: 'server' } })
  const hosts = [...config.log.kafka.brokers, config.state.redis.addresses, config.warehouse.server.url, config.tracing.endpoint ?? '']
  const names = Object.keys(services('compose.yaml'))
  for (const host of hosts) expect(names).toContain(/^(?:https?:\/\/)?([a-z]+):/.exec(host)?.[1])
})
