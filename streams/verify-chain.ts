/** Walks a partition of the decisions log and checks what the promises say of it. Reads only, one page in memory. */
import type { Decision } from '#schemas/decision.ts'
import { capsuleHash, decodeDecisionRecord, peekDecision } from '#schemas/wire.ts'
import type { EventLog, LogRecord } from './ports.ts'
import { isBelieved, NO_CLAIM, seeClaim, type NewestClaim } from './protocol/belief.ts'
import { CHAIN_START } from './protocol/commit-ledger.ts'

export interface ChainReport {
  readonly partition: number
  /** First record looked at; above 0 where retention deleted earlier ones: what was before is taken on trust. */
  readonly from: number
  readonly decisions: number
  readonly claims: number
  /** Decisions of superseded owners, which nobody believes. */
  readonly ignored: number
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
  last: Decision | undefined
  decisions: number
  claims: number
  ignored: number
  readonly faults: ChainFault[]
}

/** Checks hashes, chain, order and one content per position. Throws only where the log itself cannot be read. */
export const verifyChain = async (log: EventLog, partition: number): Promise<ChainReport> => {
  const from = log.start('decisions')[partition] as number
  const end = log.end('decisions')[partition] as number
  const walk: Walk = {
    newest: NO_CLAIM,
    head: from === 0 ? CHAIN_START : undefined,
    last: undefined,
    decisions: 0,
    claims: 0,
    ignored: 0,
    faults: [],
  }
  for (let next = from; next < end && walk.faults.length < FAULTS_MAX;)
    for (const record of await log.read('decisions', partition, next, PAGE_BYTES)) {
      step(walk, record)
      next = record.offset + 1
    }
  const { decisions, claims, ignored, faults } = walk
  return { partition, from, decisions, claims, ignored, head: walk.head ?? CHAIN_START, faults }
}

const step = (walk: Walk, record: LogRecord): void => {
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
      if (isBelieved(walk.newest, found.decision.epoch)) judge(walk, record, found.decision)
      else walk.ignored++
  }
}

const judge = (walk: Walk, record: LogRecord, decision: Decision): void => {
  const { body, previousHash } = decision
  const fault = (code: ChainFault['code'], detail: string) => walk.faults.push({ code, at: record.offset, detail })
  const facts = peekDecision(record.value)
  const hash = capsuleHash(previousHash, facts.kind === 'decision' ? record.value.subarray(facts.bodyStart) : record.value)
  if (hash !== decision.capsuleHash)
    fault('hash', `the body of ${body.partition}-${body.offset} hashes to ${hash}, its capsule says ${decision.capsuleHash}`)
  const { last } = walk
  if (last !== undefined && last.body.offset === body.offset) {
    if (last.capsuleHash !== decision.capsuleHash)
      fault('two-contents', `position ${body.partition}-${body.offset} has two believed contents`)
    return
  }
  if (last !== undefined && last.body.offset > body.offset) fault('order', `position ${body.offset} follows ${last.body.offset}`)
  if (walk.head !== undefined && previousHash !== walk.head)
    fault('chain', `${body.partition}-${body.offset} follows ${previousHash}, the capsule before it is ${walk.head}`)
  walk.head = decision.capsuleHash
  walk.last = decision
  walk.decisions++
}
