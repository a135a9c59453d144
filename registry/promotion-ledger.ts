/** Who moved which alias, when and why: one JSON line a move in `models/<name>/promotions.jsonl`, never rewritten. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Alias } from './model-reference.ts'
import { RegistryError } from './registry-error.ts'

/** What the mover says of a move. */
export interface Attribution {
  /** A person, or the gate. */
  readonly actor: string
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Request for retraining that the move answers; null where a person began it. */
  readonly requestId: string | null
}

export interface Promotion extends Attribution {
  readonly name: string
  readonly alias: Alias
  readonly version: string
  readonly previousVersion: string | null
}

const ledgerFile = (modelsDir: string, name: string): string => join(modelsDir, name, 'promotions.jsonl')

/** Appends one move in a single write, so that lines of two processes never mix. */
export const recordPromotion = (modelsDir: string, promotion: Promotion): void =>
  appendFileSync(ledgerFile(modelsDir, promotion.name), `${JSON.stringify(promotion)}\n`, { flush: true })

const parseLine = (line: string, path: string, number: number): Promotion => {
  try {
    return JSON.parse(line) as Promotion
  } catch (cause) {
    throw new RegistryError('malformed-ledger', `${path}, line ${number}: not JSON`, 'restore the line from a copy, or remove it', cause)
  }
}

/** Every recorded move of a model's aliases, oldest first. A last line that a crash cut short was never acknowledged and is left out. */
export const readPromotions = (modelsDir: string, name: string): Promotion[] => {
  const path = ledgerFile(modelsDir, name)
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .filter(Boolean)
    .map((line, index) => parseLine(line, path, index + 1))
}
