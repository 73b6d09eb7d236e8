import { svelte } from '@sveltejs/vite-plugin-svelte'
import { resolve } from 'node:path'
import { defineConfig } from 'vite'

const here = import.meta.dirname
const hub = {
  root: resolve(here, 'src/pages/hub'),
  outDir: resolve(here, '../server/carebag_server/web_build'),
  input: ['index.html', 'enter/index.html', 'doctor/index.html', 'review/index.html', 'guest/index.html', 'admin/index.html'],
}
const kit = {
  root: resolve(here, 'src/pages/kit'),
  outDir: resolve(here, '../edge/carebag_edge/web_build'),
  input: ['index.html'],
}

/** Two builds, each served by the process that owns the data: the hub's pages and the kit's page. */
export default defineConfig(({ mode }) => {
  const site = mode === 'kit' ? kit : hub
  return {
    root: site.root,
    publicDir: false,
    plugins: [svelte({ configFile: resolve(here, 'svelte.config.js') })],
    worker: { format: 'es' },
    build: {
      outDir: site.outDir,
      emptyOutDir: true,
      manifest: true,
      // the pages' content security policy is default-src 'self': nothing may become a data: address or an inline script
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      target: ['chrome123', 'firefox128', 'safari17.5'],
      rolldownOptions: { input: site.input.map((page) => resolve(site.root, page)) },
    },
  }
})
