import fc from 'fast-check'

/**
 * The seed of this run's random values: one that never changes, so that a test that passed passes
 * again, unless `TEST_SEED` holds a number or the word `random`. What finds new cases is `npm run fuzz`.
 */
export const testSeed: number = seedOf(process.env['TEST_SEED'] ?? '20261125')

function seedOf(text: string): number {
  if (text === 'random') return Date.now() % 2 ** 31
  const seed = Number(text)
  if (!Number.isInteger(seed)) throw new Error(`TEST_SEED: expected a whole number or random, found ${text}`)
  return seed
}

// a failing property prints it
fc.configureGlobal({ seed: testSeed })

export { fc }
