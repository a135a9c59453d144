/** Where an engine is in its life. */
export type EngineState =
  | { readonly kind: 'new' }
  | { readonly kind: 'running' }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'stopped'; readonly failure?: unknown }
