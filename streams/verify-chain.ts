/** Walks a partition of the decisions log and checks what the promises say of it. Reads only, one page in memory. */
import type { Decision } from '#schemas/decision.ts'
import { capsuleHash, decodeDecisionRecord, peekDecision } from '#schemas/wire.ts'
import { firstBelieved } from './find-decision.ts'
import type { EventLog, LogRecord } from './ports.ts'
import { isBelieved, NO_CLAIM, seeClaim, type NewestClaim } from './protocol/belief.ts'
import { CHAIN_START } from './protocol/commit-ledger.ts'
import { RecentContents } from './protocol/recent-contents.ts'

export interface ChainReport {
  readonly partition: number
  /** First record looked at; above 0 where retention deleted earlier ones: what was before is taken on trust. */
  readonly from: number
  readonly decisions: number
  readonly claims: number
  /** Decisions of superseded owners, which nobody believes. */
  readonly ignored: number
  /** Believed records beyond the first of their position, byte for byte alike: harmless, singly or interleaved (A B A B). */
  readonly repeated: number
  /** Hash of the last capsule. */
  readonly head: string
  /** Violations found, at most {@link FAULTS_MAX}. */
  readonly faults: readonly ChainFault[]
}

export interface ChainFault {
  readonly code: 'unreadable' | 'hash' | 'chain' | 'order' | 'two-contents'
  /** Offset in the decisions partition. */
  readonly at: number
  readonly detail: string
}

const FAULTS_MAX = 100
const PAGE_BYTES = 1024 * 1024

interface Walk {
  newest: NewestClaim
  head: string | undefined
  readonly contents: RecentContents
  decisions: number
  claims: number
  ignored: number
  repeated: number
  readonly faults: ChainFault[]
}

/** Checks hashes, chain, order and one content per position. Throws only where the log itself cannot be read. */
export const verifyChain = async (log: EventLog, partition: number): Promise<ChainReport> => {
  const from = log.start('decisions')[partition] as number
  const end = log.end('decisions')[partition] as number
  const walk: Walk = {
    newest: NO_CLAIM,
    head: from === 0 ? CHAIN_START : undefined,
    contents: new RecentContents(),
    decisions: 0,
    claims: 0,
    ignored: 0,
    repeated: 0,
    faults: [],
  }
  for (let next = from; next < end && walk.faults.length < FAULTS_MAX;) {
    const records = await log.read('decisions', partition, next, PAGE_BYTES)
    for (const record of records) await step(log, walk, record)
    // Offsets may have holes at the end (control records of a broker).
    next = (records.at(-1)?.offset ?? end) + 1
  }
  const { decisions, claims, ignored, repeated, faults } = walk
  return { partition, from, decisions, claims, ignored, repeated, head: walk.head ?? CHAIN_START, faults }
}

const step = async (log: EventLog, walk: Walk, record: LogRecord): Promise<void> => {
  const found = decodeDecisionRecord(record.value)
  switch (found.kind) {
    case 'claim':
      walk.newest = seeClaim(walk.newest, record.offset)
      walk.claims++
      return
    case 'rejected':
      walk.faults.push({ code: 'unreadable', at: record.offset, detail: found.rejection.detail })
      return
    case 'decision':
      if (!isBelieved(walk.newest, found.decision.epoch)) walk.ignored++
      else await judge(log, walk, record, found.decision)
  }
}

const judge = async (log: EventLog, walk: Walk, record: LogRecord, decision: Decision): Promise<void> => {
  const { body, previousHash } = decision
  const fault = (code: ChainFault['code'], detail: string) => walk.faults.push({ code, at: record.offset, detail })
  const facts = peekDecision(record.value)
  const hash = capsuleHash(previousHash, facts.kind === 'decision' ? record.value.subarray(facts.bodyStart) : record.value)
  if (hash !== decision.capsuleHash)
    fault('hash', `the body of ${body.partition}-${body.offset} hashes to ${hash}, its capsule says ${decision.capsuleHash}`)
  if (body.offset <= walk.contents.newest) {
    // An append that was tried again, or an owner that published anew what it could not commit: nothing new, or a contradiction.
    const first = walk.contents.find(body.offset) ?? (await firstBelieved(log, record.partition, body.offset, record.offset))?.capsuleHash
    if (first === undefined) fault('order', `position ${body.offset} follows ${walk.contents.newest}`)
    else if (first !== decision.capsuleHash) fault('two-contents', `position ${body.partition}-${body.offset} has two believed contents`)
    else walk.repeated++
    return
  }
  if (walk.head !== undefined && previousHash !== walk.head)
    fault('chain', `${body.partition}-${body.offset} follows ${previousHash}, the capsule before it is ${walk.head}`)
  walk.head = decision.capsuleHash
  walk.contents.remember(body.offset, decision.capsuleHash)
  walk.decisions++
}
