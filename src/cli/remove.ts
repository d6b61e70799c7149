import { toIdNatStruct } from '../core/establishment.js'
import type { PartnerDeclaration } from '../core/partner.js'
import { resolvePath } from '../config/paths.js'
import { removePartner, type PartnerEdit } from '../config/whitelist-edit.js'
import { certificateTest, type CertificateTest } from './certificate-test.js'
import type { Finding } from './desk-finding.js'
import { shownPath, speakerFor } from './desk-output.js'
import { changeEntry, numberEdits, recordsIn } from './entry-change.js'
import { inLanguage } from './language.js'
import { propose } from './propose-change.js'
import { exit, listOption, textOption, UsageError, type Verb } from './verb.js'
import { deskOptions, WhitelistDesk, type WrittenEntry } from './whitelist-desk.js'

const sentences = {
  en: { nobody: (what: string) => `nobody lists ${what}` },
  fr: { nobody: (what: string) => `personne n’inscrit ${what}` },
}

/** `ror-gateway remove`: a partner, a certificate or establishments out of the whitelist. */
export const remove: Verb = {
  name: 'remove',
  summary: 'takes a partner, one of its certificates, or establishments out of the whitelist',
  positionals: [
    { name: 'PARTNER', optional: true, help: 'whose entry; without it, whoever lists what is named' },
  ],
  options: [
    ...deskOptions,
    {
      name: 'certificate',
      value: 'WHICH',
      multiple: true,
      help: 'this certificate alone: a file, a pin (sha256:…) or a name',
    },
    {
      name: 'establishment',
      value: 'NUMBER',
      multiple: true,
      help: 'this FINESS or IdNatStruct number alone',
    },
    {
      name: 'accept',
      value: 'CODE',
      multiple: true,
      help: 'an error that is not to be in the way, by its code',
    },
    { name: 'write', help: 'write the files; without it the change is shown alone' },
    { name: 'json', help: 'findings and changes as JSON' },
  ],
  examples: [
    'ror-gateway remove ehpad-source --config gateway.yaml --env sandbox',
    'ror-gateway remove eai-bretagne --establishment 350054680 --config gateway.yaml --env sandbox --write',
    'ror-gateway remove --certificate partner.pem --config gateway.yaml --env production --write',
  ],
  async run(options, streams) {
    const speaker = speakerFor(streams)
    const certificates = listOption(options, 'certificate')
    const numbers = listOption(options, 'establishment').map(readNumber)
    const id = textOption(options, 'partner')
    if (id === undefined && certificates.length + numbers.length === 0) {
      throw new UsageError('expected PARTNER, --certificate or --establishment')
    }
    if (certificates.length > 0 && numbers.length > 0) {
      throw new UsageError('expected --certificate or --establishment, found both')
    }
    const desk = await WhitelistDesk.open(options)
    if (desk.path === undefined) throw new UsageError('expected --config or --whitelist')
    const parts = { isWanted: await certificateTest(certificates), numbers: new Set(numbers) }
    const meant = [...(desk.whitelist?.partners() ?? [])].filter((partner) => {
      return id === undefined ? listsAny(partner, parts) : partner.id === id
    })
    if (meant.length === 0) {
      const what = id ?? [...certificates, ...numbers].join(', ')
      speaker.note(inLanguage(speaker.language, sentences).nobody(what))
      return exit.couldNot
    }
    const findings: Finding[] = []
    for (const partner of meant) {
      const entry = await desk.entryOf(partner.id)
      if (entry === undefined) throw new Error(`\`${partner.id}\` is listed outside of \`${desk.path}\``)
      const isWhole = certificates.length + numbers.length === 0
      if (isWhole) findings.push(...(await removeEntry(desk, entry)))
      else findings.push(...(await removeParts(desk, entry, { partner, ...parts })))
    }
    const partner = meant.map((each) => each.id).join(', ')
    const accepted = listOption(options, 'accept')
    const wishes = { accepted, isWritten: options['write'] === true, asJson: options['json'] === true }
    return propose(desk, { partner, findings, ...wishes }, speaker)
  },
}

interface Parts {
  readonly isWanted: CertificateTest
  /** IdNatStruct. */
  readonly numbers: ReadonlySet<string>
}

function listsAny(
  { certificates, establishments }: PartnerDeclaration,
  { isWanted, numbers }: Parts,
): boolean {
  const own = certificates.flatMap((certificate) => certificate.establishments ?? [])
  return certificates.some(isWanted) || [...establishments, ...own].some((each) => numbers.has(each))
}

async function removeEntry(
  desk: WhitelistDesk,
  { path, text, located }: WrittenEntry,
): Promise<readonly Finding[]> {
  const { written } = located
  const id = String(written['id'])
  const edited = removePartner(text, located, id)
  if (!edited.ok) throw new Error(`\`${path}\`: ${edited.problem.message}`)
  // a file of a folder goes with its last partner
  const isEmpty = /^partners: \[\]/m.test(edited.value)
  await desk.put(path, isEmpty && (await desk.isFolder()) ? undefined : edited.value)
  const keys = recordsIn(written['certificates']).map((certificate) => certificate['publicKey'])
  return [written['establishmentsFile'], ...keys].flatMap((named): Finding[] => {
    if (typeof named !== 'string' || /^sha256:|^[0-9A-Fa-f:]{64,}$/.test(named)) return []
    const file = shownPath(resolvePath(path, named))
    return [{ severity: 'note', about: id, facts: { code: 'file-left', file } }]
  })
}

async function removeParts(
  desk: WhitelistDesk,
  entry: WrittenEntry,
  { partner, isWanted, numbers }: Parts & { readonly partner: PartnerDeclaration },
): Promise<readonly Finding[]> {
  const edits: PartnerEdit[] = []
  const written = recordsIn(entry.located.written['certificates'])
  for (const [index, certificate] of written.entries()) {
    edits.push(...numberEdits(certificate, { added: [], removed: numbers }, ['certificates', index]))
  }
  const indexes = new Set(partner.certificates.flatMap((each, index) => (isWanted(each) ? [index] : [])))
  if (indexes.size === partner.certificates.length) {
    return [{ severity: 'error', about: partner.id, facts: { code: 'last-certificate' } }]
  }
  if (indexes.size > 0) edits.push({ kind: 'remove', path: ['certificates'], indexes })
  await changeEntry(desk, entry, {
    edits,
    establishments: { added: [], removed: numbers },
    listFile: undefined,
  })
  return []
}

function readNumber(text: string): string {
  const id = toIdNatStruct(text)
  if (id.ok) return id.value
  throw new UsageError(`--establishment: ${id.problem.message}`)
}
