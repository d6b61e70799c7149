import { patchWanted } from '../../src/fhir/patch.js'
import { readFhirJson, readWithVisitor } from '../../src/fhir/fhir-json.js'
import { jsonIndex } from '../../src/fhir/json-index.js'
import { readJson } from '../../src/fhir/json-reader.js'
import type { Wanted } from '../../src/fhir/fhir-element.js'
import type { JsonVisitor } from '../../src/fhir/json-visitor.js'
import { resourceWanted } from '../../src/fhir/resource.js'
import { readShared } from '../../test/support/shared.js'
import { bodyOf, organizationPost } from '../load/requests.js'

/**
 * How fast bodies are judged: MB/s of the index and of the strict reader alone, of each building what the
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
const rivals: readonly (readonly [name: string, read: (bytes: Uint8Array, wanted: Wanted) => unknown])[] = [
  ['index', (bytes) => jsonIndex()?.reads(bytes)],
  ['judged', readFhirJson],
  ['reader', (bytes) => readJson(bytes, nobody)],
  ['judged by the reader', readWithVisitor],
  ['JSON.parse', (bytes) => JSON.parse(decoder.decode(bytes)) as unknown],
]

const patch = readShared('samples', 'ror', 'patch-location-capacity-replace.json')
const organization = readShared('samples', 'ror', 'post-organization-eg.json')
const compact = JSON.stringify(JSON.parse(organization))
const entry = `{"resource":${compact},"request":{"method":"POST","url":"Organization"}}`
const entries = new Array<string>(Math.ceil(200_000 / entry.length)).fill(entry)
const bundle = `{"resourceType":"Bundle","type":"transaction","entry":[${entries.join(',')}]}`
const bundleWanted: Wanted = { entry: { request: { method: {}, url: {} }, resource: resourceWanted } }
const encoder = new TextEncoder()
const bodies: readonly (readonly [name: string, bytes: Uint8Array, wanted: Wanted])[] = [
  ['capacity patch', encoder.encode(patch), patchWanted],
  ['Organization, indented', encoder.encode(organization), resourceWanted],
  ['Organization, compact', encoder.encode(compact), resourceWanted],
  ['Organization of 4 KB', bodyOf(organizationPost(4_096)), resourceWanted],
  ['Organization of 200 KB', bodyOf(organizationPost(204_800)), resourceWanted],
  ['Bundle', encoder.encode(bundle), bundleWanted],
]

const rounds = 15
const bytesPerRound = 8_000_000

for (const [name, bytes, wanted] of bodies) {
  const turns = Math.ceil(bytesPerRound / bytes.length)
  const speeds = new Map<string, number[]>()
  for (let round = 0; round < rounds; round++) {
    for (const [rival, read] of rivals) {
      const start = performance.now()
      for (let turn = 0; turn < turns; turn++) read(bytes, wanted)
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
