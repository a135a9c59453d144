import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWarehouse, type OpenWarehouse } from '#streams/clickhouse/warehouse.ts'
import type { Certificate } from '#streams/evolution/certificate.ts'
import { silentLogger } from '#streams/logger.ts'
import { keepCertificate } from '../../cli/evolution/certificate-files.ts'
import { followCertificates } from '../../cli/evolution/follow-certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'scorestream-certificates-'))
let warehouse: OpenWarehouse
beforeAll(async () => {
  warehouse = await openWarehouse(folder)
}, 60_000)
afterAll(async () => {
  await warehouse.close()
  rmSync(folder, { recursive: true, force: true })
})

const AT = Date.UTC(2026, 0, 1)
const certificate: Certificate = {
  from: { featureSetHash: 'aaa', modelVersion: 'credit@1' },
  to: { featureSetHash: 'bbb', modelVersion: 'credit@2' },
  comparedAt: AT,
  comparedAtOffsets: [9, 4],
  applicants: 3,
  vectors: 3,
  decisions: 2,
  linkedStates: 1,
  values: 12,
  differences: 0,
  features: [{ feature: 'payments', compared: 12, differences: 0, example: null }],
  cutOver: null,
}
const refused: Certificate = {
  ...certificate,
  comparedAt: AT + 1,
  differences: 1,
  features: [{ feature: 'payments', compared: 12, differences: 1, example: 'a: 1, folded again 2' }],
}

interface Row {
  readonly differences: number
  readonly example: readonly (string | null)[]
  readonly cutOverAt: string | null
  readonly offsets: readonly number[]
}

const rows = (): Promise<Row[]> =>
  warehouse
    .writer()
    .connection.rows<Row>(
      `SELECT toUInt32(differences) AS differences, features.example AS example, toString(cut_over_at) AS cutOverAt, arrayMap(at -> toUInt32(at), cut_over_offsets) AS offsets FROM ${warehouse.database}.feature_set_changes FINAL ORDER BY compared_at`,
    )
/** Ends with the test's own limit. */
const until = async (holds: (found: readonly Row[]) => boolean): Promise<readonly Row[]> => {
  for (;;) {
    const found = await rows()
    if (holds(found)) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
const following = async (during: () => Promise<void>): Promise<void> => {
  const stopped = new AbortController()
  const done = followCertificates(folder, { ...warehouse, cluster: null }, { stopped: stopped.signal, logger: silentLogger })
  try {
    await during()
  } finally {
    stopped.abort()
    await done
  }
}

const IN_FORCE: Row = { differences: 0, example: [null], cutOverAt: '2026-01-01 00:00:01.000', offsets: [9, 5] }
const REFUSED: Row = { differences: 1, example: ['a: 1, folded again 2'], cutOverAt: null, offsets: [] }

test('a certificate is one row, which its cut-over completes, and a refused one is another', { timeout: 60_000 }, async () => {
  await following(async () => {
    keepCertificate(folder, certificate)
    expect(await until(({ length }) => length === 1)).toEqual([{ ...IN_FORCE, cutOverAt: null, offsets: [] }])
    keepCertificate(folder, { ...certificate, cutOver: { at: AT + 1_000, offsets: [9, 5] } })
    expect(await until(([row]) => row?.cutOverAt !== null)).toEqual([IN_FORCE])
    keepCertificate(folder, refused)
    expect(await until(({ length }) => length === 2)).toEqual([IN_FORCE, REFUSED])
  })
})

test('told again by the next process, they are the same rows', { timeout: 60_000 }, async () => {
  const recordedAt = async (): Promise<number> => {
    const [found] = await warehouse
      .writer()
      .connection.rows<{ at: number }>(`SELECT toFloat64(min(recorded_at)) AS at FROM ${warehouse.database}.feature_set_changes FINAL`)
    return found!.at
  }
  const before = await recordedAt()
  await following(async () => {
    while ((await recordedAt()) <= before) await new Promise((resolve) => setTimeout(resolve, 50))
  })
  expect(await rows()).toEqual([IN_FORCE, REFUSED])
})
