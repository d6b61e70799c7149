import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { isSameName } from '../../src/core/distinguished-name.js'
import { parseCertificate } from '../../src/x509/certificate.js'
import type { IssuedAttribute, IssuedName, StringType } from '../../src/x509/issue-name.js'
import { createPki, problemOf, read } from './issuing.js'

const pki = await createPki()

function subjectOf(subject: IssuedName) {
  return read(pki.clientDer({ subject })).subject
}

function refusalOf(subject: IssuedName): string {
  const { code, message } = problemOf(parseCertificate(pki.clientDer({ subject })))
  assert.equal(code, 'certificate-name-refused')
  return message
}

const cn = (value: string | Uint8Array, string: StringType = 'utf8'): IssuedName => [
  { type: 'CN', value, string },
]

for (const string of ['utf8', 'printable', 'ia5'] as const) {
  test(`reads ${string} text`, () => {
    assert.deepEqual(subjectOf(cn('GIP - TEST3012', string)), [
      [{ type: '2.5.4.3', value: 'GIP - TEST3012' }],
    ])
  })
}

test('the same text is the same name as PrintableString, UTF8String and IA5String', () => {
  const [one, two, three] = (['utf8', 'printable', 'ia5'] as const).map((string) =>
    subjectOf(cn('abc', string)),
  )
  assert.ok(one !== undefined && two !== undefined && three !== undefined)
  assert.ok(isSameName(one, two) && isSameName(two, three))
})

const refusedTypes: Readonly<Partial<Record<StringType, string>>> = {
  bmp: 'BMPString',
  universal: 'UniversalString',
  t61: 'T61String',
  numeric: 'NumericString',
  visible: 'VisibleString',
}
for (const [string, name] of Object.entries(refusedTypes)) {
  test(`refuses a ${name} by its name, in a subject and in an issuer`, () => {
    const kind = string as StringType // a key of the table above
    assert.match(refusalOf(cn('123', kind)), new RegExp(`in the subject is a ${name}`))
    const issuer = { ...pki.root, name: pki.authority({ name: 'x', subject: cn('123', kind) }).name }
    const { code, message } = problemOf(parseCertificate(pki.clientDer({ issuer })))
    assert.equal(code, 'certificate-name-refused')
    assert.match(message, new RegExp(`in the issuer is a ${name}`))
  })
}

const refusedTexts: readonly (readonly [name: string, subject: IssuedName, message: RegExp])[] = [
  ['NUL', cn('admin\0.example'), /control character/],
  ['NUL in IA5String', cn('admin\0.example', 'ia5'), /may not hold/],
  ['NUL in PrintableString', cn('admin\0', 'printable'), /may not hold/],
  ['a line feed', cn('a\nCN=b'), /control character/],
  ['DEL', cn('a\u007f'), /control character/],
  ['a C1 control', cn('a\u0085b'), /control character/],
  ['invalid UTF-8', cn(Uint8Array.of(0x41, 0xc3)), /not valid UTF-8/],
  ['an overlong encoding', cn(Uint8Array.of(0xc0, 0xaf)), /not valid UTF-8/],
  ['a surrogate in UTF-8', cn(Uint8Array.of(0xed, 0xa0, 0x80)), /not valid UTF-8/],
  ['an asterisk in PrintableString', cn('*', 'printable'), /PrintableString may not hold/],
  ['an accent in IA5String', cn('é', 'ia5'), /IA5String name may not hold/],
  ['an empty value', cn(''), /is empty/],
]
for (const [name, subject, message] of refusedTexts) {
  test(`refuses ${name} in a name`, () => {
    assert.match(refusalOf(subject), message)
  })
}

test('keeps what looks like another name as plain text of this one', () => {
  for (const value of [
    'real, O=Fake',
    'real\\, O=Fake',
    'a+b',
    'a/CN=b',
    ' a ',
    '\ufeffa',
    'аdmin',
    'e\u0301',
  ]) {
    assert.deepEqual(subjectOf(cn(value)), [[{ type: '2.5.4.3', value }]])
  }
})

test('a byte order mark, a space, a case, a composition are another name', () => {
  const plain = subjectOf(cn('é'))
  for (const other of ['\ufeffé', 'é ', 'É', 'e\u0301']) assert.ok(!isSameName(plain, subjectOf(cn(other))))
})

test('keeps order, repeats, multi-valued RDNs and any OID', () => {
  const uuid = '2.25.340282366920938463463374607431768211455'
  const subject: IssuedName = [
    { type: 'C', value: 'FR' },
    { type: 'OU', value: 'b' },
    { type: 'OU', value: 'a' },
    [
      { type: 'O', value: 'one' },
      { type: 'CN', value: 'two' },
    ],
    { type: uuid, value: 'any' },
    { type: '1.3.6.1.4.1.311.60.2.1.3', value: 'FR' },
  ]
  assert.deepEqual(
    subjectOf(subject).map((rdn) => rdn.map(({ type, value }) => `${type}=${value}`).sort()),
    [
      ['2.5.4.6=FR'],
      ['2.5.4.11=b'],
      ['2.5.4.11=a'],
      ['2.5.4.10=one', '2.5.4.3=two'],
      [`${uuid}=any`],
      ['1.3.6.1.4.1.311.60.2.1.3=FR'],
    ],
  )
})

test('one RDN of two attributes is not two RDNs', () => {
  const [one, two]: [IssuedAttribute, IssuedAttribute] = [
    { type: 'O', value: 'a' },
    { type: 'CN', value: 'b' },
  ]
  assert.ok(!isSameName(subjectOf([[one, two]]), subjectOf([one, two])))
  assert.ok(isSameName(subjectOf([[one, two]]), subjectOf([[two, one]])))
})

test('an empty subject is an empty sequence, an empty issuer is refused', () => {
  assert.deepEqual(subjectOf([]), [])
  const issuer = { ...pki.root, name: pki.authority({ name: 'x', subject: [] }).name }
  const { message } = problemOf(parseCertificate(pki.clientDer({ issuer })))
  assert.equal(message, 'the issuer is empty')
})

test('any text that may stand in a name comes back as it was written', () => {
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 64 })
    .filter((value) => !/\p{Surrogate}/u.test(value) && !/[\u0000-\u001f\u007f-\u009f]/.test(value))
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (values) => {
      const subject = subjectOf(values.map((value) => ({ type: 'OU', value })))
      assert.deepEqual(
        subject.map((rdn) => rdn[0]?.value),
        values,
      )
    }),
    { numRuns: 100 },
  )
})
