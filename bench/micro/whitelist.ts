import { nameKey, type DistinguishedName } from '../../src/core/distinguished-name.js'
import type { PartnerDeclaration } from '../../src/core/partner.js'
import type { SpkiSha256 } from '../../src/core/spki.js'
import { openWhitelist, transferablesOf, WhitelistBuilder } from '../../src/core/whitelist-table.js'

// node --expose-gc whitelist.js [PARTNERS…]: what a lookup costs, and what the compiled form takes
const sizes = process.argv.slice(2).map(Number)
const establishmentsEach = 10
const rounds = 200_000
const place = { file: 'whitelist/partners.yaml', line: 1, column: 1 }

function nameOf(number: number): DistinguishedName {
  const values: readonly (readonly [string, string])[] = [
    ['2.5.4.6', 'FR'],
    ['2.5.4.8', 'Paris (75)'],
    ['2.5.4.10', `ETABLISSEMENT DE SANTE ${number}`],
    ['2.5.4.11', `1${String(number).padStart(9, '0')}`],
    ['2.5.4.3', `client-${number}`],
  ]
  return values.map(([type, value]) => [{ type, value }])
}

function pinOf(number: number): SpkiSha256 {
  let pin = ''
  for (let part = 0; part < 8; part += 1) {
    pin += (Math.imul(number * 8 + part + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')
  }
  return pin as SpkiSha256 // 64 hexadecimal digits
}

function establishmentOf(number: number): string {
  return `1${String(number * 7).padStart(9, '0')}`
}

function partnerOf(number: number): PartnerDeclaration {
  const first = number * establishmentsEach
  return {
    id: `partner-${number}`,
    name: `Établissement ${number}`,
    solution: 'proprietary',
    apis: ['token', 'fhir-read', 'fhir-write'],
    validFrom: undefined,
    validUntil: 1_800_000_000_000,
    rorHeaders: {},
    mode: 'enforce',
    certificates: [
      {
        subject: nameOf(number),
        publicKey: pinOf(number),
        establishments: undefined,
        place: { ...place, line: number * 20 },
      },
    ],
    establishments: Array.from({ length: establishmentsEach }, (_, index) => establishmentOf(first + index)),
    place: { ...place, line: number * 20 },
  }
}

/** Nanoseconds of CPU of one call, over shuffled inputs that are made beforehand; the best of five rounds. */
function nanoseconds<Input>(inputs: readonly Input[], call: (input: Input) => unknown): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round += 1) {
    let found = 0
    const start = process.cpuUsage()
    for (const input of inputs) if (call(input) !== undefined) found += 1
    const { user, system } = process.cpuUsage(start)
    const took = ((user + system) * 1000) / inputs.length
    if (found !== inputs.length) throw new Error('a lookup found nothing')
    best = Math.min(best, took)
  }
  return best
}

/** Megabytes of buffers, garbage that is not yet collected included. */
function buffers(): number {
  return process.memoryUsage().arrayBuffers / 1e6
}

function measure(partners: number): Record<string, string> {
  globalThis.gc?.()
  const before = buffers()
  let peak = 0
  const start = process.cpuUsage()
  const builder = new WhitelistBuilder(place)
  for (let number = 0; number < partners; number += 1) {
    builder.add(partnerOf(number))
    if (number % 5000 === 0) peak = Math.max(peak, buffers())
  }
  const finished = builder.finish()
  const { user, system } = process.cpuUsage(start)
  const built = (user + system) / 1000
  peak = Math.max(peak, buffers()) - before
  if (!finished.ok) throw new Error(finished.problem[0]?.message)
  const { whitelist: compiled } = finished.value
  const bytes = transferablesOf(compiled).reduce((total, buffer) => total + buffer.byteLength, 0)

  const opening = performance.now()
  const whitelist = openWhitelist(compiled)
  const opened = performance.now() - opening

  const any = (round: number) => Math.imul(round, 0x9e3779b1) >>> 0
  const few = Array.from({ length: rounds }, (_, round) => any(round) % Math.min(partners, 100))
  const anyKeys = Array.from({ length: 50_000 }, (_, round) => nameKey(nameOf(any(round) % partners)))
  const found = (number: number) => {
    const entry = whitelist.findByPublicKey(pinOf(number))
    if (entry === undefined) throw new Error('not found')
    return {
      entry,
      establishment: establishmentOf(number * establishmentsEach + (number % establishmentsEach)),
    }
  }
  const ns = (value: number) => value.toFixed(0)
  return {
    partners: String(partners),
    'build ms (CPU)': built.toFixed(0),
    'peak MB of buffers': peak.toFixed(0),
    'compiled MB': (bytes / 1e6).toFixed(1),
    'open ms': opened.toFixed(3),
    'subject ns': ns(
      nanoseconds(
        few.map((each) => nameKey(nameOf(each))),
        (key) => whitelist.findBySubject(key),
      ),
    ),
    'key ns': ns(nanoseconds(few.map(pinOf), (pin) => whitelist.findByPublicKey(pin))),
    'permits ns': ns(
      nanoseconds(
        few.map(found),
        ({ entry, establishment }) => whitelist.permits(entry, establishment) || undefined,
      ),
    ),
    'any subject ns': ns(nanoseconds(anyKeys, (key) => whitelist.findBySubject(key))),
    'any entry read ns': ns(
      nanoseconds(anyKeys, (key) => {
        const entry = whitelist.findBySubject(key)
        return entry?.subject === undefined ? undefined : entry.partner.apis
      }),
    ),
  }
}

console.log(`node ${process.version}, ${establishmentsEach} establishments a partner, best of five rounds`)
console.log(
  'subject, key, permits: among 100 busy partners; any: among all, where most records are decoded anew',
)
console.table((sizes.length > 0 ? sizes : [100, 10_000, 100_000]).map(measure))
