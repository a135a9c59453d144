/** Bug: a decision is believed however old its epoch. */
export * from '#streams/protocol/belief.ts'

export const isBelieved = (): boolean => true
