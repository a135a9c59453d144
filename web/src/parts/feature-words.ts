/** A feature's description without what explains its field in parentheses: a table repeats that for every window. */
const ASIDES = / ?\(([^)]*)\)/g

export const shortly = (description: string): string => description.replaceAll(ASIDES, '')

/** What {@link shortly} leaves out. */
export const explained = (description: string): string => [...description.matchAll(ASIDES)].map(([, words]) => words).join('; ')
