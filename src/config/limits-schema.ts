import { z } from 'zod'
import { wholeKey } from './schema-parts.js'

const megabyte = 1024 * 1024
const hour = 3_600_000

/** The shape of `limits`; what each bounds stands in `LimitsConfig`. */
export const limitsSchema = z.strictObject({
  uriBytes: wholeKey('Longest request target, in bytes.', { min: 256, max: 65_536, default: 8192 }),
  headerBytes: wholeKey('Request line and fields together, in bytes.', {
    min: 1024,
    max: 262_144,
    default: 32_768,
  }),
  headerFields: wholeKey('Number of fields of a request.', { min: 10, max: 1000, default: 100 }),
  headersTimeoutMs: wholeKey('Time for the fields of a request, in milliseconds.', {
    min: 100,
    max: hour,
    default: 10_000,
  }),
  bodyTimeoutMs: wholeKey('Time for a body that is held before it is passed on, in milliseconds.', {
    min: 100,
    max: hour,
    default: 60_000,
  }),
  requestTimeoutMs: wholeKey('Time for a whole request with its body, in milliseconds.', {
    min: 100,
    max: hour,
    default: 60_000,
  }),
  idleTimeoutMs: wholeKey('Time an open connection may stay without a request, in milliseconds.', {
    min: 100,
    max: hour,
    default: 65_000,
  }),
  handshakeTimeoutMs: wholeKey('Time for a TLS handshake, in milliseconds.', {
    min: 100,
    max: 120_000,
    default: 10_000,
  }),
  maxConnections: wholeKey('Open connections of an environment.', {
    min: 1,
    max: 1_000_000,
    default: 10_000,
  }),
  connectionsPerAddress: wholeKey('Open connections of one client address (IPv6: of one /64).', {
    min: 1,
    max: 1_000_000,
    default: 1000,
  }),
  handshakes: wholeKey('TLS handshakes under way at a time.', { min: 1, max: 1_000_000, default: 1000 }),
  requestsPerConnection: wholeKey('Requests on one connection, after which it is closed.', {
    min: 1,
    max: 1_000_000_000,
    default: 10_000,
  }),
  answerTimeoutMs: wholeKey(
    'Time for which a client may take an answer more slowly than `answerBytesPerSecond`, in milliseconds.',
    { min: 100, max: hour, default: 60_000 },
  ),
  answerBytesPerSecond: wholeKey('Slowest reading of an answer, in bytes a second.', {
    min: 1,
    max: 1_000_000,
    default: 1024,
  }),
  upstreamConnections: wholeKey('Open connections to one upstream.', { min: 1, max: 65_536, default: 256 }),
  upstreamQueue: wholeKey('Requests that wait for a free connection to one upstream.', {
    min: 0,
    max: 1_000_000,
    default: 1024,
  }),
  upstreamTimeoutMs: wholeKey('Longest silence of an upstream, in milliseconds.', {
    min: 100,
    max: hour,
    default: 60_000,
  }),
  upstreamBytesPerSecond: wholeKey('Slowest answer of an upstream, in bytes a second.', {
    min: 1,
    max: 1_000_000,
    default: 1024,
  }),
  connectTimeoutMs: wholeKey('Time to reach an upstream, in milliseconds.', {
    min: 10,
    max: 120_000,
    default: 5000,
  }),
  bodyBytes: wholeKey('Largest body that is passed on unjudged (token form, SOAP request), in bytes.', {
    min: 1024,
    max: 1024 * megabyte,
    default: 10 * megabyte,
  }),
  bodyBytesInFlight: wholeKey('Judged bodies held in memory at once over the whole process, in bytes.', {
    min: megabyte,
    max: 16_384 * megabyte,
    default: 256 * megabyte,
  }),
})
