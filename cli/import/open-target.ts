/** Where `scorestream import` sends its events: a file, an engine's address, or a data directory. */
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { EventTarget } from '#streams/import/target/event-target.ts'
import { httpTarget } from '#streams/import/target/http-target.ts'
import { ingestTarget } from '#streams/import/target/ingest-target.ts'
import { ndjsonTarget } from '#streams/import/target/ndjson-target.ts'
import { type Config, loadConfig } from '../config.ts'
import { readCredentials } from '../credentials.ts'
import { CommandError, EXIT } from '../exit.ts'
import { createLogger } from '../logger.ts'
import { findEngine } from '../running-engine.ts'

export type Target =
  | { readonly kind: 'nowhere' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'directory'; readonly path: string }

/** What `--out`, `--to` and `--dry-run` say together. */
export const targetOf = (out: string | undefined, to: string | undefined, dryRun: boolean): Target => {
  if ([out !== undefined, to !== undefined, dryRun].filter(Boolean).length !== 1)
    throw new CommandError(
      'usage',
      'say where the events go: --out FILE, --to URL or --to DIRECTORY, or --dry-run to check only\nTry: scorestream import --help',
      EXIT.usage,
    )
  if (dryRun) return { kind: 'nowhere' }
  if (out !== undefined) return { kind: 'file', path: resolve(out) }
  if (/^https?:\/\//.test(to!)) return { kind: 'http', url: to! }
  const path = resolve(to!)
  if (existsSync(path) && !statSync(path).isDirectory())
    throw new CommandError('usage', `--to takes an address or a data directory, and ${path} is a file; --out writes files`, EXIT.usage)
  return { kind: 'directory', path }
}

const tokenOf = (config: Config): string | undefined =>
  readCredentials(config.gateway.tokensFile).find(({ role }) => role !== 'reader')?.token

/** Nothing but ingest and pipeline, on ports nobody knows: SQL and the dashboard read the same log later. */
const directoryTarget = async (config: Config): Promise<EventTarget> => {
  const engine = findEngine(config.dataDir)
  if (engine !== undefined) return httpTarget(engine.http, tokenOf(config))
  const { openHost } = await import('../host.ts')
  const alone: Config = {
    ...config,
    gateway: { ...config.gateway, host: '127.0.0.1', port: 0 },
    warehouse: { ...config.warehouse, kind: 'off' },
    retention: { days: null },
  }
  const host = await openHost(alone, createLogger('warn'))
  return ingestTarget(host.ingest, () => host.close())
}

/** Null for a dry run. */
export const openTarget = (target: Target, configFile: string | undefined): ((position: number) => Promise<EventTarget>) | null => {
  const config = (dataDir?: string): Config => loadConfig({ file: configFile, environment: process.env, overrides: { dataDir } })
  switch (target.kind) {
    case 'nowhere':
      return null
    case 'file':
      return async (position) => ndjsonTarget(target.path, position)
    case 'http':
      return async () => httpTarget(target.url, tokenOf(config()))
    case 'directory':
      return () => directoryTarget(config(target.path))
    default:
      return target satisfies never
  }
}
