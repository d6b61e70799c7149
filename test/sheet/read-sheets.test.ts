import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { readSheets, type Sheets } from '../../src/sheet/read-sheets.js'
import { ods, xlsx, xlsxParts, zip } from '../support/workbook.js'

function sheetsOf(bytes: Uint8Array): Sheets {
  const read = readSheets(bytes)
  assert.ok(read.ok, JSON.stringify(read))
  return read.value
}

function textsOf(bytes: Uint8Array): string[][] {
  return (sheetsOf(bytes).sheets[0]?.rows ?? []).map(({ cells }) => cells.map(({ text }) => text))
}

function problemOf(bytes: Uint8Array): string {
  const read = readSheets(bytes)
  assert.ok(!read.ok)
  return read.problem.code
}

test('a table is read with `;`, `,`, tab and `|` between its cells', () => {
  for (const separator of [';', ',', '\t', '|']) {
    const text = `nom${separator}FINESS\r\n"A ${separator} B"${separator}010780054\r\n`
    assert.deepEqual(textsOf(Buffer.from(text)), [
      ['nom', 'FINESS'],
      [`A ${separator} B`, '010780054'],
    ])
  }
})

test('UTF-8 with and without its mark, UTF-16 and Windows-1252 read as the same text', () => {
  const text = 'Établissement;N°\nHôpital d’Évreux;1\n'
  const expected = [
    ['Établissement', 'N°'],
    ['Hôpital d’Évreux', '1'],
  ]
  const windows = Buffer.from(
    Array.from(text, (character) => (character === '’' ? 0x92 : (character.codePointAt(0) ?? 0))),
  )
  const encodings: readonly (readonly [Buffer, string])[] = [
    [Buffer.from(text), 'utf-8'],
    [Buffer.from(`\ufeff${text}`), 'utf-8'],
    [Buffer.from(`\ufeff${text}`, 'utf16le'), 'utf-16le'],
    [windows, 'windows-1252'],
  ]
  for (const [bytes, encoding] of encodings) {
    assert.deepEqual(textsOf(bytes), expected, encoding)
    assert.equal(sheetsOf(bytes).encoding, encoding)
  }
})

test('quoted cells hold quotes, separators and lines, and rows keep the line they begin on', () => {
  const text = 'a;"1 ""x"" ;\n2"\n\n"=""010780054""";b\n'
  const [sheet] = sheetsOf(Buffer.from(text)).sheets
  assert.deepEqual(
    sheet?.rows.map(({ number, cells }) => [number, ...cells.map((cell) => cell.text)]),
    [
      [1, 'a', '1 "x" ;\n2'],
      [4, '010780054', 'b'],
    ],
  )
  assert.equal(problemOf(Buffer.from('a;"b\nc')), 'sheet-malformed')
})

test('any table written with quotes is read back cell by cell', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ';', ',', '\n', '0', 'é') })
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1 }), (rows) => {
      const text = rows
        .map((cells) => cells.map((each) => `"${each.replaceAll('"', '""')}"`).join('\t'))
        .join('\n')
      // blank rows are left out, and Excel’s `="…"` is unwrapped
      const expected = rows
        .map((cells) => cells.map((each) => each.trim()))
        .filter((cells) => cells.some(Boolean))
      assert.deepEqual(textsOf(Buffer.from(text)), expected)
    }),
  )
})

test('an Excel workbook gives shared and inline strings, numbers, and zeros shown by a format', () => {
  const book = xlsx({
    'Lisez-moi': [['Bonjour & bienvenue']],
    Liste: [
      ['nom', 'FINESS'],
      ['A', 10780054],
      ['B', { xml: '<c t="inlineStr"><is><r><t>3500</t></r><r><t>54680</t></r></is></c>' }],
      ['C', { xml: '<c s="1"><v>10780054</v></c>' }],
      ['D', { xml: '<c><v>3.5005468E8</v></c>' }],
      ['E', { xml: '<c t="str"><f>"a"&amp;"b"</f><v>ab</v></c>' }],
    ],
  })
  const { sheets } = sheetsOf(book)
  assert.deepEqual(
    sheets.map(({ name }) => name),
    ['Lisez-moi', 'Liste'],
  )
  assert.deepEqual(
    sheets[1]?.rows.map(({ number, cells }) => [number, cells[1]?.text, cells[1]?.isNumber]),
    [
      [1, 'FINESS', false],
      [2, '10780054', true],
      [3, '350054680', false],
      [4, '010780054', true],
      [5, '350054680', true],
      [6, 'ab', false],
    ],
  )
})

test('an OpenDocument spreadsheet gives what its cells show, repeated rows and cells included', () => {
  const cell = (text: string, attributes = '') =>
    `<table:table-cell ${attributes}><text:p>${text}</text:p></table:table-cell>`
  const book = ods(
    'Feuille1',
    `<table:table-row>${cell('nom')}${cell('FINESS')}</table:table-row>
     <table:table-row table:number-rows-repeated="2">${cell('A')}${cell('010780054', 'office:value-type="float" office:value="10780054"')}<table:table-cell table:number-columns-repeated="16382"/></table:table-row>
     <table:table-row table:number-rows-repeated="1048573"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>`,
  )
  assert.deepEqual(textsOf(book), [
    ['nom', 'FINESS'],
    ['A', '010780054'],
    ['A', '010780054'],
  ])
})

test('a workbook with macros, a password or an old format is refused for what it is', () => {
  const parts = xlsxParts({ a: [['x']] })
  assert.equal(problemOf(zip({ ...parts, 'xl/vbaProject.bin': 'x' })), 'sheet-macros')
  const types = parts['[Content_Types].xml'] ?? ''
  const enabled = types.replace('application/xml', 'application/vnd.ms-excel.sheet.macroEnabled.main+xml')
  assert.equal(problemOf(zip({ ...parts, '[Content_Types].xml': enabled })), 'sheet-macros')
  const locked = zip(parts)
  // the flag of encryption, in every entry of the directory
  for (let at = locked.indexOf('PK\x01\x02'); at !== -1; at = locked.indexOf('PK\x01\x02', at + 4))
    locked[at + 8] = 1
  assert.equal(problemOf(locked), 'sheet-encrypted')
  assert.equal(problemOf(Buffer.from('d0cf11e0a1b11ae100', 'hex')), 'sheet-unknown')
  assert.equal(problemOf(Buffer.from('%PDF-1.7\0')), 'sheet-unknown')
})

test('a part that unpacks to more than the archive announces is not unpacked further', () => {
  const bomb = zip({ ...xlsxParts({ a: [['x']] }), 'xl/workbook.xml': Buffer.alloc(50_000_000, 0x20) })
  const at = bomb.indexOf('xl/workbook.xml', bomb.indexOf('PK\x01\x02')) - 46
  bomb.writeUInt32LE(1000, at + 24)
  assert.equal(problemOf(bomb), 'sheet-malformed')
  bomb.writeUInt32LE(0xffffffff, at + 24)
  assert.equal(problemOf(bomb), 'sheet-too-large')
})

test('repeated rows and far columns of a few bytes do not fill the memory', () => {
  const repeated = ods(
    'a',
    '<table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384"><text:p>1</text:p></table:table-cell></table:table-row>',
  )
  assert.equal(problemOf(repeated), 'sheet-malformed')
  const far = Array.from({ length: 500 }, () => '<row><c r="XFD1"><v>1</v></c></row>').join('')
  const parts = xlsxParts({ a: [['x']] })
  const sheet = (parts['xl/worksheets/sheet1.xml'] ?? '').replace('<sheetData>', `<sheetData>${far}`)
  assert.equal(problemOf(zip({ ...parts, 'xl/worksheets/sheet1.xml': sheet })), 'sheet-malformed')
})

test('a document type, and with it every entity, is refused', () => {
  const parts = xlsxParts({ a: [['x']] })
  const workbook = `<!DOCTYPE a [<!ENTITY b "c">]>${parts['xl/workbook.xml'] ?? ''}`
  assert.equal(problemOf(zip({ ...parts, 'xl/workbook.xml': workbook })), 'sheet-malformed')
})

test('any bytes, and any damage to a workbook, give a table or a problem, and never a throw', () => {
  const book = xlsx({ a: [['FINESS'], [350054680]] })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      readSheets(bytes)
    }),
  )
  fc.assert(
    fc.property(fc.nat(book.length - 1), fc.nat(255), fc.nat(book.length), (at, byte, length) => {
      const damaged = Buffer.from(book)
      damaged[at] = byte
      readSheets(damaged)
      readSheets(damaged.subarray(0, length))
    }),
  )
})

test('rows and sheets that a workbook hides say so', () => {
  const parts = xlsxParts({ Liste: [['a'], ['b'], ['c']], Ancienne: [['d']] })
  const [book, cells] = ['xl/workbook.xml', 'xl/worksheets/sheet1.xml'] as const
  parts[book] = parts[book]?.replace('name="Ancienne"', 'name="Ancienne" state="veryHidden"') ?? ''
  parts[cells] = parts[cells]?.replace('<row r="2"', '<row r="2" hidden="1"') ?? ''
  const { sheets } = sheetsOf(zip(parts))
  assert.deepEqual(
    sheets.map(({ isHidden, rows }) => [isHidden, rows.map((row) => row.isHidden)]),
    [
      [undefined, [undefined, true, undefined]],
      [true, [undefined]],
    ],
  )
  const row = (text: string, visibility: string) =>
    `<table:table-row${visibility}><table:table-cell><text:p>${text}</text:p></table:table-cell></table:table-row>`
  const filtered =
    row('a', '') + row('b', ' table:visibility="filter"') + row('c', ' table:visibility="collapse"')
  const [sheet] = sheetsOf(ods('Liste', filtered)).sheets
  assert.deepEqual(
    sheet?.rows.map(({ isHidden }) => isHidden),
    [undefined, true, true],
  )
})
