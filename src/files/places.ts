import { lstat, readdir, readlink, stat } from 'node:fs/promises'
import { dirname, join, parse, resolve, sep } from 'node:path'
import { isListed } from './read.js'

/** Folder → the names in it that matter; `undefined`: every name. */
export type Places = Map<string, Set<string> | undefined>

/** As many links as Linux follows. */
const maxLinks = 40

/**
 * Every folder whose entries decide what a path means.
 *
 * A change that makes the path lead elsewhere happens in one of them: the folder of the file, those of
 * each symbolic link on the way (Kubernetes swaps `..data`), those above (a folder may be replaced),
 * and the folder itself where the path is one. What does not exist is waited for where it would appear.
 */
export async function placesOf(paths: readonly string[], extensions: readonly string[]): Promise<Places> {
  const places: Places = new Map()
  for (const path of paths) {
    const end = await walk(resolve(path), places)
    if (end === undefined || !(await isFolder(end))) continue
    places.set(end, undefined)
    for (const link of await linksIn(end, extensions)) await walk(link, places)
  }
  return places
}

/** Notes each place on the way; the real path at its end, or undefined where the way breaks off. */
async function walk(path: string, places: Places): Promise<string | undefined> {
  let current = parse(path).root
  let ahead = path.slice(current.length).split(sep)
  for (let links = 0; ahead.length > 0;) {
    const [name = '', ...rest] = ahead
    ahead = rest
    if (name === '' || name === '.') continue
    if (name === '..') {
      current = dirname(current)
      continue
    }
    note(places, current, name)
    const here = join(current, name)
    const target = await linkTarget(here)
    if (target === 'nothing') return undefined
    if (target === 'no-link') {
      current = here
      continue
    }
    links += 1
    if (links > maxLinks) return undefined
    const { root } = parse(target.link)
    if (root !== '') current = root
    ahead = [...target.link.slice(root.length).split(sep), ...ahead]
  }
  return current
}

function note(places: Places, folder: string, name: string): void {
  if (!places.has(folder)) places.set(folder, new Set([name]))
  else places.get(folder)?.add(name)
}

async function linkTarget(path: string): Promise<'nothing' | 'no-link' | { readonly link: string }> {
  try {
    return (await lstat(path)).isSymbolicLink() ? { link: await readlink(path) } : 'no-link'
  } catch {
    return 'nothing'
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

async function linksIn(folder: string, extensions: readonly string[]): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isSymbolicLink() && isListed(entry.name, extensions))
      .map((entry) => join(folder, entry.name))
  } catch {
    return []
  }
}
