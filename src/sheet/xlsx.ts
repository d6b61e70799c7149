import type { Result } from '../core/result.js'
import { sheetProblem, type Sheet, type SheetProblem } from './sheet.js'
import { readWorksheet, type WorkbookTexts } from './worksheet.js'
import { walkXml } from './xml.js'
import type { ZipArchive } from './zip.js'

type Read<Value> = Result<Value, SheetProblem>

/**
 * The sheets of an Excel workbook, in their order; hidden ones are there, and say so.
 *
 * @see ECMA-376 part 1, sections 18.2 (workbook), 18.3 (worksheets), 18.4 (shared strings), 18.8 (styles)
 */
export function readXlsx(archive: ZipArchive): Read<readonly Sheet[]> {
  const macros = refuseMacros(archive)
  if (!macros.ok) return macros
  const texts = readTexts(archive)
  if (!texts.ok) return texts
  const named = readSheetNames(archive)
  if (!named.ok) return named
  const sheets: Sheet[] = []
  for (const { name, part, ...hidden } of named.value) {
    const bytes = archive.read(part)
    if (!bytes.ok) return bytes
    const rows = readWorksheet(bytes.value, texts.value)
    if (!rows.ok) return rows
    sheets.push({ name, rows: rows.value, ...hidden })
  }
  return { ok: true, value: sheets }
}

function refuseMacros(archive: ZipArchive): Read<undefined> {
  let isMacroEnabled = [...archive.names].some((name) => /vbaProject\.bin$|^xl\/macrosheets\//i.test(name))
  const types = archive.read('[Content_Types].xml')
  if (!types.ok) return types
  const read = walkXml(types.value, {
    open: ({ attributes }) => {
      if (/macroEnabled|vbaProject/i.test(attributes['ContentType'] ?? '')) isMacroEnabled = true
      return undefined
    },
    close: () => undefined,
  })
  if (!read.ok) return read
  if (!isMacroEnabled) return read
  return sheetProblem('sheet-macros', 'the workbook holds macros; have it saved as .xlsx or .csv')
}

function readTexts(archive: ZipArchive): Read<WorkbookTexts> {
  const sharedStrings: string[] = []
  if (archive.has('xl/sharedStrings.xml')) {
    const read = readSharedStrings(archive, sharedStrings)
    if (!read.ok) return read
  }
  const zeroPadding: number[] = []
  if (archive.has('xl/styles.xml')) {
    const read = readZeroPadding(archive, zeroPadding)
    if (!read.ok) return read
  }
  return { ok: true, value: { sharedStrings, zeroPadding } }
}

function readSharedStrings(archive: ZipArchive, strings: string[]): Read<undefined> {
  const bytes = archive.read('xl/sharedStrings.xml')
  if (!bytes.ok) return bytes
  let item = ''
  let [isText, isPhonetic] = [false, false]
  return walkXml(bytes.value, {
    open: ({ name }) => {
      if (name === 'si') item = ''
      if (name === 'rPh') isPhonetic = true
      isText = name === 't' && !isPhonetic
      return undefined
    },
    text: (part) => {
      if (isText) item += part
    },
    close: (name) => {
      if (name === 'si') strings.push(item)
      if (name === 'rPh') isPhonetic = false
      isText = false
      return undefined
    },
  })
}

// a format of zeros alone, such as `000000000`, shows the zeros that the number itself has lost
function readZeroPadding(archive: ZipArchive, zeroPadding: number[]): Read<undefined> {
  const bytes = archive.read('xl/styles.xml')
  if (!bytes.ok) return bytes
  const widths = new Map<string, number>()
  let isCellStyle = false
  return walkXml(bytes.value, {
    open: ({ name, attributes }) => {
      const format = attributes['numFmtId'] ?? ''
      const code = attributes['formatCode'] ?? ''
      if (name === 'numFmt' && /^0{2,20}$/.test(code)) widths.set(format, code.length)
      if (name === 'cellXfs') isCellStyle = true
      if (name === 'xf' && isCellStyle) zeroPadding.push(widths.get(format) ?? 0)
      return undefined
    },
    close: (name) => {
      if (name === 'cellXfs') isCellStyle = false
      return undefined
    },
  })
}

/** A sheet as the workbook names it, and the part that holds its cells. */
type NamedSheet = Pick<Sheet, 'name' | 'isHidden'> & { readonly part: string }

function readSheetNames(archive: ZipArchive): Read<readonly NamedSheet[]> {
  const targets = new Map<string, string>()
  const relations = archive.read('xl/_rels/workbook.xml.rels')
  if (!relations.ok) return relations
  const related = walkXml(relations.value, {
    open: ({ name, attributes }) => {
      if (name === 'Relationship') targets.set(attributes['Id'] ?? '', attributes['Target'] ?? '')
      return undefined
    },
    close: () => undefined,
  })
  if (!related.ok) return related
  const workbook = archive.read('xl/workbook.xml')
  if (!workbook.ok) return workbook
  const sheets: NamedSheet[] = []
  const read = walkXml(workbook.value, {
    open: ({ name, attributes }) => {
      if (name !== 'sheet') return undefined
      const target = targets.get(attributes['id'] ?? '')
      if (target === undefined) return `the sheet \`${attributes['name'] ?? ''}\` stands nowhere in the file`
      // chart sheets hold no cells
      if (!/(?:^|\/)worksheets\//.test(target)) return undefined
      const part = target.startsWith('/') ? target.slice(1) : `xl/${target}`
      // `hidden`, or `veryHidden`, which only a macro shows again
      const hidden = /hidden$/i.test(attributes['state'] ?? '') ? ({ isHidden: true } as const) : {}
      sheets.push({ name: attributes['name'] ?? '', part, ...hidden })
      return undefined
    },
    close: () => undefined,
  })
  return read.ok ? { ok: true, value: sheets } : read
}
