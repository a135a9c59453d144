import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

/** The engine that pages ask while they are developed (`npx vite web`). */
const ENGINE = process.env['SCORESTREAM_TEST_ENGINE'] ?? 'http://127.0.0.1:8080'

export default defineConfig({
  base: '/',
  plugins: [svelte()],
  build: {
    assetsDir: 'app',
    emptyOutDir: true,
    target: 'es2023',
    // Everything stays a file of its own origin: the security policy admits no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: { '/v1': { target: ENGINE, ws: true }, '/metrics': ENGINE, '/readyz': ENGINE, '/openapi.json': ENGINE, '/assets': ENGINE },
  },
})
