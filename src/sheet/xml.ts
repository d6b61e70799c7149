import { SaxesParser } from 'saxes'
import type { Result } from '../core/result.js'
import { sheetProblem, type SheetProblem } from './sheet.js'

/** An element as it opens: its name and its attributes without their prefixes. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
}

/** What is told of a document, in its order; a text returned is the problem that ends the reading. */
export interface XmlListener {
  open(element: XmlElement): string | undefined
  close(name: string): string | undefined
  text?(text: string): void
}

const deepest = 128
const pieceLength = 65_536

/**
 * Walks over a part of a workbook.
 *
 * Well-formed XML in UTF-8 without a document type (so without entities of its own) is read; names are
 * told without their prefixes, since the programs disagree on the namespaces of one and the same element.
 */
export function walkXml(bytes: Uint8Array, listener: XmlListener): Result<undefined, SheetProblem> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return sheetProblem('sheet-malformed', 'expected the XML of the file in UTF-8')
  }
  let problem: string | undefined
  let depth = 0
  const parser = new SaxesParser({ xmlns: true, position: false })
  parser.on('error', ({ message }) => (problem ??= message))
  parser.on('doctype', () => (problem ??= 'a document type declaration is not taken'))
  parser.on('opentag', ({ local, attributes }) => {
    depth += 1
    if (depth > deepest) problem ??= `nesting deeper than ${deepest} levels`
    if (problem !== undefined) return
    const bare: Record<string, string> = {}
    for (const attribute of Object.values(attributes)) bare[attribute.local] = attribute.value
    problem = listener.open({ name: local, attributes: bare })
  })
  parser.on('closetag', ({ local }) => {
    depth -= 1
    problem ??= listener.close(local)
  })
  parser.on('text', (part) => {
    if (problem === undefined) listener.text?.(part)
  })
  parser.on('cdata', (part) => {
    if (problem === undefined) listener.text?.(part)
  })
  for (let from = 0; from < text.length && problem === undefined; from += pieceLength) {
    parser.write(text.slice(from, from + pieceLength))
  }
  if (problem === undefined) parser.close()
  return problem === undefined ? { ok: true, value: undefined } : sheetProblem('sheet-malformed', problem)
}
