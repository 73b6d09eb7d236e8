import { defineConfig } from 'vitest/config'

/** What is tested here is pure; what a person sees is tested in a real browser, in tests/e2e. */
export default defineConfig({ test: { include: ['tests/**/*.test.ts'] } })
