import { collectDefaultMetrics, Registry } from 'prom-client'
import { Distribution } from './distribution.js'
import { Tally } from './tally.js'

/** Of every metric of the gateway's own. */
export const metricPrefix = 'ror_gateway_'

/** Seconds: from an answer of our own to the slowest export. */
export const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Gauges of prom-client that end in `_total`, which `promtool check metrics` refuses. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/** What the gateway counts and measures by. */
export type Instruments = ReturnType<typeof createInstruments>

/**
 * Declares the metrics (name, meaning, labels) in a registry of their own, beside those of the process.
 *
 * @see docs/metrics.md, which a test keeps equal to this
 */
export function createInstruments() {
  const registry = new Registry()
  const counter = (name: string, help: string, labels: readonly string[] = []) =>
    new Tally({ type: 'counter', name: metricPrefix + name, help, labels }, registry)
  const gauge = (name: string, help: string, labels: readonly string[] = []) =>
    new Tally({ type: 'gauge', name: metricPrefix + name, help, labels }, registry)
  const histogram = (name: string, help: string, labels: readonly string[]) =>
    new Distribution({ name: metricPrefix + name, help, labels, bounds: durationBuckets }, registry)
  const byApi = ['environment', 'api']
  const byServer = [...byApi, 'server']
  const byEnvironment = ['environment']

  const instruments = {
    registry,
    durationName: `${metricPrefix}request_duration_seconds`,
    requests: counter('requests_total', 'Requests by decision and reason.', [...byApi, 'decision', 'reason']),
    partnerRequests: counter(
      'partner_requests_total',
      'Requests of listed certificates by partner and reason.',
      ['environment', 'partner', 'decision', 'reason'],
    ),
    requestDuration: histogram(
      'request_duration_seconds',
      'From the head of a request to the end of its answer.',
      byApi,
    ),
    upstreamDuration: histogram(
      'upstream_duration_seconds',
      'Time of a request spent on the upstream.',
      byApi,
    ),
    upstreamFailures: counter('upstream_failures_total', 'Requests the upstream did not answer whole.', [
      ...byApi,
      'code',
    ]),
    upstreamRequests: counter(
      'upstream_requests_total',
      'Requests sent to a server by what became of them.',
      [...byServer, 'outcome'],
    ),
    upstreamRetries: counter(
      'upstream_retries_total',
      'Requests that went to another server, by what the one before failed with.',
      [...byApi, 'code'],
    ),
    upstreamEjections: counter(
      'upstream_ejections_total',
      'Times that a server was left alone after failures in a row.',
      byServer,
    ),
    upstreamChecks: counter('upstream_checks_total', 'Health checks of a server by result.', [
      ...byServer,
      'result',
    ]),
    upstreamServerState: gauge('upstream_server_state', 'Whether a server is in this state.', [
      ...byServer,
      'state',
    ]),
    upstreamServerInFlight: gauge(
      'upstream_server_requests_in_flight',
      'Requests that a server has not answered yet.',
      byServer,
    ),
    requestBodyBytes: counter('request_body_bytes_total', 'Bytes of request bodies.', byApi),
    responseBodyBytes: counter('response_body_bytes_total', 'Bytes of response bodies.', byApi),
    requestsInFlight: gauge('requests_in_flight', 'Requests not yet answered.', byEnvironment),
    connections: gauge('connections', 'Open connections of clients.', byEnvironment),
    handshakes: counter('handshakes_total', 'TLS handshakes by result.', ['environment', 'result']),
    certificateNotAfter: gauge(
      'certificate_not_after_timestamp_seconds',
      'End of validity of the certificate that a partner presented last.',
      ['environment', 'partner'],
    ),
    partnerLastSeen: gauge(
      'partner_last_seen_timestamp_seconds',
      'When a request of a listed certificate of the partner ended last.',
      ['environment', 'partner'],
    ),
    serverCertificateNotAfter: gauge(
      'server_certificate_not_after_timestamp_seconds',
      'End of validity of a certificate that the gateway shows.',
      ['environment', 'key'],
    ),
    authorityNotAfter: gauge(
      'authority_not_after_timestamp_seconds',
      'End of validity of an authority that client certificates are trusted by.',
      ['environment', 'subject'],
    ),
    upstreamCertificateNotAfter: gauge(
      'upstream_certificate_not_after_timestamp_seconds',
      'End of validity of a certificate that the servers of an API are shown or verified by.',
      [...byApi, 'kind', 'subject'],
    ),
    connectionsDropped: counter(
      'connections_dropped_total',
      'Connections beyond `maxConnections`, `connectionsPerAddress` or `handshakes`, closed at once.',
      byEnvironment,
    ),
    limitsHit: counter('limits_hit_total', 'Times that a limit was reached, by its key.', [
      'environment',
      'limit',
    ]),
    bodyBytesHeld: gauge('judged_body_bytes_held', 'Bytes of bodies that are held to be judged.'),
    bodyBytesLimit: gauge('judged_body_bytes_limit', 'How many may be held at once.'),
    identityCache: counter('identity_cache_requests_total', 'Look-ups of certificate identities.', [
      'result',
    ]),
    reloads: counter('reloads_total', 'Reloads of the configuration by result.', ['result']),
    reloadSuccessful: gauge('last_reload_successful', 'Whether the last reload was found good.'),
    reloadDuration: gauge('last_reload_duration_seconds', 'Time that the last reload took.'),
    lastReload: gauge('last_reload_success_timestamp_seconds', 'When the configuration was last found good.'),
    configInfo: gauge('config_info', 'Revision of the configuration in force.', ['revision']),
    partners: gauge('whitelist_partners', 'Partners in the whitelist.', byEnvironment),
    certificates: gauge('whitelist_certificates', 'Certificates in the whitelist.', byEnvironment),
    establishments: gauge('whitelist_establishments', 'Distinct establishments in it.', byEnvironment),
    crlNextUpdate: gauge('crl_next_update_timestamp_seconds', 'When a revocation list grows stale.', [
      'environment',
      'issuer',
    ]),
    crlFetches: counter('crl_fetches_total', 'Fetches of revocation lists by result.', [
      'environment',
      'result',
    ]),
    ocspRequests: counter('ocsp_requests_total', 'Questions to OCSP responders by result.', [
      'environment',
      'result',
    ]),
    ocspPassed: counter(
      'ocsp_passed_total',
      'Requests that passed without an OCSP answer, since `mode` is `soft`.',
      byEnvironment,
    ),
    auditErrors: counter('audit_errors_total', 'Times that writing the audit trail began to fail.'),
    auditLost: counter('audit_lines_lost_total', 'Audit lines that could not be kept.'),
    auditHealthy: gauge('audit_healthy', 'Whether the audit trail is being written.'),
    auditSealed: gauge(
      'audit_last_seal_timestamp_seconds',
      'When the audit trail was sealed last; 0 where it was not since the start.',
    ),
    workers: gauge('workers', 'Worker processes by state.', ['state']),
    workerExits: counter('worker_exits_total', 'Worker processes that ended unasked, by cause.', ['cause']),
    buildInfo: gauge('build_info', 'Versions of the gateway and of Node.', ['version', 'node_version']),
  }
  collectDefaultMetrics({ register: registry })
  for (const name of misnamed) registry.removeSingleMetric(name)
  return instruments
}
