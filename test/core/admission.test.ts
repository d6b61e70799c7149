import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { admit, clientNames, permitWrite } from '../../src/core/admission.js'
import type { Api, WriteRule } from '../../src/core/api.js'
import { usualUnitCharacters } from '../../src/core/write-rule.js'
import type { DistinguishedName } from '../../src/core/distinguished-name.js'
import type { PartnerDeclaration } from '../../src/core/partner.js'
import { establishmentInQuery } from '../../src/core/query-establishment.js'
import { judgeTarget } from '../../src/core/request-target.js'
import { findApi, hostName, operationOf } from '../../src/core/route.js'
import { parseSpkiSha256, type SpkiSha256 } from '../../src/core/spki.js'
import { openWhitelist, WhitelistBuilder } from '../../src/core/whitelist-table.js'
import { upstreamOf } from '../support/upstream.js'

const place = { file: 'test.yaml', line: 1, column: 1 }
const ema: DistinguishedName = [[{ type: '2.5.4.6', value: 'FR' }], [{ type: '2.5.4.3', value: 'EMA' }]]
const other: DistinguishedName = [[{ type: '2.5.4.3', value: 'OTHER' }]]

function pin(digit: string): SpkiSha256 {
  const parsed = parseSpkiSha256(digit.repeat(64))
  if (parsed === undefined) throw new Error('no pin')
  return parsed
}

const base: PartnerDeclaration = {
  id: 'ema',
  name: 'EMA',
  solution: 'regional-eai',
  apis: ['write'],
  validFrom: undefined,
  validUntil: undefined,
  rorHeaders: {},
  mode: 'enforce',
  certificates: [{ subject: ema, publicKey: undefined, establishments: undefined, place }],
  establishments: ['1350054680'],
  place,
}

function whitelistOf(...partners: readonly PartnerDeclaration[]) {
  const builder = new WhitelistBuilder()
  for (const partner of partners) builder.add(partner)
  const compiled = builder.finish()
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problem))
  return openWhitelist(compiled.value.whitelist)
}

const source = { from: 'query', parameter: 'identifier', form: 'idnatstruct/unit' } as const

const rule: WriteRule = {
  method: 'PATCH',
  path: ['Location'],
  establishment: source,
  also: undefined,
  storedType: undefined,
  prefixes: ['1'],
  parameters: [],
  patch: undefined,
  maxBodyBytes: 1024,
  maxEntries: 100,
  conditionalCreate: false,
  unitCharacters: usualUnitCharacters,
}

function api(match: Api['match']): Api {
  return {
    name: 'write',
    kind: 'fhir',
    hosts: ['ror.example'],
    path: '/fhir',
    match,
    upstream: upstreamOf(['http://127.0.0.1:1']),
    writes: [rule],
    searchByPost: false,
    tokenBinding: 'off',
  }
}

function judge(
  whitelist: ReturnType<typeof whitelistOf>,
  match: Api['match'],
  client: ReturnType<typeof clientNames>,
) {
  return admit(
    { whitelist, route: { api: api(match), operation: { kind: 'read' } }, client, rorHeaders: {} },
    0,
  )
}

test('an entry that demands both a name and a key is met by both alone', () => {
  const whitelist = whitelistOf({
    ...base,
    certificates: [{ subject: ema, publicKey: pin('a'), establishments: undefined, place }],
  })
  for (const match of ['subject', 'public-key', 'either'] as const) {
    assert.equal(judge(whitelist, match, clientNames(ema, pin('a'))).effect, 'permit', match)
    assert.equal(judge(whitelist, match, clientNames(ema, pin('b'))).effect, 'deny', match)
    assert.equal(judge(whitelist, match, clientNames(other, pin('a'))).effect, 'deny', match)
  }
})

test('a certificate that two partners claim, one by its name and one by its key, is neither’s', () => {
  const whitelist = whitelistOf(base, {
    ...base,
    id: 'other',
    certificates: [{ subject: undefined, publicKey: pin('a'), establishments: undefined, place }],
  })
  assert.equal(judge(whitelist, 'either', clientNames(ema, pin('a'))).effect, 'deny')
  assert.equal(judge(whitelist, 'subject', clientNames(ema, pin('a'))).effect, 'permit')
})

test('a partner’s days begin and end exactly', () => {
  const whitelist = whitelistOf({ ...base, validFrom: 1_000, validUntil: 2_000 })
  const at = (now: number) => {
    const judged = admit(
      {
        whitelist,
        route: { api: api('subject'), operation: { kind: 'read' } },
        client: clientNames(ema, pin('a')),
        rorHeaders: {},
      },
      now,
    )
    return judged.effect === 'deny' ? judged.reason : 'permit'
  }
  assert.deepEqual(
    [at(999), at(1_000), at(1_999), at(2_000)],
    ['partner-not-yet-valid', 'permit', 'permit', 'partner-expired'],
  )
})

test('a certificate with an end of its own is listed up to it, and those beside it go on', () => {
  const key = { subject: undefined, publicKey: pin('b'), establishments: undefined, place }
  const whitelist = whitelistOf({
    ...base,
    validUntil: 3_000,
    certificates: [
      { subject: ema, publicKey: undefined, establishments: undefined, validUntil: 2_000, place },
      key,
    ],
  })
  const route = { api: api('either'), operation: { kind: 'read' } } as const
  const at = (client: ReturnType<typeof clientNames>, now: number) => {
    const judged = admit({ whitelist, route, client, rorHeaders: {} }, now)
    return judged.effect === 'deny' ? judged.reason : 'permit'
  }
  const [old, renewed] = [clientNames(ema, pin('a')), clientNames(other, pin('b'))]
  assert.deepEqual(
    [at(old, 1_999), at(old, 2_000), at(old, 3_000), at(renewed, 2_000), at(renewed, 3_000)],
    ['permit', 'certificate-retired', 'partner-expired', 'permit', 'partner-expired'],
  )
})

test('every establishment written must be permitted, and none is a refusal', () => {
  const whitelist = whitelistOf(base)
  const entry = whitelist.findBySubject(clientNames(ema, pin('a')).subjectKey)
  assert.ok(entry !== undefined)
  const written = (...numbers: string[]) => {
    const judged = permitWrite(
      whitelist,
      entry,
      numbers.map((idNatStruct) => ({ idNatStruct, at: 'x' })),
    )
    return judged.effect === 'deny' ? judged.reason : 'permit'
  }
  assert.equal(written('1350054680'), 'permit')
  assert.equal(written(), 'establishment-missing')
  assert.equal(written('1350054680', '1290004324'), 'establishment-not-permitted')
  assert.equal(written('1290004324', '1350054680'), 'establishment-not-permitted')
})

test('no method, host, target or header makes the decision throw', () => {
  const whitelist = whitelistOf(base)
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('/fhir/Location?identifier=1350054680/A', '/fhir', '/'),
  )
  fc.assert(
    fc.property(
      text,
      text,
      text,
      fc.dictionary(fc.string(), fc.string()),
      (method, host, raw, rorHeaders) => {
        const target = judgeTarget(raw)
        if (!target.ok) return
        const found = findApi([api('either')], hostName(host) ?? 'ror.example', target.value)
        const route =
          found === undefined
            ? undefined
            : { api: found, operation: operationOf(found, method, target.value) }
        const judged = admit({ whitelist, route, client: clientNames(ema, pin('a')), rorHeaders }, 0)
        assert.match(judged.effect, /^(?:permit|deny)$/)
        establishmentInQuery(target.value.query, rule, source)
      },
    ),
    { numRuns: 3_000 },
  )
})

test('what a query names is named by its one identifier, whatever is put around it', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary-ascii', maxLength: 30 }),
      fc.string({ unit: 'binary-ascii', maxLength: 30 }),
      (before, after) => {
        const query = `${before}identifier=1350054680/A${after}`
        const found = establishmentInQuery(query, rule, source)
        // another number is never found there, and this one only where the unit alone was lengthened
        if (found.ok) assert.equal(found.value.idNatStruct, '1350054680')
      },
    ),
    { numRuns: 3_000 },
  )
})
