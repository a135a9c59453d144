/** The course of the demo: sends, tells what is found, ends once the successor has decided for a while, and sums up. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isHoldout } from '#registry/holdout.ts'
import type { CreditEvent, ProducedEvent } from '#schemas/events.ts'
import type { ModelEvent } from '#schemas/monitoring-events.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import { type DriftPhase, type DriftStep, ERRING_PRODUCER, SHIFTED_CHANNEL, UNIT_FACTOR } from '#streams/demo/drift-stream.ts'
import type { IncomingEvent } from '#streams/ports.ts'
import type { Host } from '../host.ts'
import { FindingFollower } from './findings.ts'
import { DemoLedger } from './ledger.ts'
import { chapterTable, findingText } from './tell.ts'

/** Decisions of the successor that show whether the figures recover: three windows of monitoring. */
const SUCCESSOR_DECISIONS = 3_500
/** Applications after which the demo gives up waiting for a successor. */
const APPLICATIONS_MAX = 90_000
/** How often findings are looked for. */
const LOOK_MS = 250
/** Applications of one ingest call at most: HTTP callers never wait long behind it. */
const APPLICATIONS_A_CALL = 2

export interface DriftDemoParts {
  readonly host: Host
  readonly steps: Iterator<DriftStep>
  readonly dataDir: string
  readonly partitions: number
  /** Applications per second. */
  readonly rate: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly write: (text: string) => void
}

const PHASE_OPENS: Readonly<Record<DriftPhase, string>> = {
  usual: 'The portfolio is as usual.',
  'unit-error': `${ERRING_PRODUCER} begins to send payment amounts multiplied by ${UNIT_FACTOR}: cents of cents.`,
  mended: `${ERRING_PRODUCER} is mended.`,
  'new-population': `Through channel ${SHIFTED_CHANNEL} other clients apply from now on: larger accounts in harder times.`,
}

/** The bytes a producer would have sent are made only if somebody asks: on a conflict, or for the vault. */
const incoming = (event: ProducedEvent): IncomingEvent => ({
  event,
  get bytes() {
    return Buffer.from(JSON.stringify(eventToJson(event)))
  },
})

export class DriftDemo {
  readonly #parts: DriftDemoParts
  readonly #ledger = new DemoLedger()
  readonly #findings: FindingFollower
  readonly #began: number
  readonly #phases = new Set<DriftPhase>()
  #applications = 0
  #stopping = false
  /** Protected events on their way to the vault, one call after the other. */
  #vault: Promise<unknown> = Promise.resolve()

  constructor(parts: DriftDemoParts) {
    this.#parts = parts
    this.#began = parts.now()
    this.#findings = new FindingFollower(parts.dataDir, parts.partitions)
    parts.host.engine.decisions.subscribe((batch) => {
      for (const decision of batch) this.#ledger.decided(decision)
    })
  }

  stop(): void {
    this.#stopping = true
  }

  /** True where a successor was trained, promoted and decided. */
  async run(): Promise<boolean> {
    const { host, write } = this.#parts
    write(`The engine serves at ${host.httpUrl}/, SQL at ${host.sqlUrl ?? 'none'}/.`)
    await host.sqlReady
    const looking = this.#look()
    await this.#send()
    this.#stopping = true
    await looking
    await this.#vault
    await host.engine.drain()
    await host.warehouseCaughtUp()
    const closed = this.#activated() !== undefined
    write(this.#summary(closed))
    await this.#findings.close()
    return closed
  }

  #say(text: string): void {
    const seconds = ((this.#parts.now() - this.#began) / 1000).toFixed(1)
    this.#parts.write(`${seconds.padStart(6)} s  ${text.replaceAll('\n', '\n          ')}`)
  }

  /** Sends at the rate until the successor has decided enough. */
  async #send(): Promise<void> {
    const { rate, steps, now } = this.#parts
    const began = now()
    while (!this.#stopping && !this.#shown() && this.#applications < APPLICATIONS_MAX) {
      const due = Math.floor(((now() - began) / 1000) * rate)
      if (this.#applications >= due) {
        await sleep(2)
        continue
      }
      const events: CreditEvent[] = []
      for (let taken = 0; taken < APPLICATIONS_A_CALL && this.#applications < due;) {
        const { value, done } = steps.next()
        if (done === true) return
        if (value.kind === 'application') {
          taken++
          this.#prepare(value)
        }
        events.push(...(value.kind === 'application' ? value.events : [value.event]))
      }
      await this.#offer(events)
    }
  }

  #prepare({ phase, applicationId, label, protectedEvent }: Extract<DriftStep, { kind: 'application' }>): void {
    if (!this.#phases.has(phase)) this.#say(`── ${PHASE_OPENS[phase]}`)
    this.#phases.add(phase)
    this.#applications++
    const { applicantId } = protectedEvent
    this.#ledger.sent(applicationId, applicantId, phase, label)
    // Fairness is judged on those no model is fitted on; the vault flushes each entry, so the others' would only cost time.
    if (isHoldout(applicantId)) this.#vault = this.#vault.then(() => this.#parts.host.ingest([incoming(protectedEvent)]))
  }

  /** Overload is no loss here: the same events are offered again. */
  async #offer(events: readonly CreditEvent[]): Promise<void> {
    for (;;) {
      try {
        await this.#parts.host.ingest(events.map(incoming))
        return
      } catch (error) {
        if (this.#stopping || !(error instanceof Error && 'code' in error && error.code === 'overloaded')) throw error
        await sleep(5)
      }
    }
  }

  async #look(): Promise<void> {
    while (!this.#stopping) {
      for (const finding of await this.#findings.news()) this.#say(findingText(finding))
      await sleep(LOOK_MS)
    }
  }

  #model<Kind extends ModelEvent['kind']>(kind: Kind): Extract<ModelEvent, { kind: Kind }> | undefined {
    for (const finding of this.#findings.all)
      if (finding.kind === 'model' && finding.event.kind === kind) return finding.event as Extract<ModelEvent, { kind: Kind }>
    return undefined
  }

  #activated() {
    return this.#model('model-activated')
  }

  /** Refused or failed counts as shown, too: there is nothing more to wait for. */
  #shown(): boolean {
    const successor = this.#activated()
    if (successor !== undefined) return this.#ledger.decisions(successor.modelVersion) >= SUCCESSOR_DECISIONS
    return this.#model('model-refused') !== undefined || this.#model('training-failed') !== undefined
  }

  #summary(closed: boolean): string {
    const { host } = this.#parts
    const [requested, activated] = [this.#model('retrain-requested'), this.#activated()]
    const timing =
      requested === undefined || activated === undefined
        ? ''
        : `From the request to the successor deciding: ${((activated.activatedAt - requested.requestedAt) / 1000).toFixed(1)} s, while ${this.#parts.rate} applications/s were served with p99 ${this.#ledger.p99Ms(requested.requestedAt, activated.activatedAt).toFixed(1)} ms (before: ${this.#ledger.p99Ms(this.#began, requested.requestedAt).toFixed(1)} ms).\n`
    const sql = host.sqlUrl ?? ''
    return `
${closed ? 'The loop closed.' : 'The loop did not close.'}

${chapterTable(this.#ledger.chapters())}

${timing}
Look      ${host.httpUrl}/            the dashboard
Models    ${host.httpUrl}/v1/models   champion and successor
Alerts    curl -s '${sql}/?database=scorestream' --data-binary "SELECT raised_at, state, kind, cause, subject FROM alerts ORDER BY raised_at FORMAT PrettyCompact"
Moves     curl -s '${sql}/?database=scorestream' --data-binary "SELECT promoted_at, alias, version, previous_version, actor, reason FROM promotions FORMAT Vertical"
Drift     curl -s '${sql}/?database=scorestream' --data-binary "SELECT model_version, window_start, round(max(value), 2) AS psi, countIf(alert) AS moved FROM drift WHERE metric = 'psi' AND segment = 'all' GROUP BY ALL ORDER BY window_start FORMAT PrettyCompact"`
  }
}
