/**
 * Applicants and what they share: a graph of applicants, devices, employers and addresses, grown application by application. Read before an
 * application is added, it says how it stood then. Everything is bounded: what no longer fits is left out, and counted.
 */
import type { ApplicationEvent, OutcomeEvent } from '#schemas/events.ts'
import { LINKED_KINDS } from '#schemas/linked-update.ts'
import { linkId } from '../linked/link-id.ts'
import type { LinkedEntity } from '../language/kinds.ts'
import { type GraphLimits, type GraphOverflow, noOverflow } from './graph-limits.ts'
import { LabelBook } from './label-book.ts'
import { NodeTable } from './node-table.ts'

const perEntity = (entity: LinkedEntity): readonly string[] => [`${entity}.degree`, `${entity}.labelled`, `${entity}.default-rate`]

/**
 * In the order in which {@link LinkGraph.read} writes them. `<entity>.degree`: other applicants that named it. `<entity>.labelled`,
 * `<entity>.default-rate`: matured, observed outcomes of others' applications that named it, and the share of bad among them. `component.nodes`:
 * applicants and entities in the component, this application's links included. `two-hop.*`: other applicants that named the same, what they
 * applied for in all (minor units), and their matured bad outcomes.
 */
export const GRAPH_FEATURES: readonly string[] = [
  ...LINKED_KINDS.flatMap(perEntity),
  'component.nodes',
  'two-hop.applicants',
  'two-hop.amount',
  'two-hop.bad',
]

interface Pending {
  readonly applicant: number
  readonly entities: readonly number[]
}

export class LinkGraph {
  /** What did not fit, since the beginning. */
  readonly overflow: GraphOverflow = noOverflow()
  readonly #limits: GraphLimits
  readonly #nodes: NodeTable
  readonly #labels: LabelBook
  /** By applicant: sum of the amounts applied for. */
  readonly #applied = new Map<number, number>()
  readonly #pending = new Map<string, Pending>()

  constructor(limits: GraphLimits) {
    this.#limits = limits
    this.#nodes = new NodeTable(limits, this.overflow)
    this.#labels = new LabelBook(limits.labelsMax, this.overflow)
  }

  /** Adds an application: its applicant, what it names, and the links between them. */
  add(application: ApplicationEvent): void {
    const applicant = this.#nodes.make(`applicant:${application.applicantId}`)
    if (applicant < 0) return
    this.#applied.set(applicant, (this.#applied.get(applicant) ?? 0) + application.amount)
    const entities: number[] = []
    for (const entity of LINKED_KINDS) {
      const id = linkId(application, entity)
      const node = id === undefined ? -1 : this.#nodes.make(`${entity}:${id}`)
      if (node < 0) continue
      entities.push(node)
      this.#nodes.link(applicant, node)
    }
    if (this.#pending.size >= this.#limits.pendingMax) {
      this.#pending.delete(this.#pending.keys().next().value!)
      this.overflow.pending++
    }
    this.#pending.set(application.applicationId, { applicant, entities })
  }

  /** Notes what became of an application: the first observed outcome counts; a counterfactual one is none. */
  label({ applicationId, observed, label, maturedAt }: OutcomeEvent): void {
    const pending = observed ? this.#pending.get(applicationId) : undefined
    if (pending === undefined) return
    this.#pending.delete(applicationId)
    const { applicant, entities } = pending
    for (const node of [applicant, ...entities]) this.#labels.note(node, { applicant, bad: label === 1, maturedAt })
  }

  /**
   * Writes {@link GRAPH_FEATURES} as they stand for this application, which is not added: what others did, and only outcomes matured by its
   * event time. Missing (NaN) are those of an entity that it does not name, and shares of nothing.
   */
  read(application: ApplicationEvent, out: Float32Array, at: number): void {
    const applicant = this.#nodes.find(`applicant:${application.applicantId}`)
    const around = new Set<number>()
    const roots = new Set<number>(applicant < 0 ? [] : [this.#nodes.root(applicant)])
    let joining = applicant < 0 ? 1 : 0
    LINKED_KINDS.forEach((entity, i) => {
      const id = linkId(application, entity)
      const node = id === undefined ? -1 : this.#nodes.find(`${entity}:${id}`)
      if (id === undefined) out.fill(Number.NaN, at + 3 * i, at + 3 * i + 3)
      else this.#readEntity(node, applicant, application.eventTime, out, at + 3 * i)
      if (id !== undefined && node < 0) joining++
      if (node < 0) return
      roots.add(this.#nodes.root(node))
      if (!this.#nodes.neighbours(node, this.#limits.neighboursMax, around)) this.overflow.truncatedReads++
    })
    around.delete(applicant)
    const last = at + 3 * LINKED_KINDS.length
    out[last] = [...roots].reduce((sum, root) => sum + this.#nodes.sizeOf(root), joining)
    out[last + 1] = around.size
    out[last + 2] = [...around].reduce((sum, one) => sum + this.#applied.get(one)!, 0)
    out[last + 3] = [...around].reduce((sum, one) => sum + this.#labels.badOf(one, application.eventTime), 0)
  }

  #readEntity(node: number, applicant: number, t: number, out: Float32Array, at: number): void {
    const { labelled, bad } = this.#labels.ofOthers(node, applicant, t)
    out[at] = node < 0 ? 0 : this.#nodes.degree(node) - (this.#nodes.linked(applicant, node) ? 1 : 0)
    out[at + 1] = labelled
    out[at + 2] = labelled === 0 ? Number.NaN : bad / labelled
  }
}
