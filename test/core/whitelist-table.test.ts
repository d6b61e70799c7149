import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { fc } from '../support/fast-check.js'
import { nameKey, type DistinguishedName } from '../../src/core/distinguished-name.js'
import { parseName } from '../../src/core/name-text.js'
import { packEstablishment, unpackEstablishment } from '../../src/core/packed-establishment.js'
import type { CertificateIdentity, PartnerDeclaration } from '../../src/core/partner.js'
import { parseSpkiSha256, type SpkiSha256 } from '../../src/core/spki.js'
import { nameOfKey } from '../../src/core/whitelist-layout.js'
import type { OpenWhitelist } from '../../src/core/whitelist-lookup.js'
import {
  openWhitelist,
  transferablesOf,
  WhitelistBuilder,
  type CompiledWhitelist,
} from '../../src/core/whitelist-table.js'

function subject(text: string): DistinguishedName {
  const read = parseName(text)
  assert.ok(read.ok)
  return read.value
}

function pin(number: number): SpkiSha256 {
  const read = parseSpkiSha256(number.toString(16).padStart(64, '0'))
  assert.ok(read !== undefined)
  return read
}

function certificate(line: number, more: Partial<CertificateIdentity>): CertificateIdentity {
  const place = { file: 'whitelist/a.yaml', line, column: 9 }
  return { subject: undefined, publicKey: undefined, establishments: undefined, place, ...more }
}

function partner(id: string, more: Partial<PartnerDeclaration>): PartnerDeclaration {
  return {
    id,
    name: `Partner ${id}`,
    solution: 'saas',
    apis: ['token', 'fhir-write'],
    validFrom: undefined,
    validUntil: undefined,
    rorHeaders: {},
    mode: 'enforce',
    certificates: [],
    establishments: [],
    place: { file: 'whitelist/a.yaml', line: 2, column: 5 },
    ...more,
  }
}

function compiled(...partners: readonly PartnerDeclaration[]): CompiledWhitelist {
  const builder = new WhitelistBuilder()
  for (const each of partners) builder.add(each)
  const finished = builder.finish()
  assert.ok(finished.ok, JSON.stringify(finished))
  return finished.value.whitelist
}

function open(...partners: readonly PartnerDeclaration[]): OpenWhitelist {
  return openWhitelist(compiled(...partners))
}

/** The problems of a whitelist as `line code > lines of the related places`. */
function problemsOf(...partners: readonly PartnerDeclaration[]): readonly string[] {
  const builder = new WhitelistBuilder()
  for (const each of partners) builder.add(each)
  const finished = builder.finish()
  const found = finished.ok ? finished.value.warnings : finished.problem
  assert.equal(
    finished.ok,
    found.every(({ severity }) => severity === 'warning'),
  )
  return found.map(({ code, place, related }) => {
    const others = (related ?? []).map((each) => each.place.line).join()
    return `${place.line} ${code}${others === '' ? '' : ` > ${others}`}`
  })
}

const ema = 'CN=EMA,OU=11B0073160,O=HOPITAL DES 3. DAMES,ST=Paris (75),C=FR'
const read = 'CN=EMA lecture,OU=11B0073160,O=HOPITAL DES 3. DAMES,ST=Paris (75),C=FR'
const accents = 'CN=Île,O=\\E2\\80\\8Bx,C=FR'

test('a certificate is found by its subject and by its key, with what was declared of it', () => {
  const declared = partner('eai', {
    validUntil: 5,
    rorHeaders: { 'ror-role-metier-code': 'AUTOMATE', ['__proto__']: 'x' },
    certificates: [
      certificate(10, { subject: subject(ema) }),
      certificate(11, { publicKey: pin(1) }),
      certificate(12, { subject: subject(accents), publicKey: pin(2) }),
    ],
    establishments: ['1350054680', '1010780054'],
  })
  const whitelist = open(
    partner('other', { certificates: [certificate(3, { publicKey: pin(9) })] }),
    declared,
  )
  const { certificates, establishments, place, ...facts } = declared
  assert.ok(establishments.length > 0 && place.line > 0)
  const bySubject = whitelist.findBySubject(nameKey(subject(ema)))
  const byKey = whitelist.findByPublicKey(pin(1))
  for (const [entry, identity] of [
    [bySubject, certificates[0]],
    [byKey, certificates[1]],
    [whitelist.findBySubject(nameKey(subject(accents))), certificates[2]],
    [whitelist.findByPublicKey(pin(2)), certificates[2]],
  ] as const) {
    assert.ok(entry !== undefined && identity !== undefined)
    assert.deepEqual(entry.partner, facts)
    assert.deepEqual(entry.subject, identity.subject)
    assert.equal(entry.publicKey, identity.publicKey)
    assert.deepEqual(entry.place, identity.place)
    assert.equal(entry.establishmentCount, 2)
  }
  assert.equal(whitelist.partnerCount, 2)
  assert.equal(whitelist.certificateCount, 4)
  assert.equal(whitelist.establishmentCount, 2)
  assert.equal(whitelist.findBySubject(nameKey(subject(ema))), bySubject, 'decoded once')
})

test('another name or key is found by nobody: one attribute more, fewer, moved, in another case', () => {
  const whitelist = open(
    partner('a', { certificates: [certificate(3, { subject: subject(ema), publicKey: pin(1) })] }),
  )
  for (const text of [
    read,
    `${ema},DC=x`,
    'CN=EMA,OU=11B0073160,O=HOPITAL DES 3. DAMES,C=FR',
    'OU=11B0073160,CN=EMA,O=HOPITAL DES 3. DAMES,ST=Paris (75),C=FR',
    ema.replace('EMA', 'Ema'),
    ema.replace('CN=EMA,OU', 'CN=EMA+OU'),
  ]) {
    assert.equal(whitelist.findBySubject(nameKey(subject(text))), undefined, text)
  }
  assert.equal(whitelist.findBySubject(''), undefined)
  assert.equal(whitelist.findBySubject('x'.repeat(100_000)), undefined)
  assert.equal(whitelist.findByPublicKey(pin(2)), undefined)
})

test("a certificate writes for its partner's establishments, or for its own alone", () => {
  const whitelist = open(
    partner('saas', {
      certificates: [
        certificate(3, { publicKey: pin(1) }),
        certificate(4, { publicKey: pin(2), establishments: ['1290004324'] }),
        certificate(5, { publicKey: pin(3), establishments: [] }),
      ],
      establishments: ['1350054680', '12A0000014', '318751275100020'],
    }),
  )
  const permitted = (key: number, establishment: string) => {
    const entry = whitelist.findByPublicKey(pin(key))
    return entry !== undefined && whitelist.permits(entry, establishment)
  }
  for (const each of ['1350054680', '12A0000014', '318751275100020']) {
    assert.equal(permitted(1, each), true)
    assert.equal(permitted(2, each), false)
    assert.equal(permitted(3, each), false)
  }
  assert.equal(permitted(1, '1290004324'), false)
  assert.equal(permitted(2, '1290004324'), true)
  for (const each of [
    '350054680',
    '1350054680 ',
    '12a0000014',
    '',
    '1350054681',
    '0350054680',
    '１350054680',
  ]) {
    assert.equal(permitted(1, each), false, each)
  }
})

test('an entry of another whitelist permits nothing', () => {
  const declared = partner('a', {
    certificates: [certificate(3, { publicKey: pin(1) })],
    establishments: ['1350054680'],
  })
  const [one, other] = [open(declared), open(declared)]
  const entry = one.findByPublicKey(pin(1))
  assert.ok(entry !== undefined)
  assert.equal(one.permits(entry, '1350054680'), true)
  assert.equal(other.permits(entry, '1350054680'), false)
})

test('refuses two certificates that claim one name, with both places', () => {
  const [one, two] = [certificate(3, { subject: subject(ema) }), certificate(7, { subject: subject(ema) })]
  assert.deepEqual(
    problemsOf(
      partner('a', { certificates: [one] }),
      partner('b', { certificates: [two], place: two.place }),
    ),
    ['7 duplicate-subject > 3'],
  )
  assert.deepEqual(problemsOf(partner('a', { certificates: [one, two] })), ['7 duplicate-subject > 3'])
})

test('refuses two certificates that claim one key, with both places', () => {
  const [one, two] = [certificate(3, { publicKey: pin(1) }), certificate(7, { publicKey: pin(1) })]
  assert.deepEqual(problemsOf(partner('a', { certificates: [one] }), partner('b', { certificates: [two] })), [
    '7 duplicate-public-key > 3',
  ])
  const named = { ...two, subject: subject(ema) }
  assert.deepEqual(problemsOf(partner('a', { certificates: [one, named] })), ['7 duplicate-public-key > 3'])
})

test('names files in collisions', () => {
  const builder = new WhitelistBuilder()
  const place = { file: 'whitelist/b.yaml', line: 5, column: 3 }
  builder.add(partner('a', { certificates: [certificate(3, { subject: subject(ema) })] }))
  builder.add(
    partner('b', { certificates: [{ ...certificate(0, { subject: subject(ema) }), place }], place }),
  )
  const finished = builder.finish()
  assert.ok(!finished.ok)
  const [found] = finished.problem
  assert.deepEqual(found?.place, place)
  assert.deepEqual(found.related?.[0]?.place, { file: 'whitelist/a.yaml', line: 3, column: 9 })
  assert.match(found.message, /the subject `CN=EMA,OU=11B0073160/)
})

test('refuses two partners of one id', () => {
  const [one, two] = [certificate(3, { publicKey: pin(1) }), certificate(7, { publicKey: pin(2) })]
  const place = { file: 'whitelist/a.yaml', line: 6, column: 5 }
  assert.deepEqual(
    problemsOf(partner('a', { certificates: [one] }), partner('a', { certificates: [two], place })),
    ['6 duplicate-partner > 2'],
  )
})

test('refuses an entry that can match nothing', () => {
  const certificates = [certificate(3, { publicKey: pin(1) })]
  assert.deepEqual(problemsOf(partner('a', {})), ['2 partner-without-certificate'])
  assert.deepEqual(problemsOf(partner('a', { certificates, apis: [] })), ['2 partner-without-api'])
  assert.deepEqual(problemsOf(partner('a', { certificates, validFrom: 5, validUntil: 5 })), [
    '2 partner-never-valid',
  ])
  assert.deepEqual(problemsOf(partner('a', { certificates: [certificate(4, {})] })), [
    '4 certificate-unidentified',
  ])
  assert.deepEqual(problemsOf(partner('a', { certificates, validFrom: 5, validUntil: 6 })), [])
})

test('refuses an empty whitelist, where it is named', () => {
  const finished = new WhitelistBuilder({ file: 'gateway.yaml', line: 11, column: 16 }).finish()
  assert.ok(!finished.ok)
  assert.equal(finished.problem[0]?.code, 'whitelist-empty')
  assert.equal(finished.problem[0].place.line, 11)
})

test('refuses an establishment that is no IdNatStruct', () => {
  const certificates = [certificate(3, { publicKey: pin(1) })]
  assert.deepEqual(problemsOf(partner('a', { certificates, establishments: ['350054680'] })), [
    '2 establishment-malformed',
  ])
})

test('warns of an establishment listed twice, and of a list that serves nobody', () => {
  const certificates = [certificate(3, { publicKey: pin(1) })]
  assert.deepEqual(
    problemsOf(partner('a', { certificates, establishments: ['1350054680', '1010780054', '1350054680'] })),
    ['2 duplicate-establishment'],
  )
  const own = [certificate(3, { publicKey: pin(1), establishments: ['1010780054', '1010780054'] })]
  assert.deepEqual(problemsOf(partner('a', { certificates: own, establishments: ['1350054680'] })), [
    '2 establishments-unused',
    '3 duplicate-establishment',
  ])
})

test('finds every problem at once, and of very many the first thousand', () => {
  const same = { subject: subject(ema), publicKey: pin(1) }
  assert.deepEqual(
    problemsOf(
      partner('a', { certificates: [certificate(3, same)] }),
      partner('a', { certificates: [certificate(4, same)], apis: [] }),
    ),
    [
      '2 partner-without-api',
      '2 duplicate-partner > 2',
      '4 duplicate-subject > 3',
      '4 duplicate-public-key > 3',
    ],
  )
  const many = Array.from({ length: 1500 }, (_, index) => partner(`p${index}`, {}))
  const problems = problemsOf(...many)
  assert.equal(problems.length, 1001)
  assert.equal(problems.at(-1), '2 more')
})

test('a compiled whitelist moves to another thread whole, and leaves nothing behind', async () => {
  const whitelist = compiled(
    partner('a', {
      certificates: [certificate(3, { subject: subject(ema), publicKey: pin(1) })],
      establishments: ['1350054680'],
    }),
  )
  const buffers = transferablesOf(whitelist)
  const { port1, port2 } = new MessageChannel()
  const arrival = once(port2, 'message')
  port1.postMessage(whitelist, buffers)
  const [moved] = (await arrival) as [CompiledWhitelist] // what the line above sent
  port1.close()
  for (const buffer of buffers) assert.equal(buffer.byteLength, 0)
  const opened = openWhitelist(moved)
  const entry = opened.findBySubject(nameKey(subject(ema)))
  assert.ok(entry !== undefined)
  assert.equal(opened.permits(entry, '1350054680'), true)
})

test('lists what was declared, and who may write for an establishment', () => {
  const declared = [
    partner('a', {
      certificates: [
        certificate(3, { subject: subject(ema) }),
        certificate(4, { publicKey: pin(1), establishments: ['1350054680'] }),
      ],
      establishments: ['1010780054'],
    }),
    partner('b', {
      certificates: [certificate(8, { subject: subject(read), publicKey: pin(2) })],
      establishments: ['1010780054', '1350054680'],
      validFrom: 1,
    }),
  ]
  const whitelist = open(...declared)
  assert.deepEqual([...whitelist.partners()], declared)
  const writers = [...whitelist.partnersFor('1350054680')]
  assert.deepEqual(
    writers.map(({ partner: { id }, certificates }) => [id, ...certificates.map(({ place }) => place.line)]),
    [
      ['a', 4],
      ['b', 8],
    ],
  )
  assert.deepEqual([...whitelist.partnersFor('1000000000')], [])
  assert.deepEqual([...whitelist.partnersFor('nobody')], [])
})

const idNatStruct = fc.oneof(
  fc.stringMatching(/^1[0-9][0-9A-Z][0-9]{7}$/),
  fc.stringMatching(/^2[0-9]{9}$/),
  fc.stringMatching(/^3[0-9]{14}$/),
  fc.stringMatching(/^[04][0-9]{8,15}$/),
)

test('an establishment packs into a number of its own, and back', () => {
  fc.assert(
    fc.property(idNatStruct, idNatStruct, (one, other) => {
      const packed = packEstablishment(one)
      assert.ok(packed !== undefined && Number.isSafeInteger(packed))
      assert.equal(unpackEstablishment(packed), one)
      assert.equal(packed === packEstablishment(other), one === other)
    }),
    { numRuns: 5000 },
  )
  const edges = ['0000000000000000', '0999999999999999', '4000000000000000', '4999999999999999', '000000000']
  edges.push('400000000', '1000000000', '19Z9999999', '2000000000', '2999999999', '300000000000000')
  const packed = edges.map((each) => packEstablishment(each) ?? Number.NaN)
  assert.equal(new Set(packed).size, edges.length)
  for (const [index, each] of edges.entries()) assert.equal(unpackEstablishment(packed[index] ?? 0), each)
})

test('a text that is no establishment packs into nothing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9A-Za-z .]{8,17}$/)), (text) => {
      if (/^(?:1[0-9][0-9A-Z][0-9]{7}|2[0-9]{9}|3[0-9]{14}|[04][0-9]{8,15})$/.test(text)) return
      assert.equal(packEstablishment(text), undefined)
    }),
    { numRuns: 5000 },
  )
})

const anyName = fc.array(
  fc.uniqueArray(
    fc.record({
      type: fc.constantFrom('2.5.4.3', '2.5.4.11', '1.2.3'),
      value: fc.oneof(fc.constantFrom('1[', ':]', '5:x=1:y;', 'é𝒳'), fc.string({ unit: 'binary' })),
    }),
    { minLength: 1, maxLength: 3, selector: ({ type }) => type },
  ),
  { minLength: 1, maxLength: 4 },
)

test('the name of a key is the name that the key was made of', () => {
  fc.assert(
    fc.property(anyName, (name) => {
      assert.equal(nameKey(nameOfKey(nameKey(name))), nameKey(name))
    }),
    { numRuns: 1000 },
  )
})

interface Expected {
  readonly id: string
  readonly end: number | undefined
  readonly establishments: ReadonlySet<string>
}

test('the compiled whitelist answers as maps and sets do', () => {
  const small = fc.integer({ min: 0, max: 400 })
  const establishment = fc.integer({ min: 0, max: 60 }).map((number) => `1${String(number).padStart(9, '0')}`)
  const declaration = fc.record({
    keys: fc.uniqueArray(small, { minLength: 1, maxLength: 5 }),
    shared: fc.array(establishment, { maxLength: 20 }),
    own: fc.option(fc.array(establishment, { maxLength: 5 })),
    end: fc.option(fc.integer({ min: -1e13, max: 1e13 }), { nil: undefined }),
  })
  fc.assert(
    fc.property(
      fc.array(declaration, { minLength: 1, maxLength: 60 }),
      fc.array(establishment),
      (all, asked) => {
        const expected = new Map<number, Expected>()
        const partners = all.flatMap(({ keys, shared, own, end }, index) => {
          const fresh = keys.filter((key) => !expected.has(key))
          if (fresh.length === 0) return []
          const id = `p${index}`
          const certificates = fresh.map((key, at) => {
            const establishments = at === 0 && own !== null ? own : undefined
            expected.set(key, { id, end, establishments: new Set(establishments ?? shared) })
            const named = key % 2 === 0 ? { subject: subject(`CN=n${key},C=FR`) } : {}
            const validUntil = end === undefined ? {} : { validUntil: end }
            return certificate(key + 1, { ...named, ...validUntil, publicKey: pin(key), establishments })
          })
          return [partner(id, { certificates, establishments: shared })]
        })
        const whitelist = open(...partners)
        assert.equal(whitelist.certificateCount, expected.size)
        for (let key = 0; key <= 400; key += 1) {
          const entry = whitelist.findByPublicKey(pin(key))
          const facts = expected.get(key)
          assert.equal(entry?.partner.id, facts?.id)
          const bySubject = whitelist.findBySubject(nameKey(subject(`CN=n${key},C=FR`)))
          assert.equal(bySubject?.index, key % 2 === 0 ? entry?.index : undefined)
          if (entry === undefined || facts === undefined) continue
          assert.equal(entry.establishmentCount, facts.establishments.size)
          assert.equal(entry.validUntil, facts.end)
          for (const each of asked)
            assert.equal(whitelist.permits(entry, each), facts.establishments.has(each))
        }
      },
    ),
    { numRuns: 50 },
  )
})
