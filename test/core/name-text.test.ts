import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { isSameName, type DistinguishedName } from '../../src/core/distinguished-name.js'
import {
  formatName,
  formatNameLines,
  formatNameOpenssl,
  formatNameSlash,
  parseName,
} from '../../src/core/name-text.js'

const oids: Readonly<Record<string, string>> = {
  C: '2.5.4.6',
  ST: '2.5.4.8',
  L: '2.5.4.7',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: '2.5.4.3',
  SN: '2.5.4.4',
  serialNumber: '2.5.4.5',
  street: '2.5.4.9',
  emailAddress: '1.2.840.113549.1.9.1',
  organizationIdentifier: '2.5.4.97',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
}

/** A name from `C FR`, `OU b`: one RDN each, or several attributes in an array. */
function name(...rdns: readonly (string | readonly string[])[]): DistinguishedName {
  return rdns.map((rdn) =>
    (typeof rdn === 'string' ? [rdn] : rdn).map((text) => {
      const [type = '', ...words] = text.split(' ')
      return { type: oids[type] ?? type, value: words.join(' ') }
    }),
  )
}

function assertReads(text: string, expected: DistinguishedName): void {
  const read = parseName(text)
  assert.ok(read.ok, `${JSON.stringify(text)}: ${read.ok ? '' : read.problem.message}`)
  assert.deepEqual(read.value, expected, text)
}

const partag = name(
  'C FR',
  'ST Paris (75)',
  "O AGENCE DES SYSTEMES D'INFORMATION PARTAG",
  'OU 318751275100020',
  'CN sas-aggregator-production',
)
const drimbox = name('C FR', 'ST Paris (75)', 'O CABINET M DOC0036790', 'OU 499700367909006', 'CN DRIMbox')
const santeos = name(
  'C FR',
  'ST Hauts-de-Seine (92)',
  'O SANTEOS SA',
  'OU 341930067800069',
  'CN sonde1.mssante.fr',
)
const gip = name('C FR', 'ST Île-de-France', 'O GIP - "x", y+z', 'OU 33333333333', 'CN CLIENT/TEST_RORN')

const taken: readonly (readonly [string, DistinguishedName])[] = [
  // the real subjects of ROR.md section 4
  [
    "C = FR, ST = Paris (75), O = AGENCE DES SYSTEMES D'INFORMATION PARTAG, OU = 318751275100020, CN = sas-aggregator-production",
    partag,
  ],
  ['CN=DRIMbox, OU=499700367909006, O=CABINET M DOC0036790, ST=Paris (75), C=FR', drimbox],
  [
    'CN=sonde1.iso-production.mssante.fr,OU=300000000029751,O=MINISTERE DE TEST2975,ST=Paris (75),C=FR',
    name(
      'C FR',
      'ST Paris (75)',
      'O MINISTERE DE TEST2975',
      'OU 300000000029751',
      'CN sonde1.iso-production.mssante.fr',
    ),
  ],
  ['/C=FR/ST=Hauts-de-Seine (92)/O=SANTEOS SA/OU=341930067800069/CN=sonde1.mssante.fr', santeos],
  [
    'CN=CLIENT_TEST_RORN,OU=33333333333,O=GIP - TEST3012,ST=Paris (75),C=FR',
    name('C FR', 'ST Paris (75)', 'O GIP - TEST3012', 'OU 33333333333', 'CN CLIENT_TEST_RORN'),
  ],
  [
    'C=FR, ST=Paris (75), O=HOPITAL DES 3. DAMES, OU=11B0073160, CN=EMA',
    name('C FR', 'ST Paris (75)', 'O HOPITAL DES 3. DAMES', 'OU 11B0073160', 'CN EMA'),
  ],
  [
    'C = FR, O = ASIP-SANTE, OU = 0002 187512751, OU = IGC-SANTE TEST, CN = TEST AC IGC-SANTE',
    name('C FR', 'O ASIP-SANTE', 'OU 0002 187512751', 'OU IGC-SANTE TEST', 'CN TEST AC IGC-SANTE'),
  ],
  // one name in its spellings
  ['CN=CLIENT/TEST_RORN,OU=33333333333,O=GIP - \\"x\\"\\, y\\+z,ST=Île-de-France,C=FR', gip],
  ['CN=CLIENT/TEST_RORN,OU=33333333333,O="GIP - \\"x\\", y+z",ST=\\C3\\8Ele-de-France,C=FR', gip],
  [
    'C = FR, ST = \\C3\\8Ele-de-France, O = "GIP - \\"x\\", y+z", OU = 33333333333, CN = CLIENT/TEST_RORN',
    gip,
  ],
  ['C=FR, ST=Île-de-France, O="GIP - \\"x\\", y+z", OU=33333333333, CN=CLIENT/TEST_RORN', gip],
  ['/C=FR/ST=\\xC3\\x8Ele-de-France/O=GIP - "x", y\\+z/OU=33333333333/CN=CLIENT/TEST_RORN', gip],
  ['/C=FR/ST=Île-de-France/O=GIP - "x", y+z/OU=33333333333/CN=CLIENT\\/TEST_RORN', gip],
  ['C=FR\nST=Île-de-France\nO=GIP - \\"x\\"\\, y\\+z\nOU=33333333333\nCN=CLIENT/TEST_RORN', gip],
  [
    'C=FR\r\n  ST=Île-de-France\r\n  O=GIP - \\"x\\"\\, y\\+z\r\n  OU=33333333333\r\nCN=CLIENT/TEST_RORN\r\n',
    gip,
  ],
  // what stands round it
  ['subject=C = FR, CN = x', name('C FR', 'CN x')],
  ['subject= /C=FR/CN=x', name('C FR', 'CN x')],
  ['  Subject: C=FR, CN=x \n', name('C FR', 'CN x')],
  ['subject:CN=x,C=FR', name('C FR', 'CN x')],
  ['subject=\nC=FR\nCN=x', name('C FR', 'CN x')],
  ['\u00a0CN=x,\u00a0C=FR\u00a0', name('C FR', 'CN x')],
  // types
  ['cn=x,ou=y,c=FR', name('C FR', 'OU y', 'CN x')],
  ['CN=x,S=Paris,C=FR', name('C FR', 'ST Paris', 'CN x')],
  ['commonName=x,organizationName=y,countryName=FR', name('C FR', 'O y', 'CN x')],
  ['2.5.4.97=NTRFR-1,OID.2.5.4.10=x,oid.2.5.4.6=FR', name('C FR', 'O x', 'organizationIdentifier NTRFR-1')],
  ['organizationIdentifier=NTRFR-1,C=FR', name('C FR', 'organizationIdentifier NTRFR-1')],
  ['/C=FR/1.2.3.4=x', name('C FR', '1.2.3.4 x')],
  [
    'emailAddress=a@b.fr,SERIALNUMBER=1,SN=Doe,C=FR',
    name('C FR', 'SN Doe', 'serialNumber 1', 'emailAddress a@b.fr'),
  ],
  ['UID=jsmith,DC=example,DC=net', name('DC net', 'DC example', 'UID jsmith')],
  // RFC 4514 section 4
  ['OU=Sales+CN=J.  Smith,DC=example,DC=net', name('DC net', 'DC example', ['OU Sales', 'CN J.  Smith'])],
  [
    'CN=James \\"Jim\\" Smith\\, III,DC=example,DC=net',
    name('DC net', 'DC example', 'CN James "Jim" Smith, III'),
  ],
  ['1.3.6.1.4.1.1466.0=#0C024869', name('1.3.6.1.4.1.1466.0 Hi')],
  ['CN=Lu\\C4\\8Di\\C4\\87', name('CN Lučić')],
  ['CN=#1302464F+OU=#160161', name(['CN FO', 'OU a'])],
  // sets, in every form
  ['C = FR, OU = b + O = x, CN = y', name('C FR', ['OU b', 'O x'], 'CN y')],
  ['CN=y,OU=b+O=x,C=FR', name('C FR', ['OU b', 'O x'], 'CN y')],
  ['/C=FR/OU=b+O=x/CN=y', name('C FR', ['OU b', 'O x'], 'CN y')],
  ['C=FR\nOU=b + O=x\nCN=y', name('C FR', ['OU b', 'O x'], 'CN y')],
  // edges of values
  ['CN=\\ x\\ ,C=FR', name('C FR', 'CN  x ')],
  ['C = FR, CN = \\ x\\   ', name('C FR', 'CN  x ')],
  ['CN=x\\20', name('CN x ')],
  ['CN=\\C2\\A0x', name('CN \u00a0x')],
  ['CN="  x  ",C=FR', name('C FR', 'CN   x  ')],
  ['CN=\\#x', name('CN #x')],
  ['CN=a\u00a0b', name('CN a\u00a0b')],
  ['CN=a=b', name('CN a=b')],
  ['CN=real\\, O=Fake,C=FR', name('C FR', 'CN real, O=Fake')],
  ['/CN=a\\x5Cb', name('CN a\\b')],
  ['/CN=http://x/y', name('CN http://x/y')],
  // no direction needed, or told by the form
  ['CN=x', name('CN x')],
  ['CN = x', name('CN x')],
  ['OU=a, OU=a', name('OU a', 'OU a')],
  ['/CN=y/O=x/C=FR', name('CN y', 'O x', 'C FR')],
  // the viewer of Windows: from the holder to the country
  [
    'CN = y\r\nOU = z\r\nO = x\r\nS = Paris (75)\r\nC = FR\r\n',
    name('C FR', 'ST Paris (75)', 'O x', 'OU z', 'CN y'),
  ],
  ['C = FR\nO = x\nCN = y', name('C FR', 'O x', 'CN y')],
  ['O=x,OU=y', name('OU y', 'O x')],
  ['O = x, OU = y', name('O x', 'OU y')],
]

for (const [text, expected] of taken) {
  test(`reads ${JSON.stringify(text)}`, () => {
    assertReads(text, expected)
  })
}

const refused: readonly (readonly [string, number, RegExp])[] = [
  ['', 0, /found nothing/],
  ['   ', 3, /found nothing/],
  ['subject=', 8, /found nothing/],
  ['CN=x,', 4, /ends with a separator `,`/],
  ['CN=x+', 4, /ends with a separator `\+`/],
  [',CN=x', 0, /expected `TYPE=value`, found `,CN=x`/],
  ['CN=x,,C=FR', 5, /expected `TYPE=value` after `,`/],
  ['/C=FR/', 5, /ends with a separator `\/`/],
  ['/C=FR//CN=x', 5, /doubled `\/`/],
  ['/', 0, /separator/],
  ['hello', 0, /expected `TYPE=value`, found `hello`/],
  ['"CN=x,C=FR"', 0, /expected `TYPE=value`/],
  ['CN=x,O=Dupont, Fils,C=FR', 15, /after `,`, found `Fils,C=FR`; inside a value it is written `\\,`/],
  ['CN=a+b,C=FR', 5, /after `\+`, found `b,C=FR`; inside a value it is written `\\\+`/],
  ['CN="x,C=FR', 3, /never closed/],
  ['CN="x"y,C=FR', 6, /after the closing quote, found `y,C=FR`/],
  ['CN=x"y', 4, /`"` inside a value is written `\\"`/],
  ['CN=a;C=FR', 4, /`;` inside a value is written `\\;`/],
  ['CN=a<b', 4, /`<` inside/],
  ['CN=,C=FR', 3, /no value/],
  ['CN="",C=FR', 3, /no value/],
  ['C = , CN = x', 4, /no value/],
  ['/CN=/C=FR', 4, /no value/],
  ['C=FR\nCN=', 8, /no value/],
  ['CN=#0C00', 3, /no value/],
  ['CN=#xyz', 3, /hexadecimal/],
  ['CN=#0C0', 3, /hexadecimal/],
  ['CN=#0C0246', 3, /DER of a UTF8String/],
  ['CN=#0C810146', 3, /DER of a UTF8String/],
  ['CN=#1E020041', 3, /DER of a UTF8String/],
  ['CN=#0C01FF', 3, /DER of a UTF8String/],
  ['CN=#130140', 3, /DER of a UTF8String/],
  ['CN=#0C0100', 3, /control/],
  ['CN=a\\', 4, /no escape/],
  ['CN=a\\/b', 4, /no escape/],
  ['CN=\\C3', 3, /not UTF-8/],
  ['CN=\\C3x\\8E', 3, /not UTF-8/],
  ['CN=\\C0\\AF', 3, /not UTF-8/],
  ['CN=\\ED\\A0\\80', 3, /not UTF-8/],
  ['CN=a\\00', 4, /control/],
  ['CN=\\C2\\85', 3, /control/],
  ['/CN=a\\x00', 5, /control/],
  ['/CN=\\xE9', 4, /not UTF-8/],
  ['/CN=a\\b', 5, /written `\\x5C`/],
  ['CN=a\u0000b', 4, /U\+0000/],
  ['CN=a\tb', 4, /U\+0009/],
  ['CN=a\u0085b', 4, /U\+0085/],
  ['\ufeffCN=a', 0, /U\+FEFF/],
  ['CN=a\ud800b', 4, /U\+D800/],
  ['CN=x ,C=FR', 4, /a space at the edge/],
  ['CN="x" ,C=FR', 6, /a space at the edge/],
  ['CN=x\u00a0,C=FR', 4, /U\+00A0 at the edge of a value: remove it, or write `\\C2\\A0`/],
  ['CN=\u00a0x,C=FR', 3, /U\+00A0 at the edge/],
  ['/C=FR /CN=x', 5, /a space at the edge of a value: remove it, or write `\\x20`/],
  ['CN= x,C=FR', 2, /both sides of `=`/],
  ['CN =x,C=FR', 3, /both sides of `=`/],
  ['C = FR, CN=x', 7, /direction/],
  ['CM=x,C=FR', 0, /unknown attribute type `CM`; did you mean `CN`\?/],
  ['CN=x,organisationName=y,C=FR', 5, /did you mean `O`\?/],
  ['CN=x,Foobarbaz=y,C=FR', 5, /unknown attribute type `Foobarbaz`; write its OID/],
  ['/C=FR/FOO=y/CN=x', 6, /unknown attribute type `FOO`.*`\/` that belongs to the value is written `\\\/`/],
  ['3.5.4.6=FR', 0, /unknown attribute type/],
  ['2.05.4=FR', 0, /unknown attribute type/],
  ['C=FR\n\nCN=x', 5, /empty line/],
  ['CN=x,\nC=FR', 4, /one attribute a line/],
  [
    'CN=y\nO=x\nC=FR',
    0,
    /cannot be told; write `\/CN=y\/O=x\/C=FR` if .* this order, `\/C=FR\/O=x\/CN=y` if/,
  ],
  ['CN = y\nO=x\nC=FR', 7, /direction/],
  ['C=FR,CN=x', 0, /cannot be told; write `\/C=FR\/CN=x` if .* this order, `\/CN=x\/C=FR` if/],
  ['C=FR,O=x,CN=y', 0, /cannot be told/],
  ['O=x, CN=y', 0, /cannot be told/],
  ['C=FR, CN=y, O=x', 0, /cannot be told/],
  ['C=FR,O=x, CN=y', 0, /cannot be told/],
  ['OU=a, OU=b', 0, /cannot be told/],
  ['CN = y, O = x, C = FR', 0, /cannot be told/],
  ['x'.repeat(9000), 8192, /9000 characters/],
]

for (const [text, offset, message] of refused) {
  test(`refuses ${JSON.stringify(text.slice(0, 40))}, naming the place`, () => {
    const read = parseName(text)
    assert.ok(!read.ok, JSON.stringify(read))
    assert.match(read.problem.message, message)
    assert.equal(read.problem.offset, offset)
    assert.doesNotMatch(read.problem.message, /\p{Cc}/u)
  })
}

test('says how to write a name whose direction cannot be told, and both spellings are read', () => {
  const read = parseName('C=FR,O=a/b\\\\,CN=y')
  assert.ok(!read.ok)
  const spellings = [...read.problem.message.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
  assert.equal(spellings.length, 2)
  assertReads(spellings[0] ?? '', name('C FR', 'O a/b\\', 'CN y'))
  assertReads(spellings[1] ?? '', name('CN y', 'O a/b\\', 'C FR'))
})

// values made of what parsers stumble over, or of any characters a certificate may hold
const nasty = fc
  .array(
    fc.constantFrom(
      ...[
        ' ',
        ',',
        '+',
        '"',
        '\\',
        '<',
        '>',
        ';',
        '=',
        '#',
        '/',
        'CN=',
        '/CN=',
        '+O=',
        ', O=',
        ' = ',
        '\\,',
        '\\x41',
      ],
      ...[
        'a',
        'é',
        'e\u0301',
        '\u00a0',
        '\u200b',
        '\ufeff',
        '\u2028',
        '𝒳',
        'C3',
        '\\C3',
        '1.2.3=',
        "'",
        '`',
        'Île',
      ],
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(''))
const value = fc.oneof(
  nasty,
  fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !/\p{Cc}|\p{Cs}/u.test(text)),
)
const type = fc.oneof(
  fc.constantFrom(...Object.values(oids)),
  fc.constantFrom('1.2.3.4', '2.999.1', '2.5.4.45', '0.9.2342.19200300.100.1.3'),
)
const anyName = fc.array(fc.array(fc.record({ type, value }), { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 6,
})

const spellings: readonly (readonly [string, (name: DistinguishedName) => string, surely: boolean])[] = [
  ['RFC 4514', formatName, false],
  ["OpenSSL's", formatNameOpenssl, false],
  ["OpenSSL's old", formatNameSlash, true],
  ["Node's", formatNameLines, false],
]

for (const [form, format, surely] of spellings) {
  test(`a name written in ${form} form is read back as the same name, or refused as undirected`, () => {
    let sure = 0
    fc.assert(
      fc.property(anyName, (original) => {
        const text = format(original)
        const again = parseName(text)
        if (!again.ok && !surely && again.problem.message.includes('direction')) return
        assert.ok(again.ok, `${JSON.stringify(text)}: ${again.ok ? '' : again.problem.message}`)
        assert.ok(isSameName(again.value, original), text)
        sure += 1
      }),
      { numRuns: 3000 },
    )
    assert.ok(sure > 1000, `${sure} names were read back`)
  })
}

test('a name of the usual order is read back from every spelling', () => {
  fc.assert(
    fc.property(anyName, (inner) => {
      const usual: DistinguishedName = [...name('C FR'), ...inner, ...name('CN x')]
      for (const [, format] of spellings) {
        const again = parseName(format(usual))
        assert.ok(again.ok && isSameName(again.value, usual), format(usual))
      }
    }),
    { numRuns: 1000 },
  )
})

test('names that are the same are spelled the same, and others are not', () => {
  const same = [name(['OU a', 'CN b'], 'C FR'), name(['CN b', 'OU a'], 'C FR')] as const
  assert.equal(formatName(same[0]), formatName(same[1]))
  fc.assert(
    fc.property(anyName, anyName, (one, other) => {
      assert.equal(formatName(one) === formatName(other), isSameName(one, other))
      assert.equal(formatNameSlash(one) === formatNameSlash(other) && !isSameName(one, other), false)
    }),
    { numRuns: 2000 },
  )
})

test('no text makes it throw, and what is refused has a place inside the text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        nasty.map((text) => `CN=${text}`),
      ),
      (text) => {
        const read = parseName(text)
        if (read.ok) {
          assert.ok(read.value.length > 0)
          for (const { value: each } of read.value.flat()) assert.doesNotMatch(each, /\p{Cc}|\p{Cs}|^$/u)
        } else assert.ok(read.problem.offset >= 0 && read.problem.offset <= text.length)
      },
    ),
    { numRuns: 5000 },
  )
})

test('a megabyte of separators or backslashes is refused at once', () => {
  for (const piece of ['\\', ',', '/', '+', ' ', '"', '/CN=', 'CN=x,', '\\C3']) {
    assert.equal(parseName(piece.repeat(1_000_000)).ok, false)
    parseName(piece.repeat(Math.floor(8000 / piece.length)))
  }
})
