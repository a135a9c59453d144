/** What the two topics say, against the producer's ledger and an undisturbed engine over the same input. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { epochMs } from '#schemas/units.ts'
import { decodeDecisionRecord, decodeEvent, eventKindOf } from '#schemas/wire.ts'
import { agreeOnFormat } from '#streams/embedded/data-directory.ts'
import { openEventLog, topicPartitions } from '#streams/embedded/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import { audit } from '../crash/audit.ts'
import { startEngine } from '../crash/engine-process.ts'
import { type Contents, contentsOf } from './topic-contents.ts'

export interface Judgement {
  readonly inputs: number
  /** Positions an undisturbed engine decides. */
  readonly due: number
  readonly decided: number
  /** Acknowledged events that are not in the log, or positions due that nobody believes decided. */
  readonly lost: readonly string[]
  /** Positions with two believed contents, or with another than undisturbed. */
  readonly conflicting: readonly string[]
  /** Byte-identical repeats of a believed decision. */
  readonly repeated: number
  /** Decisions of superseded owners, which nobody believes. */
  readonly ignored: number
  readonly claims: number
  /** Input position → capsule hash of what is believed. */
  readonly hashes: ReadonlyMap<string, string>
}

export const judge = async (broker: string, folder: string, ledger: ReadonlyMap<string, Buffer>): Promise<Judgement> => {
  const inputs = await contentsOf(broker, 'credit-events')
  const lost = missingOf(inputs, ledger)
  const beliefs = believedIn(await contentsOf(broker, 'decisions'))
  const due = await undisturbed(inputs, folder)
  const conflicting = [...beliefs.conflicting]
  for (const [at, hash] of due) {
    const believed = beliefs.hashes.get(at)
    if (believed === undefined) lost.push(`${at} has no decision`)
    else if (believed !== hash) conflicting.push(`${at} is ${believed}, undisturbed ${hash}`)
  }
  for (const at of beliefs.hashes.keys())
    if (!due.has(at)) conflicting.push(`${at} is decided, an undisturbed engine decides nothing there`)
  const { repeated, ignored, claims, hashes } = beliefs
  onceEach(ledger, beliefs.places, { lost, conflicting })
  const count = inputs.reduce((sum, records) => sum + records.length, 0)
  return { inputs: count, due: due.size, decided: hashes.size, lost, conflicting, repeated, ignored, claims, hashes }
}

const missingOf = (inputs: readonly (readonly Contents[])[], ledger: ReadonlyMap<string, Buffer>): string[] => {
  const there = new Map<string, Buffer>()
  for (const { value } of inputs.flat()) {
    const event = decodeEvent(value)
    if (event.kind === 'accepted') there.set(event.value.eventId, value)
  }
  return [...ledger].flatMap(([id, value]) => (there.get(id)?.equals(value) === true ? [] : [`event ${id} is not in the log`]))
}

/** Whatever the engines make of repeats: each application that the producer knows of is decided, and in one place. */
const onceEach = (
  ledger: ReadonlyMap<string, Buffer>,
  places: ReadonlyMap<string, ReadonlySet<string>>,
  { lost, conflicting }: { readonly lost: string[]; readonly conflicting: string[] },
): void => {
  for (const [id, value] of ledger) {
    if (eventKindOf(value) !== 'application') continue
    const decided = places.get(id)?.size ?? 0
    if (decided === 0) lost.push(`application ${id} has no decision`)
    else if (decided > 1) conflicting.push(`application ${id} is decided at ${[...(places.get(id) ?? [])].join(' and ')}`)
  }
}

/** By the rule of belief, written down once more. */
const believedIn = (decisions: readonly (readonly Contents[])[]) => {
  const hashes = new Map<string, string>()
  const places = new Map<string, Set<string>>()
  const conflicting: string[] = []
  let [repeated, ignored, claims] = [0, 0, 0]
  for (const records of decisions) {
    let epoch = -1
    for (const { partition, offset, value } of records) {
      const found = decodeDecisionRecord(value)
      if (found.kind === 'claim') {
        claims += 1
        epoch = offset
      } else if (found.kind === 'rejected') conflicting.push(`decisions ${partition}-${offset}: ${found.rejection.detail}`)
      else if (found.decision.epoch < epoch) ignored += 1
      else {
        const { body, capsuleHash } = found.decision
        const at = `${body.partition}-${body.offset}`
        const before = hashes.get(at)
        if (before === capsuleHash) repeated += 1
        else if (before !== undefined) conflicting.push(`${at} has two contents`)
        hashes.set(at, capsuleHash)
        places.set(body.eventId, (places.get(body.eventId) ?? new Set()).add(at))
      }
    }
  }
  return { hashes, places, conflicting, repeated, ignored, claims }
}

/** An embedded engine that nobody disturbs, over the same records in the same places. */
const undisturbed = async (inputs: readonly (readonly Contents[])[], folder: string): Promise<ReadonlyMap<string, string>> => {
  const dataDir = mkdtempSync(join(folder, 'undisturbed-'))
  agreeOnFormat(dataDir, { partitions: inputs.length })
  mkdirSync(join(dataDir, 'log'), { recursive: true })
  const log = openEventLog({
    folder: join(dataDir, 'log'),
    partitions: topicPartitions(inputs.length),
    clock: { now: () => epochMs(Date.now()) },
    durability: 'process-kill',
    logger: silentLogger,
  })
  for (const records of inputs)
    for (let from = 0; from < records.length; from += 1_000) await log.append('credit-events', records.slice(from, from + 1_000))
  await log.close()
  const engine = await startEngine(dataDir)
  const code = await engine.end()
  if (code !== 0) throw new Error(`the undisturbed engine ended with ${code}: ${engine.complaints()}`)
  const { hashes } = await audit(dataDir, new Map())
  rmSync(dataDir, { recursive: true })
  return hashes
}
