/** A reproducible stream of payments and applications over a few applicants, with some events sent twice. */
import type { CreditEvent } from '#schemas/events.ts'
import { application, payment } from './embedded.ts'

/** mulberry32: a small generator whose whole state is its seed. */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export const seededEvents = (seed: number, total: number): CreditEvent[] => {
  const random = seededRandom(seed)
  const out: CreditEvent[] = []
  for (let n = 0; n < total; n++) {
    const applicant = `client-${Math.floor(random() * 40)}`
    const repeat = random() < 0.05 ? out[Math.floor(random() * out.length)] : undefined
    out.push(repeat ?? (random() < 0.3 ? application(applicant, n) : payment(applicant, n)))
  }
  return out
}
