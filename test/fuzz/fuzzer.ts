import { mutate, type Material } from './mutate.js'
import { Random } from './random.js'
import type { FuzzTarget } from './target.js'

const mostKept = 2_000
/** An input that keeps the event loop longer is a finding: nobody may hold up everybody. */
const slowestMs = 2_000

export interface FuzzOptions {
  readonly seed: number
  readonly milliseconds: number
  /** Told of every input before it is tried, for the one that is never answered. */
  readonly onInput: (input: Uint8Array) => void
  /** Now and then. */
  readonly onProgress: (executions: number) => void
}

export interface FuzzResult {
  readonly executions: number
  readonly milliseconds: number
  /** Different answers met. */
  readonly answers: number
  readonly finding: { readonly input: Uint8Array; readonly error: string } | undefined
}

/** Tries inputs until the time is over or one is a finding. The seed decides which, as far as they come. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  try {
    return await tryInputs(target, options)
  } finally {
    await target.close?.()
  }
}

async function tryInputs(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  const encoder = new TextEncoder()
  const random = new Random(options.seed)
  const pool = target.seeds.map((seed) => (typeof seed === 'string' ? encoder.encode(seed) : seed))
  const dictionary = target.dictionary.map((text) => encoder.encode(text))
  const material: Material = { random, pool, dictionary }
  const seeds = [...pool]
  const answers = new Set<string>()
  const startedAt = performance.now()
  let executions = 0
  const finish = (finding?: FuzzResult['finding']): FuzzResult => ({
    executions,
    milliseconds: performance.now() - startedAt,
    answers: answers.size,
    finding,
  })

  while (performance.now() - startedAt < options.milliseconds) {
    const input = seeds.shift() ?? nextInput(target, material)
    options.onInput(input)
    const before = performance.now()
    let took = 0
    try {
      const told = target.check(input)
      took = performance.now() - before
      // nearly all answer at once
      const answer = typeof told === 'string' ? told : await told
      if (!answers.has(answer) && pool.length < mostKept) pool.push(input)
      if (answers.size < mostKept) answers.add(answer)
    } catch (error) {
      return finish({ input, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
    if (took > slowestMs) return finish({ input, error: `took ${Math.round(took)} ms` })
    executions += 1
    if (executions % 64 === 0) options.onProgress(executions)
  }
  return finish()
}

function nextInput(target: FuzzTarget, material: Material): Uint8Array {
  const { random, pool } = material
  if (target.make !== undefined && random.below(2) === 0) {
    const made = target.make(random)
    return random.below(3) === 0 ? mutate(made, material) : made
  }
  return mutate(random.pick(pool) ?? new Uint8Array(0), material)
}
