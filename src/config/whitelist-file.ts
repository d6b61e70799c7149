import type { Diagnostic } from '../core/diagnostic.js'
import { chunksOf } from './partner-chunks.js'
import { readPartner, type PartnerDraft } from './partner-draft.js'
import { readPlainItems } from './plain-items.js'
import { inOrder, Reading } from './reading.js'
import { readBySchema, valueAt } from './schema-diagnostics.js'
import { partnerSchema, whitelistFrame } from './whitelist-schema.js'
import { readYaml, type TreePath, type YamlText, type YamlTree } from './yaml-source.js'

export type { PartnerDraft } from './partner-draft.js'

export type OnPartner = (partner: PartnerDraft) => void

const mostDiagnostics = 500

/**
 * The partners of a whitelist file, handed over one after the other; returns all that is wrong with it.
 *
 * The usual file, a block list under `partners:`, is parsed some partners at a time, so that 100,000
 * of them need no more memory than 100; any other spelling is parsed as a whole, up to a bound.
 * A partner with an error is not handed over, but those beside it are: use none of them unless the
 * result holds no error.
 */
export function readWhitelistDocument(
  { file, text }: { readonly file: string; readonly text: string },
  onPartner: OnPartner,
): readonly Diagnostic[] {
  const bare = text.startsWith('\ufeff') ? text.slice(1) : text
  const chunks = chunksOf(bare)
  if (chunks === undefined) return readWhole({ file, text: bare }, onPartner)
  const diagnostics: Diagnostic[] = []
  for (const { text: chunk, firstLine } of chunks) {
    diagnostics.push(...readChunk({ file, text: chunk, firstLine }, onPartner))
    if (diagnostics.length > mostDiagnostics) return cut(diagnostics)
  }
  return diagnostics
}

function readChunk(source: YamlText, onPartner: OnPartner): readonly Diagnostic[] {
  const plain = readPlainItems(source)
  const yaml = plain === undefined ? readYaml(source) : { ok: true as const, value: plain }
  if (!yaml.ok) return yaml.problem
  const count = Array.isArray(yaml.value.plain) ? yaml.value.plain.length : 0
  return readPartners(yaml.value, { list: [], count }, onPartner)
}

/** The road of every spelling that cannot be cut: the text as one document. */
function readWhole(source: YamlText, onPartner: OnPartner): readonly Diagnostic[] {
  const yaml = readYaml(source)
  if (!yaml.ok) return yaml.problem
  const frame = readBySchema(whitelistFrame, yaml.value)
  const list = valueAt(yaml.value.plain, ['partners'])
  const count = Array.isArray(list) ? list.length : 0
  return cut([...frame.diagnostics, ...readPartners(yaml.value, { list: ['partners'], count }, onPartner)])
}

function readPartners(
  tree: YamlTree,
  { list, count }: { readonly list: TreePath; readonly count: number },
  onPartner: OnPartner,
): readonly Diagnostic[] {
  const reading = new Reading(tree)
  for (let index = 0; index < count && reading.diagnostics.length <= mostDiagnostics; index += 1) {
    const at = [...list, index]
    const { value, diagnostics } = readBySchema(partnerSchema, tree, at)
    reading.diagnostics.push(...diagnostics)
    const partner = value === undefined ? undefined : readPartner(value, at, reading)
    if (partner !== undefined) onPartner(partner)
  }
  return inOrder(reading.diagnostics)
}

function cut(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const last = diagnostics[mostDiagnostics - 1]
  if (last === undefined || diagnostics.length <= mostDiagnostics) return diagnostics
  const message = `more errors follow; the first ${mostDiagnostics} are told`
  return [...diagnostics.slice(0, mostDiagnostics), { ...last, code: 'more-errors', message, related: [] }]
}
