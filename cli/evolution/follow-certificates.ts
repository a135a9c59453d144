/** Brings the certificates of a data directory into the warehouse, and those that come while it runs. */
import { setTimeout as delay } from 'node:timers/promises'
import { insertCertificates } from '#streams/clickhouse/certificate-rows.ts'
import type { Logger } from '#streams/logger.ts'
import type { Tables } from '../warehouse-tables.ts'
import { certificatesMark, readCertificates } from './certificate-files.ts'

const POLL_MS = 500

/** Tells all of them whenever one was written: they are few, and a row told again replaces itself. Ends with `stopped`, and never rejects. */
export const followCertificates = async (
  dataDir: string,
  tables: Tables,
  { stopped, logger }: { readonly stopped: AbortSignal; readonly logger: Pick<Logger, 'warn'> },
): Promise<void> => {
  let told = ''
  let failures = 0
  while (!stopped.aborted) {
    const mark = certificatesMark(dataDir)
    if (mark !== told)
      try {
        await insertCertificates(tables.writer().inserter, readCertificates(dataDir), Date.now())
        told = mark
      } catch (error) {
        // The files are the record; the rows wait for better times.
        if (failures++ === 0) logger.warn({ err: error }, 'certificates of feature sets could not be written to the warehouse yet')
      }
    await delay(POLL_MS, undefined, { signal: stopped }).catch(() => {})
  }
}
