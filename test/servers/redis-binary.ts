/**
 * Where `redis-server` is: on PATH, or what `SCORESTREAM_TEST_REDIS_SERVER` names. With CI=true it is installed from the distribution's packages and
 * its absence fails; on a laptop without it the suites on real Redis are skipped by name.
 */
import { execFileSync, spawnSync } from 'node:child_process'

export type RedisBinary = { readonly kind: 'ready'; readonly server: string } | { readonly kind: 'absent'; readonly reason: string }

const PACKAGES = ['redis-server', 'redis-sentinel']

export const redisBinary = (): RedisBinary => {
  const server = process.env['SCORESTREAM_TEST_REDIS_SERVER'] ?? 'redis-server'
  return spawnSync(server, ['--version'], { stdio: 'ignore' }).status === 0
    ? { kind: 'ready', server }
    : { kind: 'absent', reason: `${server} does not run (Debian, Ubuntu: apt-get install ${PACKAGES.join(' ')})` }
}

const aptGet = (...args: readonly string[]): void => {
  const words = [...(process.getuid?.() === 0 ? [] : ['sudo', '-n']), 'apt-get', '-q', '-y', ...args]
  execFileSync(words[0] as string, words.slice(1), { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
}

/** Before any suite. */
export const prepareRedis = (): void => {
  const found = redisBinary()
  if (found.kind === 'ready') return
  if (process.env['CI'] !== 'true') {
    process.stderr.write(`skipped: the suites on real Redis, because ${found.reason}\n`)
    return
  }
  aptGet('update')
  aptGet('install', ...PACKAGES)
  const again = redisBinary()
  if (again.kind === 'absent') throw new Error(`CI=true and ${again.reason}: the suites on real Redis would be skipped`)
}
