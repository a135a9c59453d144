/** Verifies and lays out one bundle on whatever thread calls it, for another that decides. */
import { BundleRefused } from './bundle-refused.ts'
import type { LoadAnswer, LoadOrder } from './load-apart.ts'
import { prepareBundle } from './load-scorer.ts'
import { kernelMemory } from './wasm/kernel-memory.ts'

/** What does not make sense is an answer, not an error. `image` is the caller's: it may be transferred. */
export const prepareAnswer = async (order: LoadOrder): Promise<LoadAnswer> => {
  const memory = kernelMemory()
  try {
    const bundle = await prepareBundle(memory, order)
    return { kind: 'prepared', bundle, image: memory.image() }
  } catch (error) {
    if (!(error instanceof BundleRefused)) throw error
    return { kind: 'refused', code: error.code, message: error.message }
  }
}
