/** What the gateway needs of the engine. Everything arrives as an argument; the gateway owns no state but its sockets. */
import type { Decision } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { Rejection } from '#schemas/rejection.ts'
import type { EpochMs, Probability, Points } from '#schemas/units.ts'
import type { Manifest } from '#registry/manifest.ts'
import type { IncomingEvent, IngestResult, Position } from '#streams/ports.ts'

export type { IncomingEvent, IngestResult, Position }

/**
 * Appends events in the given order and resolves, one result per event, once the accepted ones survive what the configured durability names.
 * Rejects with an error whose `code` is `overloaded` when its byte bound is reached, `disk-full` or `closed` when nothing can be stored;
 * nothing was appended then.
 */
export type Ingest = (events: readonly IncomingEvent[]) => Promise<readonly IngestResult[]>

/** A place reserved for one synchronous decision. */
export interface DecisionWaiter {
  /** The decision on the event, or undefined once the deadline has passed or the waiter was cancelled. */
  readonly decision: Promise<Decision | undefined>
  /** Frees the place at once. Idempotent. */
  cancel(): void
}

/** Names the event a waiter waits for; `eventId` alone is unique per producer only. */
export interface AwaitedEvent {
  readonly producer: string
  readonly eventId: string
  readonly applicantId: string
}

/** Registers a waiter, or returns undefined where all places are taken. Must be called before the event is ingested. */
export type WaitForDecision = (event: AwaitedEvent, deadlineMs: number) => DecisionWaiter | undefined

/** A value of the feature vector as of the applicant's present state; null = missing. */
export interface FeatureReading {
  readonly name: string
  readonly value: number | null
  readonly unit: string
  readonly description: string
}

/** `now`: every event folded so far is in. `last-commit`: another process works on the applicant's partition, and may be some events ahead. */
export type KnownUpTo = 'now' | 'last-commit'

export interface ApplicantFeatures {
  readonly applicantId: string
  readonly featureSetHash: string
  /** Event time as of which the vector was read, or null where the applicant is unknown. */
  readonly asOf: EpochMs | null
  readonly knownUpTo: KnownUpTo
  readonly features: readonly FeatureReading[]
}

/** A hypothesis scored on the applicant's present state; nothing is written. */
export interface WhatIfAnswer {
  readonly knownUpTo: KnownUpTo
  readonly decision: 'approve' | 'refer' | 'decline'
  readonly probability: Probability
  readonly score: Points
  readonly margin: number
  readonly base: number
  readonly residual: number
  readonly reasons: readonly { code: string; text: string; group: string; contribution: number; rank: number }[]
  readonly degraded: string | null
  readonly modelVersion: string
  readonly policyVersion: string
  readonly featureSetHash: string
  readonly ruleHit: string | null
}

export type WhatIf =
  | { readonly kind: 'answer'; readonly answer: WhatIfAnswer }
  /** An overlay named an unknown feature, or a value out of range. */
  | { readonly kind: 'rejected'; readonly rejection: Rejection }

export interface PublishedModel {
  readonly name: string
  readonly version: string
  /** `champion`, `challenger`, `fallback`: those that point here. */
  readonly aliases: readonly string[]
  readonly bundleHash: string
  readonly manifest: Manifest
}

export interface Readiness {
  readonly ready: boolean
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[]
}

/** The engine behind the routes. */
export interface Engine {
  ingest: Ingest
  /** Keeps bytes that are no event, as received, and why. Resolves once durable. What parsed and was refused is kept by `ingest`. */
  deadLetter(bytes: Uint8Array, rejection: Rejection): Promise<void>
  waitForDecision: WaitForDecision
  /** By `<partition>-<offset>` of the input; undefined where there is none (yet). */
  findDecision(id: string): Promise<Decision | undefined>
  applicantFeatures(applicantId: string): Promise<ApplicantFeatures | undefined>
  whatIf(application: ApplicationEvent, overlays: ReadonlyMap<string, number>): Promise<WhatIf>
  models(): Promise<readonly PublishedModel[]>
  /** Prometheus text format, ending with a line feed; the gateway adds its own counters. */
  metrics(): string | Promise<string>
  readiness(): Readiness | Promise<Readiness>
}

/** What differs between a decision and its replay, traced to its cause. */
export interface ReplayDifference {
  readonly cause: string
  readonly detail: string
}

export type ReplayAnswer =
  | { readonly id: string; readonly result: 'same'; readonly capsuleHash: string; readonly eventsFolded: number }
  | { readonly id: string; readonly result: 'different'; readonly differences: readonly ReplayDifference[] }

/** Runs the decision again from the log in a fresh process, with the model and policy of that time; undefined where there is none. */
export type Replay = (id: string) => Promise<ReplayAnswer | undefined>

/** Where the gateway tells of trouble; pino's shape. Never given bodies, tokens or authorization headers. */
export interface GatewayLog {
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** Largest wait for a decision that a caller may ask for. */
export const DEADLINE_MS_MAX = 30_000
