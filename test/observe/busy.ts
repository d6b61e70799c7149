import { createMetrics, type Metrics } from '../../src/observe/metrics.js'

/** An environment without anything that ends. */
export const without = { crls: [], serverCertificates: [], authorities: [], upstreamCertificates: [] }

/** A gateway that has seen one of everything. */
export function busy(): Metrics {
  const metrics = createMetrics({
    version: '0.1.0',
    audit: () => ({ healthy: true, lost: 3, sealedAt: 11_000 }),
  })
  const environment = 'sandbox'
  metrics.policy({
    revision: 'r1',
    at: 6_000,
    environments: [
      {
        name: environment,
        partners: 4,
        certificates: 6,
        establishments: 9,
        crls: [{ issuer: 'CN=CA', nextUpdate: 5_000 }],
        serverCertificates: [{ key: 'ec', notAfter: 6_000 }],
        authorities: [{ subject: 'AC', notAfter: 8_000 }],
        upstreamCertificates: [{ api: 'fhir-read', kind: 'shown', subject: 'GATEWAY', notAfter: 9_000 }],
      },
    ],
    isPartner: () => true,
  })
  metrics.reload('reloaded', { at: 7_000, durationMs: 250 })
  metrics.connections(environment, 1)
  metrics.handshake(environment, 'completed')
  metrics.requestsInFlight(environment, 1)
  metrics.limitHit(environment, 'handshakes')
  metrics.connectionDropped(environment)
  metrics.sample(() => ({ identityHits: 1, identityMisses: 2, bodyBytesHeld: 3, bodyBytesLimit: 4 }))
  const server = { environment, api: 'fhir-read', server: 'http://127.0.0.1:9081' }
  metrics.upstreams.request(server, 'upstream-refused')
  metrics.upstreams.retry(environment, 'fhir-read', 'upstream-refused')
  metrics.upstreams.ejected(server)
  metrics.upstreams.checked(server, false)
  metrics.upstreams.sample(() => [{ ...server, state: 'ejected', inFlight: 1 }])
  metrics.ocsp(environment, 'failed')
  metrics.ocspPassed(environment)
  metrics.crlFetch(environment, 'fetched')
  metrics.certificateSeen(environment, 'eai', { notAfter: 9_000, at: 10_000 })
  metrics.auditError()
  metrics.workers(2, 1)
  metrics.workerExited('died')
  metrics.request({
    environment,
    api: 'fhir-read',
    partner: 'eai',
    decision: 'permit',
    enforced: true,
    durationMs: 12,
    upstreamMs: 10,
    bytesIn: 100,
    bytesOut: 200,
    outcome: 'upstream-broken',
  })
  return metrics
}
