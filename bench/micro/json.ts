import { patchWanted } from '../../src/fhir/patch.js'
import { readFhirJson } from '../../src/fhir/fhir-json.js'
import { readJson } from '../../src/fhir/json-reader.js'
import type { JsonVisitor } from '../../src/fhir/json-visitor.js'
import { readShared } from '../../test/support/shared.js'

/**
 * How fast bodies are judged: MB/s of the strict reader alone, of the reader building what a patch
 * judgement reads, and of JSON.parse over the same bytes. Medians of interleaved rounds.
 */
const nobody: JsonVisitor = {
  wantsText: false,
  openObject: () => undefined,
  closeObject: () => undefined,
  openArray: () => undefined,
  closeArray: () => undefined,
  key: () => undefined,
  string: () => undefined,
  number: () => undefined,
  literal: () => undefined,
}

const decoder = new TextDecoder('utf-8', { fatal: true })
const rivals: readonly (readonly [name: string, read: (bytes: Uint8Array) => unknown])[] = [
  ['reader', (bytes) => readJson(bytes, nobody)],
  ['judged', (bytes) => readFhirJson(bytes, patchWanted)],
  ['JSON.parse', (bytes) => JSON.parse(decoder.decode(bytes)) as unknown],
]

const patch = readShared('samples', 'ror', 'patch-location-capacity-replace.json')
const organization = readShared('samples', 'ror', 'post-organization-eg.json')
const compact = JSON.stringify(JSON.parse(organization))
const entry = `{"resource":${compact},"request":{"method":"POST","url":"Organization"}}`
const entries = new Array<string>(Math.ceil(200_000 / entry.length)).fill(entry)
const bundle = `{"resourceType":"Bundle","type":"transaction","entry":[${entries.join(',')}]}`
const bodies: readonly (readonly [name: string, text: string])[] = [
  ['capacity patch', patch],
  ['Organization, indented', organization],
  ['Organization, compact', compact],
  ['Bundle', bundle],
]

const rounds = 15
const bytesPerRound = 8_000_000

for (const [name, text] of bodies) {
  const bytes = new TextEncoder().encode(text)
  const turns = Math.ceil(bytesPerRound / bytes.length)
  const speeds = new Map<string, number[]>()
  for (let round = 0; round < rounds; round++) {
    for (const [rival, read] of rivals) {
      const start = performance.now()
      for (let turn = 0; turn < turns; turn++) read(bytes)
      const seconds = (performance.now() - start) / 1000
      const speed = (bytes.length * turns) / 1e6 / seconds
      speeds.set(rival, [...(speeds.get(rival) ?? []), speed])
    }
  }
  const medians = rivals.map(([rival]) => {
    const sorted = (speeds.get(rival) ?? []).toSorted((a, b) => a - b)
    return `${rival} ${(sorted[rounds >> 1] ?? 0).toFixed(0)} MB/s`
  })
  console.log(`${name} (${bytes.length} bytes): ${medians.join(' · ')}`)
}
