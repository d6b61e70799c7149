import type { EnvironmentStatus, PartnerStatus, RenewalStatus, Status } from '../../admin/status.js'
import { environmentFacts } from '../status.js'
import type { Policy } from '../policy.js'
import type { BoundAddress } from '../serving.js'

/** A worker as operators see it. */
export interface WorkerState {
  readonly pid: number
  readonly state: 'starting' | 'up' | 'missing'
  readonly revision: string | undefined
  /** Epoch milliseconds. */
  readonly startedAt: number
}

interface InstanceNeeds {
  readonly policy: Policy
  readonly addresses: readonly BoundAddress[]
  /** What each worker told last, those that are gone among them. */
  readonly sights: readonly Status[]
  readonly workers: readonly WorkerState[]
  /** Epoch milliseconds. */
  readonly now: number
  readonly about: Pick<Status, 'version' | 'startedAt' | 'uptimeSeconds' | 'lastReload' | 'audit'>
}

const mostRenewals = 200

/** What an instance of several workers says of itself at `/status`. */
export function instanceStatus({ policy, addresses, sights, workers, now, about }: InstanceNeeds): Status {
  const { version, startedAt, uptimeSeconds, lastReload, audit } = about
  return {
    version,
    startedAt,
    uptimeSeconds,
    revision: policy.revision,
    lastReload,
    workers: workers.map(({ pid, state, revision, startedAt: at }) => ({
      pid,
      state,
      revision: revision ?? null,
      startedAt: new Date(at).toISOString(),
    })),
    environments: [...policy.environments.values()].map((environment) => {
      const address = addresses.find(({ environments }) => environments.includes(environment.name))
      const seen = sights.flatMap(({ environments }) =>
        environments.filter(({ name }) => name === environment.name),
      )
      return {
        ...environmentFacts(environment, { address, now }),
        // each worker judges servers by itself; the last one to have started is as good as any
        upstreams: seen.at(-1)?.upstreams ?? [],
        partnersSeen: partnersOf(seen),
        renewals: renewalsOf(seen),
      }
    }),
    audit,
  }
}

/** What workers saw of an environment, as one. */
export function mergeSeen(environments: readonly EnvironmentStatus[]): EnvironmentStatus | undefined {
  const [first] = environments
  return first && { ...first, partnersSeen: partnersOf(environments), renewals: renewalsOf(environments) }
}

// whom several saw, as the last one saw it; ISO 8601 in UTC is in the order of time
function partnersOf(seen: readonly EnvironmentStatus[]): readonly PartnerStatus[] {
  const latest = new Map<string, PartnerStatus>()
  for (const partner of seen.flatMap(({ partnersSeen }) => partnersSeen)) {
    if (partner.lastSeen >= (latest.get(partner.id)?.lastSeen ?? '')) latest.set(partner.id, partner)
  }
  return [...latest.values()].sort((one, other) => (one.notAfter < other.notAfter ? -1 : 1))
}

// what several noticed, as the first one did
function renewalsOf(seen: readonly EnvironmentStatus[]): readonly RenewalStatus[] {
  const first = new Map<string, RenewalStatus>()
  for (const renewal of seen.flatMap(({ renewals }) => renewals)) {
    const key = `${renewal.partner} ${renewal.line}`
    const before = first.get(key)
    if (before === undefined || renewal.at < before.at) first.set(key, renewal)
  }
  return [...first.values()].sort((one, other) => (one.at < other.at ? 1 : -1)).slice(0, mostRenewals)
}
