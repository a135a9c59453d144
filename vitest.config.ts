import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/fast-check.ts'],
    // Only what hangs comes near them, on however busy a machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // A crowded machine gets a second chance with browsers and servers, and the end of the run names who needed it.
    // What holds the promises (crashes, simulation, ownership) sets `retry: 0`: a loss seen once is a loss.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    reporters: ['default', './test/second-chances.ts'],
    // Native engines (chDB, LMDB, ONNX Runtime) live in one process each; two cores gain nothing from more.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    pool: 'forks',
    maxWorkers: 2,
  },
})
