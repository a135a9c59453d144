/** Certificates of evolution, one JSON file each in the data directory; whoever audits reads them without the engine. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificate } from '#streams/evolution/certificate.ts'

const folderIn = (dataDir: string): string => join(dataDir, 'certificates')

const nameOf = ({ comparedAt, from, to }: Certificate): string =>
  `${new Date(comparedAt).toISOString().replaceAll(/[:.]/g, '-')}_${from.featureSetHash.slice(0, 12)}_${to.featureSetHash.slice(0, 12)}.json`

/** A certificate with its cut-over takes the place of the same one without. */
export const keepCertificate = (dataDir: string, certificate: Certificate): void => {
  const folder = folderIn(dataDir)
  mkdirSync(folder, { recursive: true })
  const path = join(folder, nameOf(certificate))
  writeFileSync(`${path}.new`, `${JSON.stringify(certificate, null, 1)}\n`, { flush: true })
  renameSync(`${path}.new`, path)
}

/** Oldest first. */
const filesIn = (dataDir: string): readonly string[] => {
  const folder = folderIn(dataDir)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => join(folder, name))
}

/** Another text than before where one was written since: with its cut-over a certificate is longer. Empty where there is none. */
export const certificatesMark = (dataDir: string): string =>
  filesIn(dataDir)
    .map((path) => `${path} ${statSync(path).size}`)
    .join('\n')

/** Oldest first. */
export const readCertificates = (dataDir: string): readonly Certificate[] =>
  filesIn(dataDir).map((path) => JSON.parse(readFileSync(path, 'utf8')) as Certificate)
