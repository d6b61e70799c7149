import { judgeTarget } from '../core/request-target.js'
import { findApi, hostName } from '../core/route.js'
import type { Result } from '../core/result.js'
import type { Peer } from '../tls/peer.js'
import { parseCertificate } from '../x509/certificate.js'
import type { EnvironmentPolicy, Policy } from './policy.js'

/** A request to be explained. What is left out is filled in as a client of the gateway would. */
export interface ExplainQuestion {
  readonly policy: Policy
  /** DER of the client's certificate; undefined: none is presented. */
  readonly certificate: Uint8Array | undefined
  /** DER of the certificates that come with it. */
  readonly presented: readonly Uint8Array[]
  readonly method: string
  readonly target: string
  /** As `Host` would say it; that of the API at the path where absent. */
  readonly host: string | undefined
  /** The one that the host, or the certificate, leads to where absent. */
  readonly environment: string | undefined
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array | undefined
  /** Epoch milliseconds. */
  readonly at: number
}

/** A question with nothing left open. */
export interface SettledQuestion {
  readonly environment: EnvironmentPolicy
  readonly host: string
  readonly peer: Peer
  /** The request as it would stand on the wire. */
  readonly bytes: Buffer
}

/** Fills a question in; the problem is what has to be said beside, in words. */
export function settleQuestion(question: ExplainQuestion): Result<SettledQuestion, string> {
  const chosen = chooseEnvironment(question)
  if (!chosen.ok) return chosen
  const environment = chosen.value
  const host = question.host ?? hostFor(environment, question.target)
  const peer: Peer = {
    certificate: question.certificate,
    presented: question.presented,
    serverName: hostName(host),
    protocol: 'TLSv1.3',
    resumed: false,
    address: '127.0.0.1',
  }
  return { ok: true, value: { environment, host, peer, bytes: bytesOf(question, host) } }
}

function chooseEnvironment(question: ExplainQuestion): Result<EnvironmentPolicy, string> {
  const { policy, environment, host, certificate } = question
  const names = [...policy.environments.keys()]
  const wanted = (name: string | undefined): Result<EnvironmentPolicy, string> => {
    const found = policy.environments.get(name ?? '')
    if (found !== undefined) return { ok: true, value: found }
    return {
      ok: false,
      problem: `expected an environment (\`${names.join('`, `')}\`), found \`${name ?? ''}\``,
    }
  }
  if (environment !== undefined) return wanted(environment)
  if (names.length === 1) return wanted(names[0])
  const ofHost = policy.environmentsOfHost.get(hostName(host ?? '') ?? '') ?? []
  if (ofHost.length === 1) return wanted(ofHost[0])
  const trusting = certificate === undefined ? [] : trustingIn(policy, question, certificate)
  const [only, ...others] = ofHost.length > 0 ? trusting.filter((name) => ofHost.includes(name)) : trusting
  if (only !== undefined && others.length === 0) return wanted(only)
  return { ok: false, problem: `several environments are possible, name one of \`${names.join('`, `')}\`` }
}

function trustingIn(policy: Policy, question: ExplainQuestion, der: Uint8Array): readonly string[] {
  const parsed = parseCertificate(der)
  if (!parsed.ok) return []
  return [...policy.environments.values()]
    .filter(({ trustedPaths }) => trustedPaths.of(parsed.value, question).ok)
    .map(({ name }) => name)
}

// the host of the API that stands at the path, or would if the target were one
function hostFor({ apis }: EnvironmentPolicy, raw: string): string {
  const target = judgeTarget(raw)
  const [nearest] = apis
    .filter((api) =>
      target.ok ? api.hosts.some((host) => findApi([api], host, target.value)) : raw.startsWith(api.path),
    )
    .sort((one, other) => other.path.length - one.path.length)
  return nearest?.hosts[0] ?? apis[0]?.hosts[0] ?? ''
}

function bytesOf({ method, target, fields, body }: ExplainQuestion, host: string): Buffer {
  const names = new Set(fields.map(([name]) => name.toLowerCase()))
  const lines = [`${method} ${target} HTTP/1.1`]
  if (!names.has('host')) lines.push(`Host: ${host}`)
  for (const [name, value] of fields) lines.push(`${name}: ${value}`)
  if (body !== undefined) {
    if (!names.has('content-type')) lines.push('Content-Type: application/fhir+json')
    if (!names.has('content-length') && !names.has('transfer-encoding'))
      lines.push(`Content-Length: ${body.length}`)
  }
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'utf8'), body ?? new Uint8Array()])
}
