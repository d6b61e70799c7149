import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The version of the package this file belongs to. */
export const version: string = readVersion(dirname(fileURLToPath(import.meta.url)))

// the nearest package.json of ours above, wherever this file was compiled to
function readVersion(folder: string): string {
  try {
    // the shape is npm's; anything else is passed over
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>
    if (manifest['name'] === 'ror-gateway' && typeof manifest['version'] === 'string')
      return manifest['version']
  } catch {
    // none here: further up
  }
  const above = dirname(folder)
  return above === folder ? 'unknown' : readVersion(above)
}
