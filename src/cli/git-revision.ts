import { execFile } from 'node:child_process'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A revision's files, in a folder of their own until they are let go. */
export interface CheckedOut {
  /** Where the path asked for stands now. */
  readonly path: string
  /** Where all files of the revision stand. */
  readonly tree: string
  /** Where those of the folder it was asked from stand. */
  readonly base: string
  remove(): Promise<void>
}

const run = promisify(execFile)

/** The two parts of `REV:path`; undefined where a text is none. */
export function splitRevision(
  text: string,
): { readonly revision: string; readonly path: string } | undefined {
  const found = /^([A-Za-z0-9][^:\s]*|@[^:\s]*):(.+)$/.exec(text)
  if (found === null) return undefined
  return { revision: found[1] ?? '', path: found[2] ?? '' }
}

/**
 * The files of a git revision, as they stood: nothing of the work tree, the index or HEAD is touched.
 *
 * `path` counts from the folder given, as git reads it; whatever it names may name other files in turn, so
 * the whole revision is laid out.
 *
 * @throws Error with git's own words where the revision does not exist, or git does not
 */
export async function checkOut(
  { revision, path }: { readonly revision: string; readonly path: string },
  cwd: string,
): Promise<CheckedOut> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'ror-revision-')))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const top = await git(['rev-parse', '--show-toplevel'], { cwd })
    const prefix = await git(['rev-parse', '--show-prefix'], { cwd })
    const commit = await git(['rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`], { cwd })
    const index = { GIT_INDEX_FILE: join(folder, 'index') }
    await git(['read-tree', commit], { cwd: top, variables: index })
    const tree = join(folder, 'tree')
    await git(['checkout-index', '--all', `--prefix=${tree}/`], { cwd: top, variables: index })
    const base = join(tree, prefix)
    return { path: join(base, path), tree, base, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function git(
  args: readonly string[],
  { cwd, variables = {} }: { cwd: string; variables?: Readonly<Record<string, string>> },
): Promise<string> {
  try {
    const { stdout } = await run('git', [...args], { cwd, env: { ...process.env, ...variables } })
    return stdout.replace(/\n$/, '')
  } catch (error) {
    const stderr: unknown = error instanceof Error ? Reflect.get(error, 'stderr') : undefined
    const said = typeof stderr === 'string' ? stderr.trim().split('\n')[0] : undefined
    throw new Error(
      `git ${args[0] ?? ''}: ${said === undefined || said === '' ? 'could not be run' : said}`,
      {
        cause: error,
      },
    )
  }
}
