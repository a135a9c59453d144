/** The course of the demo: load, a bundle of another feature set, its promotion, cut-over, and the way back, with what each did to applicants. */
import { setTimeout as sleep } from 'node:timers/promises'
import { promote, rollBack } from '#registry/promote.ts'
import { type Certificate, describeDifferences } from '#streams/evolution/certificate.ts'
import { personally } from '../attribution.ts'
import type { DemoReplay } from '../demo-replay.ts'
import { readCertificates } from '../evolution/certificate-files.ts'
import { CommandError, EXIT } from '../exit.ts'
import type { Host } from '../host.ts'
import { gapsAtChange, gapsBetween, longestWaitMs, type SeenDecision, seenOf } from './decisions-seen.ts'
import { type Change, type Chapter, chapterTable, comparedText, pauseText } from './tell.ts'

/** How often registry, certificates and decisions are looked at. */
const LOOK_MS = 100
/** Progress of the filling, at most so often. */
const TELL_MS = 2_000
/** What was decided so long after a cut-over may have waited for it. */
const AFTER_MS = 2_000

export interface EvolveDemoParts {
  readonly host: Host
  readonly dataDir: string
  readonly modelsDir: string
  /** Name of the bundle whose champion decides. */
  readonly bundle: string
  /** Feature set in force, and the one to come. */
  readonly sets: { readonly from: string; readonly to: string }
  /** Begins the load. */
  readonly load: () => DemoReplay
  /** Publishes a bundle of the set to come and resolves with its version; ends early where `signal` asks. */
  readonly train: (signal: AbortSignal) => Promise<string>
  /** Decisions before and after each change, by which rates, waits and gaps are judged. */
  readonly chapterDecisions: number
  readonly secondsMax: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly write: (text: string) => void
}

const failure = (code: string, message: string): CommandError => new CommandError(code, message, EXIT.findings)

export class EvolveDemo {
  readonly #parts: EvolveDemoParts
  readonly #began: number
  readonly #seen: SeenDecision[] = []
  readonly #chapters: Chapter[] = []
  /** Index of the first decision that is in no chapter yet. */
  #unwritten = 0
  readonly #stopping = new AbortController()
  #loadEnded = false
  #loadFailure: string | undefined

  constructor(parts: EvolveDemoParts) {
    this.#parts = parts
    this.#began = parts.now()
  }

  stop(): void {
    this.#stopping.abort()
  }

  /** Resolves once the set changed and changed back; rejects with the reason where something did not come about. */
  async run(): Promise<void> {
    const { host, load, write, sets } = this.#parts
    write(`The engine serves at ${host.httpUrl}/, SQL at ${host.sqlUrl ?? 'none'}/. It decides on the features ${sets.from}.`)
    await host.sqlReady
    const hearing = host.engine.decisions.subscribe((batch) => {
      for (const decision of batch) this.#seen.push(seenOf(decision))
    })
    const replay = load()
    void replay.finished
      .catch((error: unknown) => (this.#loadFailure = error instanceof Error ? error.message : 'for no known reason'))
      .finally(() => (this.#loadEnded = true))
    try {
      await this.#course()
    } finally {
      hearing.unsubscribe()
      await replay.stop()
    }
    await host.engine.drain()
    await host.warehouseCaughtUp()
  }

  async #course(): Promise<void> {
    const { modelsDir, bundle, now, write, sets } = this.#parts
    this.#say(`── Applications come in; a small bundle is trained on ${sets.to} beside them.`)
    const version = await this.#train()
    const champion = await this.#decided(`on ${sets.from}`)
    this.#say(`── ${bundle}@${version} is promoted.`)
    const there = await this.#change(`${bundle}@${version}`, champion, () =>
      promote(modelsDir, bundle, version, 'champion', personally('demo: devices, employers and addresses', now())),
    )
    await this.#decided(`on ${sets.to}`)
    this.#say('── The promotion is rolled back.')
    const back = await this.#change(champion, `${bundle}@${version}`, () =>
      rollBack(modelsDir, bundle, 'champion', personally('demo: trying the way back', now())),
    )
    await this.#decided(`back on ${sets.from}`)
    write(this.#summary(there, back))
  }

  #say(text: string): void {
    const seconds = ((this.#parts.now() - this.#began) / 1000).toFixed(1)
    this.#parts.write(`${seconds.padStart(6)} s  ${text}`)
  }

  async #train(): Promise<string> {
    const { train, now, bundle } = this.#parts
    const began = now()
    const abort = new AbortController()
    let version: string | undefined
    let failed: unknown
    const training = train(abort.signal).then(
      (published) => (version = published),
      (error: unknown) => (failed = error),
    )
    try {
      await this.#until('the bundle is trained', () => {
        if (failed !== undefined) throw failed
        return version !== undefined
      })
    } finally {
      abort.abort()
      await training
    }
    this.#say(`trained ${bundle}@${version!} in ${((now() - began) / 1000).toFixed(1)} s`)
    return version!
  }

  /** Waits for decisions of the model that decides now, closes its chapter with them, and says which model that is. */
  async #decided(title: string): Promise<string> {
    const { chapterDecisions } = this.#parts
    await this.#until(`${chapterDecisions} decisions ${title}`, () => this.#seen.length - this.#unwritten >= chapterDecisions)
    return this.#close(title, this.#seen.length)
  }

  #close(title: string, end: number): string {
    const decisions = this.#seen.slice(this.#unwritten, end)
    const modelVersion = decisions.at(-1)?.modelVersion ?? '–'
    this.#chapters.push({ title, modelVersion, decisions })
    this.#unwritten = end
    return modelVersion
  }

  /** Moves the alias and waits until `to` decides in the place of `from`; what `from` decided meanwhile is a chapter. */
  async #change(to: string, from: string, move: () => unknown): Promise<Change> {
    const { dataDir, now } = this.#parts
    const asked = now()
    const known = readCertificates(dataDir).length
    const first = this.#seen.length
    move()
    let certificate: Certificate | undefined
    let told = asked
    await this.#until(`${to} decides`, async () => {
      certificate = readCertificates(dataDir)[known]
      if (certificate !== undefined && certificate.differences > 0)
        throw failure('states-differ', `${to} was not put in force: ${describeDifferences(certificate)}`)
      if (now() - told >= TELL_MS && certificate === undefined) {
        told = now()
        await this.#tellFilled(to)
      }
      return certificate?.cutOver != null && this.#seen.at(-1)?.modelVersion === to
    })
    const { cutOver } = certificate!
    const at = cutOver!.at
    this.#say(comparedText(certificate!))
    this.#say(`${to} decides from offsets ${cutOver!.offsets.join(', ')} on`)
    await this.#until('what waited is decided', () => now() > at + AFTER_MS)
    const end = this.#seen.findIndex(({ modelVersion }, index) => index >= first && modelVersion === to)
    this.#close('while the change is prepared', end)
    const span = Math.max(AFTER_MS, at - asked)
    const around = this.#seen.slice(first)
    const change: Change = {
      certificate: certificate!,
      tookMs: at - asked,
      gaps: gapsAtChange(around, from, to),
      waitMs: longestWaitMs(around, at - 1, at + AFTER_MS),
      usual: { ...gapsBetween(this.#seen, asked - span, asked), waitMs: longestWaitMs(this.#seen, asked - span, asked) },
    }
    this.#say(pauseText(change))
    return change
  }

  /** As anyone outside can follow it. */
  async #tellFilled(to: string): Promise<void> {
    const answer = await fetch(`${this.#parts.host.httpUrl}/metrics`)
    const ratio = /^scorestream_feature_set_filled_ratio (\S+)$/m.exec(await answer.text())?.[1]
    if (ratio === undefined) return
    const filled = 100 * Number(ratio)
    this.#say(
      filled < 100 ? `the states for ${to} are ${filled.toFixed(0)} % filled` : `the states for ${to} are filled; a sample is compared`,
    )
  }

  /** Looks until it holds; rejects where the demo is stopped, out of time, or without load. */
  async #until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const { secondsMax, now } = this.#parts
    while (!(await holds())) {
      if (this.#stopping.signal.aborted) throw failure('stopped', `stopped before ${what}`)
      if (now() - this.#began > secondsMax * 1000)
        throw failure(
          'out-of-time',
          `${secondsMax} s were over before ${what}; the log above says how far it came. Give it more with --limit.`,
        )
      if (this.#loadFailure !== undefined) throw failure('load-failed', `before ${what} the load failed: ${this.#loadFailure}`)
      if (this.#loadEnded) throw failure('load-ended', `the demo's clients had all applied before ${what}; choose a lower --rate`)
      await sleep(LOOK_MS)
    }
  }

  #summary(there: Change, back: Change): string {
    const { host, sets, dataDir } = this.#parts
    const seconds = (ms: number): string => (ms / 1000).toFixed(1)
    return `
The feature set changed and changed back while applications came in; the process did not restart.

${chapterTable(this.#chapters)}

${sets.from} → ${sets.to}: in force ${seconds(there.tookMs)} s after the promotion
  ${pauseText(there)}
${sets.to} → ${sets.from}: in force ${seconds(back.tookMs)} s after the roll-back
  ${pauseText(back)}

Look          ${host.httpUrl}/            the dashboard
Models        ${host.httpUrl}/v1/models   champion and the one before
Certificates  npm run scorestream -- features certificates --data-dir ${dataDir}
The same      curl -s '${host.sqlUrl ?? ''}/?database=scorestream' --data-binary "SELECT compared_at, from_model, to_model, compared, differences, cut_over_at, cut_over_offsets FROM feature_set_changes FINAL ORDER BY compared_at FORMAT Vertical"`
  }
}
