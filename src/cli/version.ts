import { readFileSync } from 'node:fs'

/** The version of the package this file belongs to. */
export const version: string = readVersion()

function readVersion(): string {
  // dist/cli/version.js and build/src/cli/version.js both stand below the package's own folder
  for (const above of ['../../package.json', '../../../package.json']) {
    try {
      // the shape is npm's; anything else ends in `unknown`
      const manifest = JSON.parse(readFileSync(new URL(above, import.meta.url), 'utf8')) as Record<
        string,
        unknown
      >
      if (manifest['name'] === 'ror-gateway' && typeof manifest['version'] === 'string')
        return manifest['version']
    } catch {
      continue
    }
  }
  return 'unknown'
}
