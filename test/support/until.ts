const wait = setTimeout // the machine's own, whatever clock a test sets
const patienceMs = 60_000

/**
 * Asks again and again, between turns of the event loop, and resolves to the first answer that is one.
 *
 * @param what - that is waited for, for the message
 * @param ask - false or undefined: not yet
 * @throws after a minute, so that a test that fails says so, and does not hang
 */
export async function until<Answer>(
  what: string,
  ask: () => Answer | undefined | false | Promise<Answer | undefined | false>,
): Promise<Answer> {
  const end = performance.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => wait(resolve, 2))
  }
}
