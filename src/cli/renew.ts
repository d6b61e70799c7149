import { isSameName } from '../core/distinguished-name.js'
import { formatSpkiSha256 } from '../core/spki.js'
import type { CertificateIdentity, PartnerDeclaration } from '../core/partner.js'
import type { PartnerEdit } from '../config/whitelist-edit.js'
import { parseValidity } from '../config/paris-day.js'
import type { YamlMapping } from '../config/yaml-layout.js'
import type { Certificate } from '../x509/certificate.js'
import { itemOf, judgeGiven, spellName } from './candidates.js'
import { certificateTest } from './certificate-test.js'
import type { Finding } from './desk-finding.js'
import { speakerFor } from './desk-output.js'
import { changeEntry, recordsIn, textsIn } from './entry-change.js'
import { readHandedIn } from './handed-in.js'
import { inLanguage } from './language.js'
import { propose } from './propose-change.js'
import {
  exit,
  instantOption,
  listOption,
  textOption,
  UsageError,
  type Verb,
  type VerbOptions,
} from './verb.js'
import { deskOptions, WhitelistDesk, type WrittenEntry } from './whitelist-desk.js'

const sentences = {
  en: { nobody: (what: string) => `${what} is not listed` },
  fr: { nobody: (what: string) => `${what} n’est pas inscrit` },
}

/** `ror-gateway renew`: the new certificate of a partner in the place of the old one, or beside it. */
export const renew: Verb = {
  name: 'renew',
  summary: 'puts the new certificate of a partner in the place of the old one, or beside it until a day',
  positionals: [{ name: 'PARTNER', help: 'whose certificate is renewed' }],
  options: [
    ...deskOptions,
    { name: 'certificate', value: 'FILE', required: true, help: 'the new certificate' },
    {
      name: 'replaces',
      value: 'WHICH',
      help: 'the old one, where several are listed: a file, a pin (sha256:…) or a name',
    },
    { name: 'until', value: 'DATE', help: 'the old one is listed up to this day, beside the new one' },
    {
      name: 'accept',
      value: 'CODE',
      multiple: true,
      help: 'an error that is not to be in the way, by its code',
    },
    { name: 'at', value: 'TIME', help: 'the moment the certificate is judged at (default: now)' },
    { name: 'write', help: 'write the files; without it the change is shown alone' },
    { name: 'json', help: 'findings and changes as JSON' },
  ],
  examples: [
    'ror-gateway renew ehpad-source --certificate new.pem --config gateway.yaml --env sandbox',
    'ror-gateway renew ehpad-source --certificate new.pem --until 2026-12-31 --config gateway.yaml --env sandbox --write',
  ],
  async run(options, streams) {
    const speaker = speakerFor(streams)
    const id = textOption(options, 'partner') ?? ''
    const file = textOption(options, 'certificate') ?? ''
    const until = textOption(options, 'until')
    const end = until === undefined ? undefined : parseValidity(until, 'until')
    if (end?.ok === false) throw new UsageError(`--until: ${end.problem.message}, found \`${until ?? ''}\``)
    const desk = await WhitelistDesk.open(options)
    if (desk.path === undefined) throw new UsageError('expected --config or --whitelist')
    const partner = desk.declarationOf(id)
    const entry = partner === undefined ? undefined : await desk.entryOf(id)
    if (partner === undefined || entry === undefined) {
      speaker.note(inLanguage(speaker.language, sentences).nobody(id))
      return exit.couldNot
    }
    const wishes = { column: undefined, sheet: undefined, isProduction: false }
    const handedIn = await readHandedIn([file], wishes)
    const findings: Finding[] = [...handedIn.findings]
    if (handedIn.keys.length > 0)
      throw new UsageError(
        `\`${file}\` holds a public key alone; import it beside the old one, and remove that behind it`,
      )
    const [given, ...others] = handedIn.certificates
    if (others.length > 0)
      throw new UsageError(`\`${file}\` holds ${others.length + 1} certificates; give one`)
    if (given !== undefined) {
      const now = instantOption(options, 'at') ?? Date.now()
      findings.push(...judgeGiven([given], { desk, partner: id, by: 'both', now }).findings)
      const renewal = { partner, entry, renewed: given.certificate, until }
      findings.push(...(await replaceCertificate(desk, renewal, options)))
    }
    const accepted = listOption(options, 'accept')
    const made = { accepted, isWritten: options['write'] === true, asJson: options['json'] === true }
    return propose(desk, { partner: id, findings, ...made }, speaker)
  },
}

interface Renewal {
  readonly partner: PartnerDeclaration
  readonly entry: WrittenEntry
  readonly renewed: Certificate
  /** Undefined: the new one takes the place of the old one at once. */
  readonly until: string | undefined
}

async function replaceCertificate(
  desk: WhitelistDesk,
  { partner, entry, renewed, until }: Renewal,
  options: VerbOptions,
): Promise<readonly Finding[]> {
  const isListed = partner.certificates.some((each) => isMetBy(each, renewed))
  if (isListed) return []
  const index = await replacedIndex(partner, renewed, textOption(options, 'replaces'))
  const old = partner.certificates[index]
  if (old === undefined) return []
  const path = ['certificates', index]
  const item = itemOf(
    renewed.subject,
    old.publicKey === undefined ? undefined : renewed.spkiSha256,
    old.subject === undefined,
  )
  let edits: readonly PartnerEdit[]
  if (until === undefined) {
    edits = Object.entries(item).map(([key, value]) => ({ kind: 'set', path, key, value }))
  } else {
    if (old.subject !== undefined && isSameName(old.subject, renewed.subject)) {
      return [{ severity: 'error', about: partner.id, facts: { code: 'renewal-needs-swap' } }]
    }
    const numbers = textsIn(recordsIn(entry.located.written['certificates'])[index]?.['establishments'])
    const own: YamlMapping = numbers.length === 0 ? {} : { establishments: numbers }
    edits = [
      { kind: 'set', path, key: 'validUntil', value: until },
      { kind: 'append', path: [], key: 'certificates', items: [{ ...item, ...own }] },
    ]
  }
  const establishments = { added: [], removed: new Set<string>() }
  await changeEntry(desk, entry, { edits, establishments, listFile: undefined })
  // a renewal keeps the name: another one is, more often than not, the file of somebody else
  if (old.subject === undefined || isSameName(old.subject, renewed.subject)) return []
  const facts = { code: 'renewal-other-name', old: spellName(old.subject) } as const
  return [{ severity: 'error', about: partner.id, facts }]
}

// whether the entry lists the new certificate as it is
function isMetBy({ subject, publicKey }: CertificateIdentity, renewed: Certificate): boolean {
  const isNamed = subject === undefined || isSameName(subject, renewed.subject)
  return isNamed && (publicKey === undefined || publicKey === renewed.spkiSha256)
}

async function replacedIndex(
  { id, certificates }: PartnerDeclaration,
  renewed: Certificate,
  replaces: string | undefined,
): Promise<number> {
  const isMeant =
    replaces === undefined
      ? ({ subject }: CertificateIdentity) => subject !== undefined && isSameName(subject, renewed.subject)
      : await certificateTest([replaces])
  const found = certificates.flatMap((each, index) => (isMeant(each) ? [index] : []))
  const [first, ...others] = found
  if (first !== undefined && others.length === 0) return first
  if (replaces === undefined && certificates.length === 1) return 0
  const listed = certificates.map(({ subject, publicKey }) => {
    return `\`${subject === undefined ? formatSpkiSha256(publicKey ?? renewed.spkiSha256) : spellName(subject)}\``
  })
  const what =
    replaces === undefined ? 'expected --replaces' : `--replaces: found \`${replaces}\` ${found.length} times`
  throw new UsageError(`${what}; \`${id}\` lists ${listed.join(', ')}`)
}
