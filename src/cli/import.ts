import type { DistinguishedName } from '../core/distinguished-name.js'
import type { PartnerDeclaration } from '../core/partner.js'
import { shown, suggestion } from '../config/spelling.js'
import type { PartnerEdit } from '../config/whitelist-edit.js'
import { partnerId } from '../config/whitelist-schema.js'
import type { YamlMapping } from '../config/yaml-layout.js'
import { judgeGiven, judgeKeys, judgeNames, type ListedBy } from './candidates.js'
import type { Finding } from './desk-finding.js'
import { speakerFor } from './desk-output.js'
import { addEntry, changeEntry } from './entry-change.js'
import { readHandedIn, readSubject, type HandedIn } from './handed-in.js'
import { shortForm } from './list-findings.js'
import { propose } from './propose-change.js'
import { readTextOf } from './given-file.js'
import {
  instantOption,
  listOption,
  textOption,
  UsageError,
  type Streams,
  type Verb,
  type VerbOptions,
} from './verb.js'
import { deskOptions, WhitelistDesk } from './whitelist-desk.js'

const solutions = ['regional-eai', 'saas', 'proprietary', 'consumer']

/** `ror-gateway import`: what partners send, as a whitelist entry. */
export const importVerb: Verb = {
  name: 'import',
  summary: 'makes whitelist entries of what partners send: certificates, names, lists of establishments',
  positionals: [
    {
      name: 'FILE',
      multiple: true,
      optional: true,
      help: 'certificates (.pem .cer .crt .der .p7b .p7c), public keys (.pem .pub .der) and lists (.csv .tsv .txt .xlsx .ods)',
    },
  ],
  options: [
    { name: 'partner', value: 'ID', required: true, help: 'the partner, new or listed' },
    ...deskOptions,
    {
      name: 'subject',
      value: 'DN',
      multiple: true,
      help: 'a name as a mail gives it, in any usual spelling',
    },
    { name: 'subject-file', value: 'FILE', help: 'a file that holds one; `-` reads the standard input' },
    { name: 'name', value: 'TEXT', help: 'name for people' },
    {
      name: 'solution',
      value: 'KIND',
      help: `${solutions.slice(0, -1).join(', ')} or ${solutions.at(-1) ?? ''}`,
    },
    { name: 'apis', value: 'NAMES', help: 'APIs granted, separated by commas; needed for a new partner' },
    { name: 'by', value: 'KEY', help: 'subject, publicKey or both (default: what the APIs match by)' },
    { name: 'own', help: 'the numbers are those of the certificates given here alone' },
    { name: 'replace', help: 'the list is the whole one: numbers of the partner that it lacks are removed' },
    { name: 'list-file', value: 'FILE', help: 'where the numbers are written, in place of the entry' },
    { name: 'column', value: 'NAME', help: 'column of the numbers, by its letter or heading' },
    { name: 'sheet', value: 'NAME', help: 'this sheet of a workbook alone' },
    {
      name: 'accept',
      value: 'CODE',
      multiple: true,
      help: 'an error that is not to be in the way, by its code',
    },
    { name: 'at', value: 'TIME', help: 'the moment certificates are judged at (default: now)' },
    { name: 'write', help: 'write the files; without it the change is shown alone' },
    { name: 'json', help: 'findings and changes as JSON' },
  ],
  examples: [
    'ror-gateway import partner.pem --partner ehpad-source --apis token,fhir-read --config gateway.yaml --env sandbox',
    'ror-gateway import liste.xlsx --partner eai-bretagne --config gateway.yaml --env sandbox --replace --write',
    'ror-gateway import --subject "CN=CLIENT_TEST_RORN,OU=33333333333,O=GIP - TEST3012,ST=Paris (75),C=FR" --partner gip --apis token --whitelist whitelist/',
  ],
  async run(options, streams) {
    const speaker = speakerFor(streams)
    const partner = textOption(options, 'partner') ?? ''
    if (!partnerId.test(partner)) {
      const expected = 'a short name of letters, digits, `.`, `_` and `-`'
      throw new UsageError(`--partner: expected ${expected}, found ${shown(partner)}`)
    }
    const desk = await WhitelistDesk.open(options)
    const isWritten = options['write'] === true
    if (isWritten && desk.path === undefined)
      throw new UsageError('--write: expected --config or --whitelist')
    const subjects = await readSubjects(options, streams)
    const files = listOption(options, 'file')
    if (files.length + subjects.length === 0)
      throw new UsageError('expected a FILE, --subject or --subject-file')
    const handedIn = await readHandedIn(files, {
      column: textOption(options, 'column'),
      sheet: textOption(options, 'sheet'),
      isProduction: /prod/i.test(desk.within?.environment.name ?? textOption(options, 'env') ?? ''),
    })
    const findings = await planImport({ desk, partner, subjects, handedIn }, options)
    const accepted = listOption(options, 'accept')
    const asJson = options['json'] === true
    const found = [...handedIn.findings, ...findings]
    return propose(desk, { partner, findings: found, accepted, isWritten, asJson }, speaker)
  },
}

/** What is to be imported, and where. */
interface Import {
  readonly desk: WhitelistDesk
  readonly partner: string
  readonly subjects: readonly DistinguishedName[]
  readonly handedIn: HandedIn
}

async function planImport(
  { desk, partner, subjects, handedIn }: Import,
  options: VerbOptions,
): Promise<readonly Finding[]> {
  const declared = desk.declarationOf(partner)
  const apis = (textOption(options, 'apis') ?? '')
    .split(',')
    .flatMap((api) => (api.trim() === '' ? [] : [api.trim()]))
  const granted = [...(declared?.apis ?? []), ...apis]
  const now = instantOption(options, 'at') ?? Date.now()
  const wishes = { desk, partner, by: listedBy(options, desk, granted), now }
  const certificates = judgeGiven(handedIn.certificates, wishes)
  const names = judgeNames(subjects, wishes)
  const keys = judgeKeys(handedIn.keys, wishes)
  const findings = [...certificates.findings, ...names.findings, ...keys.findings]
  const isOwn = options['own'] === true
  const given = new Set(
    handedIn.lists.flatMap(({ establishments }) => establishments.map(({ establishment }) => establishment)),
  )
  const own = isOwn ? { establishments: [...given].map(shortForm) } : {}
  const items = [...certificates.items, ...names.items, ...keys.items].map((item): YamlMapping => ({
    ...item,
    ...own,
  }))
  if (isOwn && items.length === 0)
    throw new UsageError('--own: expected a certificate that is not listed yet')
  const fields = fieldsOf(options)
  const listFile = textOption(options, 'list-file')
  if (declared === undefined) {
    // what was refused is told first; an entry without a certificate is none
    if (items.length === 0) {
      if (
        handedIn.certificates.length + handedIn.keys.length + subjects.length > 0 ||
        handedIn.findings.length > 0
      )
        return findings
      throw notListed(desk, partner, 'a certificate or --subject')
    }
    if (apis.length === 0) throw notListed(desk, partner, '--apis')
    const entry = { id: partner, ...fields, certificates: items, apis }
    const establishments = isOwn ? [] : [...given]
    await addEntry(desk, { id: partner, fields: entry, establishments, listFile })
    return findings
  }
  const change = {
    edits: editsOf({ fields, apis, items }, declared),
    establishments: isOwn ? { added: [], removed: new Set<string>() } : numbersOf(given, declared, options),
    listFile,
  }
  const kept = declared.establishments.filter(
    (each) => !given.has(each) && !change.establishments.removed.has(each),
  )
  if (!isOwn && given.size > 0 && kept.length > 0) {
    findings.push({
      severity: 'note',
      about: partner,
      facts: { code: 'numbers-kept', numbers: kept.map(shortForm) },
    })
  }
  const entry = await desk.entryOf(partner)
  if (entry === undefined) throw new Error(`\`${partner}\` is listed outside of \`${desk.path ?? ''}\``)
  await changeEntry(desk, entry, change)
  return findings
}

function notListed({ whitelist }: WhitelistDesk, partner: string, needed: string): UsageError {
  const known = [...(whitelist?.partners() ?? [])].map(({ id }) => id)
  const near = suggestion(partner, known)
  return new UsageError(`\`${partner}\` is not listed, and a new partner needs ${needed}${near}`)
}

async function readSubjects(options: VerbOptions, streams: Streams): Promise<readonly DistinguishedName[]> {
  const texts = [...listOption(options, 'subject')]
  const file = textOption(options, 'subject-file')
  if (file !== undefined) texts.push(await readTextOf(file, streams))
  return texts.map(readSubject)
}

function fieldsOf(options: VerbOptions): Readonly<Record<string, string>> {
  const name = textOption(options, 'name')
  const solution = textOption(options, 'solution')
  if (solution !== undefined && !solutions.includes(solution)) {
    throw new UsageError(`--solution: expected ${solutions.join(', ')}, found \`${solution}\``)
  }
  return { ...(name !== undefined && { name }), ...(solution !== undefined && { solution }) }
}

// what the granted APIs match by must be there for each of them; either goes by the name, which outlives renewals
function listedBy(options: VerbOptions, { within }: WhitelistDesk, granted: readonly string[]): ListedBy {
  const wanted = textOption(options, 'by')
  if (wanted === 'subject' || wanted === 'publicKey' || wanted === 'both') return wanted
  if (wanted !== undefined)
    throw new UsageError(`--by: expected subject, publicKey or both, found \`${wanted}\``)
  const apis = (within?.environment.apis ?? []).filter(({ name }) => granted.includes(name))
  const byKey = apis.some(({ match }) => match === 'public-key')
  const byName = apis.some(({ match }) => match === 'subject')
  if (!byKey) return 'subject'
  return byName ? 'both' : 'publicKey'
}

interface Additions {
  readonly fields: Readonly<Record<string, string>>
  readonly apis: readonly string[]
  readonly items: readonly YamlMapping[]
}

function editsOf({ fields, apis, items }: Additions, declared: PartnerDeclaration): readonly PartnerEdit[] {
  const edits: PartnerEdit[] = Object.entries(fields).map(([key, value]) => {
    return { kind: 'set', path: [], key, value, after: 'id' }
  })
  if (items.length > 0) edits.push({ kind: 'append', path: [], key: 'certificates', items })
  const more = [...new Set(apis)].filter((api) => !declared.apis.includes(api))
  if (more.length > 0) edits.push({ kind: 'append', path: [], key: 'apis', items: more })
  return edits
}

function numbersOf(given: ReadonlySet<string>, { establishments }: PartnerDeclaration, options: VerbOptions) {
  const listed = new Set(establishments)
  const removed =
    options['replace'] === true && given.size > 0 ? establishments.filter((each) => !given.has(each)) : []
  return { added: [...given].filter((each) => !listed.has(each)), removed: new Set(removed) }
}
