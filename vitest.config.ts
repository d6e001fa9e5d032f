import { defineConfig } from 'vitest/config';
import manifest from './package.json' with { type: 'json' };

/** Real processes take real time on a busy machine; a test that needs more says so itself. */
const TIMEOUT_MS = 20_000;

export default defineConfig({
  define: { CORRAL_VERSION: JSON.stringify(manifest.version) },
  test: {
    testTimeout: TIMEOUT_MS,
    hookTimeout: TIMEOUT_MS,
    teardownTimeout: 10_000,
    pool: 'forks',
    restoreMocks: true,
    setupFiles: ['test/support/leak-check.ts'],
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reportsDirectory: 'coverage' },
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/{contract,e2e,security}/**'] } },
      { extends: true, test: { name: 'contract', include: ['test/contract/**/*.test.ts'] } },
      { extends: true, test: { name: 'e2e', include: ['test/{e2e,security}/**/*.test.ts'] } },
    ],
  },
});
