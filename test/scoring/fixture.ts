/** The committed fixture bundle (test/fixtures/scoring/generate.py) and what loading it needs. */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FeatureFacts } from '#features/feature-set.ts'
import type { GoldenRow, Manifest } from '#registry/manifest.ts'
import type { ApplicationEvent } from '#schemas/events.ts'

const folder = new URL('../fixtures/scoring/', import.meta.url)
export const fixturePath = (name: string): string => new URL(name, folder).pathname
export const fixtureJson = (name: string): unknown => JSON.parse(readFileSync(fixturePath(name), 'utf8'))

export const manifest = fixtureJson('bundle/manifest.json') as Manifest
export const golden = fixtureJson('bundle/golden.json') as GoldenRow[]
export const featureSet = {
  hash: manifest.featureSetHash,
  features: manifest.features.map((name): FeatureFacts => ({
    name,
    description: '',
    unit: '',
    stateBytes: 0,
    kind: '',
    aggregate: '',
    window: '',
  })),
}
export const vectorsOf = (rows: readonly (readonly (number | null)[])[]): Float32Array => Float32Array.from(rows.flat(), (x) => x ?? NaN)
export const background = (): Float32Array => new Float32Array(new Uint8Array(readFileSync(fixturePath('bundle/background.f32'))).buffer)

export const loadOptions = {
  bundleDir: fixturePath('bundle'),
  policyPath: fixturePath('policy.yaml'),
  featureSet,
}

/** A copy of the bundle in a temporary folder, changed by `edit`. */
export const editedBundle = (
  edit: (dir: string, change: (file: string, alter: (bytes: Buffer) => Buffer | string) => void) => void,
): string => {
  const dir = mkdtempSync(join(tmpdir(), 'scorestream-bundle-'))
  cpSync(loadOptions.bundleDir, dir, { recursive: true })
  edit(dir, (file, alter) => writeFileSync(join(dir, file), alter(readFileSync(join(dir, file)))))
  return dir
}

export const application = {
  kind: 'application',
  eventId: 'e-1',
  applicantId: 'a-1',
  eventTime: 1_700_000_000_000,
  producer: 'test',
  applicationId: 'app-1',
  product: 'credit-card',
  amount: 500_000,
  currency: 'EUR',
  termMonths: 0,
  purpose: 'test',
  channel: 'branch',
} as unknown as ApplicationEvent
