/**
 * Exhaustive model of one partition's decision protocol, over the very functions the engine and its stores use. Two owners may stall at
 * any step or crash; the store may fall back to one of its last three states; scoring a position under another claim always gives other
 * content. In every reachable state: consumers believe at most one content per position; the stored offset never passes a position
 * without a believed decision; each stored state is the fold of exactly the positions below the stored offset.
 *
 * Switching off any one of four rules must break one of these; the fifth, fencing the store by epoch, only saves work.
 */
import { describe, expect, it } from 'vitest'
import { dutyAt, isBelieved, mayCommitReadBack, NO_CLAIM, seeClaim } from '#streams/protocol/belief.ts'
import { judgeClaim, judgeCommit } from '#streams/protocol/commit-rules.ts'

interface Bounds {
  readonly positions: number
  readonly claims: number
  readonly rollbacks: number
  readonly crashes: number
}
const BOUNDS: readonly Bounds[] = [
  { positions: 1, claims: 4, rollbacks: 2, crashes: 1 },
  { positions: 2, claims: 3, rollbacks: 2, crashes: 1 },
]

interface Rules {
  readonly ignoreOlderEpochs: boolean
  readonly adopt: boolean
  readonly readBackBeforeCommit: boolean
  readonly commitFromStoredOffset: boolean
  readonly fenceByEpoch: boolean
}
const ALL: Rules = { ignoreOlderEpochs: true, adopt: true, readBackBeforeCommit: true, commitFromStoredOffset: true, fenceByEpoch: true }

type Entry =
  | { readonly kind: 'claim' }
  | { readonly kind: 'decision'; readonly epoch: number; readonly position: number; readonly content: number }
interface Store {
  readonly epoch: number
  readonly offset: number
  /** Positions folded into each of two entities; position p belongs to entity p mod 2. */
  readonly states: readonly (readonly number[])[]
}
type Owner =
  | { readonly kind: 'idle' }
  | { readonly kind: 'claimed'; readonly epoch: number }
  | {
      readonly kind: 'ready' | 'scored' | 'committable'
      readonly epoch: number
      readonly at: number
      readonly adopted: readonly number[]
      readonly mine: Store['states']
    }
  | {
      readonly kind: 'published'
      readonly epoch: number
      readonly at: number
      readonly adopted: readonly number[]
      readonly mine: Store['states']
      readonly logged: number
    }
interface World {
  readonly log: readonly Entry[]
  readonly store: Store
  readonly past: readonly Store[]
  readonly owners: readonly Owner[]
  readonly claims: number
  readonly rollbacks: number
  readonly crashes: number
}

const IDLE: Owner = { kind: 'idle' }

const believed = (log: readonly Entry[], rules: Rules): Map<number, Set<number>> => {
  const out = new Map<number, Set<number>>()
  let newest = NO_CLAIM
  log.forEach((entry, offset) => {
    if (entry.kind === 'claim') newest = seeClaim(newest, offset)
    else if (!rules.ignoreOlderEpochs || isBelieved(newest, entry.epoch))
      out.set(entry.position, (out.get(entry.position) ?? new Set()).add(entry.content))
  })
  return out
}

const newestBefore = (log: readonly Entry[], end: number): number =>
  log.slice(0, end).reduce((newest, entry, offset) => (entry.kind === 'claim' ? seeClaim(newest, offset) : newest), NO_CLAIM)

/** Steps one owner may take; each is atomic. */
function* ownerSteps(world: World, o: number, bounds: Bounds, rules: Rules): Generator<World> {
  const owner = world.owners[o] as Owner
  const become = (next: Owner, change: Partial<World> = {}): World => {
    const store = change.store ?? world.store
    return {
      ...world,
      ...change,
      past: store === world.store ? world.past : [...world.past, world.store].slice(-3),
      owners: world.owners.map((other, i) => (i === o ? next : other)),
    }
  }
  switch (owner.kind) {
    case 'idle':
      // By symmetry owner 0 claims first.
      if (world.claims < bounds.claims && (world.claims > 0 || o === 0))
        yield become({ kind: 'claimed', epoch: world.log.length }, { log: [...world.log, { kind: 'claim' }], claims: world.claims + 1 })
      break
    case 'claimed': {
      const { store } = world
      if (rules.fenceByEpoch && judgeClaim(store, owner.epoch) === 'fenced') yield become(IDLE)
      else {
        const adopted = rules.adopt ? [...believed(world.log, rules).keys()].sort((a, b) => a - b) : []
        const stored = owner.epoch > store.epoch ? { ...store, epoch: owner.epoch } : store
        yield become({ kind: 'ready', epoch: owner.epoch, at: store.offset, adopted, mine: store.states }, { store: stored })
      }
      break
    }
    case 'ready':
      if (owner.at < bounds.positions)
        yield become({
          ...owner,
          kind:
            dutyAt(
              owner.at,
              owner.adopted.find((p) => p >= owner.at),
            ) === 'score'
              ? 'scored'
              : 'committable',
        })
      break
    case 'scored':
      yield become(
        { ...owner, kind: 'published', logged: world.log.length },
        { log: [...world.log, { kind: 'decision', epoch: owner.epoch, position: owner.at, content: owner.epoch }] },
      )
      break
    case 'published':
      if (!rules.readBackBeforeCommit || mayCommitReadBack(newestBefore(world.log, owner.logged), owner.epoch))
        yield become({ kind: 'committable', epoch: owner.epoch, at: owner.at, adopted: owner.adopted, mine: owner.mine })
      else yield become(IDLE)
      break
    case 'committable':
      yield commit(world, owner, rules, become)
  }
  if (owner.kind !== 'idle' && world.crashes < bounds.crashes) yield { ...become(IDLE), crashes: world.crashes + 1 }
}

const commit = (
  world: World,
  owner: Owner & { kind: 'ready' | 'scored' | 'committable' },
  rules: Rules,
  become: (next: Owner, change?: Partial<World>) => World,
): World => {
  const { store } = world
  const verdict = judgeCommit(
    { offset: rules.commitFromStoredOffset ? store.offset : owner.at, epoch: rules.fenceByEpoch ? store.epoch : NO_CLAIM },
    owner.at,
    owner.epoch,
  )
  if (verdict !== 'commit') return become(IDLE)
  const touched = owner.at % 2
  const mine = owner.mine.map((folded, k) => (k === touched ? [...folded, owner.at] : folded))
  const states = store.states.map((held, k) => (k === touched ? (mine[k] as readonly number[]) : held))
  return become({ ...owner, kind: 'ready', at: owner.at + 1, mine }, { store: { epoch: owner.epoch, offset: owner.at + 1, states } })
}

function* steps(world: World, bounds: Bounds, rules: Rules): Generator<World> {
  for (let o = 0; o < world.owners.length; o++) yield* ownerSteps(world, o, bounds, rules)
  if (world.rollbacks < bounds.rollbacks)
    for (const store of world.past) if (store !== world.store) yield { ...world, store, rollbacks: world.rollbacks + 1 }
}

const violation = ({ log, store }: World, rules: Rules): string | undefined => {
  const contents = believed(log, rules)
  for (const [position, found] of contents) if (found.size > 1) return `position ${position} has ${found.size} believed contents`
  for (let p = 0; p < store.offset; p++)
    if (!contents.has(p)) return `the stored offset ${store.offset} passed position ${p}, which nobody believes decided`
  for (const [k, folded] of store.states.entries()) {
    const due = Array.from({ length: store.offset }, (_, p) => p).filter((p) => p % 2 === k)
    if (folded.join() !== due.join()) return `entity ${k} holds the fold of [${folded.join()}], due is [${due.join()}]`
  }
  return undefined
}

/** A short text that is equal exactly where two worlds are. */
const nameOf = (w: World): string => {
  const storeName = (s: Store) => `${s.epoch},${s.offset},${s.states.map((e) => e.join('')).join('/')}`
  const ownerName = (o: Owner) =>
    o.kind === 'idle'
      ? 'i'
      : o.kind === 'claimed'
        ? `c${o.epoch}`
        : `${o.kind[0]}${o.kind[1]}${o.epoch},${o.at},${o.adopted.join('')},${o.mine.map((e) => e.join('')).join('/')},${o.kind === 'published' ? o.logged : ''}`
  return `${w.log.map((e) => (e.kind === 'claim' ? 'c' : `d${e.epoch},${e.position}`)).join(' ')}|${storeName(w.store)}|${w.past.map(storeName).join(' ')}|${w.owners.map(ownerName).join(' ')}|${w.claims}${w.rollbacks}${w.crashes}`
}

const explore = (bounds: Bounds, rules: Rules): { violation: string | undefined; worlds: number } => {
  const start: World = {
    log: [],
    store: { epoch: NO_CLAIM, offset: 0, states: [[], []] },
    past: [],
    owners: [IDLE, IDLE],
    claims: 0,
    rollbacks: 0,
    crashes: 0,
  }
  const seen = new Set([nameOf(start)])
  let edge: World[] = [start]
  while (edge.length > 0) {
    const next: World[] = []
    for (const world of edge) {
      const found = violation(world, rules)
      if (found !== undefined) return { violation: found, worlds: seen.size }
      for (const step of steps(world, bounds, rules)) {
        const name = nameOf(step)
        if (seen.has(name)) continue
        seen.add(name)
        next.push(step)
      }
    }
    edge = next
  }
  return { violation: undefined, worlds: seen.size }
}

const exploreAll = (rules: Rules): string | undefined => {
  for (const bounds of BOUNDS) {
    const { violation: found } = explore(bounds, rules)
    if (found !== undefined) return found
  }
  return undefined
}

describe('the decision protocol, exhaustively within its bounds', { timeout: 120_000 }, () => {
  it('with all rules no reachable state breaks a promise', () => {
    const runs = BOUNDS.map((bounds) => explore(bounds, ALL))
    expect(runs.map((run) => run.violation)).toEqual([undefined, undefined])
    // The state space of the reference model (Python) within the same bounds; far fewer would mean that this one explores too little.
    expect(runs.reduce((sum, run) => sum + run.worlds, 0)).toBeGreaterThan(250_000)
  })

  it('needs: consumers ignore decisions of older epochs', () => {
    expect(exploreAll({ ...ALL, ignoreOlderEpochs: false })).toMatch(/believed contents/)
  })

  it('needs: takeover adopts what is believed', () => {
    expect(exploreAll({ ...ALL, adopt: false })).toMatch(/believed contents/)
  })

  it('needs: commits only past what was read back as believed', () => {
    expect(exploreAll({ ...ALL, readBackBeforeCommit: false })).toMatch(/nobody believes decided/)
  })

  it('needs: a commit requires the stored offset to be its start', () => {
    expect(exploreAll({ ...ALL, commitFromStoredOffset: false })).toMatch(/holds the fold of/)
  })

  it('does not need, for correctness, that the store fences by epoch', () => {
    expect(explore(BOUNDS[0] as Bounds, { ...ALL, fenceByEpoch: false }).violation).toBeUndefined()
  })
})
