/** Runes everywhere; no preprocessors: Svelte strips the types itself. */
export default { compilerOptions: { runes: true } }
