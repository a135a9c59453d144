/**
 * A real schema registry for tests: the one that `SCORESTREAM_TEST_SCHEMA_REGISTRY` names, else Apicurio with its Confluent interface,
 * from Maven Central, in memory. Where neither is possible the answer is a reason to skip; with `CI=true` that is a failure.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { endWithRun, freePort, oncePerRun, runFolder, withRun } from './run-folder.ts'

const VERSION = '3.0.9'
/** Maven itself does not resolve this archive, whose parent's description is missing from mirrors; the file is all that is needed. */
const ARCHIVE = `https://repo.maven.apache.org/maven2/io/apicurio/apicurio-registry-app/${VERSION}/apicurio-registry-app-${VERSION}-all.tar.gz`
const ARCHIVE_SHA256 = '2b28181501a20cbf6efcd77f9b7153908fc01f3d3a7c32024c0bd9e1b04c8a43'
const START_MS_MAX = 60_000
/** A hundred MB from a far mirror. */
const FETCH_MS_MAX = 280_000

export type SchemaRegistryServer = { readonly kind: 'ready'; readonly url: string } | { readonly kind: 'absent'; readonly reason: string }

export const schemaRegistryServer = async (): Promise<SchemaRegistryServer> => {
  const found = await oncePerRun('schema-registry', find)
  if (found.kind === 'absent') {
    if (process.env['CI'] === 'true') throw new Error(`CI=true and there is no schema registry: ${found.reason}`)
    process.stderr.write(`skipped: suites that need a schema registry, because ${found.reason}\n`)
  }
  return found
}

const find = async (): Promise<SchemaRegistryServer> => {
  const given = process.env['SCORESTREAM_TEST_SCHEMA_REGISTRY']
  if (given !== undefined && given !== '') return { kind: 'ready', url: given }
  const folder = unpacked()
  if (folder === undefined)
    return { kind: 'absent', reason: 'Apicurio could not be fetched from Maven Central (curl, tar and Java 17 are needed)' }
  const port = await freePort()
  const heap = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  const settings = [`-Dquarkus.http.port=${port}`, '-Dquarkus.http.host=127.0.0.1']
  const output = openSync(join(runFolder(), 'schema-registry.txt'), 'a')
  const jar = join(folder, `apicurio-registry-app-${VERSION}-runner.jar`)
  const started = spawn('sh', withRun('java', [...heap, ...settings, '-jar', jar]), { stdio: ['ignore', output, output], detached: true })
  endWithRun('schema-registry', started.pid as number)
  started.unref()
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
  for (const deadline = performance.now() + START_MS_MAX; performance.now() < deadline; await delay(100)) {
    const answer = await fetch(`${url}/subjects`).catch(() => undefined)
    if (answer?.ok === true) return { kind: 'ready', url }
  }
  return { kind: 'absent', reason: `Apicurio did not come up at ${url} within ${START_MS_MAX / 1000} s` }
}

/** Folder with the registry's jars, kept in `.servers/`. */
const unpacked = (): string | undefined => {
  const folder = join(import.meta.dirname, '..', '..', '.servers', `apicurio-${VERSION}`)
  if (existsSync(folder)) return folder
  const making = `${folder}.${process.pid}`
  const archive = join(making, 'archive.tar.gz')
  try {
    mkdirSync(making, { recursive: true })
    execFileSync('curl', ['-fsSL', '-o', archive, ARCHIVE], { stdio: 'pipe', timeout: FETCH_MS_MAX })
    if (createHash('sha256').update(readFileSync(archive)).digest('hex') !== ARCHIVE_SHA256)
      throw new Error('another archive than expected')
    execFileSync('tar', ['-xzf', archive, '-C', making], { stdio: 'pipe' })
    rmSync(archive)
    renameSync(making, folder)
    return folder
  } catch {
    rmSync(making, { recursive: true, force: true })
    return undefined
  }
}
