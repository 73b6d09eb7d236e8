import { defineConfig } from 'vite'

/** The page of tests/e2e/test_path_proof.py: a sound path to prove, with faults in it. Root and outDir come by command. */
export default defineConfig({
  worker: { format: 'es' },
  build: { emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
})
