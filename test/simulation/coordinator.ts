/** Gives the partitions to the members of a group, takes them away again, and does not always wait until they were handed over. */
import type { Ownership, OwnershipListener } from '#streams/ports.ts'
import type { Line } from './line.ts'
import type { Scheduler } from './scheduler.ts'

const SESSION_MS = 40
const HAND_OVER_MS_MAX = 60
/** Chance that a partition gets its new owner although the old one has not let go. */
const IMPATIENCE = 0.15

type Call = readonly [kind: keyof OwnershipListener, partition: number, done: () => void]

interface Member {
  readonly line: Line
  readonly listener: OwnershipListener
  /** Outlives a session: a client hears one thing after another. */
  readonly queue: Queue
}

interface Queue {
  readonly calls: Call[]
  busy: boolean
}

export class Coordinator {
  readonly #scheduler: Scheduler
  readonly #partitions: number
  readonly #members = new Map<Line, Member>()
  readonly #left = new Set<Line>()
  readonly #owner = new Map<number, Member>()
  /** Whose each partition is to become. */
  readonly #target = new Map<number, Member | undefined>()
  readonly #handingOver = new Set<number>()

  constructor(partitions: number, scheduler: Scheduler) {
    this.#partitions = partitions
    this.#scheduler = scheduler
  }

  ownershipOf(line: Line): Ownership {
    const request = (listener: OwnershipListener): Promise<boolean> =>
      line
        .call(() => this.#join(line, listener))
        .then(
          () => true,
          () => false,
        )
    return {
      async join(listener) {
        for (let joined = false; !joined;) joined = await request(listener)
      },
      mirror: () => {},
      leave: () => this.#leave(line),
    }
  }

  /** A member that asked to go: it is told to hand over, then it is forgotten. */
  #leave(line: Line): Promise<void> {
    this.#left.add(line)
    const member = this.#members.get(line)
    if (member === undefined) return Promise.resolve()
    this.#members.delete(line)
    this.rebalance()
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#ownedBy(member).length === 0) resolve()
        else this.#scheduler.after(2, () => line.deliver(look))
      }
      look()
    })
  }

  /** Its heartbeats have stopped: after the session its partitions are others'. Should it come back, it is told and joins again. */
  silent(line: Line): void {
    this.#scheduler.after(SESSION_MS, () => {
      const member = this.#members.get(line)
      if (member === undefined || line.up) return
      this.#members.delete(line)
      const lost = this.#ownedBy(member)
      for (const partition of lost) this.#owner.delete(partition)
      this.#scheduler.say(() => `${line.name} expired, it owned ${lost.join(' ') || 'nothing'}`)
      line.deliver(() => {
        for (const partition of lost) this.#tell(member, 'lost', partition, () => {})
        this.#scheduler.after(1, () => line.deliver(() => this.#join(line, member.listener, member.queue)))
      })
      this.rebalance()
    })
  }

  /** Spreads the partitions anew over those who are here. */
  rebalance(): void {
    const members = [...this.#members.values()]
    for (let partition = 0; partition < this.#partitions; partition++) {
      const to = members.length === 0 ? undefined : this.#scheduler.pick(members)
      this.#target.set(partition, to)
      this.#move(partition)
    }
  }

  #move(partition: number): void {
    const from = this.#owner.get(partition)
    if (from === undefined) this.#give(partition)
    else if (from !== this.#target.get(partition) && !this.#handingOver.has(partition)) this.#take(partition, from)
  }

  #join(line: Line, listener: OwnershipListener, queue: Queue = { calls: [], busy: false }): void {
    if (this.#members.has(line) || this.#left.has(line)) return
    this.#members.set(line, { line, listener, queue })
    this.rebalance()
  }

  #give(partition: number): void {
    const to = this.#target.get(partition)
    if (to === undefined || this.#members.get(to.line) !== to) return
    this.#owner.set(partition, to)
    this.#scheduler.say(() => `partition ${partition} to ${to.line.name}`)
    this.#tell(to, 'assigned', partition, () => {})
  }

  /** Asks the owner to hand over; whoever does not in time has lost it. */
  #take(partition: number, from: Member): void {
    let over = false
    this.#handingOver.add(partition)
    const end = (): void => {
      if (over) return
      over = true
      this.#handingOver.delete(partition)
      if (this.#owner.get(partition) === from) this.#owner.delete(partition)
      this.#move(partition)
    }
    this.#tell(from, 'revoked', partition, end)
    this.#scheduler.after(this.#scheduler.chance(IMPATIENCE) ? 1 : HAND_OVER_MS_MAX, () => {
      if (!over && this.#owner.get(partition) === from) this.#tell(from, 'lost', partition, () => {})
      end()
    })
  }

  #ownedBy(member: Member): number[] {
    return [...this.#owner].flatMap(([partition, owner]) => (owner === member ? [partition] : []))
  }

  /** One call at a time, as the port says. */
  #tell(member: Member, ...call: Call): void {
    const { queue, line, listener } = member
    queue.calls.push(call)
    if (queue.busy) return
    queue.busy = true
    const next = (): void => {
      const due = queue.calls.shift()
      if (due === undefined) {
        queue.busy = false
        return
      }
      const [kind, partition, done] = due
      this.#scheduler.after(this.#scheduler.random() * 2, () =>
        line.deliver(() => {
          this.#scheduler.say(() => `${line.name}: ${kind} ${partition}`)
          void hear(listener, kind, partition, done, next)
        }),
      )
    }
    next()
  }
}

/** `done` only where the member did what it was told. */
const hear = async (
  listener: OwnershipListener,
  kind: keyof OwnershipListener,
  partition: number,
  done: () => void,
  next: () => void,
): Promise<void> => {
  try {
    await listener[kind]([partition])
    done()
  } catch {
    // It stops, and its session will end.
  }
  next()
}
