import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A real folder for one test, gone after it; the process stays alive until then, whatever is unref'd. */
export async function scratchFolder(context: TestContext): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'ror-gateway-')))
  const alive = setInterval(() => undefined, 60_000)
  context.after(() => {
    clearInterval(alive)
  })
  context.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}
