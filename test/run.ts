import { readdirSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

// `node run.js` runs every test but those in test/system; `node run.js system` those alone;
// with more words, those of either whose path holds one of them
const folder = dirname(fileURLToPath(import.meta.url))
const isOfSystem = process.argv.includes('system')
const words = process.argv.slice(2).filter((word) => word !== 'system')
const system = join(folder, 'system') + sep
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .map((name) => join(folder, name))
  .filter((path) => path.endsWith('.test.js'))
  .filter((path) => path.startsWith(system) === isOfSystem)
  .filter((path) => words.length === 0 || words.some((word) => path.slice(folder.length).includes(word)))
  .sort()

if (files.length === 0) {
  console.error(`no test file under ${folder} matches ${words.join(' ')}`)
  process.exit(1)
}

const stream = run({ files, concurrency: 2, timeout: 300_000 })
stream.on('test:fail', () => {
  process.exitCode = 1
})
stream.pipe(new spec()).pipe(process.stdout)
