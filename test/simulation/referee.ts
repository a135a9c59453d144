/**
 * Judges a run from outside: it sees each record and each commit the moment it takes effect, folds the input with arithmetic of its own, and
 * knows the rules of belief by itself. It shares with the engine the codecs and the decider, and nothing of the pipeline.
 */
import type { Decision } from '#schemas/decision.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { capsuleHash, decodeDecisionRecord, decodeEvent, encodeBody } from '#schemas/wire.ts'
import { decodeEntity } from '#streams/entity-record.ts'
import { partitionOf } from '#streams/murmur2.ts'
import { bodyOf } from '#streams/pipeline/score-batch.ts'
import type { Decider, LogRecord, StateCommit, Topic } from '#streams/ports.ts'
import { tinyFeatureSet } from '../streams/support/embedded.ts'

const CHAIN_START = '0'.repeat(64)

interface Applicant {
  count: number
  sum: number
  checksum: number
  readonly seen: Map<string, Uint8Array>
}

/** What an undisturbed run would do at a position. */
interface Expected {
  readonly record: LogRecord
  /** Of a new application. */
  readonly decision: { readonly vector: readonly number[]; readonly hash: string } | undefined
  /** The applicant's state after it: count, sum, checksum. */
  readonly state: { readonly applicant: string; readonly numbers: readonly number[] } | undefined
  /** Of an event that lies where its applicant does not belong: partition, applicant and id under which it must stand before it is passed. */
  readonly belongs?: { readonly partition: number; readonly applicant: string; readonly id: string }
}

interface PartitionView {
  readonly expected: Map<number, Expected>
  readonly applicants: Map<string, Applicant>
  undisturbedHead: string
  newestClaim: number
  /** Believed decisions by input offset. */
  readonly believed: Map<number, Decision>
  believedHead: string
  believedLast: number
}

export class Referee {
  readonly findings: string[] = []
  readonly partitions: readonly PartitionView[]
  /** Byte-identical repeats, and decisions nobody may believe. */
  repeats = 0
  ignored = 0
  claims = 0
  repeatedInputs = 0
  strays = 0
  readonly #decider: Decider | undefined

  /** `decider` where every process decides alike: then capsules are compared by hash. */
  constructor(partitions: number, decider: Decider | undefined) {
    this.#decider = decider
    this.partitions = Array.from({ length: partitions }, () => ({
      expected: new Map(),
      applicants: new Map(),
      undisturbedHead: CHAIN_START,
      newestClaim: -1,
      believed: new Map(),
      believedHead: CHAIN_START,
      believedLast: -1,
    }))
  }

  saw(topic: Topic, record: LogRecord): void {
    if (topic === 'credit-events') this.#input(record)
    else if (topic === 'decisions') this.#decision(record)
  }

  /** An offset is committed only past decisions that are believed, together with exactly the states below it. */
  committed({ partition, to, epoch }: StateCommit, entities: ReadonlyMap<string, Uint8Array>): void {
    const view = this.partitions[partition] as PartitionView
    const states = new Map<string, readonly number[]>()
    for (const [offset, { decision, state, belongs }] of view.expected) {
      if (offset >= to) break
      if (belongs !== undefined && this.partitions[belongs.partition]?.applicants.get(belongs.applicant)?.seen.has(belongs.id) !== true)
        this.#find(`${partition}: epoch ${epoch} committed up to ${to}, the event at ${offset} strayed and stands nowhere else`)
      if (decision !== undefined && !view.believed.has(offset))
        this.#find(`${partition}: epoch ${epoch} committed up to ${to}, nothing is believed at ${offset}`)
      if (state !== undefined) states.set(state.applicant, state.numbers)
    }
    for (const [applicant, numbers] of states) {
      const stored = numbersOf(entities.get(applicant))
      if (stored.join() !== numbers.join())
        this.#find(
          `${partition}: epoch ${epoch} committed up to ${to}; ${applicant} is stored as ${stored.join()}, it is ${numbers.join()}`,
        )
    }
  }

  /** Positions an undisturbed run decides and nobody believes decided. */
  get missing(): string[] {
    return this.partitions.flatMap((view, partition) =>
      [...view.expected].flatMap(([offset, { decision }]) =>
        decision !== undefined && !view.believed.has(offset) ? [`${partition}-${offset}`] : [],
      ),
    )
  }

  #input(record: LogRecord): void {
    const view = this.partitions[record.partition] as PartitionView
    const event = decodeEvent(record.value)
    if (event.kind === 'rejected') return void view.expected.set(record.offset, { record, decision: undefined, state: undefined })
    const { applicantId, producer, eventId } = event.value
    const home = partitionOf(Buffer.from(applicantId), this.partitions.length)
    if (home !== record.partition || Buffer.from(record.key).toString() !== applicantId) {
      this.strays++
      const belongs = { partition: home, applicant: applicantId, id: `${producer}\n${eventId}` }
      return void view.expected.set(record.offset, { record, decision: undefined, state: undefined, belongs })
    }
    const applicant = view.applicants.get(applicantId) ?? { count: 0, sum: 0, checksum: 0, seen: new Map<string, Uint8Array>() }
    view.applicants.set(applicantId, applicant)
    const fresh = !applicant.seen.has(`${producer}\n${eventId}`)
    applicant.seen.set(`${producer}\n${eventId}`, record.value)
    if (!fresh) this.repeatedInputs++
    const decision = fresh && event.value.kind === 'application' ? this.#undisturbed(view, record, event.value, applicant) : undefined
    if (fresh) fold(applicant, event.value)
    const { count, sum, checksum } = applicant
    view.expected.set(record.offset, { record, decision, state: { applicant: applicantId, numbers: [count, sum, checksum] } })
  }

  #undisturbed(view: PartitionView, record: LogRecord, event: CreditEvent & { kind: 'application' }, applicant: Applicant) {
    const vector = Float32Array.of(applicant.count, applicant.sum, applicant.checksum)
    if (this.#decider !== undefined) {
      const body = bodyOf(record, event, vector, this.#decider.decide(event, vector, 0, null))
      view.undisturbedHead = capsuleHash(view.undisturbedHead, encodeBody(body))
    }
    return { vector: [...vector], hash: view.undisturbedHead }
  }

  #decision(record: LogRecord): void {
    const view = this.partitions[record.partition] as PartitionView
    const found = decodeDecisionRecord(record.value)
    if (found.kind === 'rejected') return this.#find(`decisions ${record.partition}-${record.offset} is neither claim nor decision`)
    if (found.kind === 'claim') {
      view.newestClaim = record.offset
      this.claims++
    } else if (found.decision.epoch < view.newestClaim) this.ignored++
    else this.#believe(view, found.decision)
  }

  #believe(view: PartitionView, decision: Decision): void {
    const { body, capsuleHash: hash, previousHash } = decision
    const at = `${body.partition}-${body.offset}`
    const before = view.believed.get(body.offset)
    if (before !== undefined) {
      if (before.capsuleHash === hash) this.repeats++
      else this.#find(`${at} has two believed contents`)
      return
    }
    const expected = view.expected.get(body.offset)?.decision
    view.believed.set(body.offset, decision)
    if (expected === undefined) return this.#find(`${at} is decided, an undisturbed run decides nothing there`)
    if (body.offset < view.believedLast) this.#find(`${at} is decided after ${view.believedLast}`)
    if (previousHash !== view.believedHead) this.#find(`${at} does not follow the capsule before it`)
    view.believedLast = body.offset
    view.believedHead = hash
    const vector = [...body.vector]
    if (vector.join() !== expected.vector.join())
      this.#find(`${at} is decided on ${vector.join()}, an undisturbed run decides on ${expected.vector.join()}`)
    else if (this.#decider !== undefined && hash !== expected.hash) this.#find(`${at} has another capsule than in an undisturbed run`)
  }

  #find(finding: string): void {
    this.findings.push(finding)
  }
}

const fold = (applicant: Applicant, event: CreditEvent): void => {
  applicant.checksum = (applicant.checksum * 31 + event.eventTime + event.eventId.length) % 1_000_003
  if (event.kind !== 'payment') return
  applicant.count += 1
  applicant.sum += event.amount
}

const numbersOf = (entity: Uint8Array | undefined): readonly number[] => {
  if (entity === undefined) return []
  const { state } = decodeEntity(entity, Buffer.from(tinyFeatureSet.hash, 'hex'), tinyFeatureSet.stateBytes, 'the simulated store')
  const view = new DataView(state.buffer, state.byteOffset)
  return [view.getFloat64(0), view.getFloat64(8), view.getFloat64(16)]
}
