/**
 * Nodes by name, their links, and the components they form, in arrays that grow up to declared bounds. Components are kept by union-find with
 * path halving and union by size (R. E. Tarjan, J. van Leeuwen, Worst-case analysis of set union algorithms, J. ACM 31(2), 1984): nothing is
 * ever taken out, so no search is needed.
 */
import type { GraphLimits, GraphOverflow } from './graph-limits.ts'

const NODES_MAX = 2 ** 26

/** Room for `needed` entries: twice as long, up to `most`. */
const grown = (array: Int32Array<ArrayBuffer>, needed: number, most: number): Int32Array<ArrayBuffer> => {
  if (needed <= array.length) return array
  const out = new Int32Array(Math.min(most, Math.max(needed, 2 * array.length)))
  out.set(array)
  return out
}

export class NodeTable {
  readonly #limits: Pick<GraphLimits, 'nodesMax' | 'edgesMax'>
  readonly #overflow: GraphOverflow
  readonly #byName = new Map<string, number>()
  /** Applicant × 2^26 + entity, below 2^53: which pairs are linked. */
  readonly #pairs = new Set<number>()
  #parent = new Int32Array(64)
  #size = new Int32Array(64)
  #degree = new Int32Array(64)
  /** By entity: its newest link plus one, 0 where it has none; by link: the applicant, and the link before it plus one. */
  #newest = new Int32Array(64)
  #applicantOf = new Int32Array(64)
  #before = new Int32Array(64)

  constructor(limits: Pick<GraphLimits, 'nodesMax' | 'edgesMax'>, overflow: GraphOverflow) {
    if (limits.nodesMax > NODES_MAX) throw new RangeError(`a graph holds at most ${NODES_MAX} nodes, asked for ${limits.nodesMax}`)
    this.#limits = limits
    this.#overflow = overflow
  }

  /** −1 where there is none. */
  find(name: string): number {
    return this.#byName.get(name) ?? -1
  }

  /** The node of that name, new where there was none; −1 where the table is full. */
  make(name: string): number {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const node = this.#byName.size
    const { nodesMax } = this.#limits
    if (node >= nodesMax) {
      this.#overflow.nodes++
      return -1
    }
    this.#parent = grown(this.#parent, node + 1, nodesMax)
    this.#size = grown(this.#size, node + 1, nodesMax)
    this.#degree = grown(this.#degree, node + 1, nodesMax)
    this.#newest = grown(this.#newest, node + 1, nodesMax)
    this.#parent[node] = node
    this.#size[node] = 1
    this.#byName.set(name, node)
    return node
  }

  /** Links an applicant with what it named; a pair counts once. */
  link(applicant: number, entity: number): void {
    if (this.linked(applicant, entity)) return
    const { edgesMax } = this.#limits
    const edge = this.#pairs.size
    if (edge >= edgesMax) {
      this.#overflow.edges++
      return
    }
    this.#pairs.add(applicant * NODES_MAX + entity)
    this.#applicantOf = grown(this.#applicantOf, edge + 1, edgesMax)
    this.#before = grown(this.#before, edge + 1, edgesMax)
    this.#applicantOf[edge] = applicant
    this.#before[edge] = this.#newest[entity]!
    this.#newest[entity] = edge + 1
    this.#degree[entity]! += 1
    this.#unite(this.root(applicant), this.root(entity))
  }

  linked(applicant: number, entity: number): boolean {
    return this.#pairs.has(applicant * NODES_MAX + entity)
  }

  /** Applicants that named an entity. */
  degree(entity: number): number {
    return this.#degree[entity]!
  }

  /** Adds the applicants that named an entity to `out`, at most `most`, newest first; whether that is all of them. */
  neighbours(entity: number, most: number, out: Set<number>): boolean {
    let edge = this.#newest[entity]!
    for (let taken = 0; edge !== 0 && taken < most; taken++) {
      out.add(this.#applicantOf[edge - 1]!)
      edge = this.#before[edge - 1]!
    }
    return edge === 0
  }

  /** The node that stands for the component. */
  root(node: number): number {
    const parent = this.#parent
    let at = node
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!
      at = parent[at]!
    }
    return at
  }

  /** Nodes of the component that `root` stands for. */
  sizeOf(root: number): number {
    return this.#size[root]!
  }

  #unite(a: number, b: number): void {
    if (a === b) return
    const [large, small] = this.#size[a]! >= this.#size[b]! ? [a, b] : [b, a]
    this.#parent[small] = large
    this.#size[large]! += this.#size[small]!
  }
}
