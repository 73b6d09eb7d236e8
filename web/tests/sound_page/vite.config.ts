import { defineConfig } from 'vite'

/** The pages of tests/e2e/test_sound_path.py: nothing but the two ends of live media. Root and outDir come by command. */
export default defineConfig({
  worker: { format: 'es' },
  build: {
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ['tests/sound_page/index.html', 'tests/sound_page/talk.html'] },
  },
})
