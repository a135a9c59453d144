/** How much a graph holds, and what did not fit. */

export interface GraphLimits {
  /** Applicants, devices, employers and addresses together; at most 2^26. */
  readonly nodesMax: number
  /** Pairs of an applicant and what it named. */
  readonly edgesMax: number
  /** Applicants looked at per entity for what lies two hops away: those linked last. */
  readonly neighboursMax: number
  /** Applications that wait for their outcome; the oldest are given up first. */
  readonly pendingMax: number
  /** Matured labels kept per entity and applicant: the newest by maturity. */
  readonly labelsMax: number
}

/** Some hundreds of MB where all are reached: about 100 bytes a node, 50 a pair, 250 a pending application, 50 a label. */
export const GRAPH_LIMITS: GraphLimits = {
  nodesMax: 1_000_000,
  edgesMax: 2_000_000,
  neighboursMax: 1_000,
  pendingMax: 200_000,
  labelsMax: 256,
}

export interface GraphOverflow {
  nodes: number
  edges: number
  pending: number
  labels: number
  /** Reads that looked at the last `neighboursMax` applicants of an entity rather than at all. */
  truncatedReads: number
}

export const noOverflow = (): GraphOverflow => ({ nodes: 0, edges: 0, pending: 0, labels: 0, truncatedReads: 0 })
