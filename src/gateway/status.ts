import type { EnvironmentStatus, ServerStatus, Status } from '../admin/status.js'
import { commonNameOf } from '../x509/common-name.js'
import type { EnvironmentListener } from './listeners.js'
import { shownCertificate } from './policy-observation.js'
import type { EnvironmentPolicy } from './policy.js'
import type { ReloadReport } from './policy-source.js'
import type { GatewayState } from './state.js'
import type { ServerReport } from './upstreams.js'

const day = 86_400_000

interface StatusNeeds {
  readonly state: GatewayState
  readonly listeners: readonly EnvironmentListener[]
  readonly version: string
}

/** What the gateway says of itself at `/status`. */
export function statusOf({ state, listeners, version }: StatusNeeds): Status {
  const policy = state.policy()
  const now = state.now()
  const last = state.lastReload()
  return {
    version,
    startedAt: new Date(state.startedAt).toISOString(),
    uptimeSeconds: Math.floor((now - state.startedAt) / 1000),
    revision: policy.revision,
    lastReload: lastReloadOf(last),
    environments: [...policy.environments.values()].map((environment) =>
      environmentStatus(environment, { state, listeners, now }),
    ),
    audit: { healthy: state.audit.healthy, lost: state.audit.lost },
  }
}

/** What the last reload came to. */
export function lastReloadOf(
  last: (ReloadReport & { readonly at: number }) | undefined,
): Status['lastReload'] {
  if (last === undefined) return null
  const { result, at, diagnostics, refusedRevision } = last
  return {
    result,
    at: new Date(at).toISOString(),
    diagnostics: diagnostics.length,
    ...(refusedRevision !== undefined && { refusedRevision }),
  }
}

function environmentStatus(
  environment: EnvironmentPolicy,
  { state, listeners, now }: Pick<StatusNeeds, 'state' | 'listeners'> & { now: number },
): EnvironmentStatus {
  const { name } = environment
  const address = listeners.find(({ environments }) => environments.includes(name))?.listener.address
  return {
    ...environmentFacts(environment, { address, now }),
    upstreams: state.upstreams
      .report(state.policy())
      .filter(({ environment: of }) => of === name)
      .map(serverStatus),
    partnersSeen: state.seen.of(name, now),
    renewals: state.renewals.of(name).map(({ at, notAfter, ...renewal }) => ({
      ...renewal,
      at: new Date(at).toISOString(),
      notAfter: new Date(notAfter).toISOString(),
    })),
  }
}

/** What is in force of an environment, and where it listens. */
export function environmentFacts(
  environment: EnvironmentPolicy,
  {
    address,
    now,
  }: {
    readonly address: { readonly host: string; readonly port: number } | undefined
    readonly now: number
  },
): Omit<EnvironmentStatus, 'upstreams' | 'partnersSeen' | 'renewals'> {
  const { name, apis, whitelist, crls } = environment
  return {
    name,
    listen: address === undefined ? '' : `${address.host}:${address.port}`,
    apis: apis.map((api) => api.name),
    partners: whitelist.partnerCount,
    certificates: whitelist.certificateCount,
    establishments: whitelist.establishmentCount,
    crls: crls.map(({ issuer, nextUpdate, revoked }) => ({
      issuer: commonNameOf(issuer),
      nextUpdate: new Date(nextUpdate).toISOString(),
      entries: revoked.count,
    })),
    ends: endsOf(environment, now),
  }
}

function endsOf(
  { server, authorities, upstreamCertificates }: EnvironmentPolicy,
  now: number,
): EnvironmentStatus['ends'] {
  const own = server.certificates.map(({ certificate }) => shownCertificate(certificate))
  return [
    ...own.map(({ key, notAfter }) => ({ what: 'server-certificate' as const, name: key, notAfter })),
    ...authorities.map(({ subject, notAfter }) => {
      return { what: 'authority' as const, name: commonNameOf(subject), notAfter }
    }),
    ...upstreamCertificates.map(({ api, kind, subject, notAfter }) => {
      const what = kind === 'shown' ? ('upstream-certificate' as const) : ('upstream-authority' as const)
      return { what, name: `${api}: ${subject}`, notAfter }
    }),
  ]
    .sort((one, other) => one.notAfter - other.notAfter)
    .map(({ notAfter, ...end }) => {
      const daysLeft = Math.floor((notAfter - now) / day)
      return { ...end, notAfter: new Date(notAfter).toISOString(), daysLeft }
    })
}

function serverStatus({
  api,
  server,
  state,
  inFlight,
  failures,
  lastFailure,
  lastCheck,
}: ServerReport): ServerStatus {
  return {
    api,
    server,
    state,
    requestsInFlight: inFlight,
    failuresInARow: failures,
    lastFailure:
      lastFailure === undefined
        ? null
        : { at: new Date(lastFailure.at).toISOString(), code: lastFailure.code },
    lastCheck:
      lastCheck === undefined
        ? null
        : {
            at: new Date(lastCheck.at).toISOString(),
            passed: lastCheck.hasPassed,
            detail: lastCheck.detail,
          },
  }
}
