import { join } from 'node:path'
import { encodeName, issuedName } from '../x509/issue-name.js'
import {
  createAuthority,
  issueCertificate,
  serverAuth,
  type Authority,
  type AuthorityRequest,
} from '../x509/issue.js'
import type { KeyKind, KeyPair } from '../x509/keys.js'
import { toPem } from '../x509/pem.js'
import { isObject, jsonOf } from './exchange.js'
import { keepCertificate, keepKeys, type KeptCertificate } from './kept-certificate.js'
import { keepCrls, readCrlState, type CrlState } from './kept-crls.js'
import {
  authorityPlans,
  clientPlans,
  hosts,
  serverAuthorityName,
  type AuthorityPlan,
  type ClientPlan,
} from './pki-plan.js'
import { makePrivateFolder, readIfThere, writeWhole } from './private-files.js'

/** What a run came to, file by file below the folder. */
export interface PkiReport {
  readonly made: readonly string[]
  /** Made anew because they ended, were about to, or no longer fitted their key or issuer. */
  readonly renewed: readonly string[]
  readonly kept: readonly string[]
}

interface Run {
  readonly folder: string
  readonly now: number
  readonly keys: ReadonlyMap<string, KeyPair>
  readonly isOutdated: boolean
  readonly outcomes: Record<KeptCertificate['outcome'], string[]>
}

interface Marker {
  readonly version: number
  readonly crls: Readonly<Record<string, CrlState | undefined>>
}

const day = 24 * 60 * 60 * 1000
const year = 365 * day
const ocspUrl = 'http://ocsp.esante.gouv.fr'
const emailProtection = '1.3.6.1.5.5.7.3.4'
const servers = ['sandbox', 'production'] as const

/** Raised when the plan changes, so that an older folder is made anew. */
const version = 1
const markerFile = 'development-pki.json'

/**
 * A PKI shaped like IGC-Santé's in this folder: authorities, client certificates, CRLs, server certificates.
 *
 * ```
 * server-ca.pem        for `curl --cacert`
 * sandbox.pem .key     the gateway's own certificates, production.pem .key beside them
 * test-ca.pem .crl     root and intermediate of TEST, and their CRLs; prod-ca.pem .crl beside them
 * test/NAME.pem .key   client certificates, each with its intermediate; prod/ beside it
 * ```
 * What is there and good is kept; what ends within a week is renewed with the same key.
 *
 * @param now - epoch milliseconds
 * @throws Failure where the folder cannot be made or written, with one line that says why
 */
export async function makeDevelopmentPki(folder: string, now: number): Promise<PkiReport> {
  for (const each of [folder, ...['authorities', 'test', 'prod'].map((name) => join(folder, name))]) {
    makePrivateFolder(each)
  }
  const marker = readMarker(folder)
  const run: Run = {
    folder,
    now,
    keys: await keepAllKeys(folder),
    isOutdated: marker !== undefined && marker.version !== version,
    outcomes: { kept: [], made: [], renewed: [] },
  }
  keepServers(run)
  const crls: Record<string, CrlState> = {}
  for (const plan of authorityPlans) crls[plan.range] = keepRange(run, plan, marker?.crls[plan.range])
  keepFile(run, markerFile, `${JSON.stringify({ version, crls }, null, 2)}\n`)
  return run.outcomes
}

// RSA keys take their time: all at once, on every core
async function keepAllKeys(folder: string): Promise<ReadonlyMap<string, KeyPair>> {
  const wanted: (readonly [file: string, kind: KeyKind])[] = [
    ['authorities/server', 'ec-p256'],
    ...servers.map((name) => [name, 'ec-p256'] as const),
    ...authorityPlans.flatMap(({ range }) => [
      [`authorities/${range}-root`, 'rsa-3072'] as const,
      [`authorities/${range}-organisations`, 'rsa-3072'] as const,
    ]),
    ...clientPlans.map(({ range, file }) => [`${range}/${file}`, 'rsa-2048'] as const),
  ]
  const pairs = wanted.map(async ([file, kind]) => [file, await keepKeys(join(folder, file), kind)] as const)
  return new Map(await Promise.all(pairs))
}

function keepServers(run: Run): void {
  const authority = keepAuthority(run, 'authorities/server', { subject: serverAuthorityName, pathLength: 0 })
  keepFile(run, 'server-ca.pem', toPem('CERTIFICATE', authority.certificate))
  for (const name of servers) {
    const { authorization, fhir } = hosts[name]
    keepLeaf(run, name, {
      issuer: authority,
      issue: (serialNumber) =>
        issueCertificate({
          subject: issuedName([['CN', fhir]]),
          issuer: authority,
          publicKey: keysAt(run, name).publicKey,
          serialNumber,
          notBefore: run.now - day,
          notAfter: run.now + year,
          extendedKeyUsage: [serverAuth],
          dnsNames: [fhir, authorization, 'localhost'],
          ipAddresses: ['127.0.0.1'],
        }),
    })
  }
}

function keepRange(run: Run, plan: AuthorityPlan, known: CrlState | undefined): CrlState {
  const { range } = plan
  const root = keepAuthority(run, `authorities/${range}-root`, { subject: plan.root })
  const organisations = keepAuthority(run, `authorities/${range}-organisations`, {
    subject: plan.organisations,
    issuer: root,
    pathLength: 0,
    crlDistributionPoints: [plan.rootCrlUrl],
  })
  const bundle = [organisations, root].map(({ certificate }) => toPem('CERTIFICATE', certificate)).join('')
  keepFile(run, `${range}-ca.pem`, bundle)
  const revoked: string[] = []
  for (const client of clientPlans) {
    if (client.range !== range) continue
    const { serialNumber } = keepClient(run, client, { organisations, crlUrl: plan.organisationsCrlUrl })
    if (client.state === 'revoked') revoked.push(serialNumber)
  }
  const file = `${range}-ca.crl`
  const path = join(run.folder, file)
  const { state, outcome } = keepCrls({ path, root, organisations, revoked, known }, run.now)
  run.outcomes[outcome].push(file)
  return state
}

function keepClient(
  run: Run,
  plan: ClientPlan,
  { organisations, crlUrl }: { readonly organisations: Authority; readonly crlUrl: string },
): KeptCertificate {
  const file = `${plan.range}/${plan.file}`
  const isExpired = plan.state === 'expired'
  const notBefore = isExpired ? run.now - 3 * year - 30 * day : run.now - day
  return keepLeaf(run, file, {
    issuer: organisations,
    chain: [organisations.certificate],
    isExpiredOnPurpose: isExpired,
    issue: (serialNumber) =>
      issueCertificate({
        subject: plan.subject,
        issuer: organisations,
        publicKey: keysAt(run, file).publicKey,
        serialNumber,
        notBefore,
        notAfter: notBefore + 3 * year,
        ...(plan.kind === 'person' ? { extendedKeyUsage: [emailProtection] } : {}),
        crlDistributionPoints: [crlUrl],
        ocspUrls: [ocspUrl],
      }),
  })
}

function keepAuthority(
  run: Run,
  file: string,
  request: Pick<AuthorityRequest, 'subject' | 'issuer' | 'pathLength' | 'crlDistributionPoints'>,
): Authority {
  const keys = keysAt(run, file)
  const { der } = keepLeaf(run, file, {
    issuer: request.issuer,
    issue: (serialNumber) =>
      createAuthority({
        ...request,
        keys,
        serialNumber,
        notBefore: run.now - 5 * year,
        notAfter: run.now + 10 * year,
      }).certificate,
  })
  return { certificate: der, keys, name: encodeName(request.subject) }
}

function keepLeaf(
  run: Run,
  file: string,
  wish: {
    readonly issuer: Authority | undefined
    readonly chain?: readonly Uint8Array[]
    readonly isExpiredOnPurpose?: boolean
    readonly issue: (serialNumber: string) => Uint8Array
  },
): KeptCertificate {
  const kept = keepCertificate(
    {
      path: join(run.folder, file),
      keys: keysAt(run, file),
      issuer: wish.issuer?.certificate,
      chain: wish.chain ?? [],
      isExpiredOnPurpose: wish.isExpiredOnPurpose ?? false,
      isOutdated: run.isOutdated,
      issue: wish.issue,
    },
    run.now,
  )
  run.outcomes[kept.outcome].push(`${file}.pem`)
  return kept
}

function keepFile(run: Run, file: string, text: string): void {
  const path = join(run.folder, file)
  if (readIfThere(path) !== text) writeWhole(path, text, 'public')
}

function keysAt(run: Run, file: string): KeyPair {
  const keys = run.keys.get(file)
  if (keys === undefined) throw new Error(`no key was made for ${file}`)
  return keys
}

function readMarker(folder: string): Marker | undefined {
  const marker = jsonOf(Buffer.from(readIfThere(join(folder, markerFile)) ?? ''))
  if (!isObject(marker) || typeof marker['version'] !== 'number') return undefined
  const crls = isObject(marker['crls']) ? marker['crls'] : {}
  const states = Object.entries(crls).map(([range, state]) => [range, readCrlState(state)] as const)
  return { version: marker['version'], crls: Object.fromEntries(states) }
}
