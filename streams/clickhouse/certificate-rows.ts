/** Rows of `feature_set_changes`: one a certificate. */
import type { Certificate } from '../evolution/certificate.ts'
import { clickhouseInstant } from './facts.ts'
import type { RowWriter } from './ports.ts'

/** Rows of the same comparison replace earlier ones: a certificate is written without its cut-over first. */
export const insertCertificates = (inserter: RowWriter, certificates: readonly Certificate[], nowMs: number): Promise<void> =>
  inserter.insertObjects(
    'feature_set_changes',
    certificates.map(({ from, to, comparedAt, applicants, vectors, decisions, linkedStates, values, differences, features, cutOver }) => ({
      compared_at: clickhouseInstant(comparedAt),
      from_feature_set_hash: from.featureSetHash,
      to_feature_set_hash: to.featureSetHash,
      from_model: from.modelVersion,
      to_model: to.modelVersion,
      applicants,
      vectors,
      past_decisions: decisions,
      linked_entities: linkedStates,
      compared: values,
      differences,
      'features.feature': features.map(({ feature }) => feature),
      'features.compared': features.map(({ compared }) => compared),
      'features.differences': features.map((row) => row.differences),
      'features.example': features.map(({ example }) => example),
      cut_over_at: cutOver === null ? null : clickhouseInstant(cutOver.at),
      cut_over_offsets: cutOver?.offsets ?? [],
      recorded_at: clickhouseInstant(nowMs),
    })),
  )
