/** The few names of the WebAssembly JavaScript API used here; TypeScript ships them only with the DOM library. */
declare namespace WebAssembly {
  interface Module {
    readonly [module: symbol]: never
  }
  interface Instance {
    readonly exports: Readonly<Record<string, unknown>>
  }
  interface Memory {
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }
  const Module: new (bytes: Uint8Array) => Module
  const Instance: new (module: Module) => Instance
}
