import { crc32, deflateRawSync } from 'node:zlib'

/** A cell as a test writes it: a text, a number, or XML of its own. */
export type WrittenCell = string | number | { readonly xml: string }

/** A ZIP archive of these parts, deflated, as office programs write it. */
export function zip(parts: Readonly<Record<string, string | Buffer>>): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, content] of Object.entries(parts)) {
    const bytes = Buffer.from(content)
    const packed = deflateRawSync(bytes)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(8, 4)
    fields.writeUInt32LE(crc32(bytes), 10)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(bytes.length, 18)
    fields.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), packed])
    const behind = Buffer.alloc(14)
    behind.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), fields, behind, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(directory.length, 8)
  end.writeUInt16LE(directory.length, 10)
  end.writeUInt32LE(size, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, ...directory, end])
}

const spreadsheet = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const relationships = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'

/** The parts of an Excel workbook; texts go to the shared strings, style 1 shows nine digits. */
export function xlsxParts(
  sheets: Readonly<Record<string, readonly (readonly WrittenCell[])[]>>,
): Record<string, string> {
  const strings: string[] = []
  const names = Object.keys(sheets)
  const parts: Record<string, string> = {
    '[Content_Types].xml':
      '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
    'xl/workbook.xml': `<workbook xmlns="${spreadsheet}" xmlns:r="${relationships}"><sheets>${names
      .map((name, index) => `<sheet name="${escaped(name)}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`)
      .join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': `<Relationships>${names
      .map((_, index) => `<Relationship Id="rId${index + 1}" Target="worksheets/sheet${index + 1}.xml"/>`)
      .join('')}</Relationships>`,
    'xl/styles.xml': `<styleSheet xmlns="${spreadsheet}"><numFmts><numFmt numFmtId="164" formatCode="000000000"/></numFmts><cellStyleXfs><xf numFmtId="0"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>`,
  }
  for (const [index, rows] of Object.values(sheets).entries()) {
    const xml = rows.map((cells, row) => {
      const written = cells.map((cell, column) => {
        const reference = `${String.fromCharCode(65 + column)}${row + 1}`
        if (typeof cell === 'object') return cell.xml.replace('<c', `<c r="${reference}"`)
        if (typeof cell === 'number') return `<c r="${reference}"><v>${cell}</v></c>`
        if (cell === '') return ''
        strings.push(`<si><t xml:space="preserve">${escaped(cell)}</t></si>`)
        return `<c r="${reference}" t="s"><v>${strings.length - 1}</v></c>`
      })
      return `<row r="${row + 1}">${written.join('')}</row>`
    })
    parts[`xl/worksheets/sheet${index + 1}.xml`] =
      `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="${spreadsheet}"><sheetData>${xml.join('')}</sheetData></worksheet>`
  }
  parts['xl/sharedStrings.xml'] = `<sst xmlns="${spreadsheet}">${strings.join('')}</sst>`
  return parts
}

/** An Excel workbook of these sheets. */
export function xlsx(sheets: Readonly<Record<string, readonly (readonly WrittenCell[])[]>>): Buffer {
  return zip(xlsxParts(sheets))
}

/** An OpenDocument spreadsheet with this XML inside its `table:table`. */
export function ods(name: string, rows: string): Buffer {
  const content = `<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="${name}">${rows}</table:table></office:spreadsheet></office:body></office:document-content>`
  return zip({ mimetype: 'application/vnd.oasis.opendocument.spreadsheet', 'content.xml': content })
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
