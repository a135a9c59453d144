/** `scorestream features certificates`: what was compared before a feature set was put in force. */
import { featureSetOfHash } from '#features/sets.ts'
import { type Certificate, describeDifferences } from '#streams/evolution/certificate.ts'
import { type OptionValues, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { EXIT } from '../exit.ts'
import { thousands } from '../progress.ts'
import { readCertificates } from './certificate-files.ts'

const setName = (hash: string): string => featureSetOfHash(hash)?.name ?? hash.slice(0, 12)

const described = (certificate: Certificate): string => {
  const { from, to, comparedAt, applicants, vectors, decisions, linkedStates, values, differences, features, cutOver } = certificate
  const changed = features.filter((row) => row.differences > 0)
  return [
    `${new Date(comparedAt).toISOString()}  ${setName(from.featureSetHash)} → ${setName(to.featureSetHash)}`,
    `  models      ${from.modelVersion} → ${to.modelVersion}`,
    `  compared    ${thousands(values)} values: ${thousands(vectors)} vectors of ${thousands(applicants)} applicants, ${thousands(decisions)} past decisions, ${thousands(linkedStates)} linked entities`,
    `  differences ${differences === 0 ? '0' : describeDifferences(certificate)}`,
    ...changed.map((row) => `    ${row.feature}: ${row.differences} of ${row.compared}`),
    cutOver === null
      ? '  not put in force'
      : `  in force    from ${new Date(cutOver.at).toISOString()}, at offsets ${cutOver.offsets.map((offset, partition) => `${partition}-${offset}`).join(' ')}`,
  ].join('\n')
}

export const certificates = (options: OptionValues): number => {
  const { dataDir } = loadConfig({
    file: text(options, 'config'),
    environment: process.env,
    overrides: { dataDir: text(options, 'data-dir') },
  })
  const all = readCertificates(dataDir)
  if (options['json'] === true) process.stdout.write(`${JSON.stringify(all)}\n`)
  else if (all.length === 0) process.stdout.write('No feature set has followed another on this data directory.\n')
  else process.stdout.write(`${all.map(described).join('\n')}\n`)
  return (all.at(-1)?.differences ?? 0) > 0 ? EXIT.findings : EXIT.ok
}
