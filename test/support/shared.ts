import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository, wherever the compiled test stands below it. */
export const root = (() => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package-lock.json'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('no package-lock.json above the tests')
    folder = parent
  }
  return folder
})()

/** A path in the folder `shared` beside the repository; throws, and so fails the test, where it does not stand. */
export function sharedPath(...parts: string[]): string {
  const path = join(root, '..', 'shared', ...parts)
  if (!existsSync(path)) throw new Error(`${path} should stand beside the repository`)
  return path
}

/** The text of a sample or corpus file. */
export function readShared(...parts: string[]): string {
  return readFileSync(sharedPath(...parts), 'utf8')
}
