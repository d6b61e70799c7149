import { z } from 'zod'
import { flagKey, key, path, reading, sound, wholeKey } from './schema-parts.js'

const megabyte = 1024 * 1024

function troubleInUrl(url: string, schemes: RegExp): string | undefined {
  if (!URL.canParse(url) || /[^!-~]/.test(url)) return 'expected a URL'
  const { protocol, username, password, hash } = new URL(url)
  if (!schemes.test(protocol)) return 'expected a URL of another scheme'
  if (username !== '' || password !== '') return 'credentials must not stand here'
  return hash === '' ? undefined : 'expected a URL without fragment'
}

const crlUrl = sound((url) => {
  const trouble = troubleInUrl(url, /^https?:$/)
  return trouble?.startsWith('expected') === true ? 'expected a URL such as `http://host/path.crl`' : trouble
})

// RFC 6960 answers are signed, and a TLS connection would itself need an answer
const responderUrl = sound((url) => {
  const trouble = troubleInUrl(url, /^http:$/)
  return trouble?.startsWith('expected') === true ? 'expected an `http://` URL of a responder' : trouble
})

const timeOfDay = reading((text) => {
  const [, hours = '', minutes = ''] = /^([0-9]{2}):([0-9]{2})$/.exec(text) ?? []
  if (hours !== '' && Number(hours) < 24 && Number(minutes) < 60) {
    return { ok: true, value: Number(hours) * 60 + Number(minutes) }
  }
  return { ok: false, problem: { message: 'expected a time of day such as `07:00`' } }
})

/** A CRL: a file, or a file that is fetched. */
export const crlSource = z.union([
  path,
  z.strictObject({
    file: key('Where the last good copy is kept: the CRL that is in force.', path),
    url: key('Where it is fetched from once a day: an http or https URL.', crlUrl),
  }),
])

export const crlFetch = key(
  'How the CRLs that name a `url` are fetched.',
  z
    .strictObject({
      after: key(
        'Time of day in Europe/Paris; each CRL is fetched once a day, at a random minute of the two hours behind it.',
        timeOfDay.default(420),
        { type: 'string', default: '07:00' },
      ),
      timeoutMs: wholeKey('Time for a whole fetch, in milliseconds.', {
        min: 100,
        max: 600_000,
        default: 30_000,
      }),
      maxBytes: wholeKey('Largest CRL taken, in bytes.', {
        min: 1024,
        max: 64 * megabyte,
        default: 64 * megabyte,
      }),
    })
    .prefault({}),
)

export const crlWarnHours = wholeKey(
  'How long before the end of a CRL the log begins to warn, once a day, in hours.',
  { min: 0, max: 8760, default: 48 },
)

export const ocsp = key(
  'Whether responders are asked about client certificates, beside the CRLs.',
  z
    .strictObject({
      mode: key(
        '`off`; `soft`: without an answer the request passes, counted and logged; `hard`: without an answer nobody enters (503).',
        z.enum(['off', 'soft', 'hard']).default('off'),
      ),
      url: key(
        'Responder to ask, an `http://` URL; where absent, the one that the certificate names.',
        responderUrl,
      ).optional(),
      timeoutMs: wholeKey('Time for an answer, in milliseconds.', { min: 50, max: 60_000, default: 2000 }),
      cacheSeconds: wholeKey('Longest time an answer is kept, however late its nextUpdate, in seconds.', {
        min: 1,
        max: 604_800,
        default: 3600,
      }),
      nonce: flagKey('Whether a random number is sent that the answer must repeat, if it repeats any.', true),
      hash: key(
        'Hash by which the certificate is named; `sha1` is the one that every responder knows.',
        z.enum(['sha1', 'sha256']).default('sha1'),
      ),
    })
    .prefault({}),
)
