import type { DevelopmentPorts } from './development-config.js'

/** Where a development gateway shows what it does, for a terminal of 100 columns. */
export function formatWhereToLook(folder: string, ports: DevelopmentPorts): string {
  const { sandbox, production, admin } = ports
  return `# What to look at

Gateway     https://127.0.0.1:${sandbox} Sandbox, https://127.0.0.1:${production} production
Status      http://127.0.0.1:${admin}/status in a browser: what is in force, who was seen, what ends when
Metrics     http://127.0.0.1:${admin}/metrics for Prometheus; /readyz and /livez for probes
Whitelist   ${folder}/whitelist: edit a file, and it is in force within a second, or told what is wrong
Audit       ${folder}/audit.ndjson, one line of JSON for each request, whatever became of it:
              who      partner, subject, serialNumber, clientAddress
              what     environment, api, method, path, establishments
              outcome  decision, reason, status, policyRevision
              chain    sequence, prev (a digest of the line before): what is changed or missing shows

# the X-Request-Id of an answer finds its line, to be read by people
npx ror-gateway explain --config ${folder}/gateway.yaml --request-id ID

# is the trail whole?
npx ror-gateway audit verify ${folder}/audit.ndjson

Next: docs/tutorial.md. Stop with Ctrl-C; a second start keeps the certificates.`
}
