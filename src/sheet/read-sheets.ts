import type { Result } from '../core/result.js'
import { decodeText, readDelimited, type TextEncoding } from './delimited.js'
import { readOds } from './ods.js'
import { sheetProblem, type Sheet, type SheetProblem } from './sheet.js'
import { readXlsx } from './xlsx.js'
import { looksLikeZip, ZipArchive } from './zip.js'

/** The tables of a file, and how its text was encoded (workbooks are always UTF-8). */
export interface Sheets {
  readonly sheets: readonly Sheet[]
  readonly encoding: TextEncoding
}

// the container of .xls, and of workbooks locked with a password
const compoundFile = 'd0cf11e0a1b11ae1'

/** The tables of a CSV or text file, of an .xlsx or of an .ods, told apart by their content. Total. */
export function readSheets(bytes: Uint8Array): Result<Sheets, SheetProblem> {
  if (looksLikeZip(bytes)) return readWorkbook(bytes)
  if (Buffer.from(bytes.subarray(0, 8)).toString('hex') === compoundFile) {
    const message = 'an old .xls file, or one locked with a password; have it saved as .xlsx or .csv'
    return sheetProblem('sheet-unknown', message)
  }
  const decoded = decodeText(bytes)
  if (decoded === undefined) return sheetProblem('sheet-unknown', 'expected a text, .xlsx or .ods file')
  const rows = readDelimited(decoded.text)
  if (!rows.ok) return rows
  return { ok: true, value: { sheets: [{ name: '', rows: rows.value }], encoding: decoded.encoding } }
}

function readWorkbook(bytes: Uint8Array): Result<Sheets, SheetProblem> {
  const archive = ZipArchive.open(bytes)
  if (!archive.ok) return archive
  const sheets = archive.value.has('content.xml') ? readOds(archive.value) : readXlsx(archive.value)
  return sheets.ok ? { ok: true, value: { sheets: sheets.value, encoding: 'utf-8' } } : sheets
}
