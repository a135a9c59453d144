/** Records that lie where their key does not belong: other partitioners than Kafka's own (librdkafka's default is CRC32), or no key at all. */
import type { CreditEvent } from '#schemas/events.ts'
import { partitionOf } from './murmur2.ts'
import type { AppendRecord, LogRecord } from './ports.ts'

/**
 * The same bytes, where their applicant belongs. They are appended before the stray's batch is committed; a crash between the two, or another
 * owner that does not know yet that it was succeeded, appends them again, and the second is recognised by its event id. The stray itself never
 * moves a state.
 */
export const reroute = (stray: LogRecord, { applicantId }: CreditEvent, partitions: number): AppendRecord => {
  const key = Buffer.from(applicantId, 'latin1')
  return { partition: partitionOf(key, partitions), key, value: stray.value }
}
