/** The engine's half of monitoring: appends alerts, judgements of them, requests and revisions to its log, each once however often it is told. */
import { decisionId } from '#schemas/decision.ts'
import { decodeAlert, decodeAlertJudgement, decodeModelEvent, isAlertJudgement } from '#schemas/monitoring-wire.ts'
import { decodeRevision } from '#schemas/revision-wire.ts'
import type { EventLog } from '#streams/ports.ts'
import type { Publish } from './monitoring.ts'

const READ_BYTES = 1 << 20
/** Identities remembered per topic; repeats come soon after the first, from a monitor that was restarted. */
const KNOWN_MAX = 100_000

type FindingTopic = Parameters<Publish>[0]

/** Revisions lie where their decision does; the other topics have one partition. */
const partitionIn = (topic: FindingTopic, value: Uint8Array): number => {
  if (topic !== 'revisions') return 0
  const parsed = decodeRevision(value)
  return parsed.kind === 'accepted' ? parsed.value.partition : 0
}

const identityOf = (topic: FindingTopic, value: Uint8Array): string | undefined => {
  if (topic === 'revisions') {
    const parsed = decodeRevision(value)
    return parsed.kind === 'accepted' ? `${decisionId(parsed.value.partition, parsed.value.offset)} ${parsed.value.causeOffset}` : undefined
  }
  if (topic === 'alerts' && isAlertJudgement(value)) {
    const parsed = decodeAlertJudgement(value)
    return parsed.kind === 'accepted' ? `judgement ${parsed.value.judgementId}` : undefined
  }
  if (topic === 'alerts') {
    const parsed = decodeAlert(value)
    return parsed.kind === 'accepted' ? `${parsed.value.alertId} ${parsed.value.state}` : undefined
  }
  const parsed = decodeModelEvent(value)
  return parsed.kind === 'accepted' && parsed.value.kind === 'retrain-requested' ? parsed.value.requestId : undefined
}

const readAll = async (log: EventLog, topic: FindingTopic): Promise<Set<string>> => {
  const known = new Set<string>()
  for (const [partition, end] of log.end(topic).entries())
    for (let next = log.start(topic)[partition] ?? 0; next < end;) {
      const records = await log.read(topic, partition, next, READ_BYTES)
      if (records.length === 0) break
      for (const { value } of records) remember(known, identityOf(topic, value))
      next = (records.at(-1)?.offset ?? end) + 1
    }
  return known
}

const remember = (known: Set<string>, identity: string | undefined): void => {
  if (identity === undefined) return
  known.add(identity)
  if (known.size <= KNOWN_MAX) return
  for (const oldest of known) {
    known.delete(oldest)
    return
  }
}

export const findingPublisher = (log: EventLog): Publish => {
  const known = new Map<FindingTopic, Promise<Set<string>>>()
  const knownOf = (topic: FindingTopic): Promise<Set<string>> => {
    const held = known.get(topic) ?? readAll(log, topic)
    known.set(topic, held)
    return held
  }
  return async (topic, records) => {
    const told = await knownOf(topic)
    const fresh = records.flatMap((value) => {
      const identity = identityOf(topic, value)
      if (identity === undefined) throw new TypeError(`a record for ${topic} is neither an alert, a request nor a revision`)
      return told.has(identity) ? [] : [{ identity, value }]
    })
    if (fresh.length === 0) return
    await log.append(
      topic,
      fresh.map(({ identity, value }) => ({ partition: partitionIn(topic, value), key: Buffer.from(identity), value })),
    )
    for (const { identity } of fresh) remember(told, identity)
  }
}
