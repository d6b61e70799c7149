import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { developmentConfig } from '../../src/dev/development-config.js'
import { makeDevelopmentPki } from '../../src/dev/development-pki.js'
import { loadInWorker } from '../../src/gateway/policy-source.js'
import { openPolicy } from '../../src/gateway/policy.js'

// How long a whitelist takes to load in its thread, how long the serving thread is held up meanwhile,
// and what it costs in memory: `node build/bench/micro/whitelist-load.js [PARTNERS…]`.
const sizes = process.argv.slice(2).map(Number)
const perPartner = 10

const folder = mkdtempSync(join(tmpdir(), 'ror-bench-'))
try {
  await makeDevelopmentPki(join(folder, 'pki'), Date.now())
  const files = developmentConfig({ sandbox: 0, production: 0, admin: 0, ror: 9080 })
  for (const [file, text] of files) {
    mkdirSync(join(folder, file, '..'), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  console.log(
    'partners  establishments   load s   longest hold-up ms   open ms   compiled MB   RSS after MB (before)',
  )
  for (const partners of sizes.length === 0 ? [100, 10_000, 100_000] : sizes) await measure(partners)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function measure(partners: number): Promise<void> {
  writeFileSync(join(folder, 'whitelist/sandbox/many.yaml'), whitelist(partners))
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const startedAt = performance.now()
  const loaded = await loadInWorker(join(folder, 'gateway.yaml'))
  const loadedAt = performance.now()
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problem.diagnostics.slice(0, 3)))
  const policy = openPolicy(loaded.value)
  const openedAt = performance.now()
  await new Promise((resolve) => setTimeout(resolve, 200))
  delay.disable()
  const { whitelist: opened } = policy.environments.get('sandbox') ?? {}
  const compiled = loaded.value.environments.reduce((sum, { whitelist }) => sum + bytesOf(whitelist), 0)
  globalThis.gc?.()
  const row = [
    String(opened?.partnerCount).padStart(8),
    String(opened?.establishmentCount).padStart(15),
    ((loadedAt - startedAt) / 1000).toFixed(2).padStart(8),
    (delay.max / 1e6).toFixed(1).padStart(20),
    (openedAt - loadedAt).toFixed(2).padStart(9),
    (compiled / 1e6).toFixed(1).padStart(13),
    `${(process.memoryUsage().rss / 1e6).toFixed(0)} (${(before / 1e6).toFixed(0)})`.padStart(22),
  ]
  console.log(row.join(' '))
}

function bytesOf(value: unknown): number {
  if (value instanceof ArrayBuffer) return value.byteLength
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce((sum: number, each) => sum + bytesOf(each), 0)
}

function whitelist(partners: number): string {
  const lines = ['partners:']
  for (let partner = 0; partner < partners; partner += 1) {
    const numbers = Array.from({ length: perPartner }, (_, index) => {
      const number = partner * perPartner + index
      return `"${String(100_000_000 + number * 7).slice(0, 9)}"`
    })
    lines.push(
      `  - id: partner-${partner}`,
      `    name: Partenaire ${partner}`,
      '    solution: proprietary',
      '    certificates:',
      `      - subject: "CN=client-${partner},OU=1${partner},O=HOPITAL ${partner},ST=Paris (75),C=FR"`,
      '    apis: [token, fhir-write]',
      `    establishments: [${numbers.join(', ')}]`,
    )
  }
  return `${lines.join('\n')}\n`
}
