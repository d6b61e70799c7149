import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { admit, clientNames, permitWrite } from '../../src/core/admission.js'
import { isSameName } from '../../src/core/distinguished-name.js'
import { namedInTarget } from '../../src/core/named-in-target.js'
import { judgeTarget } from '../../src/core/request-target.js'
import { findApi, operationOf } from '../../src/core/route.js'
import { patchWanted } from '../../src/fhir/patch.js'
import { readFhirJson } from '../../src/fhir/fhir-json.js'
import { resourceWanted } from '../../src/fhir/resource.js'
import { loadInWorker } from '../../src/gateway/policy-source.js'
import { openPolicy, type EnvironmentPolicy } from '../../src/gateway/policy.js'
import { genesis, lineHash, linked } from '../../src/observe/audit-chain.js'
import type { AuditEvent } from '../../src/observe/audit-event.js'
import { auditText } from '../../src/observe/audit-text.js'
import { parseCertificate, type Certificate } from '../../src/x509/certificate.js'
import { bodyOf, capacityPatch, organizationPost } from '../load/requests.js'
import { own } from '../partners.js'
import type { MicroReport } from '../report/report.js'
import { aligned } from '../report/table.js'
import { host, makeStage } from '../stage.js'
import { gatewayConfig, whitelistText } from '../subjects/gateway.js'
import { timed, type Turn } from './timing.js'

const readTarget = `/ws-diffusion-fhir/Location?identifier=1${own}/SSR38888`
const writeTarget = `/ws-synchro-dispo-lits-fhir/Location?identifier=1${own}/SSR38888`

/** What the parts of a judgement cost by themselves, with a list of 10,000 partners. */
export async function runMicro(): Promise<readonly MicroReport[]> {
  const stage = await makeStage(9)
  try {
    const environment = await loaded(stage)
    const der = stage.listed.der
    const certificate = parsed(der)
    return timed([
      ...decisions(environment, certificate),
      { name: 'identity from DER', unit: 'ns', once: () => identity(der) },
      ...names(certificate, der),
      { name: 'target, parsed and judged', unit: 'ns', once: () => judgeTarget(writeTarget) },
      ...bodies(),
      ...auditLines(certificate),
    ]).map(({ turn: { name, unit }, figure }) => ({ name, unit, figure }))
  } finally {
    stage.remove()
  }
}

export function printMicro(rows: readonly MicroReport[]): void {
  console.log(aligned(rows.map(({ name, figure, unit }) => [name, figure.toFixed(0), unit])))
}

async function loaded(stage: Awaited<ReturnType<typeof makeStage>>): Promise<EnvironmentPolicy> {
  const folder = stage.path('micro')
  mkdirSync(folder)
  const partners = stage.partners(10_000)
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, gatewayConfig({ stage, partners, folder, ports: [8443, 9464] }))
  writeFileSync(join(folder, 'whitelist.yaml'), whitelistText(partners))
  const found = await loadInWorker(file)
  if (!found.ok) throw new Error(JSON.stringify(found.problem.diagnostics))
  const environment = openPolicy(found.value).environments.get('sandbox')
  if (environment === undefined) throw new Error('no environment')
  return environment
}

/** Route, admission and the establishments of a capacity PATCH: everything that is decided of one. */
function decisions({ apis, whitelist }: EnvironmentPolicy, certificate: Certificate): readonly Turn[] {
  const client = clientNames(certificate.subject, certificate.spkiSha256)
  const now = Date.now()
  const decide = (method: string, raw: string): void => {
    const target = judgeTarget(raw)
    if (!target.ok) throw new Error(target.problem)
    const api = findApi(apis, host, target.value)
    if (api === undefined) throw new Error('no API')
    const operation = operationOf(api, method, target.value)
    const admission = admit({ whitelist, route: { api, operation }, client, rorHeaders: {} }, now)
    if (admission.effect === 'deny') throw new Error(admission.reason)
    if (operation.kind !== 'write') return
    const named = namedInTarget(target.value, operation.rule)
    const permission = permitWrite(
      whitelist,
      admission.entry,
      named.ok ? named.value.establishments : named.problem,
    )
    if (permission.effect === 'deny') throw new Error(permission.reason)
  }
  return [
    {
      name: 'decision of a read',
      unit: 'ns',
      once: () => {
        decide('GET', readTarget)
      },
    },
    {
      name: 'decision of a capacity PATCH',
      unit: 'ns',
      once: () => {
        decide('PATCH', writeTarget)
      },
    },
  ]
}

function identity(der: Uint8Array): unknown {
  const { subject, spkiSha256 } = parsed(der)
  return clientNames(subject, spkiSha256)
}

function names({ subject }: Certificate, der: Uint8Array): readonly Turn[] {
  const other = parsed(der).subject
  return [{ name: 'comparison of two names', unit: 'ns', once: () => isSameName(subject, other) }]
}

function bodies(): readonly Turn[] {
  const bodies = [
    ['capacity PATCH, read', bodyOf(capacityPatch()), patchWanted] as const,
    ['Organization of 4 KB, read', bodyOf(organizationPost(4_096)), resourceWanted] as const,
    ['Organization of 200 KB, read', bodyOf(organizationPost(204_800)), resourceWanted] as const,
  ]
  return bodies.flatMap(([name, bytes, wanted]) => [
    { name, unit: 'MB/s', bytes: bytes.length, once: () => readFhirJson(bytes, wanted) },
    { name: `${name} by JSON.parse`, unit: 'MB/s', bytes: bytes.length, once: () => jsonParse(bytes) },
  ])
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function jsonParse(bytes: Uint8Array): unknown {
  return JSON.parse(decoder.decode(bytes))
}

function auditLines(certificate: Certificate): readonly Turn[] {
  const event: AuditEvent = {
    time: Date.now(),
    event: 'request',
    requestId: '0c6f2a34-7d1e-4f0e-9c55-2f1b8a6f0d11',
    environment: 'sandbox',
    api: 'fhir-write',
    partner: 'listed',
    client: {
      certificateSha256: certificate.sha256,
      serialNumber: certificate.serialNumber,
      issuer: 'CN=TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS,O=ASIP-SANTE,C=FR',
      subject: 'CN=listed,OU=1750000000,O=HOPITAL DE listed,ST=Paris (75),C=FR',
      publicKeySha256: certificate.spkiSha256,
      notAfter: certificate.notAfter,
      tlsVersion: 'TLSv1.3',
      resumed: false,
      clientAddress: '127.0.0.1',
    },
    method: 'PATCH',
    path: '/ws-synchro-dispo-lits-fhir/Location',
    establishments: [{ idNatStruct: `1${own}`, at: 'query identifier' }],
    decision: 'permit',
    status: 200,
    upstreamStatus: 200,
    durationMs: 1.2,
    upstreamMs: 1,
    bytesIn: 6_688,
    bytesOut: 100,
    outcome: 'answered',
    policyRevision: certificate.sha256.slice(0, 16),
  }
  return [
    { name: 'audit line', unit: 'ns', once: () => auditText(event) },
    {
      name: 'audit line, tied to the one before it',
      unit: 'ns',
      once: () => lineHash(linked(auditText(event), genesis, { format: 'native' })),
    },
  ]
}

function parsed(der: Uint8Array): Certificate {
  const certificate = parseCertificate(der)
  if (!certificate.ok) throw new Error(certificate.problem.message)
  return certificate.value
}
