/** Asks the engine how it is every two seconds, and keeps a few minutes of it. */
import { getJson, request } from '../api/request.ts'
import { parseMetrics, type Sample, total } from './metrics-text.ts'

const EVERY_MS = 2_000
/** Six minutes. */
const KEPT = 180

export interface Readiness {
  readonly ready: boolean
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[]
}

export interface Moment {
  /** Unix seconds. */
  readonly second: number
  /** Per second, since the moment before; null for the first. */
  readonly events: number | null
  readonly decisions: number | null
  readonly lag: number
  readonly warehouseLag: number
  readonly memoryBytes: number
}

export class EngineWatch {
  readiness = $state.raw<Readiness>()
  samples = $state.raw<readonly Sample[]>([])
  moments = $state.raw<readonly Moment[]>([])
  error = $state.raw<Error>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #closed = false
  #before: { readonly at: number; readonly events: number; readonly decisions: number } | undefined

  open(): void {
    void this.#look()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  async #look(): Promise<void> {
    try {
      const [readiness, metrics] = await Promise.all([getJson<Readiness>('/readyz'), request('/metrics')])
      this.#take(readiness, parseMetrics(await metrics.text()))
      this.error = undefined
    } catch (error) {
      this.error = error instanceof Error ? error : new Error(String(error))
      this.#before = undefined
    }
    // A hidden page need not ask; it goes on when somebody looks.
    if (!this.#closed) this.#timer = setTimeout(() => void this.#look(), document.hidden ? 5 * EVERY_MS : EVERY_MS)
  }

  #take(readiness: Readiness, samples: readonly Sample[]): void {
    const at = performance.now()
    const events = total(samples, 'scorestream_events_total') ?? 0
    const decisions = total(samples, 'scorestream_decisions_total') ?? 0
    const before = this.#before
    const perSecond = (now: number, then: number): number => Math.max(0, ((now - then) / (at - (before?.at ?? 0))) * 1_000)
    this.#before = { at, events, decisions }
    this.readiness = readiness
    this.samples = samples
    this.moments = [
      ...this.moments,
      {
        second: Math.round(Date.now() / 1_000),
        events: before === undefined ? null : perSecond(events, before.events),
        decisions: before === undefined ? null : perSecond(decisions, before.decisions),
        lag: total(samples, 'scorestream_lag_records') ?? 0,
        warehouseLag: total(samples, 'scorestream_warehouse_lag_records') ?? 0,
        memoryBytes: total(samples, 'process_resident_memory_bytes') ?? 0,
      },
    ].slice(-KEPT)
  }
}
